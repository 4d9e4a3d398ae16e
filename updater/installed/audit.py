"""The audit file: what was done here, in lines that are chained by their hashes.

Each line holds the SHA-256 of the line before, so that nothing can be changed in the
middle without changing everything after it. Whoever may write the file may write all of
it anew: it shows tampering to those who keep the head elsewhere. Format:
docs/formats/install.md, "Audit file".
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Literal, TypeAlias, get_args

from updater import jcs
from updater.errors import MalformedError
from updater.jcs import Json
from updater.shape import SHA256, integer, one_of, record, text

MAX_LINE_BYTES: Final = 64 << 10  # a verdict of 21 gates has 10 kB
MAX_FILE_BYTES: Final = 8 << 20
"""A longer file is put aside and a new one goes on with the chain."""
FILES_KEPT: Final = 4

Event: TypeAlias = Literal[
    "check",
    "decide",
    "stage",
    "switch",
    "confirm",
    "rollback",
    "waive",
    "policy",
    "repair",
    "unfreeze",
]
EVENTS: Final[tuple[Event, ...]] = get_args(Event)

_AT: Final = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")


@dataclass(frozen=True, slots=True)
class Head:
    """Where the chain stands: the last line's number and hash (lower hexadecimal)."""

    seq: int
    sha256: str


START: Final = Head(0, "0" * 64)
"""Before the first line, which has the number 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One thing that was done."""

    at: str
    """UTC, to the second: ``2026-11-22T12:00:00Z``."""
    event: Event
    data: Mapping[str, Json] = field(default_factory=dict)
    seq: int
    prev: str
    """SHA-256 of the line before, without its line feed."""


@dataclass(frozen=True, slots=True)
class Tail:
    """What lies in the file beyond a head that was remembered."""

    head: Head
    """The last whole line that continues the chain."""
    torn: int
    """Bytes at the end that are no whole line; a kill leaves some."""
    lost: bool
    """The remembered line is not there, so nothing can be said of those before."""


def next_line(
    head: Head, event: Event, data: Mapping[str, Json], now: float
) -> tuple[bytes, Head]:
    """Make the line after `head`, with its line feed, and the head that it makes.

    `now` is POSIX time in seconds. A line that is too long is our bug.
    """
    at = datetime.fromtimestamp(int(now), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    line = Line(at=at, event=event, data=data, seq=head.seq + 1, prev=head.sha256)
    raw = format_line(line)
    assert len(raw) <= MAX_LINE_BYTES, len(raw)
    return raw + b"\n", Head(line.seq, _digest(raw))


def parse_line(raw: bytes) -> Line:
    """Read a line, without its line feed.

    Raises:
        MalformedError: it is none, or not in its canonical spelling.
    """
    where = "audit line"
    value = jcs.parse_canonical(raw, most=MAX_LINE_BYTES)
    parts = record(value, where, ("at", "data", "event", "prev", "seq"))
    word = one_of(parts["event"], f"{where}: event", *EVENTS)
    data = parts["data"]
    if not isinstance(data, dict):
        raise MalformedError(f"{where}: expected an object as data")
    return Line(
        at=text(parts["at"], f"{where}: at", _AT),
        event=next(event for event in EVENTS if event == word),
        data=data,
        seq=integer(parts["seq"], f"{where}: seq", least=1),
        prev=text(parts["prev"], f"{where}: prev", SHA256),
    )


def format_line(line: Line) -> bytes:
    """Write a line as RFC 8785, without its line feed."""
    return jcs.write(
        {
            "at": line.at,
            "data": dict(line.data),
            "event": line.event,
            "prev": line.prev,
            "seq": line.seq,
        }
    )


def read_chain(data: bytes, before: Head | None) -> tuple[list[Line], Head]:
    """Read a whole file that continues the chain after `before`.

    None stands for a beginning that was put away: the first line is taken as it is.

    Raises:
        MalformedError: a line does not parse or continue the chain; says which.
    """
    *raws, rest = data.split(b"\n")
    if rest:
        raise MalformedError(
            f"audit file: the last {len(rest)} bytes are no whole line"
        )
    lines: list[Line] = []
    head = before
    for number, raw in enumerate(raws, 1):
        try:
            line, head = _follow(raw, head)
        except MalformedError as error:
            raise MalformedError(f"audit file, line {number}: {error}") from None
        lines.append(line)
    return lines, head or START


def find_tail(data: bytes, remembered: Head) -> Tail:
    """Find where a file stands, given the last line that is remembered of it.

    Lines after that one are there if a process was killed before it could remember
    them; they count as far as they continue the chain.
    """
    *raws, rest = data.split(b"\n")
    first = _after(raws, remembered)
    if first is None:
        return Tail(remembered, len(rest), lost=True)
    head, torn = remembered, len(rest)
    for place, raw in enumerate(raws[first:], first):
        try:
            _, head = _follow(raw, head)
        except MalformedError:
            torn += sum(len(each) + 1 for each in raws[place:])
            break
    return Tail(head, torn, lost=False)


def last_head(data: bytes) -> Head:
    """Give the head that the last readable line makes, whatever came before it.

    For when nothing is remembered any more.
    """
    for raw in reversed(data.split(b"\n")):
        try:
            return _follow(raw, None)[1]
        except MalformedError:
            continue
    return START


def _after(raws: Sequence[bytes], remembered: Head) -> int | None:
    """Say at which place the line after the remembered one stands."""
    if remembered == START:
        return 0
    for place in range(len(raws) - 1, -1, -1):  # near the end, as a rule
        if _digest(raws[place]) == remembered.sha256:
            return place + 1
    # The file may have been begun after the remembered line, which was put aside.
    if raws and _continues(raws[0], remembered):
        return 0
    return None


def _continues(raw: bytes, head: Head) -> bool:
    try:
        _follow(raw, head)
    except MalformedError:
        return False
    return True


def _follow(raw: bytes, head: Head | None) -> tuple[Line, Head]:
    """Read a line that continues the chain after `head`."""
    line = parse_line(raw)
    if head is not None and line.prev != head.sha256:
        raise MalformedError(f"does not continue the line before (number {head.seq})")
    if head is not None and line.seq != head.seq + 1:
        raise MalformedError(f"expected number {head.seq + 1}, came {line.seq}")
    return line, Head(line.seq, _digest(raw))


def _digest(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()
