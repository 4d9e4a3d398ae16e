"""What a gateway and those it joins say about its legs.

A *leg* is here what a gateway joins to a call and what cannot run our handshake: a
browser, a telephone, somebody in a room. Whoever holds the call is told of each, with
a mark that says how weak it is, before a sound passes. What follows from it is in
`voip.notice`, the words for it are in `voip.marks`. Format: docs/formats/legs.md.
"""

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from enum import IntEnum
from typing import TypeVar, assert_never

from voip.errors import MalformedError
from voip.wire import Reader, be16, be32, lp8

MAX_LEGS = 8  # of one call; more people than this meet in a room
MAX_HOST_BYTES = 64
MAX_SUITE_BYTES = 40
MAX_NAME_BYTES = 48  # as an alias on a card
MAX_DIGITS = 32
MAX_TARGET_BYTES = 128
MAX_TEXT_BYTES = 64
MAX_VERSION = (1 << 32) - 1
TOUCH_TONES = frozenset("0123456789ABCD*#")

_AUDIO, _VIDEO, _AUTHENTICATED, _WORDS = 1, 2, 4, 8


class LegKind(IntEnum):
    """What is at the other end of a leg."""

    BROWSER = 1
    SIP = 2
    ROOM = 3


class Mark(IntEnum):
    """How weak a leg is; the higher the weaker, so the call's is the highest."""

    END_TO_END = 1
    BROWSER_GUEST = 2
    TO_PBX = 3
    NOT_ENCRYPTED = 4


class LegStage(IntEnum):
    """How far a leg is: nothing passes before it has joined."""

    ANNOUNCED = 1
    JOINED = 2
    HELD = 3


class Shown(IntEnum):
    """What became of a list at the device that was told."""

    SHOWN = 1
    REFUSED = 2


class LegReason(IntEnum):
    """Why a leg ended, or never began."""

    NORMAL = 1
    DECLINED = 2
    BUSY = 3
    NO_ANSWER = 4
    REFUSED_BY_PEER = 5
    NO_ENCRYPTION = 6
    NOT_ALLOWED = 7
    UNREACHABLE = 8
    LOST = 9
    SECURITY = 10


@dataclass(frozen=True, slots=True)
class ListedLeg:
    """One leg as those in the call are told of it.

    Attributes:
        id: 1-255, of this leg alone as long as the gateway's call lasts.
        kind: what it is.
        mark: how weak it is.
        audio: it carries sound.
        video: it carries pictures.
        authenticated: the exchange proved who it is.
        words_matched: the words of a guest were compared and are the same.
        stage: whether anything passes.
        host: who served the page or is the exchange; printable ASCII, at most 64.
        suite: what encrypts the leg; printable ASCII, at most 40.
        name: what the gateway calls who is there, at most 48 bytes of UTF-8; theirs,
            so escape it.
    """

    id: int
    kind: LegKind
    _: KW_ONLY
    mark: Mark
    stage: LegStage = LegStage.ANNOUNCED
    audio: bool = True
    video: bool = False
    authenticated: bool = False
    words_matched: bool = False
    host: str = ""
    suite: str = ""
    name: str = ""

    def __post_init__(self) -> None:
        if not 1 <= self.id <= 255:
            raise MalformedError(f"leg: expected an id of 1-255, came {self.id}")
        _check_ascii("leg host", self.host, MAX_HOST_BYTES)
        _check_ascii("leg suite", self.suite, MAX_SUITE_BYTES)
        _check_text("leg name", self.name, MAX_NAME_BYTES)


@dataclass(frozen=True, slots=True)
class Legs:
    """Gateway: all legs of the call, by rising id; of two lists the higher version."""

    version: int
    legs: tuple[ListedLeg, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= self.version <= MAX_VERSION:
            raise MalformedError(f"legs: version {self.version} cannot be")
        ids = [leg.id for leg in self.legs]
        if len(ids) > MAX_LEGS or ids != sorted(set(ids)):
            raise MalformedError(
                f"legs: expected at most {MAX_LEGS} by rising id, came {ids}"
            )


@dataclass(frozen=True, slots=True)
class LegsAck:
    """Told: the list of this version stands on our screen, or our user refuses it."""

    version: int
    answer: Shown


@dataclass(frozen=True, slots=True)
class Digits:
    """Touch tones, 1-32 of 0-9, A-D, * and #; between a guest and its gateway only."""

    leg: int
    digits: str

    def __post_init__(self) -> None:
        if not 1 <= len(self.digits) <= MAX_DIGITS or not TOUCH_TONES.issuperset(
            self.digits
        ):
            raise MalformedError(f"digits: expected 1-{MAX_DIGITS} touch tones")


@dataclass(frozen=True, slots=True)
class LegAsk:
    """Asks a gateway for a leg; the answer is `Legs`, or `LegEnd` with id 0.

    `target` says whom to reach, 1-128 bytes of UTF-8; the asker's words.
    """

    kind: LegKind
    target: str

    def __post_init__(self) -> None:
        if not self.target:
            raise MalformedError("leg ask: expected a target, came none")
        _check_text("leg ask", self.target, MAX_TARGET_BYTES)


@dataclass(frozen=True, slots=True)
class LegEnd:
    """A leg is over; id 0 is one that never began.

    Attributes:
        id: as in `ListedLeg`, or 0.
        reason: why.
        status: of SIP, or 0.
        text: a sentence, at most 64 bytes of UTF-8; the other side's words.
    """

    id: int
    reason: LegReason
    _: KW_ONLY
    status: int = 0
    text: str = ""

    def __post_init__(self) -> None:
        _check_text("leg end", self.text, MAX_TEXT_BYTES)


_Member = TypeVar("_Member", bound=IntEnum)

LegMessage = Legs | LegsAck | Digits | LegAsk | LegEnd


def format_leg_message(message: LegMessage) -> tuple[int, bytes]:
    """Write a message as its type and its fields."""
    match message:
        case Legs(version, legs):
            listed = b"".join(map(_format_leg, legs))
            return 21, be32(version) + bytes([len(legs)]) + listed
        case LegsAck(version, answer):
            return 22, be32(version) + bytes([answer])
        case Digits(leg, digits):
            return 23, bytes([leg]) + lp8(digits.encode())
        case LegAsk(kind, target):
            return 24, bytes([kind]) + lp8(target.encode())
        case LegEnd(number, reason, status=status, text=text):
            return 25, bytes([number, reason]) + be16(status) + lp8(text.encode())
        case _:
            assert_never(message)


def _format_leg(leg: ListedLeg) -> bytes:
    flags = (
        leg.audio * _AUDIO
        | leg.video * _VIDEO
        | leg.authenticated * _AUTHENTICATED
        | leg.words_matched * _WORDS
    )
    texts = (leg.host, leg.suite, leg.name)
    return bytes([leg.id, leg.kind, leg.mark, flags, leg.stage]) + b"".join(
        lp8(text.encode()) for text in texts
    )


def _read_legs(reader: Reader) -> Legs:
    version, count = reader.u32(), reader.u8()
    if count > MAX_LEGS:
        raise MalformedError(f"legs: expected at most {MAX_LEGS}, came {count}")
    return Legs(version, tuple(_read_leg(reader) for _ in range(count)))


def _read_leg(reader: Reader) -> ListedLeg:
    number, kind = reader.u8(), _member(LegKind, reader.u8())
    mark, flags = _member(Mark, reader.u8()), reader.u8()
    if flags >> 4:
        raise MalformedError(f"leg: unknown flags in {flags:#x}")
    return ListedLeg(
        number,
        kind,
        mark=mark,
        audio=bool(flags & _AUDIO),
        video=bool(flags & _VIDEO),
        authenticated=bool(flags & _AUTHENTICATED),
        words_matched=bool(flags & _WORDS),
        stage=_member(LegStage, reader.u8()),
        host=_read_text(reader),
        suite=_read_text(reader),
        name=_read_text(reader),
    )


def _read_leg_end(reader: Reader) -> LegEnd:
    number, reason = reader.u8(), _member(LegReason, reader.u8())
    return LegEnd(number, reason, status=reader.u16(), text=_read_text(reader))


LEG_READERS: dict[int, Callable[[Reader], LegMessage]] = {
    21: _read_legs,
    22: lambda reader: LegsAck(reader.u32(), _member(Shown, reader.u8())),
    23: lambda reader: Digits(reader.u8(), _read_text(reader)),
    24: lambda reader: LegAsk(_member(LegKind, reader.u8()), _read_text(reader)),
    25: _read_leg_end,
}
"""By type; each raises `MalformedError` at fields that were never written so."""


def _member(kind: type[_Member], number: int) -> _Member:
    try:
        return kind(number)
    except ValueError:
        raise MalformedError(f"{kind.__name__}: {number} is unknown") from None


def _read_text(reader: Reader) -> str:
    try:
        return reader.lp8().decode()
    except UnicodeDecodeError:
        raise MalformedError("text: expected UTF-8, came something else") from None


def _check_ascii(name: str, text: str, most: int) -> None:
    if not (text.isascii() and text.isprintable()):
        raise MalformedError(f"{name}: expected printable ASCII, came something else")
    _check_text(name, text, most)


def _check_text(name: str, text: str, most: int) -> None:
    try:
        size = len(text.encode())
    except UnicodeEncodeError:  # half of a surrogate pair
        raise MalformedError(f"{name}: expected text that UTF-8 can write") from None
    if size > most:
        raise MalformedError(f"{name}: expected at most {most} bytes, came {size}")
