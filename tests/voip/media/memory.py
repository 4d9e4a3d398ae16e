"""Two media transports with a wire between them that the test holds in its hands."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from voip.media.epochs import CALLEE, CALLER
from voip.media.events import MediaEvent
from voip.media.transport import IkSrtpTransport, Noted

SECRET = bytes(range(64))
NEXT_SECRET = bytes(range(64, 128))

Receive = Callable[[bytes], None]


class MemoryPath:
    """Stands where a `Path` would: what is sent is kept, not delivered."""

    def __init__(self) -> None:
        self.transport: Any = None  # aiortc's, which nobody asks for anything
        self.receive: Receive | None = None
        self.sent: list[bytes] = []
        self.verifications = 0
        self.is_dead = False

    def send(self, datagram: bytes) -> None:
        if self.is_dead:
            raise ConnectionError("dead")
        self.sent.append(datagram)

    def verified(self) -> None:
        self.verifications += 1

    def deliver(self, datagram: bytes) -> None:
        assert self.receive is not None
        self.receive(datagram)


@dataclass
class End:
    """One side: its transport, its path and what it told."""

    role: int
    secret: bytes = SECRET
    now: float = 0.0
    path: MemoryPath = field(default_factory=MemoryPath)
    events: list[MediaEvent] = field(default_factory=list)
    noted: Noted | None = None

    def __post_init__(self) -> None:
        self.transport = IkSrtpTransport(
            self.path,
            self.role,
            secret=self.secret,
            emit=self.events.append,
            clock=lambda: self.now,
        )
        self.transport.noted = self.noted

    def take(self) -> list[bytes]:
        """Take from the wire what this side sent."""
        sent, self.path.sent = self.path.sent, []
        return sent

    async def hear(self, *datagrams: bytes) -> None:
        """Let datagrams arrive; what only SCTP wants is dealt with, too."""
        for datagram in datagrams:
            self.path.deliver(datagram)
        await settle()

    def tick(self) -> None:
        """Let the transport look at the clock."""
        self.events += self.transport.tick()


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
