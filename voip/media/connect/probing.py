"""Tries out the servers and the NAT, for `doctor`; no peer takes part.

One socket asks all STUN servers, and those TURN servers that are spoken to by UDP, so
that their answers can be compared. Then each relay carries 50 packets from this socket
to our own allocation. What it means is for `findings`.
"""

import asyncio
import os
import struct
from collections.abc import Callable, Sequence
from contextlib import suppress
from ipaddress import ip_address
from typing import Any, cast

from aioice import stun

from voip.errors import CallError
from voip.media.connect.config import IceConfig, IceServer, check_config, check_lent
from voip.media.connect.exchange import Exchange
from voip.media.connect.findings import (
    PROBES,
    Address,
    Family,
    Mapping,
    PathFinding,
    RelayQuality,
    ServerFinding,
    judge,
    judge_mapping,
    judge_relay,
)
from voip.media.connect.gathering import LOOPBACK, local_addresses, look_up
from voip.media.connect.servers import Server
from voip.media.connect.turn import Allocation, failure, open_relay

SERVER_S = 5.0
EVERY_S = 0.020  # as a call sends
LAST_S = 1.0  # how long the last packet may take
_PROBE = struct.Struct("!16sId")  # mark, number, when it left
_PROBE_BYTES = 200  # near a packet of sound


async def probe(config: IceConfig) -> PathFinding:
    """Ask every configured server once; takes 2 s, or 5 s where one is dead.

    Raises:
        RefusedError: the configuration cannot be.
        MissingError: relay-only without a TURN server.
        CallError: what the lender raises.
    """
    wanted = config.servers
    servers = check_config(config)
    if config.lender is not None:
        lent = await config.lender()
        wanted, servers = wanted + lent, servers + check_lent(lent)
    own = frozenset({LOOPBACK}) if config.loopback else local_addresses()
    families: list[Family] = []
    if any(ip_address(host).version == 4 for host in own):
        families.append("IPv4")
    if any(ip_address(host).version == 6 for host in own):
        families.append("IPv6")
    loop = asyncio.get_running_loop()
    asking, asker = await loop.create_datagram_endpoint(
        _Asker,
        local_addr=("0.0.0.0", 0),  # noqa: S104 -- it answers nobody
    )
    try:
        visits = [
            _Visit(server, each, asker, may_tell=not config.relay_only)
            for server, each in zip(servers, wanted, strict=True)
        ]
        await asyncio.gather(*(visit.run() for visit in visits))
        port = asking.get_extra_info("sockname")[1]
    finally:
        asking.close()
    seen = [visit.seen for visit in visits if visit.seen is not None]
    return judge(
        tuple(families),
        Mapping.UNKNOWN if config.relay_only else judge_mapping(own, port, seen),
        tuple(visit.finding() for visit in visits),
        relay_only=config.relay_only,
    )


class _Asker(asyncio.DatagramProtocol):
    """The socket that asks, and from which packets go to the relays."""

    def __init__(self) -> None:
        self._exchanges: dict[bytes, Exchange] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        try:
            message = stun.parse_message(data)
        except (ValueError, struct.error):  # anybody may send anything
            return
        exchange = self._exchanges.get(message.transaction_id)
        if exchange is not None:
            exchange.response_received(message, (addr[0], addr[1]))

    async def ask(self, server: Address) -> Address:
        """Ask how a server sees this socket."""
        request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        exchange = Exchange(lambda: self.send(bytes(request), server))
        self._exchanges[request.transaction_id] = exchange
        try:
            answer, _ = await exchange.run()
        finally:
            del self._exchanges[request.transaction_id]
        mapped: Address | None = answer.attributes.get("XOR-MAPPED-ADDRESS")
        if mapped is None:
            raise stun.TransactionFailed(answer)
        return mapped

    def send(self, data: bytes, to: Address) -> None:
        self._transport.sendto(data, to)


class _Arrivals(asyncio.DatagramProtocol):
    """Our end of an allocation: takes the probes that come through it."""

    transport: Allocation

    def __init__(self, clock: Callable[[], float]) -> None:
        self.mark = os.urandom(16)
        self.round_trips_s: dict[int, float] = {}
        self.complete = asyncio.Event()
        self.closed = asyncio.Event()
        self._clock = clock

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("Allocation", transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 -- the base's
        self.closed.set()

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:  # noqa: ARG002 -- the base's
        if len(data) == _PROBE_BYTES:
            mark, number, sent = _PROBE.unpack_from(data)
            if mark == self.mark:
                self.round_trips_s.setdefault(number, self._clock() - sent)
            if len(self.round_trips_s) == PROBES:
                self.complete.set()


class _Visit:
    """What one server is asked, and what came of it."""

    def __init__(
        self, server: Server, wanted: IceServer, asker: _Asker, *, may_tell: bool
    ) -> None:
        self._server = server
        self._wanted = wanted
        self._asker = asker
        self._may_tell = may_tell
        self._loop = asyncio.get_running_loop()
        self.seen: tuple[str, Address] | None = None
        self._round_trip_s: float | None = None
        self._quality: RelayQuality | None = None
        self._problem: str | None = None

    def finding(self) -> ServerFinding:
        """Sum up."""
        trip_s = self._round_trip_s
        return ServerFinding(
            url=self._wanted.url,
            round_trip_ms=None if trip_s is None else round(trip_s * 1000, 1),
            mapped=None if self.seen is None else self.seen[1],
            relay=self._quality,
            problem=self._problem,
        )

    async def run(self) -> None:
        """Ask; whatever goes wrong with a server becomes its problem."""
        try:
            async with asyncio.timeout(SERVER_S):
                if self._server.transport == "udp" and self._may_tell:
                    await self._ask()
                if self._server.is_relay:
                    await self._relay()
        except CallError as error:
            self._problem = str(error)
        except (OSError, stun.TransactionError) as error:
            self._problem = str(failure(self._wanted.url, error))

    async def _ask(self) -> None:
        where = await look_up(self._server)
        if 4 not in where:
            return  # the socket is of IPv4, which is where NATs are
        began = self._loop.time()
        mapped = await self._asker.ask(where[4])
        self._round_trip_s = self._loop.time() - began
        self.seen = (where[4][0], mapped)

    async def _relay(self) -> None:
        began = self._loop.time()
        arrivals = await open_relay(
            self._server,
            self._wanted,
            lambda: _Arrivals(self._loop.time),
            trace=None,
        )
        try:
            if self._round_trip_s is None:
                # Allocating takes two (RFC 8489 §9.2), besides a name and a handshake.
                self._round_trip_s = (self._loop.time() - began) / 2
            trips = await self._send_through(arrivals)
            self._quality = judge_relay(trips, PROBES)
        finally:
            arrivals.transport.close()
            await arrivals.closed.wait()

    async def _send_through(self, arrivals: _Arrivals) -> Sequence[float]:
        relayed = arrivals.transport.get_extra_info("sockname")
        mapped = arrivals.transport.get_extra_info("related_address")
        # A permission is for the address, whatever the port (RFC 8656 §9).
        await arrivals.transport.bound(mapped)
        for number in range(PROBES):
            packet = _PROBE.pack(arrivals.mark, number, self._loop.time())
            self._asker.send(packet.ljust(_PROBE_BYTES, b"\0"), relayed)
            await asyncio.sleep(EVERY_S)
        with suppress(TimeoutError):  # those that were lost do not come
            async with asyncio.timeout(LAST_S):
                await arrivals.complete.wait()
        return tuple(arrivals.round_trips_s.values())
