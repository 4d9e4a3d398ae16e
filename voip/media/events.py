"""What the media of a call tells the session: facts, in the past tense."""

from dataclasses import dataclass, field
from typing import Literal

PathKind = Literal["direct", "relay"]


@dataclass(frozen=True, slots=True)
class PathUp:
    """ICE found a way, the first one or after a restart."""

    kind: PathKind


@dataclass(frozen=True, slots=True)
class Knocked:
    """Callee: the caller, who holds our keys, looks for a way to us: it chose us."""


@dataclass(frozen=True, slots=True)
class FirstVerified:
    """The first packet of the call verified: the other side holds the keys."""


@dataclass(frozen=True, slots=True)
class CandidateFound:
    """We may be reached by this address too, the value of an RFC 8839 `candidate`."""

    candidate: str


@dataclass(frozen=True, slots=True)
class ServerFailed:
    """A STUN or TURN server that the user configured is of no use, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class PathWeak:
    """Nothing verified for this long; the ways that are known are being checked."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Quiet:
    """Nothing verified for this long; sound always flows, so the path is dead.

    Told again while it lasts.
    """

    seconds: float


@dataclass(frozen=True, slots=True)
class HeardAgain:
    """A packet verified after `Quiet`, or the first one on a new path."""


@dataclass(frozen=True, slots=True)
class PathFailed:
    """This machine cannot send on the path any more: its address or route is gone."""


@dataclass(frozen=True, slots=True)
class AddressesChanged:
    """This machine's addresses changed under the call."""


@dataclass(frozen=True, slots=True)
class ControlReceived:
    """A control message arrived by record, whole and verified."""

    ctl: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class SendEpoch:
    """We send under this epoch from here on."""

    epoch: int


@dataclass(frozen=True, slots=True)
class ReceiveEpochRetired:
    """Nothing under this epoch is accepted any more; its secret can go."""

    epoch: int


@dataclass(frozen=True, slots=True)
class RekeyDue:
    """The epoch is old enough to be replaced, and nothing stands against it."""


@dataclass(frozen=True, slots=True)
class RekeyLate:
    """No epoch was completed for this long: somebody may be dropping our records.

    `fatal`: so long that the call must end.
    """

    seconds: float
    fatal: bool = False


@dataclass(frozen=True, slots=True)
class DigitReceived:
    """The other side pressed a key: one of 0-9, A-D, * and #."""

    digit: str


@dataclass(frozen=True, slots=True)
class EndFailed:
    """A speaker or a file of ours takes nothing any more; the call goes on."""

    reason: str


@dataclass(frozen=True, slots=True)
class RecordingFailed:
    """The recording ended before it was asked to; the call goes on."""

    reason: str


@dataclass(frozen=True, slots=True)
class PicturesSlow:
    """This machine decodes the other side's pictures too slowly to show them."""


@dataclass(frozen=True, slots=True)
class TextReceived:
    """The other side sent a line of text."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class FileReceived:
    """The other side sent a file; the name is theirs, made harmless."""

    name: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ChannelRefused:
    """The other side broke the rules of the data channel, which is ignored now."""

    reason: str


@dataclass(frozen=True, slots=True)
class MediaFailed:
    """A part of the media stopped for a reason of ours; the call cannot go on."""

    reason: str


MediaEvent = (
    PathUp
    | Knocked
    | FirstVerified
    | CandidateFound
    | ServerFailed
    | PathWeak
    | Quiet
    | HeardAgain
    | PathFailed
    | AddressesChanged
    | ControlReceived
    | SendEpoch
    | ReceiveEpochRetired
    | RekeyDue
    | RekeyLate
    | DigitReceived
    | EndFailed
    | RecordingFailed
    | PicturesSlow
    | TextReceived
    | FileReceived
    | ChannelRefused
    | MediaFailed
)
