"""Paths: what is offered, what is tried, and what is asked of nobody."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from tests.voip.media.connect.relays import until
from voip.description import Description
from voip.errors import MalformedError, MissingError, UnreachableError
from voip.media.connect.agent import MAX_WAITING
from voip.media.connect.candidates import Candidate, parse_candidate
from voip.media.connect.config import IceConfig, IceServer
from voip.media.connect.gathering import local_addresses
from voip.media.connect.path import Path, _offered

LOOPBACK = IceConfig(loopback=True)


def _path(*, controlling: bool = True, config: IceConfig = LOOPBACK) -> Path:
    return Path(config, controlling=controlling, trace=None)


async def test_a_rehearsal_offers_loopback_and_nothing_else() -> None:
    path = _path()
    offered = await path.gather()
    await path.close()
    hosts = [parse_candidate(candidate).host for candidate in offered.candidates]

    assert hosts == ["127.0.0.1"]


async def test_loopback_is_never_offered_in_earnest() -> None:
    hosts = [host for host in local_addresses() if host.startswith("127.")]

    assert hosts == []


@asynccontextmanager
async def _met() -> AsyncIterator[tuple[Path, Path]]:
    """Connect two paths on this machine."""
    ours, theirs = _path(), _path(controlling=False)
    try:
        mine, yours = await ours.gather(), await theirs.gather()
        async with asyncio.timeout(5):
            await asyncio.gather(ours.connect(yours), theirs.connect(mine))
        yield ours, theirs
    finally:
        await ours.close()
        await theirs.close()


async def test_two_paths_meet_and_carry_datagrams() -> None:
    async with _met() as (ours, theirs):
        heard: asyncio.Queue[bytes] = asyncio.Queue()
        theirs.receive = heard.put_nowait
        ours.send(b"\x80 hello")
        async with asyncio.timeout(5):
            arrived = await heard.get()
        kinds = ours.kind, theirs.kind

    assert (arrived, kinds) == (b"\x80 hello", ("direct", "direct"))


async def test_a_path_is_known_by_the_credentials_it_was_given() -> None:
    ours, theirs = _path(), _path(controlling=False)
    knocks: asyncio.Queue[None] = asyncio.Queue()

    def knocked() -> None:
        knocks.put_nowait(None)

    ours.introduce("alice123", "a" * 32, peer="bob45678", on_knock=knocked)
    theirs.introduce("bob45678", "b" * 32, peer="alice123", on_knock=knocked)
    mine, yours = await ours.gather(), await theirs.gather()
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        tasks.create_task(ours.connect(yours))
        await knocks.get()
        tasks.create_task(theirs.connect(Description(mine.ufrag, mine.pwd)))
    await ours.close()
    await theirs.close()

    assert (mine.ufrag, yours.pwd, knocks.empty()) == ("alice123", "b" * 32, True)


async def test_a_receiver_can_be_taken_away_again() -> None:
    async with _met() as (ours, _):
        before = ours.receive
        ours.receive = print
        ours.receive = None
        after = ours.receive

    assert (before, after) == (None, None)


async def test_who_answered_checks_is_known_to_be_there() -> None:
    async with _met() as (ours, _):
        first = ours.answered_at
        assert first is not None
        ours.check()
        await until(lambda: (ours.answered_at or 0.0) > first)


async def test_all_ways_are_checked_again_on_request() -> None:
    async with _met() as (ours, theirs):
        first = ours.answered_at
        assert first is not None
        ours.recheck_all()
        await until(lambda: (ours.answered_at or 0.0) > first)
        theirs.receive = lambda _: theirs.verified()
        ours.send(b"\x80 hello")
        failed = ours.has_failed

    assert not failed


async def test_before_it_is_connected_a_path_counts_as_direct_and_sends_nothing() -> (
    None
):
    path = _path()
    with pytest.raises(ConnectionError, match="no way"):
        path.send(b"\x80 hello")
    state = path.kind, path.answered_at, path.problems
    await path.close()

    assert state == ("direct", None, ())


async def test_a_way_closed_before_it_was_tried_is_none() -> None:
    path = _path()
    offered = await path.gather()
    await path.close()
    with pytest.raises(UnreachableError, match="closed before"):
        await path.connect(offered)


async def test_a_machine_without_a_network_has_nothing_to_offer() -> None:
    path = Path(IceConfig(), controlling=True, addresses=frozenset)
    with pytest.raises(UnreachableError, match="no network address"):
        await path.gather()
    await path.close()


def test_relays_are_offered_even_if_much_else_is() -> None:
    def candidate(port: int, kind: str) -> Candidate:
        return Candidate(
            foundation="f", priority=1, host="192.0.2.1", port=port, kind=kind
        )

    many = [candidate(port, "host") for port in range(1, 20)]
    relays = [candidate(port, "relay") for port in range(20, 24)]

    assert _offered([*many, *relays]) == [*many[:12], *relays]


async def test_every_datagram_is_shown_before_it_leaves() -> None:
    shown: list[tuple[bytes, tuple[str, int]]] = []
    ours = Path(
        LOOPBACK, controlling=True, trace=lambda data, to: shown.append((data, to))
    )
    theirs = _path(controlling=False)
    mine, yours = await ours.gather(), await theirs.gather()
    await asyncio.gather(ours.connect(yours), theirs.connect(mine))
    ours.send(b"\x80 hello")
    await ours.close()
    await theirs.close()

    to = ("127.0.0.1", parse_candidate(yours.candidates[0]).port)
    assert ({address for _, address in shown}, shown[-1]) == (
        {to},
        (b"\x80 hello", to),
    )


async def test_a_wrong_password_is_no_way_in() -> None:
    ours, theirs = _path(), _path(controlling=False)
    mine, yours = await ours.gather(), await theirs.gather()
    wrong = Description(ufrag=yours.ufrag, pwd="x" * 22, candidates=yours.candidates)
    checks = asyncio.gather(
        ours.connect(wrong), theirs.connect(mine), return_exceptions=True
    )
    done, _ = await asyncio.wait({checks}, timeout=0.3)
    await ours.close()
    await theirs.close()
    await checks

    assert done == set()


async def test_a_way_that_failed_is_tried_again_while_the_other_may_be_late() -> None:
    checks: list[bytes] = []
    ours = Path(LOOPBACK, controlling=True, trace=lambda data, _: checks.append(data))
    theirs = _path(controlling=False)
    await ours.gather()
    wrong = replace(await theirs.gather(), pwd="x" * 22)
    connecting = asyncio.create_task(ours.connect(wrong, complete=False))
    async with asyncio.timeout(5):
        while len(checks) < 3:
            ours._agent.try_again()
            await asyncio.sleep(0)
    await ours.close()
    await theirs.close()

    with pytest.raises(UnreachableError):
        await connecting


async def test_an_address_that_aims_elsewhere_is_not_tried() -> None:
    path = _path(config=IceConfig(loopback=True))
    await path.gather()
    elsewhere = "f 1 udp 1 169.254.169.254 80 typ host"
    remote = Description(ufrag="abcd", pwd="p" * 22, candidates=(elsewhere,))
    with pytest.raises(UnreachableError):
        await path.connect(remote)
    tried = path.transport.getRemoteCandidates()
    await path.close()

    assert tried == []


async def test_of_candidates_that_cannot_be_read_none_is_tried() -> None:
    path = _path()
    await path.gather()
    one = "f 1 udp 1 127.0.0.1 9 typ host"
    with pytest.raises(MalformedError, match=r"peer\.example"):
        await path.add((one, one.replace("127.0.0.1", "peer.example")), last=False)
    known = path.transport.getRemoteCandidates()
    await path.close()

    assert known == []


async def test_of_a_flood_before_the_call_the_newest_are_left() -> None:
    path = _path()
    await path.gather()
    (port,) = path._agent._protocols
    for number in range(MAX_WAITING + 3):
        port.datagram_received(b"\x80%d" % number, ("127.0.0.1", 9))
    left: list[bytes] = []
    path.receive = left.append
    await path.close()

    assert left == [b"\x803", b"\x804"]


async def test_a_related_address_is_handed_on() -> None:
    path = _path()
    await path.gather()
    relay = "f 1 udp 1 127.0.0.1 9 typ relay raddr 0.0.0.0 rport 9"
    await path.add((relay,), last=False)
    (known,) = path.transport.getRemoteCandidates()
    await path.close()

    assert (known.type, known.relatedAddress, known.relatedPort) == (
        "relay",
        "0.0.0.0",
        9,
    )


async def test_relay_only_without_a_relay_offers_no_address() -> None:
    with pytest.raises(MissingError, match="TURN"):
        _path(config=IceConfig(relay_only=True))


async def test_a_relay_that_cannot_be_reached_leaves_no_address() -> None:
    # A port of ours that nobody listens on: the refusal comes at once.
    server = IceServer(url="turn:127.0.0.1:9?transport=tcp", username="u", password="p")
    path = _path(config=IceConfig(servers=(server,), relay_only=True))
    with pytest.raises(UnreachableError, match="no network address"):
        await path.gather()
    await path.close()
