"""What a relay and its clients say to each other: frames of one size.

::

    frame (4204) = u8 ver=1 | u8 op | u16 arg | key 32 | u64 num | sig 64 | blob 4096

Each frame is one binary WebSocket message. Bytes a frame does not use are random, so
that a frame without a blob looks like one with. Replies to requests of one kind come in
the order of the requests; a GET waits while other requests are answered. Format:
docs/formats/signalling.md.
"""

import struct
from dataclasses import KW_ONLY, dataclass, field
from enum import IntEnum
from typing import assert_never

from voip.errors import MalformedError
from voip.identity.keys import Entropy
from voip.signalling.envelope import BLOB_BYTES, FETCH_BYTES, TAG_BYTES
from voip.signalling.turn import TurnServer, format_servers, parse_servers
from voip.wire import be16, be64

PATH = "/ringfence/1"
"""Where a relay's WebSocket is."""
FRAME_BYTES = 1 + 1 + 2 + 32 + 8 + 64 + BLOB_BYTES
"""4204 bytes, in both directions."""
MAX_FETCHES = BLOB_BYTES // FETCH_BYTES
"""128 fetch secrets fill the blob of a GET."""
MAX_WAIT_S = 25
"""Below the 30 s after which common proxies drop an idle request."""
ID_BYTES = 16
MAX_DELETED = 255  # 255 x 16 bytes fit the blob
MAX_PARCELS = 32
"""Most parcels that answer one GET; bounds what a reader must hold."""
BOARD_SLOTS = 8
"""Boards have slots 0..7, one a device."""
_VERSION = 1
_KEY = 32
_SIG = 64
_HEADER = struct.Struct(f"!BBH{_KEY}sQ{_SIG}s")  # a relay reads thousands a second


class Status(IntEnum):
    """How a relay took a PUT, ACK or BPUT."""

    OK = 0
    FULL = 1
    SLOW_DOWN = 2
    REFUSED = 3


class TurnStatus(IntEnum):
    """How a relay took a request for TURN credentials."""

    OK = 0
    NOT_OFFERED = 1
    SLOW_DOWN = 2


@dataclass(frozen=True, slots=True)
class Put:
    """Leave a blob under a tag."""

    tag: bytes
    blob: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Get:
    """Ask for what lies under some fetch secrets, waiting at most `wait_s` for it."""

    fetches: tuple[bytes, ...] = field(repr=False)
    wait_s: int = MAX_WAIT_S


@dataclass(frozen=True, slots=True)
class Ack:
    """Delete what was received."""

    message_ids: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class BoardPut:
    """Publish a version of one slot of a board, signed with the board's key."""

    board: bytes
    index: int
    _: KW_ONLY
    version: int
    signature: bytes
    blob: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class BoardGet:
    """Ask for one slot of a board."""

    board: bytes
    index: int


@dataclass(frozen=True, slots=True)
class Turn:
    """Ask for credentials of a TURN server, to be used within `wanted_s` seconds."""

    wanted_s: int


@dataclass(frozen=True, slots=True)
class Stored:
    """The reply to PUT, ACK and BPUT."""

    status: Status


@dataclass(frozen=True, slots=True)
class Parcel:
    """A blob that lay under a tag; `message_id` (16 bytes) deletes it."""

    tag: bytes
    message_id: bytes
    _: KW_ONLY
    blob: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class GetDone:
    """The last reply to a GET."""


@dataclass(frozen=True, slots=True)
class BoardSlot:
    """The reply to BGET: one version of one slot, or None where there is none."""

    published: BoardPut | None


@dataclass(frozen=True, slots=True)
class TurnGrant:
    """The reply to TURN; `servers` is empty unless the status is OK.

    Attributes:
        status: whether anything was given.
        expires: unix seconds after which no new allocation is made; 0 unless OK.
        servers: at most 4.
    """

    status: TurnStatus
    expires: int = 0
    _: KW_ONLY
    servers: tuple[TurnServer, ...] = ()


Request = Put | Get | Ack | BoardPut | BoardGet | Turn
Reply = Stored | Parcel | GetDone | BoardSlot | TurnGrant


def format_request(request: Request, entropy: Entropy) -> bytes:
    """Write a request frame; bytes it does not use come from `entropy`."""
    match request:
        case Put(tag, blob):
            return _frame(entropy, 1, key=tag + bytes(_KEY - TAG_BYTES), blob=blob)
        case Get(fetches, wait_s):
            return _frame(
                entropy, 2, arg=wait_s, num=len(fetches), blob=b"".join(fetches)
            )
        case Ack(message_ids):
            return _frame(entropy, 3, num=len(message_ids), blob=b"".join(message_ids))
        case BoardPut():
            return _board_frame(entropy, 4, request)
        case BoardGet(board, index):
            return _frame(entropy, 5, arg=index, key=board)
        case Turn(wanted_s):
            return _frame(entropy, 6, num=wanted_s)
        case _:
            assert_never(request)


def parse_request(raw: bytes) -> Request:
    """Read a request frame.

    Raises:
        MalformedError: not 4204 bytes, an unknown version or op, a count, wait or slot
            out of its bounds, or the second half of a PUT's key is not zeros.
    """
    op, arg, key, num, sig, blob = _split(raw)
    match op:
        case 1:
            if any(key[TAG_BYTES:]):
                raise MalformedError("put: expected zeros after the tag")
            return Put(key[:TAG_BYTES], blob)
        case 2:
            if arg > MAX_WAIT_S:
                raise MalformedError(
                    f"get: expected a wait of at most {MAX_WAIT_S} s, came {arg}"
                )
            return Get(_items(blob, num, FETCH_BYTES, MAX_FETCHES), arg)
        case 3:
            return Ack(_items(blob, num, ID_BYTES, MAX_DELETED))
        case 4:
            return BoardPut(key, _slot(arg), version=num, signature=sig, blob=blob)
        case 5:
            return BoardGet(key, _slot(arg))
        case 6:
            return Turn(num)
        case _:
            raise MalformedError(f"frame: expected a request, came op {op:#04x}")


def format_reply(reply: Reply, entropy: Entropy) -> bytes:
    """Write a reply frame; bytes it does not use come from `entropy`."""
    match reply:
        case Stored(status):
            return _frame(entropy, 0x81, arg=status)
        case Parcel(tag, message_id):
            return _frame(entropy, 0x82, key=tag + message_id, blob=reply.blob)
        case GetDone():
            return _frame(entropy, 0x83)
        case BoardSlot(published):
            if published is None:
                return _frame(entropy, 0x85, sig=bytes(_SIG))
            return _board_frame(entropy, 0x85, published)
        case TurnGrant(status, expires):
            blob = b"" if status else format_servers(reply.servers)
            return _frame(entropy, 0x86, arg=status, num=expires, blob=blob)
        case _:
            assert_never(reply)


def parse_reply(raw: bytes, asked: BoardGet | None = None) -> Reply:
    """Read a reply frame.

    A slot names its board and index in the reply as well; `asked` is the BGET that it
    must answer, so that a relay cannot pass one board off as another.

    Raises:
        MalformedError: not 4204 bytes, an unknown version, op or status, a board slot
            that was not asked for, or TURN servers that do not parse.
    """
    op, arg, key, num, sig, blob = _split(raw)
    match op:
        case 0x81:
            if arg not in set(Status):
                raise MalformedError(f"stored: unknown status {arg}")
            return Stored(Status(arg))
        case 0x82:
            return Parcel(key[:TAG_BYTES], key[TAG_BYTES:], blob=blob)
        case 0x83:
            return GetDone()
        case 0x85:
            return BoardSlot(_slot_of(asked, arg, key=key, num=num, sig=sig, blob=blob))
        case 0x86:
            return _grant_of(arg, num, blob)
        case _:
            raise MalformedError(f"frame: expected a reply, came op {op:#04x}")


def _slot_of(  # noqa: PLR0913 - the fields of the frame
    asked: BoardGet | None, arg: int, *, key: bytes, num: int, sig: bytes, blob: bytes
) -> BoardPut | None:
    if asked is None:
        raise MalformedError("board slot: nobody asked for it")
    if not any(sig):
        return None
    if (key, arg) != (asked.board, asked.index):
        raise MalformedError("board slot: not the one that was asked for")
    return BoardPut(key, arg, version=num, signature=sig, blob=blob)


def _grant_of(arg: int, num: int, blob: bytes) -> TurnGrant:
    if arg not in set(TurnStatus):
        raise MalformedError(f"turn: unknown status {arg}")
    if arg != TurnStatus.OK:
        return TurnGrant(TurnStatus(arg))
    return TurnGrant(TurnStatus.OK, num, servers=parse_servers(blob))


def _frame(  # noqa: PLR0913 - the fields of the frame
    entropy: Entropy,
    op: int,
    *,
    arg: int | None = None,
    key: bytes | None = None,
    num: int | None = None,
    sig: bytes | None = None,
    blob: bytes = b"",
) -> bytes:
    spare = entropy(FRAME_BYTES)  # at once: each draw has its price
    return b"".join(
        (
            bytes([_VERSION, op]),
            spare[2:4] if arg is None else be16(arg),
            spare[4:36] if key is None else key,
            spare[36:44] if num is None else be64(num),
            spare[44:108] if sig is None else sig,
            blob,
            spare[_HEADER.size + len(blob) :],
        )
    )


def _board_frame(entropy: Entropy, op: int, published: BoardPut) -> bytes:
    return _frame(
        entropy,
        op,
        arg=published.index,
        key=published.board,
        num=published.version,
        sig=published.signature,
        blob=published.blob,
    )


def _split(raw: bytes) -> tuple[int, int, bytes, int, bytes, bytes]:
    if len(raw) != FRAME_BYTES:
        raise MalformedError(f"frame: expected {FRAME_BYTES} bytes, came {len(raw)}")
    version, op, arg, key, num, sig = _HEADER.unpack_from(raw)
    if version != _VERSION:
        raise MalformedError(f"frame: expected version {_VERSION}, came {version}")
    return op, arg, key, num, sig, raw[_HEADER.size :]


def _items(blob: bytes, count: int, size: int, most: int) -> tuple[bytes, ...]:
    if not 1 <= count <= most:
        raise MalformedError(f"frame: expected 1-{most} items, came {count}")
    return tuple(blob[size * i : size * (i + 1)] for i in range(count))


def _slot(index: int) -> int:
    if index >= BOARD_SLOTS:
        raise MalformedError(f"board: expected slot 0-{BOARD_SLOTS - 1}, came {index}")
    return index
