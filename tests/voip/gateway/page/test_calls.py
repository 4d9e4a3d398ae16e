"""Whole calls between real browsers and the gateway, on loopback."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest

from tests.voip.gateway.page import chromium
from tests.voip.gateway.page.browsers import (
    Tab,
    Wishes,
    click,
    until,
    until_screen,
    violations,
)
from tests.voip.gateway.page.conftest import GUEST_HZ, OpenTab
from tests.voip.gateway.page.gateway import Gateway, running
from voip.gateway.guests.tally import EVERY_S
from voip.signalling.messages import HangupReason

pytestmark = [pytest.mark.slow, pytest.mark.realtime]

HOST_HZ = 700.0
FIREFOX_HZ = 1000.0  # of the tone that Firefox makes for a microphone
SUBMIT = "document.querySelector('[type=submit]')"

# Browsers filter a lasting tone as noise, so the page's wishes are taken back.
PLAIN = """
const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = (wanted) => open({ ...wanted, audio:
  wanted.audio && { echoCancellation: false, noiseSuppression: false,
                    autoGainControl: false } });
const Connection = RTCPeerConnection;
globalThis.__connections = [];
globalThis.RTCPeerConnection = class extends Connection {
  constructor(...how) { super(...how); __connections.push(this); }
};
"""

# A browser that is long about saying that an answer is in use.
LATE = """
const answered = RTCPeerConnection.prototype.setRemoteDescription;
RTCPeerConnection.prototype.setRemoteDescription = async function (...how) {
  await answered.apply(this, how);
  await new Promise((resolve) => setTimeout(resolve, 1000));
  setTimeout(() => (globalThis.__isAnswered = true)); // once the page has gone on
};
"""

STATS = """(async () => [...(await __connections.at(-1).getStats()).values()]
  .find((each) => each.type === "%s" && each.kind === "%s"))()"""

HEARD = """(async () => {
  const track = document.getElementById("sound").srcObject.getTracks()[0];
  const reader = new MediaStreamTrackProcessor({ track }).readable.getReader();
  const samples = [];
  while (samples.length < 24000) {
    const { value } = await reader.read();
    const part = new Float32Array(value.numberOfFrames);
    value.copyTo(part, { planeIndex: 0, format: "f32-planar" });
    samples.push(...part);
    value.close();
  }
  return samples;
})()"""
"""Half a second of what the guest hears; only Chromium lets a page have it."""

DRAWN = """(() => {
  const video = document.getElementById("theirs");
  const canvas = new OffscreenCanvas(32, 24);
  const context = canvas.getContext("2d");
  context.drawImage(video, 0, 0, 32, 24);
  return [...context.getImageData(0, 0, 32, 24).data];
})()"""


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    """Give a gateway that lets everybody in."""
    async with running(hz=HOST_HZ) as given:
        yield given


async def ask_to_join(tab: Tab, gateway: Gateway) -> None:
    """Open the link and press the button."""
    await tab.open(gateway.link)
    await until_screen(tab, "join")
    await tab.ask(f"{SUBMIT}.click()")


async def call(tab: Tab, gateway: Gateway, *, camera: bool = False) -> None:
    """Open the link, join, and wait until the first frames were opened."""
    await tab.open(gateway.link)
    await until_screen(tab, "join")
    if camera:
        await click(tab, "camera")
        await until(tab, "document.getElementById('news').textContent.includes('on')")
    await tab.ask(f"{SUBMIT}.click()")
    await until(tab, "document.getElementById('sound').muted === false")


async def end_of(tab: Tab, within_s: float = 20.0) -> str:
    """Wait for the end; give what the page says."""
    await until_screen(tab, "ended", within_s)
    text: str = await tab.ask("document.getElementById('ended').innerText")
    return text


async def test_the_host_hears_the_guest(open_tab: OpenTab, gateway: Gateway) -> None:
    async with open_tab(Wishes(preload=PLAIN)) as tab:
        await call(tab, gateway)
        await gateway.until("len(served.kept.pcm) > 3 * 96_000")
        said = await gateway.ask("served.kept.hz()")

        assert round(said, -1) in {GUEST_HZ, FIREFOX_HZ}


async def test_a_guest_in_chromium_hears_the_hosts_tone(
    chromium_browser: Any, gateway: Gateway
) -> None:
    async with chromium.tab(chromium_browser, Wishes(preload=PLAIN)) as tab:
        await call(tab, gateway)
        await asyncio.sleep(1)
        heard = np.array(await tab.ask(HEARD))
        spectrum = np.abs(np.fft.rfft(heard * np.hanning(len(heard))))

        assert abs(np.argmax(spectrum) * 48_000 / len(heard) - HOST_HZ) < 10


async def test_what_a_guest_hears_is_as_loud_as_it_was_sent(
    open_tab: OpenTab, gateway: Gateway
) -> None:
    async with open_tab(Wishes(preload=PLAIN)) as tab:
        await call(tab, gateway)
        await asyncio.sleep(2)
        before = await tab.ask(STATS % ("inbound-rtp", "audio"))
        await asyncio.sleep(1)
        after = await tab.ask(STATS % ("inbound-rtp", "audio"))
        energy, seconds = (
            after[name] - before[name]
            for name in ("totalAudioEnergy", "totalSamplesDuration")
        )
        loudness = (energy / seconds) ** 0.5

        # A tone of 0.25: one browser takes the mean, the other the peaks.
        assert 0.15 < loudness < 0.27


async def test_sound_opened_before_the_answer_is_known_to_be_in_use_is_heard(
    open_tab: OpenTab, gateway: Gateway
) -> None:
    async with open_tab(Wishes(preload=LATE)) as tab:
        await call(tab, gateway)
        await until(tab, "globalThis.__isAnswered")

        assert not await tab.ask("document.getElementById('sound').muted")


async def test_guest_and_host_see_each_other(
    open_tab: OpenTab, gateway: Gateway
) -> None:
    async with open_tab(Wishes(preload=PLAIN)) as tab:
        await call(tab, gateway, camera=True)
        await until(tab, "document.getElementById('theirs').videoWidth === 320")
        one, before = np.array(await tab.ask(DRAWN)), await tab.picture()
        await asyncio.sleep(0.5)
        other, after = np.array(await tab.ask(DRAWN)), await tab.picture()
        await gateway.until("served.kept.shown > 20")

        assert np.abs(one - other).mean() > 1
        assert before != after
        assert await gateway.ask("moved(served)") > 1


async def test_every_sealed_frame_is_opened(
    open_tab: OpenTab, gateway: Gateway
) -> None:
    async with open_tab(Wishes(preload=PLAIN)) as tab:
        await call(tab, gateway, camera=True)
        await asyncio.sleep(3 * EVERY_S)
        counts = await gateway.ask("counts(served)")

        assert [failed for _, _, _, failed, _ in counts] == [0, 0, 0, 0]
        assert all(sframe > 20 for _, _, sframe, _, _ in counts)
        assert not await gateway.ask("bool(served.ended)")


async def test_a_call_breaks_no_policy_and_asks_nobody_else(
    open_tab: OpenTab, gateway: Gateway
) -> None:
    async with open_tab(Wishes(preload=PLAIN)) as tab:
        await call(tab, gateway, camera=True)
        origin = gateway.origin
        own = (origin + "/", origin.replace("http", "ws") + "/", "data:")
        elsewhere = [url for url in tab.seen.requests if not url.startswith(own)]

        assert (await violations(tab), elsewhere) == ([], [])


async def test_packets_of_sound_have_one_size(
    open_tab: OpenTab, gateway: Gateway
) -> None:
    async with open_tab(Wishes(preload=PLAIN)) as tab:
        await call(tab, gateway)
        sizes = set()
        before = await tab.ask(STATS % ("outbound-rtp", "audio"))
        for _ in range(8):
            await asyncio.sleep(0.5)
            now = await tab.ask(STATS % ("outbound-rtp", "audio"))
            packets = now["packetsSent"] - before["packetsSent"]
            if packets:
                sizes.add((now["bytesSent"] - before["bytesSent"]) / packets)
            before = now

        # 160 padded, 16 of a tag, 1 to 3 of a header: the counter grows.
        assert sizes
        assert all(177 <= size <= 179 for size in sizes)


async def test_the_host_finds_the_guests_words(
    open_tab: OpenTab, gateway: Gateway
) -> None:
    async with open_tab() as tab:
        await call(tab, gateway)
        shown = await tab.ask(
            "[...document.querySelectorAll('#words-list li')].map((w) => w.textContent)"
        )
        await gateway.ask(f"compare(served, {shown!r})")
        await until(
            tab, "document.getElementById('words-state').textContent.includes('match')"
        )

        assert await tab.ask("document.getElementById('words').hidden")


async def test_other_words_end_the_call(open_tab: OpenTab, gateway: Gateway) -> None:
    async with open_tab() as tab:
        await call(tab, gateway)
        with pytest.raises(AssertionError, match="TrustError"):
            await gateway.ask("compare(served, None)")

        assert "The words differ" in await end_of(tab)


async def test_the_guest_hangs_up(open_tab: OpenTab, gateway: Gateway) -> None:
    async with open_tab() as tab:
        await call(tab, gateway)
        await click(tab, "hang-up")
        await gateway.until("served.ended")

        assert await gateway.ask("served.ended.by_guest")


async def test_the_host_hangs_up(open_tab: OpenTab, gateway: Gateway) -> None:
    async with open_tab() as tab:
        await call(tab, gateway)
        await gateway.ask("served.guests[0].hang_up()")

        assert "Your host hung up" in await end_of(tab)


async def test_a_link_opened_again_is_told_to_all(
    open_tab: OpenTab, gateway: Gateway
) -> None:
    async with open_tab() as tab:
        await call(tab, gateway)
        async with open_tab() as other:
            await ask_to_join(other, gateway)
            ending = await end_of(other)
        await until(
            tab, "document.getElementById('news').textContent.includes('opened again')"
        )

        assert "was used already" in ending
        assert await gateway.ask("OpenedAgain() in served.news")


async def test_an_expired_link_opens_nothing(open_tab: OpenTab) -> None:
    async with running(expires_s=0.01) as gateway, open_tab() as tab:
        await ask_to_join(tab, gateway)

        assert "does not work any more" in await end_of(tab)


async def test_muted_sound_is_sent_as_silence(
    open_tab: OpenTab, gateway: Gateway
) -> None:
    async with open_tab(Wishes(preload=PLAIN)) as tab:
        await call(tab, gateway)
        await click(tab, "mute")
        await asyncio.sleep(1.5)
        first = await tab.ask(STATS % ("outbound-rtp", "audio"))
        await asyncio.sleep(1)
        second = await tab.ask(STATS % ("outbound-rtp", "audio"))

        assert await gateway.ask("loudest(served, 0.5)") < 100
        assert second["packetsSent"] - first["packetsSent"] > 30


async def test_a_camera_that_was_off_is_seen_again(
    open_tab: OpenTab, gateway: Gateway
) -> None:
    async with open_tab(Wishes(preload=PLAIN)) as tab:
        await call(tab, gateway)
        await click(tab, "camera")
        await gateway.until("served.kept.shown > 10")
        await click(tab, "camera")
        await asyncio.sleep(1.5)
        shown = await gateway.ask("served.kept.shown")
        await asyncio.sleep(1)
        shown_while_off = await gateway.ask("served.kept.shown")
        await click(tab, "camera")
        await gateway.until(f"served.kept.shown > {shown} + 10")

        # One that was on its way may still come.
        assert shown_while_off <= shown + 2


async def test_keys_change_under_a_running_call(
    open_tab: OpenTab, gateway: Gateway
) -> None:
    async with open_tab(Wishes(preload=PLAIN)) as tab:
        await call(tab, gateway, camera=True)
        await gateway.ask("rekey(served)")
        await gateway.until("served.guests[0]._call.rekeying.epoch == 1")
        await asyncio.sleep(2 * EVERY_S)
        before = await gateway.ask("counts(served)")
        await asyncio.sleep(1)
        after = await gateway.ask("counts(served)")

        assert [failed for _, _, _, failed, _ in after] == [0, 0, 0, 0]
        assert all(a[2] > b[2] for a, b in zip(after, before, strict=True))


async def test_media_that_lost_their_way_find_another(
    open_tab: OpenTab, gateway: Gateway
) -> None:
    async with open_tab(Wishes(preload=PLAIN)) as tab:
        await call(tab, gateway)
        await gateway.ask("served.guests[0]._medium.disconnect()")
        await gateway.until("served.news.count(Connected()) == 2", within_s=40)
        length = await gateway.ask("len(served.kept.pcm)")
        await gateway.until(f"len(served.kept.pcm) > {length} + 96_000")

        assert not await gateway.ask("bool(served.ended)")


SET = 'stream.%s.transform = this.#room.transform("%s", kind, this.#leg);'


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(SET % ("sender", "seal"), id="sending"),
        pytest.param(SET % ("receiver", "open"), id="receiving"),
    ],
)
async def test_a_browser_that_skips_the_sealing_ends_the_call(
    open_tab: OpenTab, gateway: Gateway, line: str
) -> None:
    await gateway.ask(f"tamper(served, '/media.js', {line!r}, '')")
    async with open_tab(Wishes(preload=PLAIN)) as tab:
        await ask_to_join(tab, gateway)
        await gateway.until("Connected() in served.news")
        loop = asyncio.get_running_loop()
        start = loop.time()
        await gateway.until("served.ended")
        took = loop.time() - start

        reason = await gateway.ask("int(served.ended.reason)")
        assert reason == HangupReason.SECURITY
        assert took < 5
        assert "safety" in await end_of(tab)


async def test_a_page_that_names_another_certificate_gets_no_media(
    open_tab: OpenTab, gateway: Gateway
) -> None:
    old = "return this.#connection.localDescription.sdp;"
    new = old[:-1] + r'.replace(/(a=fingerprint:sha-256 )../g, "$100");'
    await gateway.ask(f"tamper(served, '/media.js', {old!r}, {new!r})")
    async with open_tab() as tab:
        await ask_to_join(tab, gateway)
        await gateway.until("served.ended")

        reason = await gateway.ask("int(served.ended.reason)")
        assert (reason, await gateway.ask("len(served.kept.pcm)")) == (
            HangupReason.SECURITY,
            0,
        )
