"""What the programs around a call say to each other: of rooms, and of legs.

Carrier, for the queue that a program reads. Unlike a frame (`voip.frames`) such a
message has a form that the protocol knows, and may travel before there is sound. While
several devices of one person may still take the call, what each says waits until one is
chosen, so that a program hears one device only.
"""

import asyncio
from collections.abc import AsyncIterator

from voip.errors import LimitError
from voip.signalling.group import GroupMessage
from voip.signalling.legs import LegAsk, LegEnd, Legs, LegsAck

MAX_UNREAD = 64  # a room of 16 sends some 30 at once

Aside = GroupMessage | Legs | LegsAck | LegAsk | LegEnd
"""Not `Digits`: in a call they are events of the sound."""


class Asides:
    """The messages of one call that its program has not read yet."""

    def __init__(self) -> None:
        self._unread: asyncio.Queue[Aside | None] = asyncio.Queue()
        self._early: dict[bytes, list[Aside]] = {}
        self._is_over = False
        self._is_overrun = False

    def take(self, device: bytes, message: Aside, *, in_view: bool) -> None:
        """Take a message of a device; one that is not in view yet is kept for later.

        One too many ends the reading for good: what is built on them (who is in a
        room, with which key) would be wrong with a gap.
        """
        if in_view:
            self._put(message)
            return
        early = self._early.setdefault(device, [])
        if len(early) <= MAX_UNREAD:  # the one too many ends the reading, if chosen
            early.append(message)

    def choose(self, device: bytes) -> None:
        """Let the program hear what this device has said, and none of the others."""
        for message in self._early.pop(device, ()):
            self._put(message)
        self._early.clear()

    def read(self) -> AsyncIterator[Aside]:
        """Give what came and comes, until `close`; for one reader.

        Raises:
            LimitError: one was too many, from the iterator.
        """
        return _Reader(self)

    def close(self) -> None:
        """Take nothing more; the reader still gets what came before."""
        if not self._is_over:
            self._is_over = True
            self._unread.put_nowait(None)

    async def next(self) -> Aside | None:
        """Give the oldest unread message; None when there will be none.

        Raises:
            LimitError: one was too many.
        """
        message = await self._unread.get()
        if message is None:
            self._unread.put_nowait(None)  # it stays over
            if self._is_overrun:
                raise LimitError(
                    f"the other side said more than {MAX_UNREAD} things unread"
                )
        return message

    def _put(self, message: Aside) -> None:
        if self._is_over:
            return
        if self._unread.qsize() == MAX_UNREAD:
            self._is_overrun = True
            self.close()
        else:
            self._unread.put_nowait(message)


class _Reader(AsyncIterator[Aside]):
    """Reads on; unlike a generator it outlives a timeout."""

    def __init__(self, asides: Asides) -> None:
        self._asides = asides

    async def __anext__(self) -> Aside:
        message = await self._asides.next()
        if message is None:
            raise StopAsyncIteration
        return message
