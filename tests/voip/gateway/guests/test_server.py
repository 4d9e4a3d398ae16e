"""Whole calls of a guest over real sockets, and what must not become one."""

import asyncio
import contextlib
from urllib.parse import urlsplit

import aiohttp
import pytest

from tests.voip.gateway.guest_peer import NONCE, PythonGuest, peak_hz
from tests.voip.gateway.serving import Served, serving
from voip.description import Kind
from voip.errors import RefusedError
from voip.gateway import counts
from voip.gateway.guests.invite import Invites
from voip.gateway.guests.messages import Happening, Notice
from voip.gateway.guests.news import Connected, GuestCompared, GuestEnded, OpenedAgain
from voip.gateway.guests.server import (
    EXPIRED,
    GONE,
    MALFORMED,
    PATH,
    REFUSED,
    SILENCE_S,
    USED,
    BrowserGateway,
)
from voip.gateway.guests.threshold import MAX_OPEN_PER_HOUSEHOLD
from voip.identity.words import words
from voip.media.pattern import Tone
from voip.media.plan import MediaPlan
from voip.media.sframe import Sealer
from voip.media.sources import Pull
from voip.signalling.messages import Alerting, Confirm, HangupReason, SasResult

SECOND = 96_000  # bytes of sound


async def talk(served: Served, guest: PythonGuest, seconds: float = 1.5) -> None:
    """Join and listen to each other for a while."""
    await guest.join()
    size = int(seconds * SECOND)
    await served.until(lambda: len(guest.heard) > size and len(served.kept.pcm) > size)


async def ended(served: Served, within_s: float = 6.0) -> GuestEnded:
    await served.until(lambda: served.ended, within_s)
    assert served.ended is not None
    return served.ended


@pytest.mark.slow
async def test_a_guest_and_the_host_hear_each_other() -> None:
    async with serving(video=False) as served, PythonGuest(served.link) as guest:
        await talk(served, guest, 2.0)

        assert (
            round(served.kept.hz(), -1),
            round(peak_hz(bytes(guest.heard)), -1),
        ) == (440.0, 1000.0)


@pytest.mark.slow
async def test_a_guest_and_the_host_see_each_other() -> None:
    async with serving() as served, PythonGuest(served.link, video=True) as guest:
        await guest.join()
        await served.until(lambda: served.kept.shown > 10 and len(guest.seen) > 10)
        shown = served.kept.pictures[-1]

        assert ((shown.width, shown.height), guest.seen[-1]) == ((320, 240), (320, 240))


@pytest.mark.slow
async def test_sound_has_one_size_for_each_length_of_its_counter() -> None:
    async with serving(video=False) as served, PythonGuest(served.link) as guest:
        await talk(served, guest)

        assert guest.sizes <= {177, 178}


@pytest.mark.slow
async def test_new_keys_in_the_middle_of_a_call_cost_no_frame() -> None:
    async with serving(video=False) as served, PythonGuest(served.link) as guest:
        await talk(served, guest)
        call = served.guests[0]._call
        call.rekeying.due_at = 0.0
        await served.until(lambda: guest.epoch == 1)
        heard = len(guest.heard)
        await served.until(lambda: len(guest.heard) > heard + SECOND)

        assert [count[1] for count in guest.counts.values()] == [0] * 4


@pytest.mark.slow
async def test_a_guest_comes_back_on_another_socket() -> None:
    async with serving(video=False) as served, PythonGuest(served.link) as guest:
        await talk(served, guest)
        await guest.resume()
        heard = len(guest.heard)
        await guest.compare(matched=True)
        await served.until(lambda: GuestCompared() in served.news)
        await served.until(lambda: len(guest.heard) > heard + SECOND // 2)

        assert served.ended is None


@pytest.mark.slow
async def test_a_guest_makes_another_media_connection() -> None:
    async with serving(video=False) as served, PythonGuest(served.link) as guest:
        await talk(served, guest)
        await guest.connect()
        await served.until(lambda: served.news.count(Connected()) == 2)
        heard = len(guest.heard)
        await served.until(lambda: len(guest.heard) > heard + SECOND)

        assert guest.epoch == 1


async def test_words_are_the_same_on_both_sides() -> None:
    async with serving(accept=False) as served, PythonGuest(served.link) as guest:
        await guest.join()
        await served.until(lambda: served.guests)
        choices = served.guests[0].choices
        assert choices is not None

        assert words(guest.sas) in choices.options


async def test_the_right_words_are_told_to_the_guest() -> None:
    async with serving(accept=False) as served, PythonGuest(served.link) as guest:
        await guest.join()
        await served.until(lambda: served.guests)
        host = served.guests[0]
        assert host.choices is not None
        host.compare(host.choices.options.index(words(guest.sas)))
        await served.until(lambda: SasResult(matched=True) in guest.messages)

        assert not host.is_over


async def test_other_words_end_the_call_on_both_sides() -> None:
    async with serving(accept=False) as served, PythonGuest(served.link) as guest:
        await guest.join()
        await served.until(lambda: served.guests)
        host = served.guests[0]
        assert host.choices is not None
        right = host.choices.options.index(words(guest.sas))
        with pytest.raises(Exception, match="reads other words"):
            host.compare((right + 1) % 4)
        await served.until(guest.over.is_set)

        assert guest.ended is not None
        assert guest.ended.reason is HangupReason.SECURITY


async def test_other_words_at_the_guest_end_the_call() -> None:
    async with serving(accept=False) as served, PythonGuest(served.link) as guest:
        await guest.join()
        await served.until(lambda: served.guests)
        await guest.compare(matched=False)

        assert (await ended(served)).reason is HangupReason.SECURITY


async def test_nothing_of_our_addresses_leaves_before_the_host_accepts() -> None:
    async with serving(accept=False) as served, PythonGuest(served.link) as guest:
        await guest.join()
        await served.until(lambda: served.guests and guest.messages)

        assert guest.messages == [Alerting()]


async def test_the_host_declines() -> None:
    async with serving(accept=False) as served, PythonGuest(served.link) as guest:
        await guest.join()
        await served.until(lambda: served.guests)
        served.guests[0].decline()
        await served.until(guest.over.is_set)

        assert guest.ended is not None
        assert guest.ended.reason is HangupReason.DECLINED


async def test_a_guest_hangs_up() -> None:
    async with serving(accept=False) as served, PythonGuest(served.link) as guest:
        await guest.join()
        await served.until(lambda: served.guests)
        await guest.hang_up()

        assert (await ended(served)).by_guest


async def test_a_link_opens_one_call() -> None:
    async with serving(accept=False) as served, PythonGuest(served.link) as guest:
        await guest.join()
        await served.until(lambda: served.guests)
        async with PythonGuest(served.link) as second:
            await second.greet()

            assert second.close_code == USED


async def test_both_are_told_that_the_link_was_opened_again() -> None:
    async with serving(accept=False) as served, PythonGuest(served.link) as guest:
        await guest.join()
        await served.until(lambda: served.guests)
        async with PythonGuest(served.link) as second:
            await second.greet()
        notice = Notice(Happening.OPENED_AGAIN)
        await served.until(lambda: notice in guest.messages)

        assert OpenedAgain() in served.news


async def test_a_link_opened_after_its_guest_left_is_told_by_its_label() -> None:
    async with serving(accept=False) as served, PythonGuest(served.link) as guest:
        await guest.join()
        await served.until(lambda: served.guests)
        told_meanwhile = list(served.reopened)
        await guest.hang_up()
        await ended(served)
        async with PythonGuest(served.link) as second:
            await second.greet()

        assert (told_meanwhile, served.reopened) == ([], ["link 1"])


async def test_of_two_guests_racing_for_a_link_one_gets_in() -> None:
    async with (
        serving(accept=False) as served,
        PythonGuest(served.link) as first,
        PythonGuest(served.link) as second,
    ):
        await first.greet()
        await second.greet()
        await first.say(Confirm(NONCE))
        first.go_on()
        await served.until(first.over.is_set)
        await second.say(Confirm(NONCE))
        await served.until(lambda: served.guests)

        assert len(served.guests) == 1


async def test_a_hello_that_was_recorded_gets_no_answer() -> None:
    async with serving(accept=False) as served, PythonGuest(served.link) as guest:
        hello = guest.make_hello()
        await guest.greet(hello)
        async with PythonGuest(served.link) as thief:
            await thief.greet(hello)

            assert thief.close_code == REFUSED


async def test_the_page_of_another_origin_gets_no_socket() -> None:
    async with serving(accept=False) as served, PythonGuest(served.link) as guest:
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            await guest.open_socket(origin="https://evil.example")


async def test_a_hello_for_another_origin_gets_no_answer() -> None:
    async with serving(accept=False) as served, PythonGuest(served.link) as guest:
        await guest.greet(guest.make_hello(origin="https://evil.example"))

        assert guest.close_code == REFUSED


async def test_a_hello_with_another_secret_gets_no_answer() -> None:
    async with serving(accept=False) as served, PythonGuest(served.link) as guest:
        right = guest.make_hello()
        guest.secret = bytes(32)
        wrong = guest.make_hello()
        await guest.greet(right[:17] + wrong[17:])

        assert guest.close_code == REFUSED


async def test_an_unknown_link_is_as_good_as_expired() -> None:
    async with serving(accept=False) as served, PythonGuest(served.link) as guest:
        guest.secret = bytes(32)
        await guest.greet()

        assert guest.close_code == EXPIRED


async def test_an_expired_link_is_refused() -> None:
    async with (
        serving(accept=False, expires_s=0.01) as served,
        PythonGuest(served.link) as guest,
    ):
        hello = guest.make_hello()
        await asyncio.sleep(0.02)
        await guest.greet(hello)

        assert guest.close_code == EXPIRED


@pytest.mark.parametrize("first", [b"", b"\x03", b"\x01" * 100, b"\x02" * 9])
async def test_rubbish_gets_no_answer(first: bytes) -> None:
    async with serving(accept=False) as served, PythonGuest(served.link) as guest:
        await guest.greet(first)

        assert guest.close_code == REFUSED


async def test_text_gets_no_answer() -> None:
    async with serving(accept=False) as served, PythonGuest(served.link) as guest:
        await guest.open_socket()
        await guest.socket.send_str("hello")
        await guest.socket.receive()

        assert guest.socket.close_code == MALFORMED


async def test_a_call_that_is_over_is_not_resumed() -> None:
    async with serving(accept=False) as served, PythonGuest(served.link) as guest:
        await guest.open_socket()
        await guest.socket.send_bytes(b"\x02" + bytes(16))
        await guest.socket.receive()

        assert guest.socket.close_code == GONE


async def test_a_changed_message_ends_the_call() -> None:
    async with serving(accept=False) as served, PythonGuest(served.link) as guest:
        await guest.join()
        await served.until(lambda: served.guests)
        sealed = bytearray(guest.line.seal(SasResult(matched=True)))
        sealed[40] ^= 1
        await guest.socket.send_bytes(bytes(sealed))

        assert (await ended(served)).reason is HangupReason.SECURITY


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(
            lambda sdp: sdp.replace("sha-256 ", "sha-256 00:", 1), id="swapped"
        ),
        pytest.param(
            lambda sdp: sdp.replace(
                "a=setup", "a=fingerprint:sha-256 " + "00:" * 31 + "00\r\na=setup", 1
            ),
            id="second",
        ),
        pytest.param(lambda sdp: sdp[: len(sdp) // 2], id="half"),
    ],
)
async def test_a_changed_offer_ends_the_call(change: object) -> None:
    async with serving(video=False) as served, PythonGuest(served.link) as guest:
        guest.sdp_change = change  # type: ignore[assignment]  # of pytest's making
        await guest.join()

        assert (await ended(served)).reason is HangupReason.SECURITY


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "localhost", "::"])
async def test_plain_http_is_served_on_this_machine_alone(host: str) -> None:
    gateway = BrowserGateway(Invites("https://talk.example"), alias="alice")
    async with gateway:
        with pytest.raises(RefusedError, match="expected a certificate, or a loopback"):
            await gateway.listen(host, 0)


class Driven:
    """A speaker with a clock of its own, which no guest can have."""

    def drive(self, pull: Pull) -> None:
        """Play nothing."""

    def close(self) -> None:
        """Stop."""


async def test_a_fault_with_one_guest_is_the_end_of_that_guest_alone() -> None:
    async with serving(accept=False) as served, PythonGuest(served.link) as first:
        await first.join()
        await served.until(lambda: served.guests)
        async with PythonGuest(served.gateway.invite()) as second:
            await second.join()
            await served.until(lambda: len(served.guests) == 2)
            plan = MediaPlan(audio_source=Tone(440.0), audio_sink=Driven())
            served.guests[0].accept(plan)
            end = await ended(served)

            assert (end.reason, end.why) == (
                HangupReason.LOST,
                "this gateway failed: AssertionError",
            )
            assert not served.guests[1].is_over


async def test_a_guest_who_takes_no_sound_is_hung_up_on() -> None:
    async with serving(video=False) as served, PythonGuest(served.link) as guest:
        guest.sdp_change = lambda sdp: sdp.replace("a=sendrecv", "a=sendonly")
        await guest.join()

        assert (await ended(served)).reason is HangupReason.SECURITY


async def test_a_message_of_a_mebibyte_ends_the_socket() -> None:
    async with serving(accept=False) as served, PythonGuest(served.link) as guest:
        await guest.join()
        await served.until(lambda: served.guests)
        await guest.socket.send_bytes(bytes(2**20))
        await served.until(guest.over.is_set)

        assert guest.close_code == aiohttp.WSCloseCode.MESSAGE_TOO_BIG


@pytest.mark.slow
async def test_sound_that_nobody_sealed_ends_the_call_unheard() -> None:
    async with serving(video=False) as served, PythonGuest(served.link) as guest:
        guest.seal = lambda _kind, frame: frame
        await guest.join()
        end = await ended(served, 8.0)

        assert (end.reason, not any(served.kept.pcm)) == (HangupReason.SECURITY, True)


@pytest.mark.slow
async def test_sound_sealed_by_somebody_else_ends_the_call_unheard() -> None:
    async with serving(video=False) as served, PythonGuest(served.link) as guest:
        thief = Sealer(bytes(32), 0)
        guest.seal = lambda _kind, frame: thief.seal(frame, b"\x01")
        await guest.join()
        end = await ended(served, 8.0)

        assert (end.reason, not any(served.kept.pcm)) == (HangupReason.SECURITY, True)


@pytest.mark.slow
async def test_frames_that_are_played_again_end_the_call() -> None:
    async with serving(video=False) as served, PythonGuest(served.link) as guest:
        recorded: list[bytes] = []

        def again(kind: Kind, frame: bytes) -> bytes:
            if len(recorded) < 10:
                recorded.append(guest._seal(kind, frame))
                return recorded[-1]
            return recorded[0]

        guest.seal = again
        await guest.join()

        assert (await ended(served, 8.0)).reason is HangupReason.SECURITY


@pytest.mark.slow
async def test_sound_fed_as_pictures_is_never_shown() -> None:
    async with serving() as served, PythonGuest(served.link, video=True) as guest:
        sound = bytes(20)

        def swapped(kind: Kind, frame: bytes) -> bytes:
            if kind is Kind.AUDIO:
                return guest._seal(kind, frame)
            return b"\x10\x02\x00" + guest._seal(Kind.AUDIO, sound)

        guest.seal = swapped
        await guest.join()
        end = await ended(served, 8.0)

        assert (end.reason, served.kept.shown) == (HangupReason.SECURITY, 0)


async def test_the_page_is_served_with_its_headers_and_nothing_else_is() -> None:
    async with serving() as served, aiohttp.ClientSession() as session:
        for path in served.gateway.site.pages:
            async with session.get(served.gateway.host.origin + path) as found:
                body = await found.read()
                policy = found.headers["Content-Security-Policy"]

            assert (found.status, body) == (200, served.gateway.site.pages[path].body)
            assert policy.startswith("default-src 'none'; script-src 'self'")


@pytest.mark.parametrize("path", ["/../browser.py", "/secret", "//etc/passwd", PATH])
async def test_other_paths_are_not_served(path: str) -> None:
    async with serving() as served, aiohttp.ClientSession() as session:
        async with session.get(served.gateway.host.origin + path) as found:
            status = found.status

        assert status in {403, 404}
        assert found.headers["Referrer-Policy"] == "no-referrer"


async def test_what_becomes_of_invites_is_counted_and_not_by_whom() -> None:
    async with serving(accept=False) as served, PythonGuest(served.link) as guest:
        await guest.join()
        await served.until(lambda: served.guests)
        async with PythonGuest(served.link) as second:
            await second.greet()
        counted = served.gateway.host.counted.invites

        assert {what.value: times for what, times in counted.items() if times} == {
            "made": 1,
            "spent": 1,
            "reopened": 1,
        }


@pytest.mark.slow
async def test_frames_are_counted_when_a_connection_is_over() -> None:
    async with serving(video=False) as served, PythonGuest(served.link) as guest:
        await talk(served, guest)
        await guest.hang_up()
        await ended(served)
        counted = served.gateway.host.counted
        frames = counted.frames(counts.Kind.BROWSER, counts.Direction.IN)
        await served.until(lambda: frames.passed)

        assert (frames.passed > 50, frames.failed) == (True, 0)


async def test_silent_connections_of_a_stranger_keep_no_guest_out() -> None:
    async with serving(accept=False) as served, PythonGuest(served.link) as guest:
        silent = [
            await asyncio.open_connection(
                "127.0.0.1", served.port, local_addr=("127.0.0.2", 0)
            )
            for _ in range(MAX_OPEN_PER_HOUSEHOLD + 1)
        ]
        async with asyncio.timeout(5):
            with contextlib.suppress(ConnectionError):
                assert await silent[-1][0].read() == b""
        await guest.join()
        await served.until(lambda: served.guests)
        for _, writer in silent:
            writer.close()

        assert served.guests[0].name == "Bob"


@pytest.mark.slow
async def test_half_a_request_holds_no_place_for_long() -> None:
    async with serving(video=False) as served:
        port = urlsplit(served.link).port
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HT")
        async with asyncio.timeout(3 * SILENCE_S):
            rest = await reader.read()
        writer.close()

        assert rest == b""
