"""What holds of every kind of message: written and read the same, or refused."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from hypothesis import strategies as st

from voip.errors import MalformedError
from voip.wire import Reader

M = TypeVar("M")


def parse(readers: Mapping[int, Callable[[Reader], M]], kind: int, fields: bytes) -> M:
    """Read a message, all of it."""
    reader = Reader(fields)
    message = readers[kind](reader)
    reader.end()
    return message


def changed(fields: bytes, data: st.DataObject) -> bytes:
    """Draw a byte to change, and what it becomes."""
    at = data.draw(st.integers(0, len(fields) - 1))
    other = fields[at] ^ data.draw(st.integers(1, 255))
    return fields[:at] + bytes([other]) + fields[at + 1 :]


def check_read_or_refused(
    readers: Mapping[int, Callable[[Reader], M]],
    write: Callable[[M], tuple[int, bytes]],
    kind: int,
    fields: bytes,
) -> None:
    """What is taken is what would be written; nothing else is raised but a refusal."""
    try:
        message = parse(readers, kind, fields)
    except MalformedError:
        return

    assert write(message) == (kind, fields)
