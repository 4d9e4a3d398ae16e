"""Bytes that lie in a file and are read piece by piece, however many they are."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from updater.errors import MalformedError

CHUNK_BYTES = 256 * 1024
"""What is read at once: enough to keep a disk busy, little enough for any memory."""


@dataclass(frozen=True, slots=True)
class Extent:
    """`size` bytes, the first of them at `start`.

    `read_at(offset, size)` gives what lies there, as `os.pread` does: fewer bytes only
    where the file ends. Whatever it raises passes through.
    """

    read_at: Callable[[int, int], bytes] = field(repr=False)
    size: int
    start: int = field(default=0, kw_only=True)

    def read(self, offset: int, size: int) -> bytes:
        """Read exactly `size` bytes.

        Raises:
            MalformedError: they do not lie within, or the file ends before.
        """
        self._within(offset, size)
        data = self.read_at(self.start + offset, size)
        if len(data) != size:
            raise MalformedError(
                f"cut short: expected {size} bytes at {self.start + offset},"
                f" came {len(data)}"
            )
        return data

    def part(self, offset: int, size: int) -> "Extent":
        """Give a stretch of it; nothing is read yet.

        Raises:
            MalformedError: it does not lie within.
        """
        self._within(offset, size)
        return Extent(self.read_at, size, start=self.start + offset)

    def chunks(self) -> Iterator[bytes]:
        """Read all of it in order.

        Raises:
            MalformedError: the file ends before.
        """
        for offset in range(0, self.size, CHUNK_BYTES):
            yield self.read(offset, min(CHUNK_BYTES, self.size - offset))

    def _within(self, offset: int, size: int) -> None:
        if offset < 0 or size < 0 or offset + size > self.size:
            raise MalformedError(
                f"expected to read within {self.size} bytes, came {size} at {offset}"
            )


def in_memory(data: bytes) -> Extent:
    """Make an extent of bytes that are here already."""
    return Extent(lambda offset, size: data[offset : offset + size], len(data))
