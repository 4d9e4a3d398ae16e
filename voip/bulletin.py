"""What the user of a call was told and has not read yet."""

import asyncio

from voip.news import FileArrived, News, Warned

MAX_NEWS = 512  # unread by the user; then the oldest goes
MAX_UNREAD_FILES = 8  # of 1 MiB at most


class Bulletin:
    """News, in order, for one reader."""

    def __init__(self) -> None:
        """Begin with none."""
        self._unread: asyncio.Queue[News] = asyncio.Queue(MAX_NEWS)
        self._unread_files = 0

    def tell(self, news: News) -> None:
        """Tell the user; if nobody listens, the oldest news goes."""
        if isinstance(news, FileArrived) and self._unread_files == MAX_UNREAD_FILES:
            news = Warned("a file came and was dropped: those before it are unread")
        if self._unread.full():
            self._read(self._unread.get_nowait())
        self._unread_files += isinstance(news, FileArrived)
        self._unread.put_nowait(news)

    async def next(self) -> News:
        """Give the oldest news that was not read yet."""
        return self._read(await self._unread.get())

    def _read(self, news: News) -> News:
        self._unread_files -= isinstance(news, FileArrived)
        return news
