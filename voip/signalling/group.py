"""What members of a group say to each other: who is in it, and with which keys.

Each goes between two members, inside the call that they hold. What it means is the
room's to say. Format: docs/formats/signalling.md.
"""

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, field
from typing import assert_never

from voip.errors import MalformedError
from voip.identity.trust import TrustState
from voip.wire import Reader, be16, be32, be64, lp8, lp16

GROUP_ID_BYTES = 16
FRAME_KEY_BYTES = 64
MAX_URL_BYTES = 200  # of a forwarding server, with a long path
MAX_TOKEN_BYTES = 64
MAX_CARD_BYTES = 2048  # more than any card; fits a blob of the mailbox
MAX_ROOM = (1 << 52) - 1  # a server that thinks in doubles still counts exactly
PIN_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz234567")  # RFC 4648 §6, lower case
PIN_SIZE = 26  # 130 bits: nobody guesses a room
MAX_SEATS = 16  # devices that were ever in a room; a list of them is two records
MEMBER_BYTES = 48  # identity and device id
MAX_COUNT = (1 << 24) - 1  # so that the sum of 16 fits 32 bits
_TRUST = (
    TrustState.NEW,
    TrustState.CONTINUOUS,
    TrustState.VERIFIED,
    TrustState.BROKEN,
)
_HEARD, _UNKNOWN, _TRUST_SHIFT, _MAX_SEEN = 1, 2, 2, 15


@dataclass(frozen=True, slots=True)
class Roster:
    """Who the sender thinks is in the group (16-byte id, 32-byte digest)."""

    group_id: bytes
    epoch: int
    digest: bytes = field(kw_only=True)

    def __post_init__(self) -> None:
        _exactly("group id", self.group_id, GROUP_ID_BYTES)
        _exactly("roster digest", self.digest, 32)


@dataclass(frozen=True, slots=True)
class Introduce:
    """Hands a member's contact card, of at most 2048 bytes, to another member."""

    group_id: bytes
    card: bytes

    def __post_init__(self) -> None:
        _exactly("group id", self.group_id, GROUP_ID_BYTES)
        _at_most("card", self.card, MAX_CARD_BYTES)


@dataclass(frozen=True, slots=True)
class Seat:
    """What the sender says of one device that is or was in the group.

    Attributes:
        key: identity and device id, 48 bytes.
        count: odd while it is in the group, even when it is gone; only rises.
        is_heard: the sender has a session with it that works.
        is_unknown: the sender lacks its contact card.
        trust: the sender's word for it.
    """

    key: bytes
    count: int
    _: KW_ONLY
    is_heard: bool = False
    is_unknown: bool = False
    trust: TrustState = TrustState.NEW

    def __post_init__(self) -> None:
        _exactly("seat", self.key, MEMBER_BYTES)
        if not 1 <= self.count <= MAX_COUNT:
            raise MalformedError(f"seat: a count of {self.count} cannot be")


@dataclass(frozen=True, slots=True)
class Members:
    """All that the sender knows of who is in the group, at most 16, by rising key.

    `hand`: the sender wants to speak.
    """

    group_id: bytes
    seats: tuple[Seat, ...]
    hand: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        _exactly("group id", self.group_id, GROUP_ID_BYTES)
        keys = [seat.key for seat in self.seats]
        if len(keys) > MAX_SEATS or keys != sorted(set(keys)):
            raise MalformedError(
                f"members: expected at most {MAX_SEATS} by rising key, came {len(keys)}"
            )


@dataclass(frozen=True, slots=True)
class SenderKey:
    """A member's frame key, 64 bytes, for a group over a forwarding server."""

    group_id: bytes
    index: int
    epoch: int = field(kw_only=True)
    key: bytes = field(kw_only=True, repr=False)

    def __post_init__(self) -> None:
        _exactly("group id", self.group_id, GROUP_ID_BYTES)
        _exactly("sender key", self.key, FRAME_KEY_BYTES)


@dataclass(frozen=True, slots=True)
class Room:
    """Where a group meets on a forwarding server.

    Attributes:
        group_id: 16 bytes.
        url: of the server, printable ASCII, at most 200 bytes.
        room: its number there, below 2**52.
        pin: 26 letters and digits of base32; who has it can enter.
        token: what the server may ask for besides, at most 64 bytes.
    """

    group_id: bytes
    url: str
    _: KW_ONLY
    room: int
    pin: str = field(repr=False)
    token: bytes = field(default=b"", repr=False)

    def __post_init__(self) -> None:
        _exactly("group id", self.group_id, GROUP_ID_BYTES)
        if not (self.url.isascii() and self.url.isprintable() and self.url):
            raise MalformedError("room: expected a URL in printable ASCII")
        _at_most("room url", self.url.encode(), MAX_URL_BYTES)
        if not 0 <= self.room <= MAX_ROOM:
            raise MalformedError(f"room: expected at most 52 bits, came {self.room}")
        if len(self.pin) != PIN_SIZE or not PIN_LETTERS.issuperset(self.pin):
            raise MalformedError(f"room pin: expected {PIN_SIZE} letters of base32")
        _at_most("room token", self.token, MAX_TOKEN_BYTES)


GroupMessage = Roster | Introduce | SenderKey | Room | Members


def format_group_message(message: GroupMessage) -> tuple[int, bytes]:
    """Write a message as its type and its fields."""
    match message:
        case Roster(group_id, epoch, digest=digest):
            return 17, group_id + be32(epoch) + digest
        case Introduce(group_id, card):
            return 18, group_id + lp16(card)
        case SenderKey(group_id, index, epoch=epoch, key=key):
            return 19, group_id + be16(index) + be32(epoch) + key
        case Room(group_id, url, room=room, pin=pin, token=token):
            where = lp8(url.encode()) + be64(room)
            return 26, group_id + where + lp8(pin.encode()) + lp8(token)
        case Members(group_id, seats, hand=hand):
            listed = b"".join(map(_format_seat, seats))
            return 27, group_id + bytes([hand, len(seats)]) + listed
        case _:
            assert_never(message)


def _format_seat(seat: Seat) -> bytes:
    seen = (
        seat.is_heard * _HEARD
        | seat.is_unknown * _UNKNOWN
        | _TRUST.index(seat.trust) << _TRUST_SHIFT
    )
    return seat.key + be32(seat.count) + bytes([seen])


def _read_roster(reader: Reader) -> Roster:
    group_id, epoch = reader.take(GROUP_ID_BYTES), reader.u32()
    return Roster(group_id, epoch, digest=reader.take(32))


def _read_sender_key(reader: Reader) -> SenderKey:
    group_id, index = reader.take(GROUP_ID_BYTES), reader.u16()
    epoch = reader.u32()
    return SenderKey(group_id, index, epoch=epoch, key=reader.take(FRAME_KEY_BYTES))


def _read_room(reader: Reader) -> Room:
    group_id, url = reader.take(GROUP_ID_BYTES), _text(reader)
    room, pin = reader.u64(), _text(reader)
    return Room(group_id, url, room=room, pin=pin, token=reader.lp8())


def _read_members(reader: Reader) -> Members:
    group_id, own, count = reader.take(GROUP_ID_BYTES), reader.u8(), reader.u8()
    if own > 1 or count > MAX_SEATS:
        raise MalformedError(
            f"members: expected a hand of 0 or 1 and at most {MAX_SEATS} seats, "
            f"came {own} and {count}"
        )
    seats = tuple(_read_seat(reader) for _ in range(count))
    return Members(group_id, seats, hand=bool(own))


def _read_seat(reader: Reader) -> Seat:
    key, count, seen = reader.take(MEMBER_BYTES), reader.u32(), reader.u8()
    if seen > _MAX_SEEN:
        raise MalformedError(f"seat: unknown bits in {seen:#x}")
    return Seat(
        key,
        count,
        is_heard=bool(seen & _HEARD),
        is_unknown=bool(seen & _UNKNOWN),
        trust=_TRUST[seen >> _TRUST_SHIFT],
    )


GROUP_READERS: dict[int, Callable[[Reader], GroupMessage]] = {
    17: _read_roster,
    18: lambda reader: Introduce(reader.take(GROUP_ID_BYTES), reader.lp16()),
    19: _read_sender_key,
    26: _read_room,
    27: _read_members,
}
"""By type; each raises `MalformedError` at fields that were never written so."""


def _text(reader: Reader) -> str:
    try:
        return reader.lp8().decode("ascii")
    except UnicodeDecodeError:
        raise MalformedError("room: expected ASCII, came something else") from None


def _exactly(name: str, value: bytes, size: int) -> None:
    if len(value) != size:
        raise MalformedError(f"{name}: expected {size} bytes, came {len(value)}")


def _at_most(name: str, value: bytes, size: int) -> None:
    if len(value) > size:
        raise MalformedError(
            f"{name}: expected at most {size} bytes, came {len(value)}"
        )
