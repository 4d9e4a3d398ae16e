"""The embedded store: a file, for a relay that is one process.

Writes share a commit, and so a sync, with all that wait at that moment. Reads have a
thread and a connection of their own and wait for none of them. A second relay may open
the file too, and finds what the first one took; but it is not told, and looks every few
seconds.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from voip.identity.keys import Entropy
from voip.signalling.frames import BoardPut, Parcel, Put, Status
from voip.signalling.mailbox import Limits, collect, discard, post, publish
from voip.signalling.spool import Spool, open_spool
from voip.signalling.store import Choose, Heard


class SqliteStore:
    """A `Store` over two spools of one file."""

    def __init__(
        self, writer: Spool, reader: Spool, *, limits: Limits, entropy: Entropy
    ) -> None:
        self._write = writer.run
        self._read = reader.run
        self._limits = limits
        self._entropy = entropy
        self._heard: list[Heard] = []

    def listen(self, heard: Heard) -> None:
        """See `Store`."""
        self._heard.append(heard)

    async def put(self, put: Put, *, now: int) -> Status:
        """See `Store`."""
        status = await self._write(
            partial(post, put=put, now=now, limits=self._limits, entropy=self._entropy)
        )
        if status is Status.OK:
            for heard in self._heard:
                heard(put.tag)
        return status

    async def collect(
        self, tags: Sequence[bytes], *, now: int, choose: Choose
    ) -> list[Parcel]:
        """See `Store`."""
        return await self._read(partial(collect, tags=tags, now=now, choose=choose))

    async def discard(self, message_ids: Sequence[bytes]) -> None:
        """See `Store`."""
        await self._write(partial(discard, message_ids=message_ids))

    async def publish(self, slot: BoardPut, *, now: int) -> Status:
        """See `Store`."""
        return await self._write(
            partial(publish, slot=slot, now=now, limits=self._limits)
        )

    async def slot(self, board: bytes, index: int) -> BoardPut | None:
        """See `Store`."""
        return await self._read(lambda shelf: shelf.slot(board, index))

    async def sweep(self, now: int) -> None:
        """See `Store`."""
        await self._write(lambda shelf: shelf.sweep(now))

    async def check(self, now: int) -> None:
        """See `Store`."""
        await self._write(lambda shelf: shelf.beat(now))


@asynccontextmanager
async def open_sqlite(
    path: Path, *, limits: Limits, entropy: Entropy
) -> AsyncIterator[SqliteStore]:
    """Open or create the file for the length of a block.

    Raises:
        StoreError: it cannot be opened, or is not a spool.
    """
    async with (
        open_spool(path) as writer,
        open_spool(path, is_reader=True) as reader,
    ):
        yield SqliteStore(writer, reader, limits=limits, entropy=entropy)
