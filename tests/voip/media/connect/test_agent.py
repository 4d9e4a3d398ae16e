"""Two agents on a network in memory: what they send, where, and when."""

import asyncio
import copy
from collections.abc import Awaitable, Callable
from statistics import median

import pytest
from aioice import Candidate, Connection, stun
from hypothesis import given
from hypothesis import strategies as st

from tests.voip.media.connect.virtual import Address, Network, run
from voip.media.connect.agent import (
    CONSENT_AGAIN_S,
    CONSENT_LOST_S,
    MAX_ANSWERS,
    MAX_EARLY,
    MAX_REMOTE,
    CallIce,
)
from voip.media.connect.checks import EARLY_PACKETS
from voip.media.connect.config import IceConfig
from voip.media.connect.sockets import MAX_UNSENT_BYTES, CallSocket

ALICE, BOB = "192.0.2.1", "192.0.2.2"
SOUND = b"\x80 sound"


def _agent(*addresses: str, controlling: bool) -> CallIce:
    return CallIce(
        IceConfig(), controlling=controlling, addresses=lambda: frozenset(addresses)
    )


async def _introduce(one: Connection, other: Connection) -> None:
    """Gather, and tell each about the other."""
    for agent in (one, other):
        await agent.gather_candidates()
    for ours, theirs in ((one, other), (other, one)):
        for candidate in theirs.local_candidates:
            await ours.add_remote_candidate(candidate)
        await ours.add_remote_candidate(None)
        ours.remote_username = theirs.local_username
        ours.remote_password = theirs.local_password


async def _meet(one: Connection, other: Connection, later_s: float = 0.0) -> float:
    """Connect, the callee a little later as SELECT travels; give how long it took."""
    await _introduce(one, other)
    began = asyncio.get_running_loop().time()

    async def connect_later() -> None:
        await asyncio.sleep(later_s)
        await other.connect()

    async with asyncio.timeout(60):
        await asyncio.gather(one.connect(), connect_later())
    return asyncio.get_running_loop().time() - began


def _two(
    then: Callable[[CallIce, CallIce], Awaitable[object]],
    network: Network | None = None,
    *,
    ours: tuple[str, ...] = (ALICE,),
    theirs: tuple[str, ...] = (BOB,),
) -> object:
    """Let caller and callee meet, and go on from there."""

    async def main() -> object:
        caller = _agent(*ours, controlling=True)
        callee = _agent(*theirs, controlling=False)
        try:
            await _meet(caller, callee)
            return await then(caller, callee)
        finally:
            await asyncio.gather(caller.close(), callee.close())

    return run(network or Network(delay_s=0.01), main())


async def _settle() -> None:
    await asyncio.sleep(0.5)


class _Stock(Connection):
    """aioice as it is, with an address to offer."""

    async def gather_candidates(self) -> None:
        self._local_candidates = await self.get_component_candidates(1, [ALICE])
        self._local_candidates_end = True


def _times(
    make: Callable[[bool], Connection], *, round_trip_s: float, loss: float
) -> list[float]:
    async def once() -> float:
        caller, callee = make(True), make(False)  # noqa: FBT003 -- roles
        took_s = await _meet(caller, callee, later_s=round_trip_s / 2)
        await asyncio.gather(caller.close(), callee.close())
        return took_s

    return [
        run(Network(delay_s=round_trip_s / 2, loss=loss, seed=seed), once())
        for seed in range(50)
    ]


def _ours(controlling: bool) -> CallIce:  # noqa: FBT001 -- a role
    return _agent(ALICE, controlling=controlling)


@pytest.mark.parametrize("round_trip_s", [0.02, 0.1, 0.3])
def test_a_round_trip_is_enough_to_connect(round_trip_s: float) -> None:
    times = _times(_ours, round_trip_s=round_trip_s, loss=0.0)

    assert max(times) == pytest.approx(round_trip_s)


@pytest.mark.parametrize("round_trip_s", [0.02, 0.1, 0.3])
def test_with_a_fifth_lost_nobody_waits_for_long(round_trip_s: float) -> None:
    assert max(_times(_ours, round_trip_s=round_trip_s, loss=0.2)) < 2.0


@pytest.mark.parametrize("loss", [0.0, 0.05, 0.2])
def test_it_takes_two_thirds_of_the_time_of_stock_aioice(loss: float) -> None:
    ours = _times(_ours, round_trip_s=0.1, loss=loss)
    stock = _times(_Stock, round_trip_s=0.1, loss=loss)

    assert median(ours) < 0.7 * median(stock)
    assert sum(ours) < 0.7 * sum(stock)


def test_datagrams_go_both_ways() -> None:
    async def then(caller: CallIce, callee: CallIce) -> tuple[list[bytes], list[bytes]]:
        heard: tuple[list[bytes], list[bytes]] = ([], [])
        caller.receive, callee.receive = heard[0].append, heard[1].append
        caller.push(b"\x80 to callee")
        await callee.send(b"\x80 to caller")
        await _settle()
        return heard

    assert _two(then) == ([b"\x80 to caller"], [b"\x80 to callee"])


def test_what_came_before_the_receiver_is_handed_over() -> None:
    async def then(caller: CallIce, callee: CallIce) -> list[bytes]:
        caller.push(SOUND)
        await _settle()
        heard: list[bytes] = []
        callee.receive = heard.append
        return heard

    assert _two(then) == [SOUND]


def test_two_that_have_ipv6_only_meet() -> None:
    async def then(caller: CallIce, _: CallIce) -> object:
        return caller.pair and caller.pair.remote_addr[0]

    assert _two(then, ours=("2001:db8::1",), theirs=("2001:db8::2",)) == "2001:db8::2"


async def test_two_meet_over_real_sockets_of_ipv6() -> None:
    caller = _agent("::1", controlling=True)
    callee = _agent("::1", controlling=False)
    await caller.gather_candidates()
    if not caller.local_candidates:
        pytest.skip("needs IPv6 on this machine")
    await _meet(caller, callee)
    hosts = [agent.pair and agent.pair.remote_addr[0] for agent in (caller, callee)]
    await asyncio.gather(caller.close(), callee.close())

    assert hosts == ["::1", "::1"]


def test_a_way_that_is_blocked_is_gone_around() -> None:
    network = Network(delay_s=0.01)
    network.blocks = lambda source, to: ":" in source[0] + to[0]

    async def then(caller: CallIce, _: CallIce) -> object:
        return caller.pair and caller.pair.remote_addr[0]

    ours, theirs = (ALICE, "2001:db8::1"), (BOB, "2001:db8::2")
    assert _two(then, network, ours=ours, theirs=theirs) == BOB


def test_nobody_to_be_found_is_said_after_half_a_minute() -> None:
    network = Network()
    network.blocks = lambda _, __: True

    async def main() -> float:
        caller = _agent(ALICE, controlling=True)
        await _introduce(caller, _agent(BOB, controlling=False))
        began = asyncio.get_running_loop().time()
        with pytest.raises(ConnectionError, match="no pair"):
            await caller.connect()
        await caller.close()
        return asyncio.get_running_loop().time() - began

    assert 29 < run(network, main()) < 31


def test_without_the_peer_s_password_nothing_begins() -> None:
    async def main() -> None:
        caller = _agent(ALICE, controlling=True)
        with pytest.raises(ConnectionError, match="not known"):
            await caller.connect()
        await caller.close()

    run(Network(), main())


def test_a_wrong_password_is_no_way_in() -> None:
    network = Network(delay_s=0.01)

    async def main() -> list[Address]:
        caller = _agent(ALICE, controlling=True)
        callee = _agent(BOB, controlling=False)
        await _introduce(caller, callee)
        caller.remote_password = "x" * 22
        connecting = asyncio.gather(
            caller.connect(), callee.connect(), return_exceptions=True
        )
        await asyncio.sleep(5)
        ways = [agent._nominated for agent in (caller, callee)]
        assert ways == [{}, {}]
        await asyncio.gather(caller.close(), callee.close())
        await connecting
        return [to for _, source, to, _ in network.carried if source[0] == BOB]

    # The callee checks, but answers nothing.
    assert run(network, main())


def _checks_of(network: Network, source: str) -> list[tuple[Address, Address, bytes]]:
    return [
        (at, to, data)
        for _, at, to, data in network.carried
        if at[0] == source and data[0] == 0
    ]


def test_who_does_not_know_the_password_hears_nothing() -> None:
    network = Network(delay_s=0.01)

    async def then(_: CallIce, callee: CallIce) -> int:
        stranger = network.open("198.51.100.1", asyncio.get_running_loop())
        heard: list[bytes] = []
        stranger.protocol = _Heard(heard)
        (port,) = callee._protocols
        at = port.local_candidate.host, port.local_candidate.port
        request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        stranger.sendto(bytes(request), at)
        request.attributes["USERNAME"] = f"{callee.local_username}:abcd"
        stranger.sendto(bytes(request), at)
        request.add_message_integrity(b"x" * 22)
        stranger.sendto(bytes(request), at)
        await _settle()
        return len(heard)

    assert _two(then, network) == 0


class _Heard(asyncio.DatagramProtocol):
    def __init__(self, heard: list[bytes]) -> None:
        self._heard = heard

    def datagram_received(self, data: bytes, _: object) -> None:
        self._heard.append(data)


def test_a_check_played_again_from_elsewhere_leads_nobody_there() -> None:
    network = Network(delay_s=0.01)

    async def then(_: CallIce, callee: CallIce) -> int:
        _from, at, check = _checks_of(network, ALICE)[0]
        thief = network.open("198.51.100.1", asyncio.get_running_loop())
        heard: list[bytes] = []
        thief.protocol = _Heard(heard)
        thief.sendto(check, at)
        await _settle()
        callee.push(SOUND)
        await _settle()
        return len(heard)

    assert _two(then, network) == 0


def test_a_check_played_again_and_again_is_answered_a_few_times() -> None:
    network = Network(delay_s=0.01)

    async def then(_: CallIce, callee: CallIce) -> int:
        source, at, check = _checks_of(network, ALICE)[0]
        (port,) = callee._protocols
        before = len(network.carried)
        for _number in range(1000):
            port.datagram_received(check, source)
        assert at == port.transport.get_extra_info("sockname")
        return sum(
            data[:2] == b"\x01\x01" and to == source
            for _, _, to, data in network.carried[before:]
        )

    assert _two(then, network) == MAX_ANSWERS - 1


def test_checks_that_come_before_the_password_is_known_are_few() -> None:
    async def main() -> int:
        caller = _agent(ALICE, controlling=True)
        callee = _agent(BOB, controlling=False)
        await _introduce(caller, callee)
        (port,) = callee._protocols
        for number in range(1000):
            request = caller.build_request(caller._check_list[0], nominate=True)
            request.add_message_integrity(callee.local_password.encode())
            port.datagram_received(bytes(request), (ALICE, 1000 + number))
        waiting = len(callee._early_checks)
        await asyncio.gather(caller.close(), callee.close())
        return waiting

    assert run(Network(), main()) == MAX_EARLY


def _knocking(
    then: Callable[[CallIce, CallIce, list[str]], Awaitable[object]],
    *,
    name: str = "alice123",
) -> object:
    """Have a caller look for a callee who knows how a caller would be called."""

    async def main() -> object:
        caller = _agent(ALICE, controlling=True)
        callee = _agent(BOB, controlling=False)
        knocks: list[str] = []
        caller.introduce(name, "a" * 32)
        await _introduce(caller, callee)
        callee.remote_username = callee.remote_password = None
        callee._remote_candidates.clear()
        callee.expect("alice123", lambda: knocks.append("knock"))
        connecting = asyncio.ensure_future(caller.connect())
        try:
            await _settle()
            return await then(caller, callee, knocks)
        finally:
            await asyncio.gather(caller.close(), callee.close())
            await asyncio.gather(connecting, return_exceptions=True)

    return run(Network(delay_s=0.01), main())


def test_a_peer_that_was_expected_is_told_of_once() -> None:
    async def then(caller: CallIce, _: CallIce, knocks: list[str]) -> list[str]:
        caller.check_all()
        await _settle()
        return knocks

    assert _knocking(then) == ["knock"]


def test_a_peer_of_another_name_is_not_told_of() -> None:
    async def then(_: CallIce, __: CallIce, knocks: list[str]) -> list[str]:
        return knocks

    assert _knocking(then, name="mallory1") == []


def test_a_peer_that_knocked_is_met_before_its_addresses_are_known() -> None:
    async def then(caller: CallIce, callee: CallIce, _: list[str]) -> list[bytes]:
        callee.remote_username, callee.remote_password = "alice123", "a" * 32
        heard: list[bytes] = []
        callee.receive = heard.append
        await callee.connect()
        caller.push(SOUND)
        await _settle()
        return heard

    assert _knocking(then) == [SOUND]


def test_before_it_is_introduced_an_agent_answers_to_no_known_name() -> None:
    network = Network(delay_s=0.01)

    async def main() -> list[Address]:
        caller = _agent(ALICE, controlling=True)
        callee = _agent(BOB, controlling=False)
        await _introduce(caller, callee)
        # The caller knows what the callee will be called once it accepts.
        caller.remote_username, caller.remote_password = "bob45678", "b" * 32
        connecting = asyncio.ensure_future(caller.connect())
        await _settle()
        before = [to for _, source, to, _ in network.carried if source[0] == BOB]
        callee.introduce("bob45678", "b" * 32)
        await connecting
        await asyncio.gather(caller.close(), callee.close())
        return before

    assert run(network, main()) == []


def test_early_sound_goes_only_where_the_peer_checked_from_and_stops_there() -> None:
    network = Network(delay_s=0.01)

    async def main() -> tuple[list[Address], bool]:
        caller = _agent(ALICE, controlling=True)
        callee = _agent(BOB, controlling=False)
        await _introduce(caller, callee)
        # The caller's checks arrive; whatever the callee sends is lost.
        network.blocks = lambda source, _: source[0] == BOB
        connecting = asyncio.create_task(caller.connect())
        async with asyncio.timeout(5):
            await callee.connect()
        for _ in range(2 * EARLY_PACKETS):
            callee.push(SOUND)
        sent = [to for _, _, to, data in network.carried if data == SOUND]
        await asyncio.sleep(1.0)
        callee.push(SOUND)
        late = [to for _, _, to, data in network.carried if data == SOUND]
        await asyncio.gather(caller.close(), callee.close())
        with pytest.raises(ConnectionError):
            await connecting
        return sent, sent == late

    sent, stopped = run(network, main())
    assert ({to[0] for to in sent}, len(sent), stopped) == (
        {ALICE},
        EARLY_PACKETS,
        True,
    )


def test_a_forged_answer_is_no_answer() -> None:
    network = Network(delay_s=0.01)

    async def main() -> object:
        caller = _agent(ALICE, controlling=True)
        callee = _agent(BOB, controlling=False)
        await _introduce(caller, callee)
        network.blocks = lambda source, _: source[0] == BOB
        connecting = asyncio.create_task(caller.connect())
        await asyncio.sleep(0.05)
        at, to, check = _checks_of(network, ALICE)[0]
        port = network.ports[at].protocol
        request = stun.parse_message(check)
        for kind in (stun.Class.RESPONSE, stun.Class.ERROR):
            answer = stun.Message(stun.Method.BINDING, kind, request.transaction_id)
            answer.attributes["XOR-MAPPED-ADDRESS"] = at
            if kind is stun.Class.ERROR:
                answer.attributes["ERROR-CODE"] = (487, "Role Conflict")
            port.datagram_received(bytes(answer), to)
            answer.add_message_integrity(b"x" * 22)
            port.datagram_received(bytes(answer), to)
        right = stun.Message(
            stun.Method.BINDING, stun.Class.RESPONSE, request.transaction_id
        )
        right.add_message_integrity(callee.local_password.encode())
        port.datagram_received(bytes(right), ("198.51.100.1", to[1]))
        unasked = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE)
        unasked.add_message_integrity(callee.local_password.encode())
        port.datagram_received(bytes(unasked), to)
        outcome = (caller.pair, caller.ice_controlling)
        await caller.close()
        with pytest.raises(ConnectionError):
            await connecting
        return outcome

    assert run(network, main()) == (None, True)


def test_two_callers_agree_on_who_controls() -> None:
    async def main() -> set[bool]:
        one, other = (_agent(host, controlling=True) for host in (ALICE, BOB))
        await _meet(one, other)
        await _settle()
        roles = {one.ice_controlling, other.ice_controlling}
        await asyncio.gather(one.close(), other.close())
        return roles

    assert run(Network(delay_s=0.01), main()) == {True, False}


def test_an_address_that_shows_only_by_its_check_is_learned() -> None:
    async def main() -> object:
        caller = _agent(ALICE, controlling=True)
        callee = _agent(BOB, controlling=False)
        await _introduce(caller, callee)
        # As behind a NAT: what was told is not where the checks come from.
        callee._remote_candidates.clear()
        callee._check_list.clear()
        callee._pairs.clear()
        async with asyncio.timeout(5):
            await asyncio.gather(caller.connect(), callee.connect())
        await _settle()
        kind = callee.pair and callee.pair.remote_candidate.type
        await asyncio.gather(caller.close(), callee.close())
        return kind

    assert run(Network(delay_s=0.01), main()) == "prflx"


def test_an_address_learned_by_its_check_may_be_named_a_relay_later() -> None:
    async def main() -> object:
        caller = _agent(ALICE, controlling=True)
        callee = _agent(BOB, controlling=False)
        await _introduce(caller, callee)
        (named,) = callee._remote_candidates
        named.type = "prflx"  # as if it had only been seen
        async with asyncio.timeout(5):
            await asyncio.gather(caller.connect(), callee.connect())
        later = copy.copy(named)
        later.type = "relay"
        callee._remote_candidates_end = False
        await callee.add_remote_candidate(later)
        kind = callee.pair and callee.pair.remote_candidate.type
        await asyncio.gather(caller.close(), callee.close())
        return kind

    assert run(Network(delay_s=0.01), main()) == "relay"


def test_a_peer_with_a_thousand_addresses_gets_checks_to_few() -> None:
    async def main() -> int:
        caller = _agent(ALICE, controlling=True)
        await caller.gather_candidates()
        for number in range(1000):
            await caller.add_remote_candidate(_candidate(1000 + number))
        known = len(caller.remote_candidates)
        await caller.close()
        return known

    assert run(Network(), main()) == MAX_REMOTE


def test_a_peer_that_checks_from_a_thousand_ports_gets_checks_to_few() -> None:
    async def then(caller: CallIce, callee: CallIce) -> int:
        (port,) = callee._protocols
        for number in range(1000):
            request = caller.build_request(
                next(iter(caller._check_list)), nominate=True
            )
            request.add_message_integrity(callee.local_password.encode())
            port.datagram_received(bytes(request), (ALICE, 1000 + number))
        return len(callee.remote_candidates)

    assert _two(then) == MAX_REMOTE


def test_a_check_without_a_priority_teaches_no_address() -> None:
    async def then(caller: CallIce, callee: CallIce) -> int:
        (port,) = callee._protocols
        request = caller.build_request(caller._check_list[0], nominate=True)
        del request.attributes["PRIORITY"]
        request.add_message_integrity(callee.local_password.encode())
        port.datagram_received(bytes(request), (ALICE, 9))
        return len(callee.remote_candidates)

    assert _two(then) == 1


def test_a_candidate_after_the_last_one_is_left_out() -> None:
    async def then(caller: CallIce, _: CallIce) -> int:
        await caller.add_remote_candidate(_candidate(9))
        return len(caller.remote_candidates)

    assert _two(then) == 1


def _candidate(port: int) -> Candidate:
    return Candidate(
        foundation="f",
        component=1,
        transport="udp",
        priority=1,
        host=BOB,
        port=port,
        type="host",
    )


def test_the_callee_sends_where_verified_packets_come_from() -> None:
    both = (ALICE, "2001:db8::1"), (BOB, "2001:db8::2")

    async def then(caller: CallIce, callee: CallIce) -> bool:
        await _settle()
        callee.receive = lambda _: callee.verified()
        other = next(p for p in caller._check_list if p is not caller.pair)
        assert isinstance(other.protocol, CallSocket)
        before = callee.pair
        other.protocol.send(SOUND, other.remote_addr)
        await _settle()
        changed = callee.pair is not before
        assert callee.pair is not None
        return changed and callee.pair.remote_addr[0] == other.local_addr[0]

    assert _two(then, ours=both[0], theirs=both[1])


def test_a_verified_packet_from_an_address_that_was_not_checked_moves_nothing() -> None:
    async def then(_: CallIce, callee: CallIce) -> bool:
        await _settle()
        callee.receive = lambda _: callee.verified()
        before = callee.pair
        (port,) = callee._protocols
        port.datagram_received(SOUND, ("198.51.100.1", 9))
        return callee.pair is before

    assert _two(then)


def test_when_the_way_dies_another_check_finds_the_next() -> None:
    network = Network(delay_s=0.01)
    changes: list[str] = []

    async def then(caller: CallIce, _: CallIce) -> object:
        caller._on_change = lambda: changes.append("moved")
        await asyncio.sleep(4)
        used = caller.pair
        assert used is not None
        network.blocks = lambda source, to: used.local_addr in (source, to)
        caller.check()
        await asyncio.sleep(0.5)
        stale = caller.answered_at
        caller.check_all()
        await asyncio.sleep(1.0)
        assert stale is not None
        assert caller.answered_at is not None
        return caller.pair is not used and caller.answered_at > stale

    both = (ALICE, "2001:db8::1"), (BOB, "2001:db8::2")
    assert _two(then, network, ours=both[0], theirs=both[1])
    assert changes == ["moved"]


def test_a_check_of_the_current_pair_shows_that_the_peer_is_there() -> None:
    async def then(caller: CallIce, _: CallIce) -> float:
        await asyncio.sleep(2)
        caller.check()
        await asyncio.sleep(0.1)
        assert caller.answered_at is not None
        return asyncio.get_running_loop().time() - caller.answered_at

    assert _two(then) == pytest.approx(0.08, abs=0.001)


def test_a_silent_peer_gets_packets_for_half_a_minute() -> None:
    network = Network(delay_s=0.01)

    async def then(caller: CallIce, _: CallIce) -> float:
        began = asyncio.get_running_loop().time()
        network.blocks = lambda source, _: source[0] == BOB
        while True:
            await asyncio.sleep(0.1)
            try:
                caller.push(SOUND)
            except ConnectionError:
                return asyncio.get_running_loop().time() - began

    lost_s = _two(then, network)
    assert isinstance(lost_s, float)
    assert CONSENT_LOST_S - 1 < lost_s < CONSENT_LOST_S + 3


@pytest.mark.parametrize("outage_s", [10, 45])
def test_an_outage_is_over_half_a_second_after_it(outage_s: int) -> None:
    network = Network(delay_s=0.01)

    async def then(caller: CallIce, callee: CallIce) -> list[bytes]:
        network.blocks = lambda _, __: True
        await asyncio.sleep(outage_s)
        network.blocks = lambda _, __: False
        await asyncio.sleep(1.2 * CONSENT_AGAIN_S + 0.02)
        heard: list[bytes] = []
        callee.receive = heard.append
        caller.push(SOUND)
        await _settle()
        return heard

    assert _two(then, network) == [SOUND]


def test_a_lossy_way_keeps_its_consent() -> None:
    network = Network(delay_s=0.01, seed=1)

    async def then(caller: CallIce, _: CallIce) -> object:
        network.loss = 0.3
        await asyncio.sleep(1800)
        return caller.pair is not None

    assert _two(then, network)


def test_a_route_that_is_gone_is_noticed_and_forgotten_when_it_is_back() -> None:
    network = Network(delay_s=0.01)

    async def then(caller: CallIce, callee: CallIce) -> tuple[bool, bool, bool]:
        caller.receive = lambda _: caller.verified()
        before = caller.has_failed
        network.refuses = lambda at: at[0] == ALICE
        caller.push(SOUND)
        during = caller.has_failed
        network.refuses = lambda _: False
        callee.push(SOUND)
        await _settle()
        return before, during, caller.has_failed

    assert _two(then, network) == (False, True, False)


def test_a_socket_that_is_lost_counts_as_a_failure() -> None:
    async def then(caller: CallIce, _: CallIce) -> bool:
        (port,) = caller._protocols
        port.connection_lost(None)
        return caller.has_failed

    assert _two(then)


def test_what_a_full_socket_does_not_take_is_dropped() -> None:
    network = Network(delay_s=0.01)

    async def then(caller: CallIce, _: CallIce) -> int:
        for port in network.ports.values():
            port.unsent_bytes = MAX_UNSENT_BYTES + 1
        before = len(network.carried)
        caller.push(SOUND)
        return len(network.carried) - before

    assert _two(then, network) == 0


def test_a_closed_agent_sends_nothing() -> None:
    async def then(caller: CallIce, _: CallIce) -> None:
        await caller.close()
        with pytest.raises(ConnectionError, match="no way"):
            caller.push(SOUND)

    _two(then)


def test_a_peer_that_is_closed_is_not_checked_any_more() -> None:
    network = Network(delay_s=0.01)

    async def then(caller: CallIce, callee: CallIce) -> int:
        await asyncio.gather(caller.close(), callee.close())
        sent = len(network.carried)
        await asyncio.sleep(60)
        return len(network.carried) - sent

    assert _two(then, network) == 0


@given(data=st.binary(max_size=200), tail=st.binary(max_size=40))
def test_no_datagram_raises(data: bytes, tail: bytes) -> None:
    async def main() -> None:
        agent = _agent(ALICE, controlling=True)
        await agent.gather_candidates()
        (port,) = agent._protocols
        # As it is; with STUN's cookie; and with a header around it that fits.
        cookie = b"\x00\x01\x00\x00\x21\x12\xa4\x42"
        header = b"\x00\x01" + len(data[12:]).to_bytes(2, "big") + cookie[4:]
        for datagram in (data, cookie + data, header + data.ljust(12, b"\0"), tail):
            port.datagram_received(datagram, (BOB, 9, 0, 0))
        await agent.close()

    run(Network(), main())
