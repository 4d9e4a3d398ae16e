"""`ringfence gateway browser`: a guest, a host, and a contact who is told of him."""

import asyncio
import signal
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from cli.codes import Code
from tests.cli.conftest import Start
from tests.cli.gateways.operators import free_address, named, read_pages
from tests.cli.gateways.test_sip import account
from tests.cli.side import Side, save
from tests.voip.gateway.guest_peer import PythonGuest, peak_hz
from tests.voip.gateway.phones import make_authority, need_baresip, running_phone
from tests.voip.people import introduce, person
from voip.gateway.guests.server import BUSY, USED
from voip.identity.card import parse_relay
from voip.identity.words import words
from voip.signalling.legs import Digits, LegKind, Mark, Shown
from voip.signalling.messages import HangupReason
from voip.signalling.tls import TlsFiles, make_key

_MEDIA = ["--audio-out=null", "--loopback", "--json"]
_SECOND = 96_000

Run = Callable[..., Side]


@pytest.fixture
def port() -> int:
    """Give a port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        number: int = probe.getsockname()[1]
        return number


@pytest.fixture
def run(start: Start, tmp_path: Path, relay_line: str) -> Iterator[Run]:
    """Give a function that starts a program for alice or for bob, who are friends."""
    alice, bob = (person(name, parse_relay(relay_line)) for name in ("alice", "bob"))
    introduce(alice, bob)
    for name, keeper in (("alice", alice), ("bob", bob)):
        save(tmp_path / name, keeper.vault)
    with ExitStack() as left:

        def begin(name: str, *arguments: str) -> Side:
            side = Side(start(name, *arguments, *_MEDIA))
            left.callback(side.process.communicate)
            left.callback(side.process.kill)
            return side

        yield begin


async def until(side: Side, **wanted: object) -> dict[str, Any]:
    return await asyncio.to_thread(lambda: side.until(**wanted))


async def hears(guest: PythonGuest, hz: float) -> None:
    """Wait until the guest hears this tone."""
    async with asyncio.timeout(20):
        while (  # noqa: ASYNC110 - nobody says when
            len(guest.heard) < _SECOND
            or abs(peak_hz(bytes(guest.heard[-_SECOND:])) - hz) > 5
        ):
            await asyncio.sleep(0.1)


def gateway(run: Run, port: int, *arguments: str) -> Side:
    return run(
        "alice", "gateway", "browser", f"--url=http://127.0.0.1:{port}", *arguments
    )


@pytest.mark.slow
async def test_a_guest_is_let_in_compared_with_and_heard(run: Run, port: int) -> None:
    alice = gateway(run, port, "--audio-in=tone")
    link = (await until(alice, event="link"))["link"]
    async with PythonGuest(link) as guest:
        await guest.join()
        door = await until(alice, event="guest at the door")
        alice.say("accept")
        offered = (await until(alice, event="words"))["options"]
        alice.say(f"choose 1 {offered.index(' '.join(words(guest.sas))) + 1}")
        await until(alice, event="words", matched=True)
        marked = await until(alice, event="legs")
        await hears(guest, 440.0)
        await guest.hang_up()

        assert (door["name"], marked["mark"], alice.end()) == (
            "Bob",
            "browser guest",
            Code.DONE,
        )


@pytest.mark.slow
async def test_other_words_end_the_program_with_distrust(run: Run, port: int) -> None:
    alice = gateway(run, port, "--audio-in=tone")
    link = (await until(alice, event="link"))["link"]
    async with PythonGuest(link) as guest:
        await guest.join()
        await until(alice, event="guest at the door")
        alice.say("accept")
        await until(alice, event="words")
        alice.say("choose 0")

        assert alice.end() == Code.DISTRUST


@pytest.mark.slow
async def test_a_contact_is_told_of_the_guest_before_he_hears_him(
    run: Run, port: int
) -> None:
    bob = run("bob", "answer", "--audio-in=tone")
    await until(bob, event="listening")
    alice = gateway(run, port, "--audio-in=silence", "--with=bob")
    link = (await until(alice, event="link"))["link"]
    async with PythonGuest(link) as guest:
        await guest.join()
        await until(alice, event="guest at the door")
        alice.say("accept")
        told = await until(bob, event="legs")
        bob.say("accept")
        await hears(guest, 440.0)
        await guest.hang_up()

        assert (told["legs"][0]["host"], alice.end()) == (
            f"127.0.0.1:{port}",
            Code.DONE,
        )


@pytest.mark.slow
async def test_a_contact_who_cannot_be_called_ends_nothing(run: Run, port: int) -> None:
    alice = gateway(run, port, "--audio-in=tone", "--with=carol")
    link = (await until(alice, event="link"))["link"]
    async with PythonGuest(link) as guest:
        await guest.join()
        await until(alice, event="guest at the door")
        alice.say("accept")
        complaint = await until(alice, event="error")
        await hears(guest, 440.0)
        await guest.hang_up()

        assert (complaint["sentence"][:7], alice.end()) == ("carol: ", Code.DONE)


async def told(guest: PythonGuest, legs: int) -> None:
    """Wait until a guest was told of so many legs, and hears something, if silence."""
    async with asyncio.timeout(20):
        while len(guest.legs.legs) != legs or not guest.heard:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.05)


def is_silent(guest: PythonGuest) -> bool:
    """Whether he heard nothing at all; Opus makes noise of silence, but a little."""
    return max(map(abs, memoryview(bytes(guest.heard)).cast("h")), default=0) < 10


async def listen(*guests: PythonGuest) -> None:
    """Let a second of sound come to each."""
    ends = [len(guest.heard) + _SECOND for guest in guests]
    async with asyncio.timeout(20):
        while any(  # noqa: ASYNC110 - as above
            len(guest.heard) < end for guest, end in zip(guests, ends, strict=True)
        ):
            await asyncio.sleep(0.05)


@asynccontextmanager
async def two_guests(
    run: Run, port: int
) -> AsyncIterator[tuple[Side, PythonGuest, PythonGuest]]:
    """Let two in: the first agreed to himself, neither agrees to the other yet."""
    alice = gateway(run, port, "--audio-in=silence", "--guests=2")
    links = [(await until(alice, event="link"))["link"] for _ in range(2)]
    async with (
        PythonGuest(links[0], hz=440.0) as bob,
        PythonGuest(links[1], hz=620.0) as carol,
    ):
        for number, guest in enumerate((bob, carol), 1):
            await guest.join()
            await until(alice, event="guest at the door", guest=number)
            alice.say(f"accept {number}")
            bob.opinion = carol.opinion = None if number == 2 else Shown.SHOWN
            await told(guest, number)
        await told(bob, 2)
        yield alice, bob, carol


@pytest.mark.slow
async def test_guests_see_each_other_before_they_hear_each_other(
    run: Run, port: int
) -> None:
    async with two_guests(run, port) as (_, bob, carol):
        await listen(bob, carol)
        unasked = is_silent(bob), is_silent(carol)
        await carol.answer_legs(Shown.SHOWN)
        await listen(bob, carol)
        half = is_silent(bob), is_silent(carol)
        await bob.answer_legs(Shown.SHOWN)
        await hears(bob, 620.0)
        await hears(carol, 440.0)

        assert (unasked, half) == ((True, True), (True, True))
        assert [each.mark for each in bob.legs.legs] == [Mark.BROWSER_GUEST] * 2


@pytest.mark.slow
async def test_a_guest_who_refuses_the_other_is_never_fed(run: Run, port: int) -> None:
    async with two_guests(run, port) as (alice, bob, carol):
        await bob.answer_legs(Shown.SHOWN)
        await carol.answer_legs(Shown.REFUSED)
        gone = await until(alice, event="guest ended")
        await told(bob, 1)
        await listen(bob)

        assert (gone["guest"], gone["reason"]) == (2, "declined")
        assert (is_silent(bob), is_silent(carol)) == (True, True)


@pytest.mark.slow
async def test_pages_for_operators_count_a_guest_and_name_nobody(
    run: Run, port: int
) -> None:
    pages_at = free_address()
    alice = gateway(run, port, "--audio-in=tone", f"--metrics={pages_at}")
    link = (await until(alice, event="link"))["link"]
    async with PythonGuest(link) as guest:
        await guest.join()
        await until(alice, event="guest at the door")
        alice.say("accept")
        await until(alice, event="legs")
        await hears(guest, 440.0)
        pages = await read_pages(pages_at)

        secret = link.partition("#")[2]
        leg = 'ringfence_gateway_legs{kind="browser",mark="browser_guest"} 1.0'
        assert (leg in pages, '"ready": true' in pages) == (True, True)
        assert named(pages, "alice", "bob", secret, "127.0.0.1", f"{port}") == []


@pytest.mark.slow
async def test_who_is_told_to_stop_lets_a_guest_finish_and_nobody_in(
    run: Run, port: int
) -> None:
    at = free_address()
    alice = gateway(run, port, "--audio-in=tone", "--guests=2", f"--metrics={at}")
    links = [(await until(alice, event="link"))["link"] for _ in range(2)]
    async with PythonGuest(links[0]) as guest, PythonGuest(links[1]) as late:
        await guest.join()
        await until(alice, event="guest at the door")
        alice.say("accept")
        await hears(guest, 440.0)
        alice.process.terminate()
        async with asyncio.timeout(10):
            while '"reasons": ["draining"]' not in await read_pages(at):
                pass
        await late.greet()
        is_heard = len(guest.heard)
        while len(guest.heard) < is_heard + _SECOND:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.1)
        await guest.hang_up()

        assert (late.close_code, alice.end()) == (BUSY, Code.DONE)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--url=http://talk.example"], "expected https, or http on 127.0.0.1"),
        (["--expires=8d"], "expected 1m to 7d, came '8d'"),
        (["--listen=8443"], "expected HOST:PORT, came '8443'"),
        (["--cert=/dev/null"], "--cert and --key belong together"),
        (["--dial=sip:1@pbx.example"], "--dial and --account belong together"),
        (["--guests=0"], "no link of before can be used"),
        (
            ["--url=https://talk.example", "--listen=0.0.0.0:0"],
            "expected a certificate, or a loopback address",
        ),
    ],
    ids=["url", "expires", "listen", "cert", "dial", "nobody", "plain"],
)
def test_what_cannot_be_is_said_before_anything_is_served(
    start: Start, tmp_path: Path, arguments: list[str], said: str
) -> None:
    save(tmp_path / "alice", person("alice", None).vault)
    quiet = ["--audio-in=silence", "--audio-out=null"]
    process = start("alice", "gateway", "browser", *quiet, *arguments)
    _, complaint = process.communicate(timeout=20)

    assert (process.returncode != 0, said in complaint) == (True, True)


async def shown(port: int) -> str:
    """Give the certificate that is shown, as PEM."""
    return await asyncio.to_thread(ssl.get_server_certificate, ("127.0.0.1", port))


@pytest.mark.slow
async def test_the_page_is_served_over_https_and_its_certificate_renewed(
    run: Run, port: int, tmp_path: Path
) -> None:
    files = TlsFiles(certificate=tmp_path / "cert.pem", key=tmp_path / "key.pem")
    make_key(files)
    alice = run(
        *("alice", "gateway", "browser", "--audio-in=silence"),
        *(f"--url=https://127.0.0.1:{port}", f"--listen=127.0.0.1:{port}"),
        *(f"--cert={files.certificate}", f"--key={files.key}"),
    )
    await until(alice, event="link")
    url = f"https://127.0.0.1:{port}/"
    async with aiohttp.ClientSession() as session, session.get(url, ssl=False) as page:
        insisted = page.headers["Strict-Transport-Security"]
    before = await shown(port)
    files.key.unlink()
    make_key(files)
    alice.process.send_signal(signal.SIGHUP)
    async with asyncio.timeout(10):
        while (after := await shown(port)) == before:
            pass

    assert (insisted, after) == ("max-age=31536000", files.certificate.read_text())


@pytest.mark.slow
async def test_a_link_outlives_the_program_that_made_it(run: Run, port: int) -> None:
    first = gateway(run, port, "--audio-in=tone")
    link = (await until(first, event="link"))["link"]
    first.process.kill()
    again = gateway(run, port, "--audio-in=tone", "--guests=0")
    known = await until(again, event="links of before")
    async with PythonGuest(link) as guest:
        await guest.join()
        door = await until(again, event="guest at the door")
        again.say("accept")
        await hears(guest, 440.0)
        await guest.hang_up()

        assert (known["invites"], door["invite"]) == (["link 1"], "link 1")
        assert again.end() == Code.DONE


@pytest.mark.slow
async def test_a_link_that_was_used_stays_used_after_a_crash(
    run: Run, port: int
) -> None:
    first = gateway(run, port, "--audio-in=tone")
    link = (await until(first, event="link"))["link"]
    async with PythonGuest(link) as guest:
        await guest.join()
        await until(first, event="guest at the door")
        first.process.kill()
    again = gateway(run, port, "--audio-in=tone")
    await until(again, event="link")
    async with PythonGuest(link) as thief:
        await thief.greet()
        told = await until(again, event="link opened again")

        assert (thief.close_code, told["invite"]) == (USED, "link 1")


@pytest.mark.slow
async def test_a_link_that_is_revoked_lets_nobody_in(
    run: Run, start: Start, port: int
) -> None:
    alice = gateway(run, port, "--audio-in=tone")
    link = (await until(alice, event="link"))["link"]
    listed = start("alice", "gateway", "invites", "--revoke=1").communicate()[0]
    async with PythonGuest(link) as guest:
        await guest.join()
        await guest.over.wait()

        assert "link 1 is revoked" in listed
        assert guest.ended is not None
        assert guest.ended.reason is HangupReason.DECLINED
    assert alice.end() == Code.DONE


@pytest.mark.slow
async def test_a_guest_agrees_to_a_telephone_hears_it_and_presses_its_keys(
    run: Run, port: int, tmp_path: Path
) -> None:
    need_baresip()
    authority = make_authority(tmp_path / "authority")
    async with running_phone(tmp_path / "phone", authority) as phone:
        said = account(tmp_path, phone)
        alice = gateway(run, port, "--audio-in=silence", "--dial=office", *said)
        link = (await until(alice, event="link"))["link"]
        async with PythonGuest(link) as guest:
            await guest.join()
            await until(alice, event="guest at the door")
            alice.say("accept")
            guest.opinion = None
            await told(guest, 2)
            silent = is_silent(guest)
            await guest.answer_legs(Shown.SHOWN)
            await until(alice, event="secured")
            leg = next(each for each in guest.legs.legs if each.kind is LegKind.SIP)
            await guest.say(Digits(leg.id, "7"))
            await phone.saw("received event: '7'")
            await hears(guest, 1000.0)
            await guest.hang_up()

            assert (silent, leg.mark) == (True, Mark.TO_PBX)
        assert alice.end() == Code.DONE
