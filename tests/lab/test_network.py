"""The network of the laboratory: what hosts send arrives as the test wants it."""

import asyncio
import statistics
import sys
from collections.abc import AsyncIterator

import pytest

from tests.lab.network import CLEAR, Host, Network, missing, network
from tests.lab.packet import UDP, Packet
from tests.voip.media.link import Conditions

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))

ECHO = """
import socket, sys
here = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET,
                     socket.SOCK_DGRAM)
here.bind((sys.argv[1], 7))
print("ready", flush=True)
while True:
    here.sendto(*here.recvfrom(2048))
"""
ASK = """
import socket, sys, time
here = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET,
                     socket.SOCK_DGRAM)
here.settimeout(0.3)
for _ in range(int(sys.argv[2])):
    began = time.monotonic()
    here.sendto(b"hello", (sys.argv[1], 7))
    try:
        here.recv(2048)
    except TimeoutError:
        print("nothing")
    else:
        print(time.monotonic() - began)
"""


@pytest.fixture
async def seen() -> list[Packet]:
    return []


@pytest.fixture
async def net(seen: list[Packet]) -> AsyncIterator[Network]:
    async with network(seen.append) as made:
        yield made


async def ask(
    host: Host, other: Host, *, at: str, count: int = 5, anywhere: bool = False
) -> list[float | None]:
    """Send datagrams to an echo; give how long each took, None if none came."""
    python = [sys.executable, "-c"]
    here = "0.0.0.0" if anywhere else at
    echo = await asyncio.create_subprocess_exec(
        *other.command(*python, ECHO, here), stdout=asyncio.subprocess.PIPE
    )
    assert echo.stdout is not None
    try:
        await echo.stdout.readline()
        asking = await asyncio.create_subprocess_exec(
            *host.command(*python, ASK, at, str(count)), stdout=asyncio.subprocess.PIPE
        )
        said, _ = await asking.communicate()
    finally:
        echo.kill()
        await echo.wait()
    lines = said.decode().splitlines()
    return [None if line == "nothing" else float(line) for line in lines]


def middle(times: list[float | None]) -> float:
    return statistics.median(each for each in times if each is not None)


@pytest.mark.parametrize("family", [0, 1], ids=["IPv4", "IPv6"])
async def test_a_packet_takes_what_its_link_says(net: Network, family: int) -> None:
    alice = net.host("alice")
    bob = net.host("bob", Conditions(delay_s=0.05))
    took_s = middle(await ask(alice, bob, at=bob.addresses[family]))

    assert 0.1 <= took_s < 0.13


async def test_who_is_cut_off_hears_nothing_until_it_is_over(net: Network) -> None:
    alice, bob = net.host("alice"), net.host("bob", CLEAR)
    async with bob.cut_off():
        during = await ask(alice, bob, at=bob.addresses[0], count=2)
    after = await ask(alice, bob, at=bob.addresses[0], count=2)

    assert (during, None in after) == ([None, None], False)


async def test_who_roams_is_found_at_the_new_address_and_not_at_the_old(
    net: Network,
) -> None:
    alice, bob = net.host("alice"), net.host("bob")
    before = bob.addresses[0]
    bob.roam()
    found = await ask(alice, bob, at=bob.addresses[0], count=1)
    lost = await ask(alice, bob, at=before, count=1, anywhere=True)

    assert (found == [None], lost) == (False, [None])


async def test_every_packet_is_seen(net: Network, seen: list[Packet]) -> None:
    alice, bob = net.host("alice"), net.host("bob")
    await ask(alice, bob, at=bob.addresses[0], count=1)
    datagrams = [
        (each.source, each.target, each.ports[1], each.inside)
        for each in seen
        if each.protocol == UDP
    ]

    assert (alice.addresses[0], bob.addresses[0], 7, b"hello") in datagrams
    assert len(datagrams) == 2
