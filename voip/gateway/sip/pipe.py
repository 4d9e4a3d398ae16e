"""Our end of the socket pair to the SIP worker, and the worker's end as a process.

Carrier. What comes is parsed as a stranger's; the first thing that is no frame of a
worker closes the socket.
"""

import asyncio
from collections.abc import Callable

from voip.errors import MalformedError
from voip.gateway.sip.frames import Command, Event, FrameReader, Shown, Sound

GOODBYE_S = 3.0  # that the worker has to take leave of the exchange


class Pipe(asyncio.Protocol):
    """Our end of the socket pair.

    Attributes:
        closed: set once nothing comes any more.
    """

    def __init__(
        self,
        take: Callable[[Event], None],
        hear: Callable[[list[Sound]], None],
        see: Callable[[Shown], None],
    ) -> None:
        self.closed = asyncio.Event()
        self._take, self._hear, self._see = take, hear, see
        self._frames = FrameReader()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`; sound is handed over by the beat."""
        try:
            frames = self._frames.feed(data)
        except MalformedError:
            self.close()  # it is no worker of ours any more
            return
        sounds = []
        for frame in frames:
            match frame:
                case Sound():
                    sounds.append(frame)
                case Event():
                    self._take(frame)
                case Shown():
                    self._see(frame)
                case Command():
                    self.close()
        if sounds:
            self._hear(sounds)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 -- asyncio's
        """See `asyncio.Protocol`."""
        self.closed.set()

    @property
    def waiting(self) -> int:
        """Bytes that the worker has not taken."""
        return self._transport.get_write_buffer_size() if self._transport else 0

    def write(self, data: bytes) -> None:
        """Send, without waiting."""
        if self._transport is not None:
            self._transport.write(data)

    def close(self) -> None:
        """Hear nothing any more; what was written still leaves."""
        if self._transport is not None:
            self._transport.close()


async def end(process: asyncio.subprocess.Process) -> None:
    """Let a worker take its leave, and end it if it does not."""
    try:
        async with asyncio.timeout(GOODBYE_S):
            await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
