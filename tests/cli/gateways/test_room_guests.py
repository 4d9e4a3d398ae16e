"""Three in a room, each a process of their own, and a guest in a real Chromium."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cli.codes import Code
from tests.cli.conftest import Start
from tests.cli.gateways.operators import free_address
from tests.cli.side import Facts, Side, save
from tests.voip.gateway.page import chromium
from tests.voip.gateway.page.browsers import Tab, Wishes, until, until_screen
from tests.voip.gateway.page.conftest import GUEST_HZ, write_tone
from tests.voip.gateway.page.test_calls import HEARD, PLAIN, SUBMIT
from tests.voip.people import introduce, person
from voip.identity.card import parse_relay

pytestmark = [pytest.mark.slow, pytest.mark.realtime, pytest.mark.timeout(120)]

HERTZ = {"alice": 600.0, "bob": 900.0, "carol": 1300.0}
WITHIN_S = 40.0
_HEADER = 44  # bytes of a WAV file before its samples
_PIECE = 4800  # samples, 0.1 s
_LISTEN = 20 * _PIECE
_LOUD = 0.02  # of full scale; each tone is sent at more than 0.2


def tones(samples: np.ndarray[Any, Any]) -> set[float]:
    """Give those tones that are loud for a tenth of the time at least."""
    times, window = np.arange(_PIECE) / 48_000, np.hanning(_PIECE)
    # In pieces, for a gap that was filled moves what comes after it.
    pieces = samples[: len(samples) // _PIECE * _PIECE].reshape(-1, _PIECE)
    found = set()
    for hz in (GUEST_HZ, *HERTZ.values()):
        wave = window / window.mean() * np.exp(-2j * np.pi * hz * times)
        loud = abs((pieces * wave).mean(1)) > _LOUD
        if loud.sum() > len(pieces) / 10:
            found.add(hz)
    return found


class Member(Side):
    """One of the three, and what they hear."""

    def __init__(self, start: Start, name: str, folder: Path, *words: str) -> None:
        self.name = name
        self.heard = folder / f"{name}.wav"
        super().__init__(
            start(
                name,
                *("gateway", "room", *words, "--loopback", "--json"),
                f"--audio-in=tone:{HERTZ[name]:.0f}",
                f"--audio-out=file:{self.heard}",
            )
        )

    async def told(self, **wanted: object) -> Facts:
        """Wait for an event."""
        async with asyncio.timeout(WITHIN_S):
            return await asyncio.to_thread(self.until, **wanted)

    async def hears(self, *names: str) -> None:
        """Wait until this one hears these."""
        while True:
            members = (await self.told(event="members"))["members"]
            if {each["alias"] for each in members if each["heard"]} == set(names):
                return

    def samples(self) -> np.ndarray[Any, Any]:
        """Give all that was heard so far."""
        raw = self.heard.read_bytes()[_HEADER:]
        return np.frombuffer(raw[: len(raw) // 2 * 2], dtype="<i2") / 32768


@pytest.fixture
def members(start: Start, tmp_path: Path, relay_line: str) -> Iterator[list[Member]]:
    """Give three friends; alice can let a guest in."""
    keepers = {name: person(name, parse_relay(relay_line)) for name in HERTZ}
    for one, other in (("alice", "bob"), ("alice", "carol"), ("bob", "carol")):
        introduce(keepers[one], keepers[other])
    for name, keeper in keepers.items():
        save(tmp_path / name, keeper.vault)
    with ExitStack() as left:
        found = []
        words = {
            "bob": ("join",),
            "carol": ("join",),
            "alice": ("open", "--guests=1", f"--url=http://{free_address()}"),
        }
        for name, said in words.items():
            side = Member(start, name, tmp_path, *said)
            left.callback(side.process.communicate)
            left.callback(side.process.kill)
            found.append(side)
        bob, carol, alice = found
        yield [alice, bob, carol]


@asynccontextmanager
async def guest(folder: Path) -> AsyncIterator[Tab]:
    """Give a tab of a browser whose microphone hears a tone."""
    if (reason := chromium.missing()) is not None:
        pytest.skip(reason)
    write_tone(folder / "tone.wav", GUEST_HZ)
    async with (
        chromium.running(folder / "tone.wav") as browser,
        chromium.tab(browser, Wishes(preload=PLAIN)) as tab,
    ):
        yield tab


async def gather(alice: Member, bob: Member, carol: Member) -> str:
    """Have three in a room; gives the link for a guest."""
    link: str = (await alice.told(event="link"))["link"]
    for each in (bob, carol):
        await each.told(event="listening")
        alice.say(f"invite {each.name}")
    await alice.hears("bob", "carol")
    await bob.hears("alice", "carol")
    return link


async def test_a_guest_and_three_members_hear_each_other_once_all_know(
    members: list[Member], tmp_path: Path
) -> None:
    alice, bob, carol = members
    async with guest(tmp_path) as tab:
        await tab.open(await gather(alice, bob, carol))
        await until_screen(tab, "join")
        await tab.ask(f"{SUBMIT}.click()")
        await alice.told(event="guest at the door")
        alice.say("accept 1")
        told = [
            await each.told(event="guests", asks=["alice"]) for each in (bob, carol)
        ]
        await alice.told(event="guest connected")
        bob.say("legs accept")
        await bob.told(event="guests", asks=[])
        await asyncio.sleep(1)
        early = [each.samples() for each in (bob, carol)]
        carol.say("legs accept alice")
        await until(tab, "document.getElementById('sound').muted === false")
        a, b, c = HERTZ.values()
        expected = [{GUEST_HZ, b, c}, {GUEST_HZ, a, c}, {GUEST_HZ, a, b}]
        for each, those in zip(members, expected, strict=True):
            await until_heard(each, those)
        page: set[float] = set()
        while not page >= {a, b, c}:
            page |= tones(np.array(await tab.ask(HEARD)))
        listed = await tab.ask("document.body.textContent")
        alice.say("leave")  # and her guest with her
        await until_screen(tab, "ended")
        await bob.told(event="guests", legs=[])
        for each in (bob, carol):
            each.say("leave")
        codes = [await asyncio.to_thread(each.end) for each in members]

        assert all(each["mark"] == "browser guest" for each in told)
        assert all(each["legs"][0]["via"] == "alice" for each in told)
        assert not any(GUEST_HZ in tones(each) for each in early)
        assert page == {a, b, c}
        assert all(name in listed for name in ("alice", "bob", "carol"))
        assert codes == [Code.DONE] * 3


async def until_heard(side: Member, those: set[float]) -> None:
    """Wait until somebody hears exactly these tones."""
    async with asyncio.timeout(WITHIN_S):
        while tones(side.samples()[-_LISTEN:]) != those:  # noqa: ASYNC110 -- a file
            await asyncio.sleep(0.2)
