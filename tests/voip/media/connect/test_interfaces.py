"""Word that this machine's addresses changed."""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable

import pytest

from voip.media.connect.interfaces import addresses_changed, listen

# A network of its own, in which nobody but this program gives addresses.
ROAM = """
import asyncio, subprocess, time
from voip.media.connect.interfaces import addresses_changed

async def roam():
    changed = asyncio.create_task(addresses_changed())
    await asyncio.sleep(0.1)
    began = time.monotonic()
    subprocess.run(["ip", "address", "add", "10.9.8.7/32", "dev", "lo"], check=True)
    await changed
    print(time.monotonic() - began)

asyncio.run(roam())
"""


def _lists(*lists: str) -> Callable[[], frozenset[str]]:
    following = iter(lists)
    return lambda: frozenset(next(following))


async def test_a_changed_address_is_noticed_where_nobody_tells() -> None:
    async with asyncio.timeout(1):
        await addresses_changed(_lists("a", "a", "ab"), lambda: None, untold_s=0)


async def test_the_same_addresses_are_no_news() -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await addresses_changed(lambda: frozenset("a"), lambda: None, untold_s=0.01)


async def test_what_is_told_is_looked_at() -> None:
    news, system = socket.socketpair(type=socket.SOCK_DGRAM)
    news.settimeout(0)
    with system:
        system.send(b"an address")
        async with asyncio.timeout(1):
            await addresses_changed(_lists("a", "a", "ab"), lambda: news)

    assert news.fileno() == -1


async def test_nothing_is_listed_while_nothing_is_told() -> None:
    news, system = socket.socketpair(type=socket.SOCK_DGRAM)
    news.settimeout(0)
    with system, pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await addresses_changed(_lists("a", "a"), lambda: news)


async def test_one_after_the_other_is_one_change() -> None:
    news, system = socket.socketpair(type=socket.SOCK_DGRAM)
    news.settimeout(0)
    with system:
        for _ in range(3):
            system.send(b"an address")
        async with asyncio.timeout(1):
            await addresses_changed(_lists("a", "a", "abc"), lambda: news)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems are not asked")
def test_linux_tells() -> None:
    news = listen()

    assert news is not None
    news.close()


@pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0 or shutil.which("unshare") is None,
    reason="needs a network of its own (Linux, root, unshare)",
)
def test_a_new_address_is_noticed_within_a_second() -> None:
    done = subprocess.run(
        ["unshare", "--net", sys.executable, "-c", ROAM],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 1
