"""The sockets of an ICE agent: datagrams in and out, STUN told from media.

A socket stands for one local address: a UDP socket of ours, or an allocation at a
relay, whose transport is then of `turn`.
"""

import asyncio
import struct
from collections.abc import Callable
from typing import Any, Protocol, cast

from aioice import stun
from aioice.ice import Connection, StunProtocol

from voip.media.connect.exchange import Exchange

Trace = Callable[[bytes, tuple[str, int]], None]
"""Sees each datagram, and where to, just before it leaves this machine."""

LAST_STUN_BYTE = b"\3"  # RFC 7983 §7: STUN begins with 0 to 3
MAX_UNSENT_BYTES = 65536  # what waits in a full socket is late already

Address = tuple[str, int]


class Agent(Protocol):
    """What a socket needs of the agent it belongs to."""

    def take(self, socket: "CallSocket", data: bytes, source: Address) -> None:
        """Take a datagram that is not STUN."""

    def answer_received(
        self, socket: "CallSocket", message: stun.Message, source: Address
    ) -> None:
        """Take an answer to a check."""

    def request_received(
        self, message: stun.Message, addr: Address, protocol: StunProtocol
    ) -> None:
        """Take a check."""

    def send_failed(self, socket: "CallSocket") -> None:
        """Take note that the system would not send."""


class CallSocket(StunProtocol):
    """One local address."""

    def __init__(self, agent: Connection, owner: Agent, trace: Trace | None) -> None:
        """Take the agent, once as what aioice wants of it and once as what we do."""
        super().__init__(agent)
        self._owner = owner
        self._trace = trace
        self._exchanges: dict[bytes, Exchange] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport, which knows how much waits in it."""
        super().connection_made(transport)
        self._unsent = cast("asyncio.WriteTransport", transport).get_write_buffer_size

    def datagram_received(self, data: bytes | str, addr: tuple[Any, ...]) -> None:
        """Tell STUN from media by the first byte, without a failed parse for each."""
        assert isinstance(data, bytes)  # the base class allows text
        source = addr if len(addr) == 2 else (addr[0], addr[1])  # IPv6 has four
        if data[:1] > LAST_STUN_BYTE:
            self._owner.take(self, data, source)
            return
        try:
            message = stun.parse_message(data)
        except (ValueError, struct.error):  # aioice checks no length of an attribute
            return
        if message.message_class == stun.Class.REQUEST:
            self._owner.request_received(message, source, self)
        elif message.message_class != stun.Class.INDICATION:
            exchange = self._exchanges.get(message.transaction_id)
            if exchange is None:
                self._owner.answer_received(self, message, source)
            else:
                exchange.response_received(message, source)

    def error_received(self, exc: Exception) -> None:  # noqa: ARG002 -- what for, the route is gone
        """Take note that something could not be sent."""
        self._owner.send_failed(self)

    def send(self, datagram: bytes, to: Address) -> None:
        """Send now, or not at all if too much waits already."""
        if self._unsent() > MAX_UNSENT_BYTES:
            return
        if self._trace is not None:
            self._trace(datagram, to)
        self.transport.sendto(datagram, to)

    def send_stun(self, message: stun.Message, addr: Address) -> None:
        """Send a STUN message; called by aioice."""
        self.send(bytes(message), addr)

    async def ask(self, server: Address) -> Address:
        """Ask a STUN server at which address it sees this socket.

        Raises:
            TransactionError: it refuses, or does not answer.
        """
        request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        exchange = Exchange(lambda: self.send_stun(request, server))
        self._exchanges[request.transaction_id] = exchange
        try:
            answer, source = await exchange.run()
        finally:
            del self._exchanges[request.transaction_id]
        mapped: Address | None = answer.attributes.get("XOR-MAPPED-ADDRESS")
        if mapped is None or source != server:
            raise stun.TransactionFailed(answer)
        return mapped


async def open_socket(make: Callable[[], CallSocket], address: str) -> CallSocket:
    """Open a UDP socket on one of this machine's addresses.

    Raises:
        OSError: the address is gone.
    """
    loop = asyncio.get_running_loop()
    _, socket = await loop.create_datagram_endpoint(make, local_addr=(address, 0))
    return socket
