"""A network in memory under a clock that jumps: a second of waiting takes no time.

Sockets that asyncio opens on a `VirtualLoop` are ports of its `Network`, which delays
and drops datagrams by a seed. Nothing here knows ICE, so that aioice's own agent runs
on it as well, for comparison.
"""

import asyncio
import selectors
import socket
from collections.abc import Callable, Coroutine
from random import Random
from typing import Any, TypeVar

T = TypeVar("T")
Address = tuple[str, int]


class Network:
    """Carries datagrams between the ports that were opened on it."""

    def __init__(
        self, *, delay_s: float = 0.0, loss: float = 0.0, seed: int = 0
    ) -> None:
        self.delay_s = delay_s
        self.loss = loss
        self.ports: dict[Address, Port] = {}
        self.carried: list[tuple[float, Address, Address, bytes]] = []
        self.blocks: Callable[[Address, Address], bool] = lambda _, __: False
        self.refuses: Callable[[Address], bool] = lambda _: False
        self._random = Random(seed)
        self._next_port = 40000

    def open(
        self, host: str, loop: asyncio.AbstractEventLoop, number: int = 0
    ) -> "Port":
        self._next_port += 1
        at = host, number or self._next_port
        self.ports[at] = Port(self, at, loop)
        return self.ports[at]

    def carry(
        self, source: Address, to: Address, data: bytes, loop: asyncio.AbstractEventLoop
    ) -> None:
        self.carried.append((loop.time(), source, to, data))
        if not self.blocks(source, to) and self._random.random() >= self.loss:
            loop.call_later(self.delay_s, self._arrive, source, to, data)

    def _arrive(self, source: Address, to: Address, data: bytes) -> None:
        if to in self.ports and not self.ports[to].is_closing():
            self.ports[to].protocol.datagram_received(data, source)


class Port(asyncio.DatagramTransport):
    """One open socket."""

    protocol: asyncio.DatagramProtocol

    def __init__(
        self, network: Network, at: Address, loop: asyncio.AbstractEventLoop
    ) -> None:
        super().__init__({"sockname": at})
        self._network, self._at, self._loop = network, at, loop
        self._is_closing = False
        self.unsent_bytes = 0

    def sendto(self, data: Any, addr: Any = None) -> None:
        if self._network.refuses(self._at):
            self.protocol.error_received(OSError("network is unreachable"))
        elif not self._is_closing:
            self._network.carry(self._at, addr, bytes(data), self._loop)

    def get_write_buffer_size(self) -> int:
        return self.unsent_bytes

    def is_closing(self) -> bool:
        return self._is_closing

    def close(self) -> None:
        if not self._is_closing:
            self._is_closing = True
            self._loop.call_soon(self.protocol.connection_lost, None)


class _Skipping(selectors.DefaultSelector):
    loop: "VirtualLoop"

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if not ready:
            assert timeout is not None, "everybody waits for something else"
            self.loop.skip(timeout)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop without waiting, whose datagrams stay in memory."""

    def __init__(self, network: Network) -> None:
        selector = _Skipping()
        selector.loop = self
        self._seconds = 1000.0
        super().__init__(selector)
        self._network = network

    def time(self) -> float:
        return self._seconds

    def skip(self, seconds: float) -> None:
        self._seconds += seconds

    async def create_datagram_endpoint(  # type: ignore[override]  # what we use of it
        self, protocol_factory: Any, local_addr: Any = None, **_: Any
    ) -> Any:
        port = self._network.open(local_addr[0], self)
        port.protocol = protocol_factory()
        port.protocol.connection_made(port)
        return port, port.protocol

    async def getaddrinfo(self, host: Any, port: Any, **_: Any) -> Any:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return [(family, socket.SOCK_DGRAM, 17, "", (host, port))]


def run(network: Network, main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on a network, from second 1000."""
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(network)) as runner:
        return runner.run(main)
