"""What a guest and the gateway say to each other once they share keys.

Messages of calls between devices where one means the same (`voip.signalling`), and
those of guests, whose ACCEPT and REKEY carry other fields and whose media are agreed on
by session descriptions. Bounds are checked when a value is made. A type of a later
version becomes `Unknown`: acknowledged and ignored. Format: docs/formats/guest.md.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

from voip.description import Kind
from voip.errors import MalformedError
from voip.gateway.guests.handshake import REKEY_BYTES
from voip.signalling import messages
from voip.signalling.legs import Digits, LegEnd, Legs, LegsAck
from voip.signalling.messages import (
    Alerting,
    Confirm,
    Hangup,
    Ping,
    Pong,
    SasResult,
    State,
    Unknown,
)
from voip.wire import Reader, be32, lp8, lp16

MAX_SDP_BYTES = 24 * 1024  # Chromium offers 6 kB for three sections
MAX_SERVERS = 4
MAX_COUNTS = 6  # three kinds, two directions
MAX_PRESENT = 16  # as many as a room holds
MAX_NAME_BYTES = 48

_SHARED = frozenset({1, 2, 5, 9, 12, 13, 14, 21, 22, 23, 25})
"""Types that are those of calls between devices."""
_U32 = 0xFFFF_FFFF


@dataclass(frozen=True, slots=True)
class Server:
    """A TURN server and what opens it; each text at most 255 bytes."""

    uri: str
    username: str
    credential: str = field(repr=False, kw_only=True)

    def __post_init__(self) -> None:
        for text in (self.uri, self.username, self.credential):
            if len(text.encode()) > 255:
                raise MalformedError("server: expected texts of at most 255 bytes")


@dataclass(frozen=True, slots=True)
class Accept:
    """Gateway: the host lets the guest in; only now may media be set up."""

    servers: tuple[Server, ...] = ()

    def __post_init__(self) -> None:
        _at_most("servers", len(self.servers), MAX_SERVERS)


@dataclass(frozen=True, slots=True)
class Rekey:
    """Gateway: asks for the next epoch; 36 bytes that the handshake's module makes."""

    fields: bytes

    def __post_init__(self) -> None:
        _check_rekey(self.fields)


@dataclass(frozen=True, slots=True)
class RekeyAck:
    """Guest: agrees to the next epoch, likewise."""

    fields: bytes

    def __post_init__(self) -> None:
        _check_rekey(self.fields)


@dataclass(frozen=True, slots=True)
class Offer:
    """Guest: a session description (RFC 8866) of at most 24 KiB; hostile text."""

    sdp: str

    def __post_init__(self) -> None:
        _at_most("sdp bytes", len(self.sdp.encode()), MAX_SDP_BYTES)


@dataclass(frozen=True, slots=True)
class Answer:
    """Gateway: the session description that answers it, likewise."""

    sdp: str

    def __post_init__(self) -> None:
        _at_most("sdp bytes", len(self.sdp.encode()), MAX_SDP_BYTES)


class Direction(IntEnum):
    """Which way frames go, seen by who counts them."""

    SENT = 0
    RECEIVED = 1


class Count(NamedTuple):
    """Frames of one stream in one direction since its media connection was made.

    Attributes:
        kind: what they show.
        direction: which way, seen by the sender of this.
        sframe: sealed or opened.
        failed: that could not be.
        rtp: that the media transport counted, whoever sealed them.
    """

    kind: Kind
    direction: Direction
    sframe: int
    failed: int
    rtp: int


@dataclass(frozen=True, slots=True)
class Counts:
    """Every 2 s, of both sides: all streams, at most six."""

    counts: tuple[Count, ...]

    def __post_init__(self) -> None:
        _at_most("counts", len(self.counts), MAX_COUNTS)


class Happening(IntEnum):
    """What a guest is told of."""

    OPENED_AGAIN = 1


@dataclass(frozen=True, slots=True)
class Notice:
    """Gateway: something happened that the guest should know of."""

    what: Happening


@dataclass(frozen=True, slots=True)
class Present:
    """Gateway: who is in the call by the host's word, the host too, but no leg."""

    names: tuple[str, ...]

    def __post_init__(self) -> None:
        _at_most("names", len(self.names), MAX_PRESENT)
        for name in self.names:
            _at_most("bytes of a name", len(name.encode()), MAX_NAME_BYTES)


GuestMessage = (
    Confirm
    | Alerting
    | Accept
    | Hangup
    | State
    | Rekey
    | RekeyAck
    | SasResult
    | Ping
    | Pong
    | Legs
    | LegsAck
    | Digits
    | LegEnd
    | Offer
    | Answer
    | Counts
    | Notice
    | Present
    | Unknown
)


def format_guest_message(message: GuestMessage) -> tuple[int, bytes]:  # noqa: PLR0911 - one line a type
    """Write a message as its type and its fields."""
    match message:
        case Accept(servers):
            listed = b"".join(map(_format_server, servers))
            return 3, bytes([len(servers)]) + listed
        case Rekey(fields):
            return 10, fields
        case RekeyAck(fields):
            return 11, fields
        case Offer(sdp):
            return 32, lp16(sdp.encode())
        case Answer(sdp):
            return 33, lp16(sdp.encode())
        case Counts(counts):
            listed = b"".join(map(_format_count, counts))
            return 34, bytes([len(counts)]) + listed
        case Notice(what):
            return 35, bytes([what])
        case Present(names):
            listed = b"".join(lp8(name.encode()) for name in names)
            return 36, bytes([len(names)]) + listed
        case _:
            return messages.format_message(message)


def parse_guest_message(kind: int, fields: bytes) -> GuestMessage:
    """Read a message of one type.

    Raises:
        MalformedError: a type that only devices use, or fields that
            `format_guest_message` would not have written.
    """
    read = _READERS.get(kind)
    if read is not None:
        reader = Reader(fields)
        own = read(reader)
        reader.end()
        return own
    message = messages.parse_message(kind, fields)
    if kind in _SHARED or isinstance(message, Unknown):
        return message  # type: ignore[return-value]  # `_SHARED` are these types
    raise MalformedError(f"guest: message type {kind} is for devices only")


def _format_server(server: Server) -> bytes:
    texts = (server.uri, server.username, server.credential)
    return b"".join(lp8(text.encode()) for text in texts)


def _format_count(count: Count) -> bytes:
    numbers = (min(number, _U32) for number in count[2:])
    return bytes(count[:2]) + b"".join(map(be32, numbers))


def _read_accept(reader: Reader) -> Accept:
    return Accept(tuple(_read_server(reader) for _ in range(reader.u8())))


def _read_server(reader: Reader) -> Server:
    uri, username, credential = (_text(reader.lp8()) for _ in range(3))
    return Server(uri, username, credential=credential)


def _read_counts(reader: Reader) -> Counts:
    counts = tuple(_read_count(reader) for _ in range(reader.u8()))
    if len({count[:2] for count in counts}) != len(counts):
        raise MalformedError("counts: a stream is counted twice")
    return Counts(counts)


def _read_count(reader: Reader) -> Count:
    kind, direction = reader.u8(), reader.u8()
    if kind not in set(Kind) or direction not in set(Direction):
        raise MalformedError(f"counts: no stream {kind} {direction}")
    numbers = (reader.u32(), reader.u32(), reader.u32())
    return Count(Kind(kind), Direction(direction), *numbers)


def _read_notice(reader: Reader) -> Notice:
    what = reader.u8()
    if what not in set(Happening):
        raise MalformedError(f"notice: {what} is unknown")
    return Notice(Happening(what))


_READERS: dict[int, Callable[[Reader], GuestMessage]] = {
    3: _read_accept,
    10: lambda reader: Rekey(reader.take(REKEY_BYTES)),
    11: lambda reader: RekeyAck(reader.take(REKEY_BYTES)),
    32: lambda reader: Offer(_text(reader.lp16())),
    33: lambda reader: Answer(_text(reader.lp16())),
    34: _read_counts,
    35: _read_notice,
    36: lambda reader: Present(tuple(_text(reader.lp8()) for _ in range(reader.u8()))),
}


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise MalformedError("text: expected UTF-8, came something else") from None


def _check_rekey(fields: bytes) -> None:
    if len(fields) != REKEY_BYTES:
        raise MalformedError(f"rekey: expected {REKEY_BYTES} bytes, came {len(fields)}")


def _at_most(name: str, count: int, most: int) -> None:
    if count > most:
        raise MalformedError(f"{name}: expected at most {most}, came {count}")
