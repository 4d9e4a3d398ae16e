"""What the media of a call tells the session: facts, in the past tense."""

from dataclasses import dataclass, field
from typing import Literal

PathKind = Literal["direct", "relay"]


@dataclass(frozen=True, slots=True)
class PathUp:
    """ICE found a way, the first one or after a restart."""

    kind: PathKind


@dataclass(frozen=True, slots=True)
class FirstVerified:
    """The first packet of the call verified: the other side holds the keys."""


@dataclass(frozen=True, slots=True)
class Quiet:
    """Nothing verified for this long; sound always flows, so the path is dead."""

    seconds: float


@dataclass(frozen=True, slots=True)
class HeardAgain:
    """A packet verified after `Quiet`, or the first one on a new path."""


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
    | FirstVerified
    | Quiet
    | HeardAgain
    | AddressesChanged
    | ControlReceived
    | SendEpoch
    | ReceiveEpochRetired
    | RekeyDue
    | RekeyLate
    | TextReceived
    | FileReceived
    | ChannelRefused
    | MediaFailed
)
