"""What two peers send each other about their logs, to the byte.

Every frame is ``RFG1``, a type, the eight bytes that name the exchange, and a body;
integers are big-endian, a log is named by the SHA-256 of its origin::

    01 OFFER   n, then n times: log[32], size u64, root[32]
    02 ANSWER  the same
    03 NOTE    log[32], size u64, part u8, parts u8, bytes
    04 PROOF   log[32], old u64, new u64, root of old in new[32], k, k times hash[32]
    05 DONE    n, then n times: log[32], verdict u8

The format, with an example: docs/formats/log-client.md.
"""

import enum
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar, assert_never

from updater.errors import MalformedError
from updater.transparency.merkle import HASH_SIZE, MAX_PROOF, MAX_SIZE

MAX_FRAME = 8_192
"""Bytes of any frame that is taken."""
MAX_LOGS = 4
"""Logs of an exchange: an own one, its successor, and room."""
MAX_PARTS = 4
"""Parts of a note."""
XID_SIZE = 8
"""Bytes that name an exchange: random, so that two never meet by chance."""

_MAGIC = b"RFG1"
_HEADER = len(_MAGIC) + 1 + XID_SIZE
_NOTE_HEADER = HASH_SIZE + 8 + 2
_T = TypeVar("_T")


class Verdict(enum.IntEnum):
    """What one side says of a log at the end."""

    SAME = 1
    """Equal size and root."""
    CONSISTENT = 2
    """The smaller tree begins the larger one."""
    FORK = 3
    """Both were signed, and neither begins the other."""
    INVALID = 4
    """What the other sent proves nothing: anybody can lie."""
    DECLINED = 5
    """Not looked at, or it was the other's to judge."""


@dataclass(frozen=True, slots=True)
class Row:
    """One log of an offer: SHA-256 of its origin, size in entries, root."""

    log: bytes
    size: int
    root: bytes = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class Offer:
    """What the one who begins has."""

    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other has of that."""

    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class NotePart:
    """Part `part` of `parts`, counted from 0, of the signed note of a head."""

    log: bytes
    size: int
    part: int = field(kw_only=True)
    parts: int = field(kw_only=True)
    data: bytes = field(kw_only=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Consistency:
    """How the tree of `new` entries grew out of its first `old` ones."""

    log: bytes
    old: int
    new: int
    root: bytes
    """What the new tree had at the old size."""
    proof: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Done:
    """The end, with a verdict for each log."""

    verdicts: tuple[tuple[bytes, Verdict], ...]


Body = Offer | Answer | NotePart | Consistency | Done


def log_id(origin: str) -> bytes:
    """Name a log in a frame, 32 bytes."""
    return hashlib.sha256(origin.encode()).digest()


def split_note(log: bytes, size: int, note: bytes, max_frame: int) -> list[NotePart]:
    """Cut a note into parts for frames of at most `max_frame` bytes.

    Raises:
        MalformedError: it takes more than four.
    """
    room = max_frame - _HEADER - _NOTE_HEADER
    pieces = [note[at : at + room] for at in range(0, len(note), room)]
    if len(pieces) > MAX_PARTS:
        raise MalformedError(f"note: {len(note)} bytes are more than {MAX_PARTS} parts")
    return [
        NotePart(log, size, part=part, parts=len(pieces), data=piece)
        for part, piece in enumerate(pieces)
    ]


def format_frame(xid: bytes, body: Body) -> bytes:
    """Write a frame."""
    match body:
        case Offer():
            kind, data = 1, _format_rows(body.rows)
        case Answer():
            kind, data = 2, _format_rows(body.rows)
        case NotePart():
            numbers = _u64(body.size) + bytes([body.part, body.parts])
            kind, data = 3, body.log + numbers + body.data
        case Consistency():
            sizes = _u64(body.old) + _u64(body.new)
            hashes = bytes([len(body.proof)]) + b"".join(body.proof)
            kind, data = 4, body.log + sizes + body.root + hashes
        case Done():
            rows = [log + bytes([verdict]) for log, verdict in body.verdicts]
            kind, data = 5, bytes([len(rows)]) + b"".join(rows)
        case _:
            assert_never(body)
    return _MAGIC + bytes([kind]) + xid + data


def parse_frame(frame: bytes) -> tuple[bytes, Body]:
    """Read a frame: the name of its exchange, and its body.

    Raises:
        MalformedError: anything that `format_frame` does not write, or over a limit.
    """
    if len(frame) > MAX_FRAME:
        raise MalformedError(f"frame: expected at most {MAX_FRAME} bytes")
    cursor = _Cursor(frame)
    if cursor.take(len(_MAGIC)) != _MAGIC:
        raise MalformedError("frame: expected RFG1 first")
    kind = cursor.u8()
    xid = cursor.take(XID_SIZE)
    body: Body
    match kind:
        case 1:
            body = Offer(cursor.several(_row, least=1, most=MAX_LOGS))
        case 2:
            body = Answer(cursor.several(_row, least=0, most=MAX_LOGS))
        case 3:
            body = _note_part(cursor)
        case 4:
            body = _consistency(cursor)
        case 5:
            body = Done(cursor.several(_verdict, least=0, most=MAX_LOGS))
        case _:
            raise MalformedError(f"frame: expected type 1 to 5, came {kind}")
    cursor.expect_end()
    _expect_distinct(body)
    return xid, body


class _Cursor:
    """Reads a frame from its begin to its end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, size: int) -> bytes:
        taken = self._data[self._at : self._at + size]
        if len(taken) != size:
            raise MalformedError(f"frame: cut short at {len(self._data)} bytes")
        self._at += size
        return taken

    def rest(self) -> bytes:
        return self.take(len(self._data) - self._at)

    def u8(self) -> int:
        return self.take(1)[0]

    def size(self) -> int:
        """Take the size of a tree."""
        size = int.from_bytes(self.take(8), "big")
        if size > MAX_SIZE:
            raise MalformedError(f"frame: expected a size below 2^63, came {size}")
        return size

    def several(
        self, read: Callable[["_Cursor"], _T], *, least: int, most: int
    ) -> tuple[_T, ...]:
        count = self.u8()
        if not least <= count <= most:
            raise MalformedError(f"frame: expected {least} to {most}, came {count}")
        return tuple(read(self) for _ in range(count))

    def expect_end(self) -> None:
        if self._at != len(self._data):
            raise MalformedError("frame: bytes after its end")


def _row(cursor: _Cursor) -> Row:
    return Row(cursor.take(HASH_SIZE), cursor.size(), root=cursor.take(HASH_SIZE))


def _note_part(cursor: _Cursor) -> NotePart:
    log, size = cursor.take(HASH_SIZE), cursor.size()
    part, parts = cursor.u8(), cursor.u8()
    if not part < parts <= MAX_PARTS:
        raise MalformedError(f"frame: expected 1 to 4 parts, came {part} of {parts}")
    data = cursor.rest()
    if not data:
        raise MalformedError("frame: expected a part of a note, came nothing")
    return NotePart(log, size, part=part, parts=parts, data=data)


def _consistency(cursor: _Cursor) -> Consistency:
    return Consistency(
        log=cursor.take(HASH_SIZE),
        old=cursor.size(),
        new=cursor.size(),
        root=cursor.take(HASH_SIZE),
        proof=cursor.several(_hash, least=0, most=MAX_PROOF),
    )


def _hash(cursor: _Cursor) -> bytes:
    return cursor.take(HASH_SIZE)


def _verdict(cursor: _Cursor) -> tuple[bytes, Verdict]:
    log, number = cursor.take(HASH_SIZE), cursor.u8()
    if number not in Verdict.__members__.values():
        raise MalformedError(f"frame: expected a verdict, came {number}")
    return log, Verdict(number)


def _expect_distinct(body: Body) -> None:
    match body:
        case Offer() | Answer():
            logs = [row.log for row in body.rows]
        case Done():
            logs = [log for log, _ in body.verdicts]
        case _:
            return
    if len(set(logs)) != len(logs):
        raise MalformedError("frame: a log stands in it twice")


def _format_rows(rows: Sequence[Row]) -> bytes:
    return bytes([len(rows)]) + b"".join(
        row.log + _u64(row.size) + row.root for row in rows
    )


def _u64(number: int) -> bytes:
    return number.to_bytes(8, "big")
