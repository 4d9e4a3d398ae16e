"""What a guest's call wants done; whoever runs it does the sockets and the media."""

from dataclasses import dataclass, field

from voip.gateway.guests.messages import GuestMessage, Happening
from voip.signalling.legs import Digits, LegsAck
from voip.signalling.messages import HangupReason, SasResult, State


@dataclass(frozen=True, slots=True)
class Say:
    """Send this."""

    message: GuestMessage


@dataclass(frozen=True, slots=True)
class Spend:
    """Note that the link has opened its call, for good; then call `GuestCall.spent`."""


@dataclass(frozen=True, slots=True)
class AskHost:
    """Somebody who has the link is at the door; `sas` (8 bytes) makes the words."""

    sas: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class StartMedia:
    """Answer this offer and connect; what was connected before is over."""

    sdp: str


@dataclass(frozen=True, slots=True)
class UseKeys:
    """Go to the next epoch: base key and KID of each direction."""

    send: tuple[bytes, int] = field(repr=False)
    receive: tuple[bytes, int] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Pass:
    """Hand this to whoever it is for: LEGS_ACK, STATE, DIGITS, SAS_RESULT."""

    message: LegsAck | State | Digits | SasResult


@dataclass(frozen=True, slots=True)
class Warn:
    """Tell the host."""

    what: Happening


@dataclass(frozen=True, slots=True)
class End:
    """It is over; `by_guest`: he said so himself."""

    reason: HangupReason
    why: str
    by_guest: bool = False


Command = Say | Spend | AskHost | StartMedia | UseKeys | Pass | Warn | End
