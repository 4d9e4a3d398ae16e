"""A call whose line or way is interrupted: it comes back, or ends in right words."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.voip.gateway.page.browsers import Tab, Wishes, click, until, until_screen
from tests.voip.gateway.page.conftest import OpenTab
from tests.voip.gateway.page.gateway import Gateway, running
from tests.voip.gateway.page.steps import ended
from voip.signalling.messages import HangupReason

pytestmark = [pytest.mark.slow, pytest.mark.realtime]

SHORT = 3.0  # seconds; a train that enters a tunnel
LOST_S = 30.0  # what page and gateway wait for each other


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    """Give a gateway that lets everybody in, behind a network that can be cut."""
    async with running(video=False, cuttable=True) as given:
        yield given


async def call(tab: Tab, gateway: Gateway) -> None:
    """Join, and wait until something was heard both ways."""
    await tab.open(gateway.link)
    await until_screen(tab, "join")
    await tab.ask("document.querySelector('[type=submit]').click()")
    await until(tab, "document.getElementById('sound').muted === false")
    await gateway.until("len(served.kept.pcm) > 96_000")


async def hears_again(gateway: Gateway, within_s: float) -> None:
    """Wait until a second more of sound came."""
    length = await gateway.ask("len(served.kept.pcm)")
    await gateway.until(f"len(served.kept.pcm) > {length} + 96_000", within_s)


async def test_a_call_outlives_the_socket_it_began_on(
    open_tab: OpenTab, gateway: Gateway
) -> None:
    async with open_tab() as tab:
        await call(tab, gateway)
        await gateway.ask("served.network.cut()")
        await asyncio.sleep(SHORT)
        await gateway.ask("served.network.mend()")
        await gateway.until("served.guests[0]._wire.is_up")
        await click(tab, "mute")
        await gateway.until("GuestShows(True, False) in served.news")

        assert not await gateway.ask("bool(served.ended)")


async def test_what_the_host_says_meanwhile_is_not_lost(
    open_tab: OpenTab, gateway: Gateway
) -> None:
    async with open_tab() as tab:
        await call(tab, gateway)
        await gateway.ask("served.network.cut()")
        await gateway.ask("served.guests[0].say(Present(('alice', 'carol')))")
        await asyncio.sleep(SHORT)
        await gateway.ask("served.network.mend()")

        await until(tab, "document.getElementById('people').children.length === 2")


async def test_sound_that_lost_its_way_finds_another(
    open_tab: OpenTab, gateway: Gateway
) -> None:
    async with open_tab() as tab:
        await call(tab, gateway)
        await gateway.ask("served.guests[0]._medium.disconnect()")
        await gateway.until("served.news.count(Connected()) == 2", 40.0)
        await hears_again(gateway, 20.0)

        assert not await gateway.ask("bool(served.ended)")


@pytest.mark.timeout(120)
async def test_a_line_that_does_not_come_back_ends_the_call_as_lost(
    open_tab: OpenTab, gateway: Gateway
) -> None:
    async with open_tab() as tab:
        await call(tab, gateway)
        await gateway.ask("served.network.cut()")
        await gateway.until("bool(served.ended)", LOST_S + 20)
        reason = await gateway.ask("int(served.ended.reason)")
        await until_screen(tab, "ended", LOST_S + 20)

        assert reason == HangupReason.LOST
        assert "The connection was lost" in await ended(tab)


@pytest.mark.timeout(120)
async def test_a_way_that_does_not_come_back_ends_the_call_as_lost(
    open_tab: OpenTab, gateway: Gateway
) -> None:
    broken = """
      const Connection = RTCPeerConnection;
      globalThis.RTCPeerConnection = class extends Connection {
        constructor(how) {
          const isAgain = globalThis.__isCut;
          super(isAgain ? { ...how, iceTransportPolicy: "relay" } : how);
        }
      };"""
    async with open_tab(Wishes(preload=broken)) as tab:
        await call(tab, gateway)
        await tab.ask("globalThis.__isCut = true")
        await gateway.ask("served.guests[0]._medium.disconnect()")
        await until_screen(tab, "ended", LOST_S + 30)

        assert "did not come back within 30 seconds" in await ended(tab)
        assert await gateway.ask("int(served.ended.reason)") == HangupReason.LOST
