"""The sockets of one guest: they die, his line does not.

Carrier. What leaves and comes is sealed by `line`; a socket that takes another's place
gets once more what was not acknowledged.
"""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

from aiohttp import WSMsgType, web

from voip.errors import LimitError
from voip.gateway.guests.line import GuestLine
from voip.gateway.guests.messages import GuestMessage

FAREWELL_S: Final = 5.0  # for HANGUP to leave; a socket that takes longer is dead
MAX_LEAVING: Final = 128  # sealed messages; the line holds back after 64


class Wire:
    """A guest's line over whatever socket there is.

    Attributes:
        is_up: there is one now.
    """

    def __init__(self, line: GuestLine, heard: Callable[[bytes], None]) -> None:
        """Take the line; `heard` gets what comes, sealed, to be given to `open`."""
        self._line, self._heard = line, heard
        self._leaving: asyncio.Queue[bytes] = asyncio.Queue(MAX_LEAVING)
        self._socket: web.WebSocketResponse | None = None

    @property
    def is_up(self) -> bool:
        """Whether there is a socket."""
        return self._socket is not None

    def open(self, raw: bytes) -> GuestMessage | None:
        """Open what came; None if it had come before.

        Raises:
            MalformedError: see `GuestLine.open`.
        """
        return self._line.open(raw)

    def send(self, message: GuestMessage) -> None:
        """Seal a message, and send it once it can be.

        Raises:
            LimitError: nobody reads: the line is as good as lost.
        """
        try:
            self._leaving.put_nowait(self._line.seal(message))
        except asyncio.QueueFull:
            raise LimitError(f"{MAX_LEAVING} messages have not left") from None

    async def attend(self, socket: web.WebSocketResponse, *, again: bool) -> None:
        """Read and write one socket until it closes; `again`: by RESUME."""
        before, self._socket = self._socket, socket
        if before is not None:
            await before.close()
        if again:
            while not self._leaving.empty():
                self._leaving.get_nowait()  # of before; it is all sealed once more
            for sealed in self._line.resume():
                self._leaving.put_nowait(sealed)
        writing = asyncio.create_task(self._write(socket))
        try:
            await self._read(socket)
        finally:
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)
            if self._socket is socket:
                self._socket = None

    async def farewell(self) -> None:
        """Send what waits, HANGUP among it, and close."""
        socket, self._socket = self._socket, None
        if socket is None:
            return
        with contextlib.suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(FAREWELL_S):
                while not self._leaving.empty():
                    await socket.send_bytes(self._leaving.get_nowait())
                await socket.close()

    async def _read(self, socket: web.WebSocketResponse) -> None:
        async for message in socket:
            if message.type is not WSMsgType.BINARY:
                return
            self._heard(message.data)

    async def _write(self, socket: web.WebSocketResponse) -> None:
        with contextlib.suppress(ConnectionError):
            while True:
                await socket.send_bytes(await self._leaving.get())
