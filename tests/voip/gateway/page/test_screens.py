"""What a person sees and does on the page, in real browsers, at every screen."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.voip.gateway.page import chromium, firefox
from tests.voip.gateway.page.browsers import (
    Tab,
    Wishes,
    click,
    until,
    until_screen,
    violations,
)
from tests.voip.gateway.page.conftest import OpenTab
from tests.voip.gateway.page.host import Host
from tests.voip.gateway.page.steps import (
    PHONE,
    SUBMIT,
    ask_to_join,
    at_the_door,
    ended,
    in_the_call,
    told,
)
from voip.gateway.guests.handshake import Media
from voip.gateway.guests.messages import (
    Accept,
    GuestMessage,
    Happening,
    Notice,
    Offer,
)
from voip.signalling.legs import (
    LegEnd,
    LegReason,
    Legs,
)
from voip.signalling.messages import (
    Alerting,
    Confirm,
    Hangup,
    HangupReason,
    SasResult,
    State,
)

pytestmark = pytest.mark.slow


async def test_the_secret_leaves_the_address_at_once(
    open_tab: OpenTab, host: Host
) -> None:
    async with open_tab() as tab:
        await tab.open(host.link)
        await until_screen(tab, "join")

        assert await tab.ask("location.href") == host.origin + "/"


async def test_a_page_without_its_link_says_so(open_tab: OpenTab, host: Host) -> None:
    async with open_tab() as tab:
        await tab.open(host.origin + "/")

        assert "The invitation is missing" in await ended(tab)


async def test_the_guest_sees_who_is_asked(open_tab: OpenTab, host: Host) -> None:
    async with open_tab() as tab:
        await at_the_door(tab, host)
        await host.say(Alerting())
        await until(tab, "document.body.innerText.includes('alice is being asked now')")

        assert host.hello is not None
        assert host.hello.name == "Bob"


async def test_cancelling_at_the_door_hangs_up(open_tab: OpenTab, host: Host) -> None:
    async with open_tab() as tab:
        await at_the_door(tab, host)
        await click(tab, "hang-up")

        assert (await host.hear(Hangup)).reason is HangupReason.NORMAL
        assert "You left the call" in await ended(tab)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        pytest.param(4404, "does not work any more", id="expired"),
        pytest.param(4409, "was used already", id="used"),
        pytest.param(4429, "is busy", id="busy"),
        pytest.param(4400, "refused this link", id="refused"),
    ],
)
async def test_a_refused_link_says_why(
    open_tab: OpenTab, host: Host, code: int, text: str
) -> None:
    host.refusal = code
    async with open_tab() as tab:
        await ask_to_join(tab, host)

        assert text in await ended(tab)


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        pytest.param(HangupReason.DECLINED, "Your host declined", id="declined"),
        pytest.param(HangupReason.TIMEOUT, "Nobody answered", id="timeout"),
        pytest.param(HangupReason.SECURITY, "for your safety", id="security"),
        pytest.param(HangupReason.NORMAL, "Your host hung up", id="normal"),
    ],
)
async def test_what_the_host_decided_is_said(
    open_tab: OpenTab, host: Host, reason: HangupReason, text: str
) -> None:
    async with open_tab() as tab:
        await at_the_door(tab, host)
        await host.say(Hangup(reason, bytes(16)))

        assert text in await ended(tab)


async def test_the_words_shown_are_those_of_the_call(
    open_tab: OpenTab, host: Host
) -> None:
    async with open_tab() as tab:
        confirm = await in_the_call(tab, host)
        await click(tab, "words")
        shown = await tab.ask(
            "[...document.querySelectorAll('#words-list li')]"
            ".map((item) => item.textContent).join(' ')"
        )

        assert shown == host.words(confirm)


async def test_words_that_differ_end_the_call(open_tab: OpenTab, host: Host) -> None:
    async with open_tab() as tab:
        await in_the_call(tab, host)
        await click(tab, "words")
        await click(tab, "differ")

        assert not (await host.hear(SasResult)).matched
        assert (await host.hear(Hangup)).reason is HangupReason.SECURITY
        assert "The words differ" in await ended(tab)


async def test_words_that_match_are_told_and_shown(
    open_tab: OpenTab, host: Host
) -> None:
    async with open_tab() as tab:
        await in_the_call(tab, host)
        await click(tab, "words")
        await click(tab, "match")

        assert (await host.hear(SasResult)).matched
        state = await tab.ask("document.getElementById('words-state').textContent")
        assert "words match" in state


@pytest.mark.parametrize(
    ("message", "text"),
    [
        pytest.param(Notice(Happening.OPENED_AGAIN), "opened again", id="opened again"),
        pytest.param(
            LegEnd(2, LegReason.BUSY, status=486, text="reception"),
            "reception is busy",
            id="leg ended",
        ),
        pytest.param(State(1, hold=True), "put you on hold", id="held"),
        pytest.param(State(1, muted=True), "alice is muted", id="muted"),
    ],
)
async def test_what_happens_in_a_call_is_said(
    open_tab: OpenTab, host: Host, message: GuestMessage, text: str
) -> None:
    async with open_tab() as tab:
        await in_the_call(tab, host)
        await host.say(message)
        await told(tab, text)


async def test_muting_is_shown_and_told(open_tab: OpenTab, host: Host) -> None:
    async with open_tab() as tab:
        await in_the_call(tab, host)
        await click(tab, "mute")

        assert (await host.hear(State)).muted
        button = "document.querySelector('[data-do=mute]')"
        assert await tab.ask(f"{button}.getAttribute('aria-pressed')") == "true"


async def test_changing_the_microphone_leaves_the_mute_as_it_is(
    open_tab: OpenTab, host: Host
) -> None:
    async with open_tab() as tab:
        await in_the_call(tab, host)
        await click(tab, "mute")
        await told(tab, "You are muted")
        await tab.ask(
            "document.getElementById('audio-device').dispatchEvent(new Event('change'))"
        )
        await asyncio.sleep(0.5)
        button = "document.querySelector('[data-do=mute]')"

        assert await tab.ask(f"{button}.getAttribute('aria-pressed')") == "true"


async def test_a_broken_line_is_taken_up_again(open_tab: OpenTab, host: Host) -> None:
    async with open_tab() as tab:
        await at_the_door(tab, host)
        await host.drop()
        async with asyncio.timeout(10):
            await host.resumed.wait()
        await host.say(Accept())

        assert (await host.hear(Offer)).sdp.startswith("v=0")


async def test_names_of_others_are_text(open_tab: OpenTab, host: Host) -> None:
    host.alias = "<b>x</b>\u202egnp"
    async with open_tab() as tab:
        await at_the_door(tab, host)
        heading = await tab.ask("document.querySelector('#door h1').textContent")

        assert "<b>x</b>\ufffdgnp" in heading


async def test_a_call_without_video_has_no_camera_button(
    open_tab: OpenTab, host: Host
) -> None:
    host.media = Media.AUDIO
    async with open_tab() as tab:
        await in_the_call(tab, host)
        shown = "document.querySelector('.controls [data-do=camera]').checkVisibility()"

        assert await tab.ask(shown) is False


@pytest.mark.parametrize(
    ("preload", "text"),
    [
        pytest.param(
            "delete globalThis.RTCRtpScriptTransform;",
            "RTCRtpScriptTransform",
            id="transforms",
        ),
        pytest.param(
            """SubtleCrypto.prototype.generateKey = async () => {
              throw new DOMException("", "NotSupportedError");
            };""",
            "X25519",
            id="X25519",
        ),
    ],
)
async def test_what_a_browser_lacks_is_named(
    open_tab: OpenTab, host: Host, preload: str, text: str
) -> None:
    async with open_tab(Wishes(preload=preload)) as tab:
        await tab.open(host.link)
        await until_screen(tab, "missing")

        assert text in await tab.ask(
            "document.getElementById('missing-list').innerText"
        )


DENIED = """
navigator.mediaDevices.getUserMedia = async () => {
  throw new DOMException("", "%s");
};
"""


NO_CAMERA = """
const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (wanted) => {
  if (wanted.video) throw new DOMException("", "%s");
  return open(wanted);
};
"""


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("NotAllowedError", "may not use the microphone", id="denied"),
        pytest.param("NotFoundError", "No microphone was found", id="none"),
        pytest.param("NotReadableError", "in use by another program", id="taken"),
    ],
)
async def test_a_microphone_that_cannot_be_had_is_explained(
    open_tab: OpenTab, host: Host, name: str, text: str
) -> None:
    async with open_tab(Wishes(preload=DENIED % name)) as tab:
        await ask_to_join(tab, host)
        await until(tab, "!document.getElementById('problem').hidden")

        assert text in await tab.ask("document.getElementById('problem').innerText")


async def test_who_has_no_microphone_may_still_listen(
    open_tab: OpenTab, host: Host
) -> None:
    async with open_tab(Wishes(preload=DENIED % "NotFoundError")) as tab:
        await ask_to_join(tab, host)
        await until(tab, "!document.getElementById('problem').hidden")
        await tab.ask(f"{SUBMIT}.click()")
        await host.hear(Confirm)
        await host.say(Accept())

        assert (await host.hear(State)).muted


@asynccontextmanager
async def denying_tab(
    name: str, folder: Path, chromium_browser: Any
) -> AsyncIterator[Tab]:
    """Open a tab of a user who lets no page use microphone and camera."""
    if name == "chromium":
        async with chromium.tab(chromium_browser, Wishes(is_denied=True)) as tab:
            yield tab
        return
    if (reason := firefox.missing()) is not None:
        pytest.skip(reason)
    async with (
        firefox.running(folder, firefox.DENIED) as browser,
        firefox.tab(browser) as tab,
    ):
        yield tab


@pytest.mark.parametrize("name", ["chromium", "firefox"])
async def test_permission_that_was_denied_is_explained(
    chromium_browser: Any, host: Host, tmp_path: Path, name: str
) -> None:
    async with denying_tab(name, tmp_path, chromium_browser) as tab:
        await ask_to_join(tab, host)
        problem = "document.getElementById('problem')"
        await until(tab, f"{problem}.innerText.includes('not use the microphone')")
        await click(tab, "camera")
        await until(tab, f"{problem}.innerText.includes('not use the camera')")

        assert "Allow it beside the address" in await tab.ask(f"{problem}.innerText")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("NotAllowedError", "may not use the camera", id="denied"),
        pytest.param("NotFoundError", "No camera was found", id="none"),
        pytest.param("NotReadableError", "in use by another program", id="taken"),
    ],
)
async def test_a_camera_that_cannot_be_had_changes_nothing_in_the_call(
    open_tab: OpenTab, host: Host, name: str, text: str
) -> None:
    async with open_tab(Wishes(preload=NO_CAMERA % name)) as tab:
        await in_the_call(tab, host)
        await click(tab, "camera")
        await told(tab, text)
        button = "document.querySelector('.controls [data-do=camera]')"

        assert await tab.ask(f"{button}.getAttribute('aria-pressed')") == "false"


async def test_nothing_breaks_the_policy_or_asks_elsewhere(
    open_tab: OpenTab, host: Host
) -> None:
    async with open_tab() as tab:
        await in_the_call(tab, host)
        await click(tab, "camera")
        await host.say(Legs(1, (PHONE,)))
        await until_screen(tab, "notice")
        # Firefox draws its own controls with a font that it holds as data.
        own = (host.origin + "/", host.origin.replace("http", "ws") + "/", "data:")
        elsewhere = [url for url in tab.seen.requests if not url.startswith(own)]

        assert (await violations(tab), elsewhere) == ([], [])


async def test_nothing_is_stored(open_tab: OpenTab, host: Host) -> None:
    async with open_tab() as tab:
        await in_the_call(tab, host)
        stored = await tab.ask(
            "(async () => [document.cookie, localStorage.length, sessionStorage.length,"
            " (await indexedDB.databases()).length,"
            " (await navigator.serviceWorker.getRegistrations()).length])()"
        )

        assert stored == ["", 0, 0, 0, 0]


async def focus(tab: Tab, what: str, *, most: int = 30) -> None:
    """Press Tab until something has the focus."""
    for _ in range(most):
        if await tab.ask(f"document.activeElement?.matches({what!r})"):
            return
        await tab.press("Tab")
    raise AssertionError(f"{what} is not reached by the Tab key")


async def test_a_whole_call_needs_no_mouse(open_tab: OpenTab, host: Host) -> None:
    async with open_tab() as tab:
        await tab.open(host.link)
        await until_screen(tab, "join")
        await focus(tab, "#name")
        for letter in "Bob":
            await tab.press(letter)
        await tab.press("Enter")
        await host.hear(Confirm)
        await host.say(Accept())
        await host.hear(State)
        await host.hear(Offer)
        await until_screen(tab, "call")
        await tab.press("m")
        is_muted = (await host.hear(State)).muted
        await focus(tab, "[data-do=words]")
        await tab.press("Enter")
        await focus(tab, "[data-do=match]")
        await tab.press(" ")
        has_matched = (await host.hear(SasResult)).matched
        await focus(tab, "#call [data-do=hang-up]")
        await tab.press("Enter")

        assert (is_muted, has_matched) == (True, True)
        assert (await host.hear(Hangup)).reason is HangupReason.NORMAL


async def test_single_keys_can_be_switched_off(open_tab: OpenTab, host: Host) -> None:
    async with open_tab() as tab:
        await in_the_call(tab, host)
        await tab.ask("document.getElementById('keys').click()")
        await tab.ask("document.querySelector('#call h1').focus()")
        await tab.press("m")
        button = "document.querySelector('[data-do=mute]')"

        assert await tab.ask(f"{button}.getAttribute('aria-pressed')") == "false"


async def test_the_focus_goes_to_each_new_heading(
    open_tab: OpenTab, host: Host
) -> None:
    heading = "document.activeElement.textContent"
    async with open_tab() as tab:
        await tab.open(host.link)
        await until_screen(tab, "join")
        seen = [await tab.ask(heading)]
        await tab.ask(f"{SUBMIT}.click()")
        await host.hear(Confirm)
        await until(tab, f"{heading}.includes('alice')")
        seen.append(await tab.ask(heading))
        await host.say(Accept())
        await until_screen(tab, "call")
        seen.append(await tab.ask(heading))

        assert [each.strip() for each in seen] == [
            "Join the call",
            "Asking alice to let you in",
            "Call with alice",
        ]
