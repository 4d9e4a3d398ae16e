"""What the host of a guest is told, in order, until he reads it.

Carrier: a bounded queue. The end is always told.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from voip.gateway.guests.news import GuestEnded, GuestNews

MAX_NEWS: Final = 256  # a host that leaves more unread is gone; later ones are lost


class Gazette:
    """News of one guest."""

    def __init__(self) -> None:
        """Begin with none."""
        self._unread: asyncio.Queue[GuestNews] = asyncio.Queue(MAX_NEWS)

    def tell(self, news: GuestNews) -> None:
        """Add a piece of news; where nobody reads, only the end."""
        if isinstance(news, GuestEnded) and self._unread.full():
            self._unread.get_nowait()
        if not self._unread.full():
            self._unread.put_nowait(news)

    async def read(self) -> AsyncIterator[GuestNews]:
        """Give what happens, until and with `GuestEnded`."""
        while True:
            news = await self._unread.get()
            yield news
            if isinstance(news, GuestEnded):
                return
