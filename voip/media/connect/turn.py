"""An allocation at a TURN server (RFC 8656), over UDP, TCP or TLS.

The protocol is aioice's; ours are the timers, the certificates, and how packets go:
aioice makes a task of each, binds a channel only when the first packet waits for it,
and refreshes after 500 s, while a permission lasts 300 s (RFC 8656 §9).
"""

import asyncio
import hashlib
import ssl
import struct
from collections import deque
from collections.abc import Callable
from typing import TypeVar, cast

from aioice import stun
from aioice.turn import (
    DEFAULT_ALLOCATION_LIFETIME,
    TurnClientMixin,
    TurnClientTcpProtocol,
    TurnClientUdpProtocol,
    TurnTransport,
)
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from voip.errors import CallError, MissingError, RefusedError, UnreachableError
from voip.media.connect.config import IceServer
from voip.media.connect.exchange import Exchange
from voip.media.connect.servers import Server
from voip.media.connect.sockets import Address, Trace

REFRESH_S = 240.0  # before the 300 s of a permission are over
LEAST_LIFETIME_S = 60  # RFC 8656 §7.2 means 600; less would have us ask all the time
BYE_S = 1.0  # a server that is gone frees the allocation by itself
ProtocolT = TypeVar("ProtocolT", bound=asyncio.DatagramProtocol)

MAX_HELD = 8  # datagrams sent within one turn of the loop, before there is a channel
_FIRST_CHANNEL = 0x4000  # of 4096; an agent knows 48 addresses of its peer


class _Client(TurnClientMixin):
    """What the two kinds of clients have in common."""

    def begin(self, trace: Trace | None) -> None:
        """Take what aioice's constructor has no place for."""
        self._trace = trace
        self._numbers: dict[Address, int] = {}
        self._held: dict[Address, deque[bytes]] = {}
        self._binding: dict[Address, asyncio.Task[None]] = {}
        self._now = asyncio.get_running_loop().time

    def datagram_received(self, data: bytes | str, addr: Address) -> None:
        """Take what the server sent, also if it is no STUN at all."""
        try:
            super().datagram_received(data, addr)
        except struct.error:  # aioice checks no length of an attribute
            return

    async def request(
        self, request: stun.Message
    ) -> tuple[stun.Message, tuple[str, int]]:
        """Ask the server; as the base does it, but with timers of ours."""
        if self.integrity_key:
            request.attributes["USERNAME"] = self.username
            request.attributes["NONCE"] = self.nonce
            request.attributes["REALM"] = self.realm
            request.add_message_integrity(self.integrity_key)
        exchange = Exchange(
            lambda: self.send_stun(request, self.server), key=self.integrity_key
        )
        # The base asks no more of it than `response_received`.
        self.transactions[request.transaction_id] = cast("stun.Transaction", exchange)
        try:
            answer, source = await exchange.run()
        finally:
            del self.transactions[request.transaction_id]
        lent_s = answer.attributes.get("LIFETIME", LEAST_LIFETIME_S)
        if lent_s < LEAST_LIFETIME_S and request.attributes.get("LIFETIME"):
            raise ConnectionError(f"it lends an address for {lent_s} s only")
        return answer, source

    async def delete(self) -> None:
        """Give the allocation back, without waiting long for a thank you."""
        for task in tuple(self._binding.values()):
            task.cancel()
        try:
            async with asyncio.timeout(BYE_S):
                await super().delete()
        except TimeoutError:
            return  # the base has closed the socket

    def relay(self, data: bytes, to: Address) -> None:
        """Send by the channel of this peer.

        The first packets go right after the request for a channel, not a round trip
        later: the server takes one after the other, and has the channel when it comes
        to them. If it refuses, or the request is lost, they are lost as well.
        """
        channel = self.peer_to_channel.get(to)
        if channel is None:
            self._held.setdefault(to, deque(maxlen=MAX_HELD)).append(data)
            self.bind(to)
            # After the first step of the task that asks for the channel.
            asyncio.get_running_loop().call_soon(self._flush, to)
            return
        if self._now() > self.channel_refresh_at[channel]:
            self.bind(to)
        self._send(struct.pack("!HH", channel, len(data)) + data)

    def bind(self, to: Address) -> None:
        """Bind or refresh a channel; it opens the relay for packets of this peer."""
        if to not in self._binding:
            number = self._numbers.setdefault(to, _FIRST_CHANNEL + len(self._numbers))
            task = asyncio.get_running_loop().create_task(self._bind(number, to))
            self._binding[to] = task
            task.add_done_callback(lambda _: self._binding.pop(to))

    async def bound(self, to: Address) -> None:
        """Wait until the channel of this peer is bound, or cannot be."""
        self.bind(to)
        await self._binding[to]

    async def _bind(self, number: int, to: Address) -> None:
        self.channel_to_peer[number] = to
        try:
            await self.channel_bind(number, to)
        except stun.TransactionError:
            return  # checks of this pair go unanswered, which is all there is to say
        self.channel_refresh_at[number] = self._now() + REFRESH_S
        self.peer_to_channel[to] = number

    def _flush(self, to: Address) -> None:
        for data in self._held.pop(to, ()):
            header = struct.pack("!HH", self._numbers[to], len(data))
            self._send(header + data)


class _UdpClient(_Client, TurnClientUdpProtocol):
    def _send(self, data: bytes) -> None:
        if self._trace is not None:
            self._trace(data, self.server)
        self.transport.sendto(data)

    def error_received(self, exc: Exception) -> None:
        """Hand on that the server's port is closed, or that the route is gone."""
        if self.receiver is not None:
            self.receiver.error_received(exc)


class _TcpClient(_Client, TurnClientTcpProtocol):
    def _send(self, data: bytes) -> None:
        data = self._padded(data)
        if self._trace is not None:
            self._trace(data, self.server)
        self.transport.write(data)


class Allocation(TurnTransport):
    """Looks like a UDP socket at the address of the relay."""

    def __init__(self, client: _UdpClient | _TcpClient) -> None:
        """Take the client that allocates."""
        super().__init__(client)
        self._client = client

    def sendto(self, data: bytes, addr: Address) -> None:
        """Send at once if the channel is bound."""
        if not self._client.transport.is_closing():
            self._client.relay(data, addr)

    def bind(self, to: Address) -> None:
        """Open the relay for packets of a peer, before there is one to send."""
        if not self._client.transport.is_closing():
            self._client.bind(to)

    async def bound(self, to: Address) -> None:
        """Open the relay for packets of a peer, and wait until it is, or cannot be."""
        await self._client.bound(to)

    def get_write_buffer_size(self) -> int:
        """Bytes that wait for the server to take them."""
        transport = cast("asyncio.WriteTransport", self._client.transport)
        return transport.get_write_buffer_size()


async def open_relay(
    server: Server,
    wanted: IceServer,
    make: Callable[[], ProtocolT],
    *,
    trace: Trace | None,
) -> ProtocolT:
    """Allocate an address at a relay.

    The certificate of a TLS server is held against the name the user wrote, or its
    key against the pin, before anything is said to it.

    Raises:
        RefusedError: the certificate, the user or the password does not hold.
        UnreachableError: the server does not answer, or has no room.
        MissingError: the CA file cannot be read.
    """
    try:
        return await _open_relay(server, wanted, make, trace)
    except (OSError, stun.TransactionError) as error:
        raise failure(wanted.url, error) from error


async def _open_relay(
    server: Server,
    wanted: IceServer,
    make: Callable[[], ProtocolT],
    trace: Trace | None,
) -> ProtocolT:
    loop = asyncio.get_running_loop()
    where = (server.host, server.port)
    lifetime = DEFAULT_ALLOCATION_LIFETIME
    client: _UdpClient | _TcpClient
    transport: asyncio.BaseTransport
    if server.transport == "tcp":
        tls = await asyncio.to_thread(_tls, wanted) if server.is_secure else None
        transport, client = await loop.create_connection(
            lambda: _TcpClient(where, wanted.username, wanted.password, lifetime, 0),
            *where,
            ssl=tls,
            happy_eyeballs_delay=0.25,
        )
    else:
        transport, client = await loop.create_datagram_endpoint(
            lambda: _UdpClient(where, wanted.username, wanted.password, lifetime, 0),
            remote_addr=where,
        )
    try:
        if wanted.pin is not None:
            _check_pin(transport, wanted)
        client.begin(trace)
        socket = make()
        # The one call of TurnTransport that allocates; test_contracts.py.
        await Allocation(client)._connect(socket)  # noqa: SLF001
    except BaseException:
        transport.close()
        raise
    return socket


def _tls(wanted: IceServer) -> ssl.SSLContext:
    if wanted.ca_file is not None:
        try:
            return ssl.create_default_context(cafile=wanted.ca_file)
        except OSError as error:  # SSLError, for what is not PEM, is one
            raise MissingError(
                f"ice server {wanted.url}: cannot read CA file {wanted.ca_file!r}: "
                f"{error.strerror or error}"
            ) from error
    context = ssl.create_default_context()
    if wanted.pin is not None:
        context.check_hostname = False  # the key says more than who vouches for it
        context.verify_mode = ssl.CERT_NONE
    return context


def _check_pin(transport: asyncio.BaseTransport, wanted: IceServer) -> None:
    shown = transport.get_extra_info("ssl_object").getpeercert(binary_form=True)
    key = x509.load_der_x509_certificate(shown).public_key()
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if (digest := hashlib.sha256(spki).digest()) != wanted.pin:
        raise RefusedError(
            f"ice server {wanted.url}: its key has SHA-256 {digest.hex()}, "
            "which is not the pinned one"
        )


def failure(url: str, error: Exception) -> CallError:
    """Say what went wrong with a server, in a sentence for the user."""
    match error:
        case ssl.SSLCertVerificationError():
            return RefusedError(
                f"ice server {url}: its certificate does not hold: "
                f"{error.verify_message}"
            )
        case stun.TransactionFailed() if error.response.error_code in (401, 441):
            return RefusedError(f"ice server {url}: it refuses the user or password")
        case stun.TransactionFailed():
            return UnreachableError(
                f"ice server {url}: it answered with error {error.response.error_code}"
            )
        case stun.TransactionError() | TimeoutError():
            return UnreachableError(f"ice server {url}: it does not answer")
        case OSError():
            reason = error.strerror or str(error)
            return UnreachableError(f"ice server {url}: {reason.lower()}")
        case _:
            return UnreachableError(f"ice server {url}: {error}")
