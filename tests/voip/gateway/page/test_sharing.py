"""A guest shows his screen: what the host sees, and what becomes of the camera."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.voip.gateway.page import chromium
from tests.voip.gateway.page.browsers import Tab, Wishes, click, until, until_screen
from tests.voip.gateway.page.conftest import OpenTab
from tests.voip.gateway.page.gateway import Gateway, running
from tests.voip.gateway.page.steps import told

pytestmark = [pytest.mark.slow, pytest.mark.realtime]

REFUSED = """
navigator.mediaDevices.getDisplayMedia = async () => {
  throw new DOMException("", "NotAllowedError");
};
"""
SCREEN = "document.querySelector('.controls [data-do=screen]')"


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    """Give a gateway that lets everybody in."""
    async with running() as given:
        yield given


@pytest.fixture(scope="module")
async def showing_browser() -> AsyncIterator[Any]:
    """Start a Chromium whose user always agrees to show the whole screen."""
    if (reason := chromium.missing()) is not None:
        pytest.skip(reason)
    async with chromium.running(
        more=(
            "--use-fake-ui-for-media-stream",
            "--auto-select-desktop-capture-source=Entire screen",
        )
    ) as browser:
        yield browser


async def call(tab: Tab, gateway: Gateway) -> None:
    """Join, and wait until something was heard."""
    await tab.open(gateway.link)
    await until_screen(tab, "join")
    await tab.ask("document.querySelector('[type=submit]').click()")
    await until(tab, "document.getElementById('sound').muted === false")


async def test_the_host_sees_the_guests_screen(
    showing_browser: Any, gateway: Gateway
) -> None:
    async with chromium.tab(showing_browser) as tab:
        await call(tab, gateway)
        await click(tab, "screen")
        await told(tab, "alice sees your screen")
        await gateway.until("served.kept.shown > 5")

        assert await tab.ask(f"{SCREEN}.getAttribute('aria-pressed')") == "true"
        assert await gateway.ask("GuestShows(False, True) in served.news")


async def test_a_screen_takes_the_cameras_place_and_gives_it_back(
    showing_browser: Any, gateway: Gateway
) -> None:
    size = "[served.kept.pictures[-1].width, served.kept.pictures[-1].height]"
    async with chromium.tab(showing_browser) as tab:
        await call(tab, gateway)
        await click(tab, "camera")
        await gateway.until("served.kept.shown > 5")
        camera = await gateway.ask(size)
        await click(tab, "screen")
        await gateway.until(f"{size} != {camera}")
        await click(tab, "screen")
        await gateway.until(f"{size} == {camera}")

        assert not await gateway.ask("bool(served.ended)")


async def test_who_may_not_show_a_screen_is_told_and_the_call_goes_on(
    open_tab: OpenTab, gateway: Gateway
) -> None:
    async with open_tab(Wishes(preload=REFUSED)) as tab:
        await call(tab, gateway)
        await click(tab, "screen")
        await told(tab, "The browser may not use the screen")
        length = await gateway.ask("len(served.kept.pcm)")
        await gateway.until(f"len(served.kept.pcm) > {length} + 48_000")

        assert await tab.ask(f"{SCREEN}.getAttribute('aria-pressed')") == "false"
