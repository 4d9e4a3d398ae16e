"""Word that this machine's addresses changed.

Linux tells of each change as it happens (rtnetlink(7)). Elsewhere, and where a sandbox
forbids to ask for that, they are listed from time to time, which takes about a
millisecond of processor time.
"""

import asyncio
import socket
import sys
from collections.abc import Callable
from contextlib import nullcontext, suppress

from voip.media.connect.gathering import local_addresses

TOLD_S = 30.0
"""Where the system takes the question they are listed so often all the same: a sandbox
may take it and never tell."""
UNTOLD_S = 0.5
"""Where it does not: a new network is to be heard within a second of its coming."""
SETTLE_S = 0.2
"""A new network brings some addresses one after the other; they are one change."""

_GROUPS = 0x10 | 0x100  # linux/rtnetlink.h: addresses of IPv4 and of IPv6
_NEWS_BYTES = 4096  # nobody reads what they say, only that they came


def listen() -> socket.socket | None:
    """Ask the system to tell of changes; None where it does not."""
    if sys.platform != "linux":
        return None
    try:
        news = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
    except OSError:
        return None
    try:
        news.bind((0, _GROUPS))
    except OSError:  # as on Android
        news.close()
        return None
    news.settimeout(0)
    return news


async def addresses_changed(
    addresses: Callable[[], frozenset[str]] = local_addresses,
    listen: Callable[[], socket.socket | None] = listen,
    *,
    untold_s: float = UNTOLD_S,
) -> None:
    """Wait until this machine has other addresses than now.

    They are listed every `untold_s` where nobody tells.
    """
    before = addresses()
    with listen() or nullcontext() as news:
        while addresses() == before:
            if news is None:
                await asyncio.sleep(untold_s)
            else:
                await _told(news)


async def _told(news: socket.socket) -> None:
    """Wait until something is told, and a little longer for what belongs to it."""
    with suppress(TimeoutError):
        async with asyncio.timeout(TOLD_S):
            # ENOBUFS, more than the system keeps for us, is news as well.
            with suppress(OSError):
                await asyncio.get_running_loop().sock_recv(news, _NEWS_BYTES)
            await asyncio.sleep(SETTLE_S)
    with suppress(OSError):
        while news.recv(_NEWS_BYTES):
            pass
