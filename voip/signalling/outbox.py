"""Blobs on their way out, so that a slow or dead carrier never holds up a call."""

import asyncio
import contextlib
from collections.abc import Callable

from voip.errors import CallError
from voip.signalling.address import Address
from voip.signalling.post import Post

MAX_WAITING = 64  # then the newest is dropped: what matters is sent again anyway


class Outbox:
    """Sends one blob after the other; the same trouble is told once."""

    def __init__(self, post: Post, tell: Callable[[str], None]) -> None:
        self._post = post
        self._tell = tell
        self._waiting: asyncio.Queue[tuple[Address, bytes]] = asyncio.Queue(
            maxsize=MAX_WAITING
        )
        self._trouble = ""

    def put(self, to: Address, blob: bytes) -> None:
        """Send a blob as soon as the carrier takes it."""
        if not self._waiting.full():
            self._waiting.put_nowait((to, blob))

    async def sent(self, wait_s: float) -> None:
        """Wait until the carrier has taken or refused everything, at most `wait_s`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._waiting.join()

    async def run(self) -> None:
        """Send until cancelled."""
        while True:
            to, blob = await self._waiting.get()
            try:
                await self._post.send(to, blob)
            except CallError as error:
                self._note(str(error))
            else:
                self._note("")
            finally:
                self._waiting.task_done()

    def _note(self, trouble: str) -> None:
        if trouble and trouble != self._trouble:
            self._tell(trouble)
        self._trouble = trouble
