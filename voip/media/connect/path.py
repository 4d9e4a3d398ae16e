"""Finding a way to the other side: one `Path` is one run of ICE (RFC 8445).

Nothing is asked of anybody by default: no STUN server, no name lookup, no mDNS. The
private names of aiortc and aioice used here are held by test_contracts.py.
"""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import aioice
from aioice.ice import CandidatePair, StunProtocol, get_host_addresses
from aiortc import (
    RTCIceCandidate,
    RTCIceGatherer,
    RTCIceParameters,
    RTCIceServer,
    RTCIceTransport,
)
from aiortc.rtcicetransport import connection_kwargs

from voip.description import MAX_CANDIDATES, Description
from voip.errors import MalformedError, UnreachableError
from voip.media.connect.candidates import (
    Candidate,
    admissible,
    format_candidate,
    parse_candidate,
)
from voip.media.connect.config import IceConfig, check_config
from voip.media.connect.sockets import Trace
from voip.media.events import PathKind

WATCH_EVERY_S = 2.0  # listing the interfaces costs about a millisecond
MAX_WAITING = 512  # datagrams; two seconds of a video call
KNOCK_EVERY_S = 5.0  # below the 30 s after which some NATs forget (RFC 4787 §4.3)
_LOOPBACK = "127.0.0.1"


def local_addresses() -> frozenset[str]:
    """List the addresses of this machine that ICE would offer."""
    return frozenset(get_host_addresses(use_ipv4=True, use_ipv6=True))


async def addresses_changed(
    addresses: Callable[[], frozenset[str]] = local_addresses,
    every_s: float = WATCH_EVERY_S,
) -> None:
    """Wait until this machine has other addresses than now."""
    before = addresses()
    while True:
        await asyncio.sleep(every_s)
        if addresses() != before:
            return


class CallIce(aioice.Connection):
    """An ICE agent that can stay on loopback and lets every datagram be watched."""

    def __init__(
        self, config: IceConfig, *, controlling: bool, trace: Trace | None
    ) -> None:
        """Take the user's servers and, for a leak test, who watches."""
        policy = aioice.TransportPolicy
        super().__init__(
            ice_controlling=controlling,
            transport_policy=policy.RELAY if config.relay_only else policy.ALL,
            **_server_arguments(config),
        )
        self._loopback = config.loopback
        self._trace = trace

    async def get_component_candidates(
        self,
        component: int,
        addresses: list[str],
        timeout: int = 5,  # noqa: ASYNC109 -- the base's signature
    ) -> list[aioice.Candidate]:
        """Gather; from here on each datagram sent is shown to the watcher."""
        if self._loopback:
            addresses = [_LOOPBACK]
        found = await super().get_component_candidates(component, addresses, timeout)
        if self._trace is not None:
            for protocol in self._protocols:
                _watch(protocol, self._trace)
        return found

    def data_received(self, data: bytes, component: int) -> None:
        """Queue a datagram, unless too many wait.

        The port is open to everybody while the call rings and nobody reads yet; what
        does not fit is dropped, as a full socket would.
        """
        if self._queue.qsize() < MAX_WAITING:
            super().data_received(data, component)

    def try_again(self) -> None:
        """Let the checks that failed be made once more."""
        for pair in self._check_list:
            if pair.state is CandidatePair.State.FAILED:
                self.check_state(pair, CandidatePair.State.WAITING)


class Path:
    """One way to the other side, from gathering to closing."""

    def __init__(
        self,
        config: IceConfig,
        *,
        controlling: bool,
        trace: Trace | None = None,
        on_candidate: Callable[[str], None] | None = None,
        on_change: Callable[[], None] | None = None,
    ) -> None:
        """Prepare; the caller controls (RFC 8445 §6.1.1).

        Args:
            config: servers, and what may be shown.
            controlling: whether this side decides which pair is used.
            trace: sees every datagram, and where to, just before it leaves.
            on_candidate: hears of addresses found after `gather` returned, for a
                CANDIDATES message; they are used either way.
            on_change: told when packets go another way from now on; `kind` may differ.
        """
        check_config(config)
        self._config = config
        self._gatherer = RTCIceGatherer(iceServers=[])
        # aiortc offers no way to hand in an agent of one's own.
        self._agent = CallIce(config, controlling=controlling, trace=trace)
        self._gatherer._connection = self._agent  # noqa: SLF001 -- test_contracts.py
        self.transport = RTCIceTransport(self._gatherer)

    @property
    def receive(self) -> Callable[[bytes], None] | None:
        """Take each datagram of the peer, in the call that read it from the socket.

        Before it is set, at most 512 datagrams wait and are handed over then.
        """
        raise NotImplementedError

    @receive.setter
    def receive(self, receive: Callable[[bytes], None]) -> None:
        raise NotImplementedError

    @property
    def problems(self) -> tuple[str, ...]:
        """What went wrong with which server, as sentences for the user."""
        raise NotImplementedError

    @property
    def answered_at(self) -> float | None:
        """When the peer last proved, by its ICE password, to be on the current pair.

        Seconds of the loop's clock; None before the first check.
        """
        raise NotImplementedError

    @property
    def has_failed(self) -> bool:
        """Whether the system refused to send on the current pair since it last heard.

        The address or the route is gone: reason enough to look for another way.
        """
        raise NotImplementedError

    def send(self, datagram: bytes) -> None:
        """Send now, on the current pair; a full socket drops, as a network does.

        Raises:
            ConnectionError: there is no pair, or not any more.
        """
        raise NotImplementedError

    def verified(self) -> None:
        """Say, inside `receive`, that the datagram at hand verified.

        The callee then sends where such packets come from, as long as that way was
        checked (RFC 8445 leaves the choice to the caller, whose packets show it).
        """
        raise NotImplementedError

    def check(self) -> None:
        """Check the current pair now; `answered_at` tells whether it answered."""
        raise NotImplementedError

    def recheck_all(self) -> None:
        """Check every pair once more, and move to the first that answers.

        Stays where it is if the current pair answers as well.
        """
        raise NotImplementedError

    @property
    def kind(self) -> PathKind:
        """Whether packets go straight or through a relay of either side."""
        pairs = self._agent._nominated.values()  # noqa: SLF001 -- test_contracts.py
        relayed = any(
            "relay" in (pair.local_candidate.type, pair.remote_candidate.type)
            for pair in pairs
        )
        return "relay" if relayed else "direct"

    async def gather(self) -> Description:
        """Find our addresses; at most 5 s, at once without servers.

        Raises:
            UnreachableError: there is not one address to offer.
        """
        await self._gatherer.gather()
        found = tuple(map(_from_aiortc, self._gatherer.getLocalCandidates()))
        if not found:
            raise UnreachableError("no network address at which a call could come in")
        own = self._gatherer.getLocalParameters()
        return Description(
            ufrag=cast("str", own.usernameFragment),
            pwd=cast("str", own.password),
            candidates=tuple(map(format_candidate, found[:MAX_CANDIDATES])),
        )

    async def connect(self, remote: Description, *, complete: bool = True) -> None:
        """Run the checks until one way works.

        With `complete`, no candidates follow, so that failing can be known. Otherwise
        it goes on until `close`, and ways that failed are tried again: the other side
        may begin minutes later, and a NAT forgets who was not sent to for a while.

        Raises:
            UnreachableError: none of the ways works.
            MalformedError: a candidate of another form.
        """
        await self.add(remote.candidates, last=complete)
        if self.transport.state == "closed":
            raise UnreachableError("this way was closed before it was tried")
        checks = self.transport.start(
            RTCIceParameters(usernameFragment=remote.ufrag, password=remote.pwd)
        )
        if complete:
            await checks
        else:
            # Owned by this call: a task group would wrap what is raised.
            knocking = asyncio.create_task(self._knock())
            try:
                await checks
            finally:
                knocking.cancel()
        if self.transport.state != "completed":
            raise UnreachableError(
                f"no way to the other side: {len(remote.candidates)} addresses tried"
            )

    async def add(self, candidates: tuple[str, ...], *, last: bool) -> None:
        """Take candidates of the peer, leaving out those that aim at a third party.

        Raises:
            MalformedError: a candidate of another form; none of them is taken.
        """
        parsed = tuple(map(parse_candidate, candidates))
        for candidate in admissible(parsed, loopback=self._config.loopback):
            await self.transport.addRemoteCandidate(_to_aiortc(candidate))
        if last:
            await self.transport.addRemoteCandidate(None)

    async def _knock(self) -> None:
        while True:
            await asyncio.sleep(KNOCK_EVERY_S)
            self._agent.try_again()

    async def close(self) -> None:
        """Close the sockets."""
        await self.transport.stop()


def _server_arguments(config: IceConfig) -> dict[str, Any]:
    # aioice takes one server of each kind; the first of each is used.
    servers = [
        RTCIceServer(server.url, username=server.username, credential=server.password)
        for server in config.servers
    ]
    try:
        return connection_kwargs(servers)
    except ValueError as error:
        raise MalformedError(f"ice server: {error}") from error


def _from_aiortc(found: RTCIceCandidate) -> Candidate:
    related = ""
    if found.relatedAddress is not None:
        related = f" raddr {found.relatedAddress} rport {found.relatedPort}"
    text = (
        f"{found.foundation} 1 udp {found.priority} {found.ip} {found.port} "
        f"typ {found.type}{related}"
    )
    return parse_candidate(text)


def _to_aiortc(candidate: Candidate) -> RTCIceCandidate:
    host, port = candidate.related or (None, None)
    return RTCIceCandidate(
        component=1,
        foundation=candidate.foundation,
        ip=candidate.host,
        port=candidate.port,
        priority=candidate.priority,
        protocol="udp",
        type=candidate.kind,
        relatedAddress=host,
        relatedPort=port,
    )


class _Watched:
    """A socket's transport that shows each datagram before it leaves."""

    def __init__(self, transport: Any, trace: Trace) -> None:  # aioice has two kinds
        self._transport = transport
        self._trace = trace

    def sendto(self, data: bytes, addr: tuple[str, int]) -> None:
        self._trace(data, (addr[0], addr[1]))
        self._transport.sendto(data, addr)

    def __getattr__(self, name: str) -> Any:  # the rest is the transport's own
        return getattr(self._transport, name)


def _watch(protocol: StunProtocol, trace: Trace) -> None:
    # aioice has no other place at which all sending comes together.
    protocol.transport = cast("Any", _Watched(protocol.transport, trace))
