"""Who else is in a guest's call: asked about, listed, and pressed keys for."""

from dataclasses import replace

import pytest

from tests.voip.gateway.page.browsers import Tab, click, until, until_screen
from tests.voip.gateway.page.conftest import OpenTab
from tests.voip.gateway.page.host import Host
from tests.voip.gateway.page.steps import (
    PHONE,
    ask_to_join,
    in_the_call,
    telephone,
    told,
)
from voip.gateway.guests.messages import Accept, Offer, Present
from voip.signalling.legs import (
    Digits,
    LegKind,
    Legs,
    LegsAck,
    LegStage,
    ListedLeg,
    Mark,
    Shown,
)
from voip.signalling.messages import Confirm

pytestmark = pytest.mark.slow

PAD = "document.querySelector('.controls [data-do=pad]')"
PEOPLE = "[...document.querySelectorAll('#people li')].map((one) => one.textContent)"


async def test_a_weaker_leg_is_acknowledged_only_once_agreed(
    open_tab: OpenTab, host: Host
) -> None:
    async with open_tab() as tab:
        await in_the_call(tab, host)
        await host.say(Legs(1, (PHONE,)))
        await until_screen(tab, "notice")
        mark = await tab.ask("document.getElementById('mark').textContent")
        await click(tab, "accept-legs")

        assert mark == "NOT ENCRYPTED past here"
        assert await host.hear(LegsAck) == LegsAck(1, Shown.SHOWN)


async def test_another_guest_of_the_same_page_is_asked_about(
    open_tab: OpenTab, host: Host
) -> None:
    async with open_tab() as tab:
        await in_the_call(tab, host)
        legs = [
            ListedLeg(
                number,
                LegKind.BROWSER,
                mark=Mark.BROWSER_GUEST,
                host=host.origin.removeprefix("http://"),
                name="Bob",
            )
            for number in (1, 2)
        ]
        await host.say(Legs(1, tuple(legs[:1])))
        await until_screen(tab, "notice")
        await click(tab, "accept-legs")
        await host.say(Legs(2, tuple(legs)))
        await host.hear(LegsAck)

        assert await host.hear(LegsAck) == LegsAck(2, Shown.SHOWN)
        assert await tab.ask("document.querySelectorAll('#legs li').length") == 1


async def test_a_telephone_that_becomes_another_is_asked_about_again(
    open_tab: OpenTab, host: Host
) -> None:
    async with open_tab() as tab:
        await in_the_call(tab, host)
        await host.say(Legs(1, (PHONE,)))
        await until_screen(tab, "notice")
        await click(tab, "accept-legs")
        await host.hear(LegsAck)
        await until_screen(tab, "call")
        await host.say(Legs(2, (replace(PHONE, name="someone, by Office"),)))
        await until_screen(tab, "notice")

        assert "someone" in await tab.ask("document.getElementById('legs').textContent")


async def test_a_weaker_leg_can_be_refused(open_tab: OpenTab, host: Host) -> None:
    async with open_tab() as tab:
        await in_the_call(tab, host)
        await host.say(Legs(1, (PHONE,)))
        await until_screen(tab, "notice")
        await click(tab, "refuse-legs")

        assert await host.hear(LegsAck) == LegsAck(1, Shown.REFUSED)


async def test_a_list_without_anything_weaker_is_acknowledged_at_once(
    open_tab: OpenTab, host: Host
) -> None:
    async with open_tab() as tab:
        await in_the_call(tab, host)
        own = ListedLeg(
            1,
            LegKind.BROWSER,
            mark=Mark.BROWSER_GUEST,
            host=host.origin.removeprefix("http://"),
            name="Bob",
        )
        await host.say(Legs(1))
        await host.say(Legs(2, (own,)))
        await host.hear(LegsAck)

        assert await host.hear(LegsAck) == LegsAck(2, Shown.SHOWN)


async def test_another_guest_is_not_taken_for_oneself(
    open_tab: OpenTab, host: Host
) -> None:
    async with open_tab() as tab:
        await in_the_call(tab, host)
        other = ListedLeg(
            1,
            LegKind.BROWSER,
            mark=Mark.BROWSER_GUEST,
            host=host.origin.removeprefix("http://"),
            name="Eve",
        )
        await host.say(Legs(1, (other,)))
        await until_screen(tab, "notice")

        assert "Eve" in await tab.ask("document.getElementById('legs').textContent")


async def test_ones_own_leg_is_known_by_the_name_that_was_sent(
    open_tab: OpenTab, host: Host
) -> None:
    async with open_tab() as tab:
        await ask_to_join(tab, host, "a" * 60)
        await host.hear(Confirm)
        await host.say(Accept())
        await host.hear(Offer)
        assert host.hello is not None
        own = ListedLeg(
            1,
            LegKind.BROWSER,
            mark=Mark.BROWSER_GUEST,
            host=host.origin.removeprefix("http://"),
            name=host.hello.name,
        )
        await host.say(Legs(1))
        await host.say(Legs(2, (own,)))
        await host.hear(LegsAck)

        assert await host.hear(LegsAck) == LegsAck(2, Shown.SHOWN)


async def test_a_further_list_does_not_answer_what_is_asked(
    open_tab: OpenTab, host: Host
) -> None:
    async with open_tab() as tab:
        await in_the_call(tab, host)
        await host.say(Legs(1, (PHONE,)))
        await until_screen(tab, "notice")
        await host.say(Legs(2, (replace(PHONE, stage=LegStage.HELD),)))
        legs = "document.getElementById('legs').textContent"
        await until(tab, f"{legs}.includes('on hold')")
        await tab.ask("document.querySelector('[data-do=refuse-legs]').click()")

        assert await host.hear(LegsAck) == LegsAck(2, Shown.REFUSED)


async def test_a_leg_that_was_agreed_to_is_not_asked_about_again(
    open_tab: OpenTab, host: Host
) -> None:
    async with open_tab() as tab:
        await in_the_call(tab, host)
        await host.say(Legs(1, (PHONE,)))
        await until_screen(tab, "notice")
        await click(tab, "accept-legs")
        await host.hear(LegsAck)
        await host.say(Legs(2, (PHONE,)))

        assert await host.hear(LegsAck) == LegsAck(2, Shown.SHOWN)


async def test_the_guest_sees_who_is_there_by_his_hosts_word(
    open_tab: OpenTab, host: Host
) -> None:
    async with open_tab() as tab:
        await in_the_call(tab, host)
        await telephone(tab, host)
        await host.say(Present(("alice", "carol")))
        await until(tab, f"{PEOPLE}.length === 3")

        assert await tab.ask(PEOPLE) == [
            "alice, your host",
            "carol",
            "reception: NOT ENCRYPTED past here, via alice",
        ]


async def test_who_comes_and_goes_is_said(open_tab: OpenTab, host: Host) -> None:
    async with open_tab() as tab:
        await in_the_call(tab, host)
        await host.say(Present(("alice", "bob")))
        await host.say(Present(("alice", "carol")))

        await told(tab, "carol is in the call. bob has left.")


async def test_a_call_with_the_host_alone_lists_nobody(
    open_tab: OpenTab, host: Host
) -> None:
    async with open_tab() as tab:
        await in_the_call(tab, host)
        await host.say(Present(("alice",)))
        await until(tab, f"{PEOPLE}.length === 1")

        assert await tab.ask("document.getElementById('people-box').hidden")


async def test_there_is_a_keypad_only_while_there_is_a_telephone(
    open_tab: OpenTab, host: Host
) -> None:
    async with open_tab() as tab:
        await in_the_call(tab, host)
        before = await tab.ask(f"{PAD}.checkVisibility()")
        await telephone(tab, host)
        await until(tab, f"{PAD}.checkVisibility()")
        await click(tab, "pad")
        await host.say(Legs(3))
        await until(tab, f"!{PAD}.checkVisibility()")

        assert before is False
        assert await tab.ask("document.getElementById('pad').hidden")


async def test_a_telephone_that_nobody_agreed_to_has_no_keypad(
    open_tab: OpenTab, host: Host
) -> None:
    async with open_tab() as tab:
        await in_the_call(tab, host)
        await host.say(Legs(1, (replace(PHONE, stage=LegStage.ANNOUNCED),)))
        await until_screen(tab, "notice")

        assert await tab.ask(f"{PAD}.checkVisibility()") is False


async def test_keys_are_pressed_by_touch(open_tab: OpenTab, host: Host) -> None:
    async with open_tab() as tab:
        await in_the_call(tab, host)
        await telephone(tab, host)
        await click(tab, "pad")
        await tab.ask("document.querySelector('[data-digit=\"#\"]').click()")
        await told(tab, "Pressed hash")

        assert await host.hear(Digits) == Digits(2, "#")


async def test_keys_are_pressed_by_keyboard(open_tab: OpenTab, host: Host) -> None:
    async with open_tab() as tab:
        await in_the_call(tab, host)
        await telephone(tab, host)
        await tab.ask(f"{PAD}.focus()")
        await tab.press("Enter")
        await until_screen(tab, "pad")
        for key in "4*":
            await tab.press(key)
        heard = [await host.hear(Digits), await host.hear(Digits)]
        shown = await tab.ask("document.getElementById('pressed').textContent")

        assert (heard, shown) == ([Digits(2, "4"), Digits(2, "*")], "4*")


async def test_the_keypad_says_whether_it_is_open(
    open_tab: OpenTab, host: Host
) -> None:
    async def said(tab: Tab) -> str:
        text: str = await tab.ask(f"{PAD}.getAttribute('aria-expanded')")
        return text

    async with open_tab() as tab:
        await in_the_call(tab, host)
        await telephone(tab, host)
        found = [await said(tab)]
        await click(tab, "pad")
        found.append(await said(tab))
        await tab.press("Escape")
        found.append(await said(tab))

        assert found == ["false", "true", "false"]
