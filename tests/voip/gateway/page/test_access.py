"""Who cannot see well, use a mouse or a wide screen takes part, too (WCAG 2.2 AA)."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from axe_playwright_python.async_playwright import (  # type: ignore[import-untyped]  # ships none
    Axe,
)

from tests.voip.gateway.page import chromium
from tests.voip.gateway.page.browsers import Tab, Wishes, click, until, until_screen
from tests.voip.gateway.page.conftest import OpenTab
from tests.voip.gateway.page.host import Host
from tests.voip.gateway.page.steps import (
    PHONE,
    at_the_door,
    ended,
    in_the_call,
    telephone,
)
from voip.gateway.guests.messages import Present
from voip.signalling.legs import Legs

pytestmark = pytest.mark.slow

Reach = Callable[[Tab, Host], Awaitable[object]]


async def join(tab: Tab, host: Host) -> None:
    await tab.open(host.link)
    await until_screen(tab, "join")


async def words(tab: Tab, host: Host) -> None:
    await in_the_call(tab, host)
    await click(tab, "words")
    await tab.ask("document.querySelector('details').open = true")


async def notice(tab: Tab, host: Host) -> None:
    await in_the_call(tab, host)
    await click(tab, "camera")
    await host.say(Legs(1, (PHONE,)))
    await until_screen(tab, "notice")


async def pad(tab: Tab, host: Host) -> None:
    await in_the_call(tab, host)
    await telephone(tab, host)
    await click(tab, "pad")


async def people(tab: Tab, host: Host) -> None:
    await in_the_call(tab, host)
    await telephone(tab, host)
    await host.say(Present(("alice", "carol", "W" * 48)))
    await until(tab, "document.getElementById('people').children.length === 4")
    await tab.ask("document.getElementById('people-box').open = true")


async def the_end(tab: Tab, host: Host) -> None:
    await at_the_door(tab, host)
    await click(tab, "hang-up")
    await ended(tab)


async def missing(tab: Tab, host: Host) -> None:
    await tab.open(host.link)
    await until_screen(tab, "missing")


SCREENS = [
    pytest.param(join, "", id="join"),
    pytest.param(at_the_door, "", id="door"),
    pytest.param(in_the_call, "", id="call"),
    pytest.param(words, "", id="words"),
    pytest.param(notice, "", id="notice"),
    pytest.param(pad, "", id="pad"),
    pytest.param(people, "", id="people"),
    pytest.param(the_end, "", id="ended"),
    pytest.param(missing, "delete globalThis.RTCRtpScriptTransform;", id="missing"),
]


@pytest.mark.parametrize("is_dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize(("reach", "preload"), SCREENS)
async def test_no_rule_of_axe_is_broken(
    chromium_browser: Any, host: Host, reach: Reach, preload: str, *, is_dark: bool
) -> None:
    # Axe is put into the page as a script, which the page's policy would forbid.
    wishes = Wishes(is_dark=is_dark, is_policed=False, preload=preload)
    async with chromium.tab(chromium_browser, wishes) as tab:
        await reach(tab, host)
        assert isinstance(tab, chromium.ChromiumTab)
        results = await Axe().run(tab.page)
        broken = [
            (each["id"], [node["html"] for node in each["nodes"]])
            for each in results.response["violations"]
        ]

        assert broken == []


@pytest.mark.parametrize("width", [320, 390, 1280])
@pytest.mark.parametrize(("reach", "preload"), SCREENS)
async def test_nobody_has_to_scroll_sideways(
    open_tab: OpenTab, host: Host, reach: Reach, preload: str, width: int
) -> None:
    async with open_tab(Wishes(width=width, height=640, preload=preload)) as tab:
        await reach(tab, host)
        too_wide = await tab.ask("document.documentElement.scrollWidth - innerWidth")

        assert too_wide <= 0


@pytest.mark.parametrize(("reach", "preload"), SCREENS)
async def test_what_one_presses_is_large_enough(
    open_tab: OpenTab, host: Host, reach: Reach, preload: str
) -> None:
    async with open_tab(Wishes(width=320, height=640, preload=preload)) as tab:
        await reach(tab, host)
        small = await tab.ask(
            """[...document.querySelectorAll("button, select, input, summary")]
            .filter((each) => each.checkVisibility())
            .map((each) => each.closest("label.check") ?? each)
            .map((each) => [each.outerHTML.slice(0, 60), each.getBoundingClientRect()])
            .filter(([, { width, height }]) => width < 44 || height < 44)
            .map(([html]) => html)"""
        )

        assert small == []


async def test_who_wants_no_motion_sees_none(chromium_browser: Any, host: Host) -> None:
    async with chromium.tab(chromium_browser) as tab:
        assert isinstance(tab, chromium.ChromiumTab)
        await tab.page.emulate_media(reduced_motion="reduce")
        await at_the_door(tab, host)
        running = await tab.ask("document.getAnimations().length")

        assert running == 0


async def test_every_control_shows_that_it_has_the_focus(
    open_tab: OpenTab, host: Host
) -> None:
    async with open_tab() as tab:
        await in_the_call(tab, host)
        unseen = []
        for _ in range(8):
            await tab.press("Tab")
            outline = await tab.ask(
                "getComputedStyle(document.activeElement).outlineStyle"
            )
            name = await tab.ask("document.activeElement.outerHTML.slice(0, 60)")
            if outline == "none" and not name.startswith(("<body", "<html")):
                unseen.append(name)

        assert unseen == []
