"""Frames that the programs around a call pass to each other through it.

Carrier, for the queue that a program reads. What a frame says is theirs alone. A frame
is a control message: encrypted from end to end, delivered once and in order, in records
of one size that leave at their own pace whether anybody says anything or not. One is
under way at a time: nothing that the call itself has to say waits behind more than one.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator

from voip.errors import LimitError
from voip.signalling.delivery import Delivery
from voip.signalling.messages import Gossip

MAX_UNSENT = 32  # 128 kB at most, which take three minutes
MAX_UNREAD = 16  # 64 kB; at the pace of records a program has half a minute


class Frames:
    """The frames of one call, both ways."""

    def __init__(self) -> None:
        self._unsent: deque[Gossip] = deque()
        self._under_way: int | None = None
        self._unread: asyncio.Queue[bytes | None] | None = None
        self._is_over = False

    def put(self, frame: bytes) -> None:
        """Take a frame to be sent, of 1-4000 bytes.

        Raises:
            MalformedError: it has another size.
            LimitError: too many wait already.
        """
        message = Gossip(frame)
        if len(self._unsent) == MAX_UNSENT:
            raise LimitError(f"{MAX_UNSENT} frames wait to be sent")
        self._unsent.append(message)

    def send_next(self, delivery: Delivery) -> None:
        """Hand the next frame over once the one before was acknowledged."""
        if self._under_way is not None and delivery.is_acknowledged(self._under_way):
            self._under_way = None
        if self._unsent and self._under_way is None:
            # A window that is full empties, or the call ends.
            with contextlib.suppress(LimitError):
                self._under_way = delivery.send(self._unsent[0])
                self._unsent.popleft()

    def take(self, frame: bytes) -> None:
        """Take a frame of the other side; without a reader it is gone.

        One frame too many ends the reading for good: with a gap in between, what comes
        after it means nothing.
        """
        if self._unread is None or self._is_over:
            return
        if self._unread.qsize() == MAX_UNREAD:
            self._end_reading()
        else:
            self._unread.put_nowait(frame)

    def read(self) -> AsyncIterator[bytes]:
        """Give what comes from now on, until `close`; for one reader."""
        if self._unread is None:
            self._unread = asyncio.Queue()
            if self._is_over:
                self._unread.put_nowait(None)
        return _Reader(self._unread)

    def close(self) -> None:
        """Send and take nothing more; the reader still gets what came before."""
        self._unsent.clear()
        self._end_reading()

    def _end_reading(self) -> None:
        if not self._is_over and self._unread is not None:
            self._unread.put_nowait(None)
        self._is_over = True


class _Reader(AsyncIterator[bytes]):
    """Reads a queue up to None; unlike a generator it outlives a timeout."""

    def __init__(self, unread: asyncio.Queue[bytes | None]) -> None:
        self._unread = unread

    async def __anext__(self) -> bytes:
        frame = await self._unread.get()
        if frame is None:
            self._unread.put_nowait(None)  # it stays over
            raise StopAsyncIteration
        return frame
