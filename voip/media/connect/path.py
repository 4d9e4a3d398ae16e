"""Finding a way to the other side: one `Path` is one run of ICE (RFC 8445).

Nothing is asked of anybody by default: no STUN server, no name lookup, no mDNS. The
private names of aiortc and aioice used here are held by test_contracts.py.
"""

from collections.abc import Callable
from typing import cast

import aioice
from aiortc import RTCIceGatherer, RTCIceParameters, RTCIceTransport

from voip.description import MAX_CANDIDATES, Description
from voip.errors import CallError, UnreachableError
from voip.media.connect.agent import CallIce
from voip.media.connect.candidates import (
    Candidate,
    admissible,
    format_candidate,
    parse_candidate,
)
from voip.media.connect.config import IceConfig
from voip.media.connect.gathering import local_addresses
from voip.media.connect.sockets import Trace
from voip.media.events import PathKind


class Path:
    """One way to the other side, from gathering to closing."""

    def __init__(  # noqa: PLR0913 -- wishes, and who is told what
        self,
        config: IceConfig,
        *,
        controlling: bool,
        trace: Trace | None = None,
        on_candidate: Callable[[str], None] | None = None,
        on_change: Callable[[], None] | None = None,
        addresses: Callable[[], frozenset[str]] = local_addresses,
    ) -> None:
        """Prepare; the caller controls (RFC 8445 §6.1.1).

        Args:
            config: servers, and what may be shown.
            controlling: whether this side decides which pair is used.
            trace: sees every datagram, and where to, just before it leaves.
            on_candidate: hears of addresses found after `gather` returned, for a
                CANDIDATES message; they are used either way.
            on_change: told when packets go another way from now on; `kind` may differ.
            addresses: lists those of this machine.

        Raises:
            RefusedError: a configuration that cannot be.
            MissingError: relay-only without a TURN server.
        """
        self._config = config
        self._on_candidate = on_candidate
        self._on_change = on_change
        self._gatherer = RTCIceGatherer(iceServers=[])
        # aiortc offers no way to hand in an agent of one's own.
        self._agent = CallIce(
            config,
            controlling=controlling,
            trace=trace,
            on_candidate=None if on_candidate is None else self._tell_candidate,
            on_change=self._tell_change,
            addresses=addresses,
        )
        self._gatherer._connection = self._agent  # noqa: SLF001 -- test_contracts.py
        self.transport = RTCIceTransport(self._gatherer)

    @property
    def kind(self) -> PathKind:
        """Whether packets go straight or through a relay of either side."""
        pair = self._agent.pair
        if pair is None:
            return "direct"
        kinds = (pair.local_candidate.type, pair.remote_candidate.type)
        return "relay" if "relay" in kinds else "direct"

    @property
    def receive(self) -> Callable[[bytes], None] | None:
        """Take each datagram of the peer, in the call that read it from the socket.

        Before it is set, the newest two datagrams wait and are handed over then.
        """
        return self._agent.receive

    @receive.setter
    def receive(self, receive: Callable[[bytes], None] | None) -> None:
        self._agent.receive = receive

    @property
    def is_whole(self) -> bool:
        """Whether everything that was found is still open."""
        return self._agent.is_whole

    @property
    def problems(self) -> tuple[str, ...]:
        """What went wrong with which server, as sentences for the user."""
        return tuple(map(str, self._agent.gathering.problems))

    @property
    def answered_at(self) -> float | None:
        """When the peer last proved, by its ICE password, to be on the current pair.

        Seconds of the loop's clock; None before the first answer to a check.
        """
        return self._agent.answered_at

    @property
    def has_failed(self) -> bool:
        """Whether the system refused to send on the current pair since it last heard.

        The address or the route is gone: reason enough to look for another way.
        """
        return self._agent.has_failed

    def send(self, datagram: bytes) -> None:
        """Send now, on the current pair; a full socket drops, as a network does.

        Raises:
            ConnectionError: there is no pair, or not any more.
        """
        self._agent.push(datagram)

    def verified(self) -> None:
        """Say, inside `receive`, that the datagram at hand verified.

        The callee then sends where such packets come from, as long as that way was
        checked (RFC 8445 leaves the choice to the caller, whose packets show it).
        """
        self._agent.verified()

    def check(self) -> None:
        """Check the current pair now; `answered_at` tells whether it answered."""
        self._agent.check()

    def recheck_all(self) -> None:
        """Check every pair once more, and move to the first that answers.

        Stays where it is if the current pair answers first.
        """
        self._agent.check_all()

    def hear(
        self, *, on_candidate: Callable[[str], None], on_change: Callable[[], None]
    ) -> None:
        """Tell these from now on, of a path that was made before they were there.

        It must have been made with an `on_candidate`.
        """
        self._on_candidate, self._on_change = on_candidate, on_change

    def introduce(
        self, ufrag: str, pwd: str, *, peer: str, on_knock: Callable[[], None]
    ) -> None:
        """Take credentials that the peer knows without being told.

        Nobody may have been told others. Until now a check of the peer's had no answer:
        none may have one before the user accepted, for it says that we are here.

        Args:
            ufrag: ours, of 4 to 255 ice-chars.
            pwd: ours, of 22 to 255 ice-chars.
            peer: the peer's user name fragment.
            on_knock: told of the first check of that peer, authenticated by our
                password, if it comes before `connect`.
        """
        self._agent.introduce(ufrag, pwd)
        self._agent.expect(peer, on_knock)

    async def gather(self) -> Description:
        """Find our addresses; at once without servers.

        Servers are waited for until one of each kind answered, but not for longer than
        1.5 s, or 0.3 s if `on_candidate` can tell the peer what comes later; 5 s where
        there is no address at all. A second time nobody is asked: it gives what was
        found until then.

        Raises:
            UnreachableError: there is not one address to offer.
            RefusedError: nor would there be, if it were tried again: a certificate or
                a password does not hold.
            MissingError: nor is there the CA file of the only server.
        """
        await self._gatherer.gather()
        found = sorted(
            map(_from_aioice, self._agent.local_candidates),
            key=lambda candidate: candidate.priority,
            reverse=True,
        )
        if not found:
            raise self._nothing_found()
        own = self._gatherer.getLocalParameters()
        return Description(
            ufrag=cast("str", own.usernameFragment),
            pwd=cast("str", own.password),
            candidates=tuple(map(format_candidate, _offered(found))),
        )

    def _tell_candidate(self, found: aioice.Candidate) -> None:
        if self._on_candidate is not None:
            self._on_candidate(format_candidate(_from_aioice(found)))

    def _tell_change(self) -> None:
        if self._on_change is not None:
            self._on_change()

    def _nothing_found(self) -> CallError:
        problems = self._agent.gathering.problems
        said = "no network address at which a call could come in"
        if not problems:
            return UnreachableError(said)
        kinds = {type(problem) for problem in problems}
        # Trying again helps unless all of them say that it does not.
        kind = kinds.pop() if len(kinds) == 1 else UnreachableError
        return kind(f"{said}: {'; '.join(map(str, problems))}")

    async def connect(self, remote: Description, *, complete: bool = True) -> None:
        """Run the checks until one way works.

        The callee returns a little earlier: when the caller was seen to use one.
        With `complete`, no candidates follow, so that failing can be known, after 30 s
        at the latest. Otherwise it goes on until `close`. Ways that failed are tried
        again meanwhile: the other side may begin later, by hand minutes later, and a
        NAT forgets who was not sent to for a while.

        Raises:
            UnreachableError: none of the ways works.
            MalformedError: a candidate of another form.
        """
        await self.add(remote.candidates, last=complete)
        if self.transport.state == "closed":
            raise UnreachableError("this way was closed before it was tried")
        await self.transport.start(
            RTCIceParameters(usernameFragment=remote.ufrag, password=remote.pwd)
        )
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
            await self._agent.add_remote_candidate(_to_aioice(candidate))
        if last:
            await self.transport.addRemoteCandidate(None)

    async def close(self) -> None:
        """Close the sockets."""
        await self.transport.stop()


def _offered(found: list[Candidate]) -> list[Candidate]:
    """Keep as many as a description holds; those at the end are relays, which work."""
    if len(found) <= MAX_CANDIDATES:
        return found
    relays = [candidate for candidate in found if candidate.kind == "relay"]
    others = [candidate for candidate in found if candidate.kind != "relay"]
    return others[: MAX_CANDIDATES - len(relays)] + relays


def _from_aioice(found: aioice.Candidate) -> Candidate:
    related = None
    if found.related_address is not None and found.related_port is not None:
        related = (found.related_address, found.related_port)
    return Candidate(
        foundation=found.foundation,
        priority=found.priority,
        host=found.host,
        port=found.port,
        kind=found.type,
        related=related,
    )


def _to_aioice(candidate: Candidate) -> aioice.Candidate:
    host, port = candidate.related or (None, None)
    return aioice.Candidate(
        component=1,
        transport="udp",
        foundation=candidate.foundation,
        priority=candidate.priority,
        host=candidate.host,
        port=candidate.port,
        type=candidate.kind,
        related_address=host,
        related_port=port,
    )
