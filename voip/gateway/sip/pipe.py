"""Our end of the socket pair to the SIP worker, and the worker's end as a process.

Carrier. What comes is parsed as a stranger's; the first thing that is no frame of a
worker closes the socket. A worker that hangs says nothing at all: so it is asked, from
its first word on, and one that stays silent is one that ended.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import assert_never

from voip.errors import MalformedError
from voip.gateway.sip.frames import (
    Command,
    Event,
    Frame,
    FrameReader,
    Order,
    Said,
    Shown,
    Sound,
    Traced,
    format_command,
)

GOODBYE_S = 3.0  # that the worker has to take leave of the exchange
PING_S = 4.0
SILENT_S = 12.0
"""A worker that a busy machine does not let run is back sooner; in a call, nobody waits
longer for a voice."""
CLOSE_S = 2.0  # for what was written to leave, where somebody still reads

_PING = format_command(Command(Order.PING))


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
        trace: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`take` hears events, `hear` a beat of sound, `see` pictures, `trace` SIP."""
        self.closed = asyncio.Event()
        self._take, self._hear, self._see, self._trace = take, hear, see, trace
        self._frames = FrameReader()
        self._transport: asyncio.Transport | None = None
        self._loop = asyncio.get_running_loop()
        self._heard_at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._is_closing = False

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
        self._heard_at = self._loop.time()
        if self._timer is None:
            self._ping()
        for frame in frames:
            self._hand_over(frame)
        if sounds := [frame for frame in frames if isinstance(frame, Sound)]:
            self._hear(sounds)

    def _hand_over(self, frame: Frame) -> None:
        match frame:
            case Sound() | Event(Said.PONG):
                pass
            case Event():
                self._take(frame)
            case Shown():
                self._see(frame)
            case Traced(text):
                self._trace(text)
            case Command():
                self.close()
            case _:
                assert_never(frame)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 -- asyncio's
        """See `asyncio.Protocol`."""
        if self._timer is not None:
            self._timer.cancel()
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
        """Hear nothing any more; what was written leaves, if it is read soon."""
        if self._transport is None or self._is_closing:
            return
        self._is_closing = True
        if self._timer is not None:
            self._timer.cancel()
        self._transport.close()
        self._timer = self._loop.call_later(CLOSE_S, self._transport.abort)

    def _ping(self) -> None:
        """Ask whether it is there, again and again; end it if it was not for long."""
        assert self._transport is not None
        if self._is_closing:
            return
        if self._loop.time() - self._heard_at >= SILENT_S:
            self._transport.abort()  # it reads nothing either
            return
        self._transport.write(_PING)
        self._timer = self._loop.call_later(PING_S, self._ping)


async def end(process: asyncio.subprocess.Process) -> None:
    """Let a worker take its leave, and end it if it does not."""
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE_S):
                await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
