"""Two media transports with a wire between them that the test holds in its hands."""

import asyncio
from dataclasses import dataclass, field
from typing import cast

from aiortc import RTCIceTransport

from voip.media.epochs import CALLEE, CALLER
from voip.media.events import MediaEvent
from voip.media.transport import IkSrtpTransport

SECRET = bytes(range(64))
NEXT_SECRET = bytes(range(64, 128))


class MemoryPath:
    """Stands where an ICE transport would: what is sent is kept, not delivered."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.is_dead = False
        self._arrived: asyncio.Queue[bytes | Exception] = asyncio.Queue()

    async def _send(self, datagram: bytes) -> None:
        if self.is_dead:
            raise ConnectionError("dead")
        self.sent.append(datagram)

    async def _recv(self) -> bytes:
        arrived = await self._arrived.get()
        if isinstance(arrived, Exception):
            raise arrived
        return arrived

    def deliver(self, datagram: bytes | Exception) -> None:
        self._arrived.put_nowait(datagram)


@dataclass
class End:
    """One side: its transport, its path and what it told."""

    role: int
    secret: bytes = SECRET
    now: float = 0.0
    path: MemoryPath = field(default_factory=MemoryPath)
    events: list[MediaEvent] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.transport = IkSrtpTransport(
            as_ice(self.path),
            self.role,
            secret=self.secret,
            emit=self.events.append,
            clock=lambda: self.now,
        )

    def take(self) -> list[bytes]:
        """Take from the wire what this side sent."""
        sent, self.path.sent = self.path.sent, []
        return sent

    async def hear(self, *datagrams: bytes | Exception) -> None:
        """Let datagrams arrive, and wait until they were dealt with."""
        for datagram in datagrams:
            self.path.deliver(datagram)
        await settle()


def as_ice(path: MemoryPath) -> RTCIceTransport:
    """Say to the type checker that a path is what aiortc calls a transport."""
    return cast("RTCIceTransport", path)


async def settle() -> None:
    """Let every task run until it waits for something from outside."""
    for _ in range(20):
        await asyncio.sleep(0)


async def start(caller_secret: bytes = SECRET) -> tuple[End, End]:
    """Start a caller and a callee."""
    ends = End(CALLER, caller_secret), End(CALLEE)
    for end in ends:
        await end.transport.start()
    return ends
