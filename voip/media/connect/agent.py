"""An ICE agent (RFC 8445) made for calls.

What is checked when, and which pair is used, is settled by `checks`; authentication,
roles and the form of the messages are aioice's. A datagram goes from the socket to its
receiver in one call, and the other way round. The private names of aioice used here
are held by test_contracts.py.
"""

import asyncio
import random
from collections import OrderedDict
from collections.abc import Callable

from aioice import Candidate, Connection, TransportPolicy, stun
from aioice.candidate import candidate_foundation
from aioice.ice import CandidatePair, StunProtocol, candidate_pair_priority

from voip.media.connect.checks import Checks
from voip.media.connect.config import IceConfig
from voip.media.connect.gathering import (
    GATHER_S,
    TRICKLE_S,
    Gathering,
    local_addresses,
)
from voip.media.connect.sockets import Address, CallSocket, Trace
from voip.media.connect.turn import Allocation

MAX_WAITING = 2  # datagrams, the newest: older ones would pass for a path that is slow
MAX_REMOTE = 48  # addresses of the peer: three descriptions full
MAX_ASKED = 512  # checks of ours that may still be answered
MAX_SEEN = 256  # checks of the peer, to know one that is played again
MAX_ANSWERS = 16  # to one check: an honest peer sends it 12 times
MAX_EARLY = 64  # checks that wait for the peer's password; the call may ring for long
CONSENT_EVERY_S = 5.0  # RFC 7675 §5.1
CONSENT_AGAIN_S = 0.5  # so long, at most, a call stays silent after an outage
CONSENT_LOST_S = 30.0


class CallIce(Connection):
    """Finds a pair of addresses and carries datagrams over it."""

    def __init__(  # noqa: PLR0913 -- wishes, and who is told what
        self,
        config: IceConfig,
        *,
        controlling: bool,
        trace: Trace | None = None,
        on_candidate: Callable[[Candidate], None] | None = None,
        on_change: Callable[[], None] | None = None,
        addresses: Callable[[], frozenset[str]] = local_addresses,
    ) -> None:
        """Take the user's wishes, who watches, and who wants to be told."""
        policy = TransportPolicy
        super().__init__(
            ice_controlling=controlling,
            transport_policy=policy.RELAY if config.relay_only else policy.ALL,
        )
        self.gathering = Gathering(
            config,
            make=lambda watcher: CallSocket(self, self, watcher),
            found=self._found,
            finished=self._mark_complete,
            trace=trace,
            addresses=addresses,
        )
        self.has_failed = False
        self.is_whole = True  # no socket that was open is lost
        self._relay_only = config.relay_only
        self._on_candidate = on_candidate
        self._on_change = on_change
        self._receive: Callable[[bytes], None] | None = None
        self._knocks_as = ""
        self._on_knock: Callable[[], None] | None = None
        self._loop = asyncio.get_running_loop()
        self._checks: Checks[CandidatePair] = Checks(controlling=controlling)
        self._pairs: dict[tuple[StunProtocol, Address], CandidatePair] = {}
        self._requests: dict[CandidatePair, stun.Message] = {}
        self._asked: OrderedDict[bytes, CandidatePair] = OrderedDict()
        self._seen: OrderedDict[bytes, tuple[Address, int]] = OrderedDict()
        self._timer: asyncio.TimerHandle | None = None
        self._outcome: asyncio.Future[bool] = self._loop.create_future()
        self._is_withheld = False
        # The way that packets take, and the one by which the last one came.
        self._way: tuple[StunProtocol, Address] | None = None
        self._came_by: tuple[StunProtocol, Address] | None = None

    def introduce(self, ufrag: str, pwd: str) -> None:
        """Be known by these credentials, before anybody was told others."""
        self._local_username, self._local_password = ufrag, pwd

    def expect(self, ufrag: str, on_knock: Callable[[], None]) -> None:
        """Have the first check of a peer of this name told, who is not known yet."""
        self._knocks_as, self._on_knock = f"{self.local_username}:{ufrag}", on_knock

    # Datagrams of the call.

    @property
    def pair(self) -> CandidatePair | None:
        """The pair that packets take, if there is one."""
        return self._nominated.get(1)

    @property
    def receive(self) -> Callable[[bytes], None] | None:
        """Takes each datagram of the peer."""
        return self._receive

    @receive.setter
    def receive(self, receive: Callable[[bytes], None] | None) -> None:
        self._receive = receive
        while receive is not None and not self._queue.empty():
            waiting = self._queue.get_nowait()
            if waiting is not None:  # the word of the base class that all is over
                receive(waiting[0])

    def take(self, socket: CallSocket, data: bytes, source: Address) -> None:
        """Hand on a datagram that is not STUN; called by its socket.

        The port is open to everybody while the call rings and nobody reads yet. The
        caller's sound comes before word of what it is; there is no speech in it.
        """
        self._came_by = (socket, source)
        if self._receive is not None:
            self._receive(data)
            return
        if self._queue.qsize() == MAX_WAITING:
            self._queue.get_nowait()
        self._queue.put_nowait((data, 1))

    def verified(self) -> None:
        """Take note that the datagram being received verified."""
        if self._came_by == self._way:
            self.has_failed = False
        elif self._came_by is not None and not self.ice_controlling:
            pair = self._pairs.get(self._came_by)
            if pair is not None:
                self._checks.followed(pair)
                self._settle()

    def push(self, datagram: bytes) -> None:
        """Send now.

        Raises:
            ConnectionError: there is no pair, or nobody answered there for 30 s.
        """
        if self._is_withheld:
            raise ConnectionError("the other side has not answered for 30 s")
        if self._way is None:
            pair = self._checks.early(self._loop.time())
            if pair is None:
                if not self._nominated:
                    raise ConnectionError("there is no way to the other side")
                return  # as much went there as may before it answers
            way = (pair.protocol, pair.remote_addr)
        else:
            way = self._way
        socket, to = way
        assert isinstance(socket, CallSocket)  # all sockets here are `Gathering`'s
        socket.send(datagram, to)

    async def send(self, data: bytes) -> None:
        """Send now; what aiortc's transport calls."""
        self.push(data)

    def send_failed(self, socket: CallSocket) -> None:
        """Take note that the system would not send; called by the socket."""
        if self._way is not None and self._way[0] is socket:
            self.has_failed = True

    def protocol_lost(self, protocol: StunProtocol) -> None:
        """Take note that a socket is gone, as when a relay hangs up."""
        self.is_whole = False
        if self._way is not None and self._way[0] is protocol:
            self.has_failed = True
        super().protocol_lost(protocol)

    # Addresses.

    async def gather_candidates(self) -> None:
        """Find our addresses; `gathering` says how long servers are waited for."""
        if not self._local_candidates_start:
            self._local_candidates_start = True
            await self.gathering.run(
                GATHER_S if self._on_candidate is None else TRICKLE_S
            )
            self._local_candidates_end = True

    async def add_remote_candidate(self, remote_candidate: Candidate | None) -> None:
        """Take an address of the peer, or word that there are no more."""
        is_full = len(self._remote_candidates) >= MAX_REMOTE
        is_over = self._remote_candidates_end  # a peer may forget that it said so
        if remote_candidate is None or not (is_full or is_over):
            await super().add_remote_candidate(remote_candidate)

    def _found(self, socket: CallSocket, candidate: Candidate) -> None:
        if self._closing:
            socket.transport.close()
            return
        self._local_candidates.append(candidate)
        if self._relay_only and isinstance(socket.transport, Allocation):
            # The peer's relay is mostly the same one. Open to it already, ours lets
            # the peer's first check through before we know where it comes from.
            socket.transport.bind((candidate.host, candidate.port))
        if socket not in self._protocols:
            self._protocols.append(socket)
            for remote in self._remote_candidates:
                self._pair_remote_candidate(remote)
        if self._local_candidates_end and self._on_candidate is not None:
            self._on_candidate(candidate)

    def _pair_remote_candidate(self, remote_candidate: Candidate) -> None:
        super()._pair_remote_candidate(remote_candidate)
        for pair in self._check_list:
            if pair.remote_candidate is remote_candidate:
                self._admit(pair)
        self._pump()

    def _admit(self, pair: CandidatePair) -> None:
        """Take a pair, or word that an address learned by its check is a relay's."""
        ours, theirs = pair.local_candidate, pair.remote_candidate
        priority = candidate_pair_priority(ours, theirs, self.ice_controlling)
        self._checks.add(pair, priority, is_relayed=_is_relayed(pair))
        way = (pair.protocol, pair.remote_addr)
        if way in self._pairs:
            return
        self._pairs[way] = pair
        if self._relay_only and isinstance(pair.protocol.transport, Allocation):
            # The peer's first check would otherwise meet a closed relay.
            pair.protocol.transport.bind(pair.remote_addr)

    def _end_remote_candidates(self) -> None:
        self._mark_complete()

    def _mark_complete(self) -> None:
        self._checks.is_complete = self._remote_candidates_end and (
            self.gathering.is_done
        )
        self._pump()

    # Checks.

    async def connect(self) -> None:
        """Check until a pair can be used.

        Raises:
            ConnectionError: none can.
        """
        if self.remote_username is None or self.remote_password is None:
            raise ConnectionError("the peer's user name and password are not known")
        self._checks.start(self._loop.time())
        for remote in self._remote_candidates:
            self._pair_remote_candidate(remote)
        self._early_checks_done = True
        for message, addr, protocol in self._early_checks:
            self.check_incoming(message, addr, protocol)
        self._early_checks.clear()
        self._mark_complete()
        if not await self._outcome:
            raise ConnectionError("no pair of addresses works")
        self._query_consent_task = self._loop.create_task(self.query_consent())

    def check(self) -> None:
        """Check the current pair once."""
        self._checks.check()
        self._pump()

    def check_all(self) -> None:
        """Check all pairs again and move to the first that answers."""
        self._checks.check_all(self._loop.time())
        self._pump()

    def try_again(self) -> None:
        """Let the checks that failed be made once more."""
        self._checks.try_again()
        self._pump()

    @property
    def answered_at(self) -> float | None:
        """When the peer last proved to be at the other end, on the loop's clock."""
        return self._checks.answered_at

    def switch_role(self, ice_controlling: bool) -> None:  # noqa: FBT001 -- the base's
        """Take the other role (RFC 8445 §7.3.1.1); called by the base class."""
        super().switch_role(ice_controlling)
        self._checks.controlling = ice_controlling

    def request_received(
        self, message: stun.Message, addr: Address, protocol: StunProtocol
    ) -> None:
        """Take a check; called by its socket.

        Who does not know our password hears nothing at all, though RFC 8489 §9.1.3
        would answer: a port scan is not to find out who is in a call.
        """
        name = message.attributes.get("USERNAME", "")
        key = self.local_password.encode()
        if (
            self._valid_username(name)
            and message.check_message_integrity(key)
            and self._is_expected(message.transaction_id, addr)
            and len(self._early_checks) < MAX_EARLY
        ):
            waiting = len(self._early_checks)
            super().request_received(message, addr, protocol)
            if len(self._early_checks) > waiting and name == self._knocks_as:
                self._knocked()

    def _knocked(self) -> None:
        """Say, once, that the peer asks to be let in."""
        on_knock, self._on_knock = self._on_knock, None
        if on_knock is not None:
            on_knock()

    def _is_expected(self, transaction_id: bytes, addr: Address) -> bool:
        """Tell a check from one that somebody plays again, here or from elsewhere.

        It would teach an address that is not the peer's, have answers sent there, or
        make us sign the same answer over and over.
        """
        known, times = self._seen.get(transaction_id, (addr, 0))
        self._seen[transaction_id] = known, times + 1
        if len(self._seen) > MAX_SEEN:
            self._seen.popitem(last=False)
        return known == addr and times < MAX_ANSWERS

    def check_incoming(
        self, message: stun.Message, addr: Address, protocol: StunProtocol
    ) -> None:
        """Take an authenticated check of the peer's; called by the base class."""
        pair = self._pairs.get((protocol, addr)) or self._learn(message, addr, protocol)
        if pair is not None:
            self._checks.heard(
                pair,
                self._loop.time(),
                nominates="USE-CANDIDATE" in message.attributes,
            )
            self._pump()

    def _learn(
        self, message: stun.Message, addr: Address, protocol: StunProtocol
    ) -> CandidatePair | None:
        """Learn an address that only shows by the peer's check (§7.3.1.3)."""
        priority = message.attributes.get("PRIORITY")
        if priority is None or len(self._remote_candidates) >= MAX_REMOTE:
            return None
        learned = Candidate(
            foundation=candidate_foundation("prflx", "udp", addr[0]),
            component=1,
            transport="udp",
            priority=priority,
            host=addr[0],
            port=addr[1],
            type="prflx",
        )
        self._remote_candidates.append(learned)
        pair = CandidatePair(protocol, learned)
        self._check_list.append(pair)
        self._admit(pair)
        return pair

    def answer_received(
        self, socket: CallSocket, message: stun.Message, source: Address
    ) -> None:
        """Take an answer to a check of ours; called by its socket.

        One from another address than was asked is not taken (§7.2.5.2.1), nor an
        error that nobody signed: it could be anybody's.
        """
        pair = self._asked.get(message.transaction_id)
        if (
            pair is None
            or self.remote_password is None
            or (pair.protocol, pair.remote_addr) != (socket, source)
            or not message.check_message_integrity(self.remote_password.encode())
        ):
            return
        if message.message_class == stun.Class.RESPONSE:
            self._checks.answered(pair, self._loop.time())
            self._is_withheld = self._is_withheld and pair is not self.pair
        else:
            self._checks.refused(pair)
            if message.error_code == 487:
                self.switch_role(ice_controlling=not self.ice_controlling)
                self._checks.try_again()
        self._pump()

    def _pump(self) -> None:
        """Send what is due, and see what follows from what is known."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._closing:
            return
        now = self._loop.time()
        picked = self._checks.next(now)
        if picked is not None:
            self._send_check(*picked)
        self._settle()
        if not self._outcome.done() and self._checks.is_hopeless(now):
            self._outcome.set_result(False)
        wake = self._checks.wake(now)
        if wake is not None:
            self._timer = self._loop.call_at(wake, self._pump)

    def _send_check(self, pair: CandidatePair, is_new: bool) -> None:  # noqa: FBT001 -- as `Checks.next` says it
        if is_new:
            assert self.remote_password is not None  # set before checks start
            request = self.build_request(pair, nominate=True)
            request.add_message_integrity(self.remote_password.encode())
            self._requests[pair] = request
            self._asked[request.transaction_id] = pair
            if len(self._asked) > MAX_ASKED:
                self._asked.popitem(last=False)
        pair.protocol.send_stun(self._requests[pair], pair.remote_addr)

    def _settle(self) -> None:
        """Move to the pair that `Checks` selected, if it is another one."""
        pair = self._checks.selected
        if pair is None:
            pair = self._checks.early_pair
            if pair is None or 1 in self._nominated:
                return
        else:
            way = (pair.protocol, pair.remote_addr)
            if way == self._way:
                return
            self._way = way
            self._is_withheld = self.has_failed = False
        before, self._nominated[1] = self._nominated.get(1), pair
        if not self._outcome.done():
            self._outcome.set_result(True)
        elif before is not pair and self._on_change is not None:
            self._on_change()

    # The end.

    async def query_consent(self) -> None:
        """Check the current pair every 5 s; after 30 s without an answer, only that.

        RFC 7675 §5.1 gives such a pair up for good. Here it is open again with the
        next answer, which is signed with the peer's password as any other: a call
        outlives a tunnel, and who has gone gets two checks a second and nothing else
        until the call is given up.
        """
        every_s = CONSENT_EVERY_S
        while True:
            # RFC 7675 §5.1: at random, so that calls do not beat together.
            await asyncio.sleep(every_s * random.uniform(0.8, 1.2))  # noqa: S311 -- no secret
            now = self._loop.time()
            answered_at = self.answered_at or now
            self._is_withheld = now > answered_at + CONSENT_LOST_S
            # On a lossy path six in a row are lost sooner or later; these are not.
            is_late = now > answered_at + CONSENT_EVERY_S
            every_s = CONSENT_AGAIN_S if is_late else CONSENT_EVERY_S
            self.check()

    async def close(self) -> None:
        """Close the sockets and give allocations back, all at once."""
        self._closing = True
        self._pump()
        if not self._outcome.done():
            self._outcome.set_result(False)
        await self.gathering.close()
        for protocol in self._protocols:
            protocol.transport.close()
        await super().close()
        self._way = None


def _is_relayed(pair: CandidatePair) -> bool:
    return "relay" in (pair.local_candidate.type, pair.remote_candidate.type)
