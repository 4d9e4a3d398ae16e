"""What happens to a call, and what is to be done about it: the call machine's words.

Events are facts in the past tense; commands are imperatives. A *leg* is one pair of
devices, named by the other side's 16-byte device id.
"""

from dataclasses import dataclass
from enum import Enum

from voip.description import Description
from voip.signalling.messages import HangupReason


class End(Enum):
    """How a call ended; the value is its stable name in JSON and in the call log."""

    HUNG_UP = "hung up"
    DECLINED = "declined"
    BUSY = "busy"
    NOT_TAKEN = "not taking calls"
    CANCELLED = "cancelled"
    ANSWERED_ELSEWHERE = "answered elsewhere"
    DECLINED_ELSEWHERE = "declined elsewhere"
    NO_ANSWER = "no answer"
    UNREACHABLE = "unreachable"
    MISSED = "missed"
    UNCONFIRMED = "missed, unconfirmed"
    SECURITY = "security"
    LOST = "connection lost"
    GLARE = "both called at once"
    SUPERSEDED = "superseded by a newer call"


# What happened --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Dialled:
    """INVITEs left for these legs."""

    legs: tuple[bytes, ...]
    by_hand: bool = False


@dataclass(frozen=True, slots=True)
class WillRing:
    """A device answered with a RINGING that verified."""

    leg: bytes


@dataclass(frozen=True, slots=True)
class Unavailable:
    """A device answered that it is busy, or takes no calls."""

    leg: bytes
    end: End


@dataclass(frozen=True, slots=True)
class Alerted:
    """A device says that its human is being rung now."""

    leg: bytes


@dataclass(frozen=True, slots=True)
class Accepted:
    """A device's human accepted."""

    leg: bytes
    media: Description


@dataclass(frozen=True, slots=True, kw_only=True)
class InviteAnswered:
    """We answered an INVITE; its caller has proved nothing yet.

    `auto_accept`: our own user dialled the same person at the same moment, which is
    as good as an answer. `by_hand`: our user pasted the INVITE in order to answer it.
    `legs_follow`: a gateway calls, and will say whom it joins.
    """

    leg: bytes
    ring_s: float
    auto_accept: bool = False
    by_hand: bool = False
    legs_follow: bool = False


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The caller's CONFIRM verified: it is live, and holds the keys."""

    leg: bytes


@dataclass(frozen=True, slots=True)
class LegsTold:
    """The caller, a gateway, said whom it joins; our user may be asked about it."""

    leg: bytes


@dataclass(frozen=True, slots=True)
class Selected:
    """The caller chose this device."""

    leg: bytes
    media: Description


@dataclass(frozen=True, slots=True)
class Knocked:
    """The caller looks for a way to this device, under keys that only it has.

    It does so once it chose this device: SELECT says so too, and may take longer.
    """

    leg: bytes


@dataclass(frozen=True, slots=True)
class UserAccepted:
    """The user took the call."""


@dataclass(frozen=True, slots=True)
class UserDeclined:
    """The user does not want this call, on any device."""


@dataclass(frozen=True, slots=True)
class UserHungUp:
    """The user ended the call, or gave up calling."""


@dataclass(frozen=True, slots=True)
class HungUp:
    """The other side said that it is over."""

    leg: bytes
    reason: HangupReason


@dataclass(frozen=True, slots=True)
class PathFound:
    """There is a way, and by it the other side proved that it holds the call's keys."""


@dataclass(frozen=True, slots=True)
class FirstPacketVerified:
    """A media packet verified under the call's keys."""


@dataclass(frozen=True, slots=True)
class PathLost:
    """Nothing verified for 3 s, or our addresses changed."""


@dataclass(frozen=True, slots=True)
class PathRestored:
    """A packet verified on the new path."""


@dataclass(frozen=True, slots=True)
class SecurityFailed:
    """A commitment, a stream table or the rekeying of a live call did not hold."""

    leg: bytes


@dataclass(frozen=True, slots=True)
class MediaLost:
    """A device, a codec or every way to the other side failed; it cannot go on."""


@dataclass(frozen=True, slots=True)
class GlareLost:
    """Both sides called at once and the other's INVITE survives."""


@dataclass(frozen=True, slots=True)
class Superseded:
    """The same device called again: whatever this was, it is over on its side."""


@dataclass(frozen=True, slots=True)
class TimePassed:
    """The deadline may have come."""


Event = (
    Dialled
    | WillRing
    | Unavailable
    | Alerted
    | Accepted
    | InviteAnswered
    | Confirmed
    | LegsTold
    | Selected
    | Knocked
    | UserAccepted
    | UserDeclined
    | UserHungUp
    | HungUp
    | PathFound
    | FirstPacketVerified
    | PathLost
    | PathRestored
    | SecurityFailed
    | MediaLost
    | GlareLost
    | Superseded
    | TimePassed
)


# What is to be done ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SendConfirm:
    """Prove to this device that we are live."""

    leg: bytes


@dataclass(frozen=True, slots=True)
class SendAlerting:
    """Tell the caller that the human is being rung."""

    leg: bytes


@dataclass(frozen=True, slots=True)
class SendAccept:
    """Tell the caller that the human accepted, with our media."""

    leg: bytes


@dataclass(frozen=True, slots=True)
class SendSelect:
    """Tell this device that it has the call, with our media, out of what it offers."""

    leg: bytes
    offer: Description


@dataclass(frozen=True, slots=True)
class SendHangup:
    """Tell this device that it is over for it."""

    leg: bytes
    reason: HangupReason


@dataclass(frozen=True, slots=True)
class Ring:
    """Ring the human."""


@dataclass(frozen=True, slots=True)
class MeetCaller:
    """Let the caller in who knocked: connect and send, as far as both know how."""

    leg: bytes


@dataclass(frozen=True, slots=True)
class StartMedia:
    """Connect to the device and send; after `MeetCaller`, what is described besides."""

    leg: bytes
    media: Description


@dataclass(frozen=True, slots=True)
class OpenMicrophone:
    """From here on the other side hears the user."""


@dataclass(frozen=True, slots=True)
class RestartPath:
    """Look for another path under the same keys."""


@dataclass(frozen=True, slots=True)
class StartRekey:
    """Move to fresh keys: the old path may have been watched."""


@dataclass(frozen=True, slots=True)
class TellUnreachable:
    """Say that no device has answered so far."""


@dataclass(frozen=True, slots=True)
class Finish:
    """The call is over: stop media, write the log."""

    end: End


Command = (
    SendConfirm
    | SendAlerting
    | SendAccept
    | SendSelect
    | SendHangup
    | Ring
    | MeetCaller
    | StartMedia
    | OpenMicrophone
    | RestartPath
    | StartRekey
    | TellUnreachable
    | Finish
)
