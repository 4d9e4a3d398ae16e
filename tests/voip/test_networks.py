"""Whole calls between machines, on networks as they are: real sockets in namespaces.

Each person is a process of their own on a host of the laboratory; the relay is the
program of this project, TURN is coturn. Times are real.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

import pytest

from tests.lab.network import Host, missing, network
from tests.lab.packet import UDP, Packet
from tests.lab.people import Person, Wishes, both_hear, call, couple, serving
from tests.realtime import in_two_tries
from tests.voip.media.connect.relays import Turn, running_turn
from tests.voip.media.link import Conditions
from voip.identity.card import RelayAddress
from voip.media.connect.config import IceServer

pytestmark = [
    pytest.mark.slow,
    pytest.mark.realtime,
    pytest.mark.timeout(240),
    pytest.mark.skipif(missing() is not None, reason=str(missing())),
]

FAR = Conditions(delay_s=0.025)
"""Between two cities: 50 ms there and back."""

SETTLED_S = 2.0
AUDIO_PT = 96


@dataclass
class Scene:
    """A call, and what the network saw of it."""

    hosts: tuple[Host, Host]
    people: tuple[Person, Person]
    packets: list[Packet]
    turn: Turn | None = None
    accepted_at: float = 0.0
    heard_at: float = 0.0

    def between(self) -> set[tuple[str, str]]:
        """Give the ends of all packets of UDP so far."""
        return {(p.source, p.target) for p in self.packets if p.protocol == UDP}

    def sound(self) -> list[Packet]:
        """Give the packets that carry sound, without a relay's wrapping."""
        return [p for p in self.packets if p.protocol == UDP and _is_sound(p.inside)]


def _is_sound(datagram: bytes) -> bool:
    return datagram[:2] == bytes([0x80, AUDIO_PT])


@asynccontextmanager
async def scene(
    folder: Path,
    conditions: Conditions = FAR,
    *,
    families: frozenset[int] = frozenset({4, 6}),
    server: Callable[[Turn], IceServer] | None = None,
) -> AsyncIterator[Scene]:
    """Have alice and bob in a call that both of them hear; bob is far away.

    With `server`, all goes through coturn and nothing else.
    """
    packets: list[Packet] = []
    async with network(packets.append) as net:
        hosts = (
            net.host("alice", families=families),
            net.host("bob", conditions, families=families),
        )
        place = net.host("server", families=families)
        async with serving(folder, place, place.addresses[0]) as relay:
            if server is None:
                async with _talking(hosts, packets, Wishes(), relay) as made:
                    yield made
                return
            host = place.addresses[0]
            async with running_turn(folder, host, on=place.command()) as turn:
                wishes = Wishes(servers=(server(turn),), relay_only=True)
                async with _talking(hosts, packets, wishes, relay) as made:
                    made.turn = turn
                    yield made


@asynccontextmanager
async def _talking(
    hosts: tuple[Host, Host], packets: list[Packet], wishes: Wishes, relay: RelayAddress
) -> AsyncIterator[Scene]:
    async with couple(relay, hosts, wishes) as people:
        made = Scene(hosts, people, packets)
        made.accepted_at = await call(*people)
        made.heard_at = await both_hear(*people, after=made.accepted_at)
        await asyncio.sleep(SETTLED_S)
        yield made
        for person in people:
            assert not person.all("problem")


def silent_s(person: Person, *, after: float, until: float) -> float:
    """Add up how long somebody heard nothing in a call that they heard before."""
    total, since = 0.0, None
    for each in person.all("hears"):
        if not each["on"]:
            since = max(each["since"], after)
        elif since is not None and each["at"] > after:
            total += each["at"] - since
            since = None
    return total if since is None else total + until - since


@pytest.mark.parametrize("family", [4, 6], ids=["IPv4", "IPv6"])
@in_two_tries
async def test_a_call_needs_only_one_version_of_ip(tmp_path: Path, family: int) -> None:
    async with scene(tmp_path, families=frozenset({family})) as made:
        paths = [person.events for person in made.people]
        versions = {ip_address(source).version for source, _ in made.between()}

        assert versions == {family}
        assert all(
            each["kind"] == "direct"
            for events in paths
            for each in events
            if each["event"] == "path"
        )
        assert made.heard_at - made.accepted_at < 1


@in_two_tries
async def test_with_a_tenth_lost_both_sides_hear_without_a_gap(tmp_path: Path) -> None:
    async with scene(tmp_path, Conditions(delay_s=0.025, loss=0.1)) as made:
        began = time.monotonic()
        await asyncio.sleep(10)
        gaps = [
            silent_s(person, after=began, until=time.monotonic())
            for person in made.people
        ]

        assert max(gaps) < 0.3


@in_two_tries
async def test_who_changes_networks_is_heard_within_a_second_under_the_same_keys(
    tmp_path: Path,
) -> None:
    async with scene(tmp_path) as made:
        alice, bob = made.people
        before = {packet.inside[8:12] for packet in made.sound()}
        made.hosts[1].roam()
        roamed_at = time.monotonic()
        # What was on its way still arrives; it is over when both heard nothing.
        await asyncio.sleep(0.2)
        back_at = await both_hear(alice, bob, after=roamed_at, within_s=5)
        epochs = alice.all("epoch", after=roamed_at)
        new = made.hosts[1].addresses
        after = {p.inside[8:12] for p in made.sound() if p.source in new}
        figures = await alice.figures()

        assert back_at - roamed_at < 1
        assert [each for each in epochs if each["at"] < back_at] == []
        assert after < before
        assert figures["stats"]["dropped"] == 0


@pytest.mark.parametrize("seconds", [10, 45])
@in_two_tries
async def test_after_an_outage_sound_is_back_within_a_second(
    tmp_path: Path, seconds: int
) -> None:
    async with scene(tmp_path) as made:
        async with made.hosts[1].cut_off():
            await asyncio.sleep(seconds)
        over_at = time.monotonic()
        back_at = await both_hear(*made.people, after=over_at, within_s=20)

        assert back_at - over_at < 1


@pytest.mark.parametrize("way", ["UDP", "TCP", "TLS"])
async def test_relay_only_is_seen_at_no_other_address(tmp_path: Path, way: str) -> None:
    servers: dict[str, Callable[[Turn], IceServer]] = {
        "UDP": Turn.udp,
        "TCP": Turn.tcp,
        "TLS": lambda turn: turn.tls(ca_file=turn.ca_file),
    }
    async with scene(tmp_path, server=servers[way]) as made:
        alice, bob = (set(host.addresses) for host in made.hosts)
        direct = {
            (p.source, p.target)
            for p in made.packets
            if {p.source, p.target} & alice and {p.source, p.target} & bob
        }
        kinds = [each["kind"] for person in made.people for each in person.all("path")]
        assert made.turn is not None
        others = {
            address
            for p in made.packets
            for address in (p.source, p.target)
            if address not in {*alice, *bob, made.turn.host}
        }

        assert (direct, set(kinds)) == (set(), {"relay"})
        assert others == set()
