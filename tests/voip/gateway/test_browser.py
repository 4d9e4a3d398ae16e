"""Whole calls of a guest over real sockets, and what must not become one."""

import pytest

from tests.voip.gateway.guest_peer import PythonGuest, peak_hz
from tests.voip.gateway.serving import serving

pytestmark = pytest.mark.slow


async def test_a_guest_and_the_host_hear_each_other() -> None:
    async with serving(video=False) as served, PythonGuest(served.link) as guest:
        await guest.join()
        await served.until(lambda: len(guest.heard) > 96_000 * 2)
        await served.until(lambda: len(served.kept.pcm) > 96_000 * 2)

        assert (
            round(served.kept.hz(), -1),
            round(peak_hz(bytes(guest.heard)), -1),
        ) == (
            440.0,
            1000.0,
        )
