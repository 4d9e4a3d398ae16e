"""The addresses that are found, by whom, and how soon."""

import asyncio
import socket
from collections.abc import Callable

import pytest
from aioice import Candidate, stun

from tests.voip.media.connect.virtual import Address, Network, run
from voip.errors import MissingError
from voip.media.connect.agent import CallIce
from voip.media.connect.config import IceConfig, IceServer, Lender
from voip.media.connect.gathering import (
    GATHER_S,
    MAX_HOSTS,
    SERVER_S,
    TRICKLE_S,
    local_addresses,
)

OURS, OUTSIDE = "10.0.0.7", "203.0.113.7"
STUN = IceServer(url="stun:192.0.2.100:3478")
SECOND = IceServer(url="stun:192.0.2.101:3478")


class _StunServer(asyncio.DatagramProtocol):
    """Answers from where it is put, after a while, with what a NAT would show."""

    def __init__(self, after_s: float, shows: Callable[[Address], Address]) -> None:
        self._after_s = after_s
        self._shows = shows

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.DatagramTransport)
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Address) -> None:
        request = stun.parse_message(data)
        answer = stun.Message(
            stun.Method.BINDING, stun.Class.RESPONSE, request.transaction_id
        )
        answer.attributes["XOR-MAPPED-ADDRESS"] = self._shows(addr)
        asyncio.get_running_loop().call_later(
            self._after_s, self._transport.sendto, bytes(answer), addr
        )


def _nat(source: Address) -> Address:
    return OUTSIDE, source[1]


def _serve(
    network: Network,
    server: IceServer,
    *,
    after_s: float = 0.03,
    shows: Callable[[Address], Address] = _nat,
) -> None:
    _, host, number = server.url.split(":")
    port = network.open(host, asyncio.get_running_loop(), int(number))
    protocol = port.protocol = _StunServer(after_s, shows)
    protocol.connection_made(port)


def _agent(
    *servers: IceServer,
    hosts: tuple[str, ...] = (OURS,),
    told: list[Candidate] | None = None,
    lender: Lender | None = None,
) -> CallIce:
    return CallIce(
        IceConfig(servers=servers, lender=lender),
        controlling=True,
        addresses=lambda: frozenset(hosts),
        on_candidate=None if told is None else told.append,
    )


async def _gather(agent: CallIce) -> tuple[float, list[tuple[str, str]]]:
    began = asyncio.get_running_loop().time()
    await agent.gather_candidates()
    took_s = asyncio.get_running_loop().time() - began
    found = [(each.type, each.host) for each in agent.local_candidates]
    return took_s, found


def test_without_servers_the_addresses_of_this_machine_are_there_at_once() -> None:
    async def main() -> object:
        agent = _agent()
        gathered = await _gather(agent)
        await agent.close()
        return gathered

    assert run(Network(), main()) == (0.0, [("host", OURS)])


def test_a_second_gathering_finds_nothing_twice() -> None:
    async def main() -> int:
        agent = _agent()
        await agent.gather_candidates()
        await agent.gather_candidates()
        found = len(agent.local_candidates)
        await agent.close()
        return found

    assert run(Network(), main()) == 1


def test_a_server_tells_what_the_nat_shows() -> None:
    network = Network(delay_s=0.01)

    async def main() -> tuple[object, str | None]:
        _serve(network, STUN)
        agent = _agent(STUN)
        gathered = await _gather(agent)
        (shown,) = (each for each in agent.local_candidates if each.type == "srflx")
        related = shown.related_address
        await agent.close()
        return gathered, related

    gathered, related = run(network, main())
    found = [("host", OURS), ("srflx", OUTSIDE)]
    assert (gathered, related) == ((pytest.approx(0.05), found), OURS)


def test_no_nat_adds_no_address() -> None:
    network = Network(delay_s=0.01)

    async def main() -> object:
        _serve(network, STUN, shows=lambda source: source)
        agent = _agent(STUN)
        gathered = await _gather(agent)
        await agent.close()
        return gathered

    assert run(network, main()) == (pytest.approx(0.05), [("host", OURS)])


def test_a_dead_server_beside_a_living_one_delays_nothing() -> None:
    network = Network(delay_s=0.01)

    async def main() -> object:
        _serve(network, SECOND)
        agent = _agent(STUN, SECOND)
        took_s, _ = await _gather(agent)
        await agent.close()
        return took_s

    assert run(network, main()) == pytest.approx(0.05)


def test_a_single_dead_server_costs_a_second_and_a_half() -> None:
    async def main() -> object:
        agent = _agent(STUN)
        gathered = await _gather(agent)
        await agent.close()
        return gathered

    assert run(Network(), main()) == (pytest.approx(GATHER_S), [("host", OURS)])


def test_a_slow_server_is_heard_later() -> None:
    network = Network(delay_s=0.01)

    async def main() -> object:
        _serve(network, STUN, after_s=1.0)
        told: list[Candidate] = []
        agent = _agent(STUN, told=told)
        before = await _gather(agent)
        await asyncio.sleep(1.0)
        await agent.close()
        return before, [(each.type, each.host) for each in told]

    before = pytest.approx(TRICKLE_S), [("host", OURS)]
    assert run(network, main()) == (before, [("srflx", OUTSIDE)])


def test_a_server_that_never_answers_is_a_problem_after_five_seconds() -> None:
    async def main() -> tuple[list[str], list[str]]:
        agent = _agent(STUN)
        await agent.gather_candidates()
        before = list(map(str, agent.gathering.problems))
        await asyncio.sleep(SERVER_S)
        after = list(map(str, agent.gathering.problems))
        await agent.close()
        return before, after

    assert run(Network(), main()) == (
        [],
        [f"ice server {STUN.url}: it does not answer"],
    )


def test_a_server_that_answers_without_an_address_is_a_problem() -> None:
    network = Network(delay_s=0.01)

    class Empty(_StunServer):
        def datagram_received(self, data: bytes, addr: Address) -> None:
            request = stun.parse_message(data)
            answer = stun.Message(
                stun.Method.BINDING, stun.Class.RESPONSE, request.transaction_id
            )
            self._transport.sendto(bytes(answer), addr)

    async def main() -> list[str]:
        _serve(network, STUN)
        port = network.ports["192.0.2.100", 3478]
        empty = port.protocol = Empty(0.0, _nat)
        empty.connection_made(port)
        agent = _agent(STUN)
        await agent.gather_candidates()
        await asyncio.sleep(0)
        await agent.close()
        return list(map(str, agent.gathering.problems))

    assert run(network, main()) == [
        f"ice server {STUN.url}: it answered with error None"
    ]


@pytest.mark.parametrize(
    "told",
    [("0.0.0.0", 9), (OUTSIDE, 0), ("::ffff:203.0.113.7", 9), ("239.1.2.3", 9)],
    ids=["nowhere", "no port", "in disguise", "everybody"],
)
def test_an_address_that_a_peer_would_refuse_is_not_offered(told: Address) -> None:
    network = Network(delay_s=0.01)

    async def main() -> tuple[list[str], list[str]]:
        _serve(network, STUN, shows=lambda _: told)
        agent = _agent(STUN)
        await _gather(agent)
        kinds = [candidate.type for candidate in agent.local_candidates]
        await agent.close()
        return kinds, [str(problem) for problem in agent.gathering.problems]

    kinds, problems = run(network, main())

    assert kinds == ["host"]
    assert [problem.startswith(f"ice server {STUN.url}: ") for problem in problems] == [
        True
    ]


def test_a_server_of_the_other_family_is_not_asked() -> None:
    network = Network(delay_s=0.01)

    async def main() -> int:
        agent = _agent(STUN, hosts=("2001:db8::7",))
        await agent.gather_candidates()
        await agent.close()
        return len(network.carried)

    assert run(network, main()) == 0


def test_closing_ends_the_questions() -> None:
    network = Network(delay_s=0.01)

    async def main() -> int:
        _serve(network, STUN, after_s=2.0)
        agent = _agent(STUN)
        await agent.gather_candidates()
        await agent.close()
        asked = len(network.carried)
        await asyncio.sleep(10)
        return sum(source[0] == OURS for _, source, _, _ in network.carried[asked:])

    assert run(network, main()) == 0


def test_families_take_turns_and_too_many_are_left_out() -> None:
    hosts = (*(f"10.0.0.{n}" for n in range(9)), "2001:db8::1", "2001:db8::2")

    async def main() -> list[str]:
        agent = _agent(hosts=hosts)
        await agent.gather_candidates()
        found = sorted(
            agent.local_candidates, key=lambda each: each.priority, reverse=True
        )
        await agent.close()
        return [each.host for each in found]

    found = run(Network(), main())
    assert found[:4] == ["2001:db8::1", "10.0.0.0", "2001:db8::2", "10.0.0.1"]
    assert len(found) == MAX_HOSTS


async def test_an_address_that_went_away_is_left_out() -> None:
    agent = _agent(hosts=("192.0.2.77", "127.0.0.1"))
    await agent.gather_candidates()
    hosts = [candidate.host for candidate in agent.local_candidates]
    await agent.close()

    assert hosts == ["127.0.0.1"]


async def test_a_socket_of_ipv6_is_opened() -> None:
    if not socket.has_ipv6:
        pytest.skip("needs IPv6 on this machine")
    agent = _agent(hosts=("::1",))
    await agent.gather_candidates()
    hosts = [candidate.host for candidate in agent.local_candidates]
    await agent.close()
    if not hosts:
        pytest.skip("needs IPv6 on this machine")

    assert hosts == ["::1"]


def test_addresses_of_this_machine_alone_are_not_among_them() -> None:
    found = [
        host
        for host in local_addresses()
        if host.startswith(("127.", "fe80", "169.254"))
    ]

    assert found == []


# Lent servers ----------------------------------------------------------------------


def _problems(lender: Lender) -> list[str]:
    """Gather with a lender, and wait for all that can go wrong."""

    async def main() -> list[str]:
        agent = _agent(lender=lender)
        await agent.gather_candidates()
        await asyncio.sleep(2 * SERVER_S)
        said = list(map(str, agent.gathering.problems))
        await agent.close()
        return said

    return run(Network(), main())


def test_a_lender_may_not_choose_who_sees_our_address() -> None:
    async def lend() -> tuple[IceServer, ...]:
        return (STUN,)

    assert _problems(lend) == [f"lent ice server {STUN.url}: expected a TURN server"]


def test_what_keeps_a_lender_from_lending_is_told() -> None:
    async def lend() -> tuple[IceServer, ...]:
        raise MissingError("relay r: offers no turn server")

    assert _problems(lend) == ["relay r: offers no turn server"]


def test_a_lender_that_never_answers_is_a_problem_after_five_seconds() -> None:
    async def lend() -> tuple[IceServer, ...]:
        await asyncio.Event().wait()
        raise AssertionError

    assert _problems(lend) == ["who lends turn servers: no answer within 5 s"]


def test_a_lender_is_not_waited_for_longer_than_a_server() -> None:
    async def lend() -> tuple[IceServer, ...]:
        await asyncio.Event().wait()
        raise AssertionError

    async def main() -> object:
        agent = _agent(lender=lend)
        gathered = await _gather(agent)
        await agent.close()
        return gathered

    assert run(Network(), main()) == (pytest.approx(GATHER_S), [("host", OURS)])
