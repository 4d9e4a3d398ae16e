"""What tests ask a gateway in another process, and what they do to it."""

import asyncio
import dataclasses
from types import MappingProxyType

import numpy as np

from tests.voip.gateway.serving import Served
from voip.gateway.guests.messages import Present
from voip.gateway.guests.news import Connected, GuestShows, OpenedAgain

__all__ = [
    "Connected",
    "GuestShows",
    "OpenedAgain",
    "Present",
    "compare",
    "counts",
    "loudest",
    "moved",
    "rekey",
    "tamper",
]


def counts(served: Served) -> list[tuple[int, ...]]:
    """Give kind, direction, sealed or opened, failed and all frames, per stream."""
    [guest] = served.guests
    return [tuple(map(int, each)) for each in guest._medium.counts()]


def loudest(served: Served, seconds: float) -> int:
    """Give the highest sample of the last seconds of what was heard, 0 to 32768."""
    heard = bytes(served.kept.pcm[-int(seconds * 48_000) * 2 :])
    return int(np.abs(np.frombuffer(heard, "<i2").astype(int)).max())


def moved(served: Served) -> float:
    """Give how far the first and the last picture are apart, on average, 0 to 255."""
    first, last = (
        np.frombuffer(each.i420, np.uint8).astype(int)
        for each in (served.kept.pictures[0], served.kept.pictures[-1])
    )
    return float(np.abs(first - last).mean())


def rekey(served: Served) -> None:
    """Ask the guest for new keys before it is time."""
    [guest] = served.guests
    guest._call.rekeying.due_at = asyncio.get_running_loop().time()


def compare(served: Served, matched: list[str] | None) -> None:
    """Say which words the guest reads; None for none of the choices."""
    [guest] = served.guests
    assert guest.choices is not None
    words = None if matched is None else (matched[0], matched[1], matched[2])
    guest.compare(None if words is None else guest.choices.options.index(words))


def tamper(served: Served, path: str, old: str, new: str) -> None:
    """Serve a file that somebody changed."""
    page = served.gateway.site.pages[path]
    assert old.encode() in page.body
    body = page.body.replace(old.encode(), new.encode())
    changed = dataclasses.replace(page, body=body)
    served.gateway.site.pages = MappingProxyType(
        {**served.gateway.site.pages, path: changed}
    )
