"""Bob calls alice's gateway, and asks for telephones: over a real relay, real media."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from tests.voip.gateway.phones import (
    THEIRS_HZ,
    Kept,
    line_to,
    make_authority,
    need_baresip,
    running_phone,
    until,
)
from tests.voip.gateway.sip.test_telephone import StandInLine
from tests.voip.peers import PowerCut
from tests.voip.people import MemoryKeeper, at_home, database, introduce, person
from voip.call import State
from voip.conversation import Conversation
from voip.endpoint import Endpoint, Settings
from voip.events import End
from voip.gateway.quota import CALLS_S
from voip.gateway.sip.account import parse_account
from voip.gateway.sip.asking import ASKS
from voip.gateway.sip.call import CallOver, Secured
from voip.gateway.sip.caller import AskRefused, PhoneNews
from voip.gateway.sip.frames import Command, Order, Said
from voip.gateway.sip.reception import CallLeft, NeverBusy, Reception, Told
from voip.gateway.sip.telephone import Line
from voip.identity.contact import DayUse, Grant
from voip.identity.person import change_contact
from voip.identity.trust import TrustState
from voip.media.connect.config import IceConfig
from voip.media.pattern import Tone
from voip.media.plan import MediaPlan
from voip.signalling.legs import LegAsk, LegEnd, LegKind, LegReason, Legs
from voip.signalling.relay import serve_relay

ACCOUNT = """\
account sip:gateway@pbx.example
number office sip:+493012@pbx.example
allow sip:+4930*@pbx.example
"""
BOB_HZ = 440.0
OFFICE = LegAsk(LegKind.SIP, "office")


@dataclass
class Scene:
    """Alice's gateway, which serves; and bob, at home."""

    alice: MemoryKeeper
    gateway: Endpoint
    bob: Endpoint
    ear: Kept
    told: list[Told]
    heard: list[object] = field(default_factory=list)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def call(self) -> Conversation:
        """Bob calls the gateway, which takes it."""
        conversation = await self.bob.dial("alice")
        self.tasks.add(asyncio.create_task(self._hear(conversation)))
        await until(lambda: conversation.state is State.ACTIVE)
        return conversation

    async def known(self) -> Conversation:
        """Bob calls a second time, so that his device is known."""
        first = await self.call()
        first.hang_up()
        await first.finished()
        await until(lambda: any(isinstance(each, CallLeft) for each in self.told))
        return await self.call()

    async def _hear(self, conversation: Conversation) -> None:
        async for message in conversation.heard():
            self.heard.append(message)

    async def answered(self, number: int = 1) -> LegEnd:
        """Wait for so many ends of legs; gives the last."""
        await until(lambda: len(self.ends) >= number)
        return self.ends[-1]

    @property
    def ends(self) -> list[LegEnd]:
        return [each for each in self.heard if isinstance(each, LegEnd)]

    @property
    def refused(self) -> list[str]:
        """Why nobody was called, as the gateway's user reads it."""
        return [each.refused.why for each in self.told if isinstance(each, AskRefused)]

    def change_bob(self, grant: Grant, used: DayUse | None = None) -> None:
        """Change what alice has of bob."""
        self.alice.vault = change_contact(
            self.alice.vault,
            "bob",
            lambda found: replace(found, grant=grant, telephoned=used),
        )

    @property
    def used(self) -> DayUse | None:
        return self.alice.vault.contacts.find("bob").telephoned


@asynccontextmanager
async def serving(
    folder: Path, line: Line, grant: Grant = Grant.SIP
) -> AsyncIterator[Scene]:
    ear, told = Kept(), list[Told]()
    calling = Settings(
        plan=lambda: MediaPlan(audio_source=Tone(BOB_HZ), audio_sink=ear),
        ice=IceConfig(loopback=True),
    )
    try:
        async with serve_relay(database(folder)) as relay:
            alice, bob = person("alice", relay.address), person("bob", relay.address)
            introduce(alice, bob)
            async with (
                at_home(NeverBusy(alice)) as here,  # type: ignore[arg-type] # a store, too
                at_home(bob, calling) as there,
                asyncio.TaskGroup() as tasks,
            ):
                scene = Scene(alice, here, there, ear, told)
                scene.change_bob(grant)
                reception = Reception(here, alice, line, tell=told.append)
                tasks.create_task(reception.serve())
                yield scene
                raise PowerCut  # noqa: TRY301 -- saying goodbye takes seconds
    except* PowerCut:
        pass


def stand_in() -> StandInLine:
    return StandInLine(parse_account(ACCOUNT.encode()))


@pytest.mark.slow
async def test_who_asks_is_joined_once_their_screen_has_shown_it(
    tmp_path: Path,
) -> None:
    line = stand_in()
    async with serving(tmp_path, line) as here:
        bob = await here.known()
        bob.say(OFFICE)
        await until(lambda: bob.asks_about_legs)
        before = list(line.sent)
        bob.answer_legs(accept=True)
        await until(lambda: len(line.sent) == 1)
        line.take_up()
        await until(lambda: any(_is_secured(each) for each in here.told))
        bob.say(LegEnd(1, LegReason.NORMAL))
        await until(lambda: line.sent[-1].order is Order.END)
        line.say(Said.CLOSED)
        end = await here.answered()

        assert bob.state is State.ACTIVE
    assert (before, line.sent[0]) == (
        [],
        Command(Order.DIAL, 1, "sip:+493012@pbx.example"),
    )
    assert end == LegEnd(1, LegReason.NORMAL)


def _is_secured(told: Told) -> bool:
    return isinstance(told, PhoneNews) and isinstance(told.happened, Secured)


@pytest.mark.slow
async def test_a_device_of_its_first_call_is_told_to_call_again(tmp_path: Path) -> None:
    line = stand_in()
    async with serving(tmp_path, line) as here:
        bob = await here.call()
        bob.say(OFFICE)
        end = await here.answered()

    assert end == LegEnd(
        0,
        LegReason.NOT_ALLOWED,
        text="your device is new here: hang up, and call again",
    )
    assert (line.sent, len(here.refused)) == ([], 1)


@pytest.mark.slow
async def test_a_contact_without_a_grant_is_not_talked_to(tmp_path: Path) -> None:
    async with serving(tmp_path, stand_in(), Grant.NONE) as here:
        bob = await here.bob.dial("alice")
        await until(lambda: bob.end is not None)

    assert bob.end is End.DECLINED
    assert here.told == [CallLeft("bob", "they may not: trust 'new', grant 'none'")]


@pytest.mark.slow
async def test_a_grant_that_is_taken_back_counts_at_once(tmp_path: Path) -> None:
    line = stand_in()
    async with serving(tmp_path, line) as here:
        bob = await here.known()
        here.change_bob(Grant.NONE)
        bob.say(OFFICE)
        end = await here.answered()

    assert (end.id, end.reason, line.sent) == (0, LegReason.NOT_ALLOWED, [])


@pytest.mark.slow
async def test_who_refuses_what_they_asked_for_calls_nobody(tmp_path: Path) -> None:
    line = stand_in()
    async with serving(tmp_path, line) as here:
        bob = await here.known()
        bob.say(OFFICE)
        await until(lambda: bob.asks_about_legs)
        bob.answer_legs(accept=False)
        end = await here.answered()

    assert (end, line.sent) == (LegEnd(1, LegReason.REFUSED_BY_PEER), [])


@pytest.mark.slow
async def test_a_flood_of_questions_is_answered_and_calls_nobody(
    tmp_path: Path,
) -> None:
    line = stand_in()
    async with serving(tmp_path, line) as here:
        bob = await here.known()
        for _ in range(ASKS + 2):
            bob.say(LegAsk(LegKind.SIP, "sip:+4990066@pbx.example"))
        await until(lambda: len(here.refused) == ASKS + 2, 40)
        await here.answered()

        assert bob.state is State.ACTIVE
    assert (line.sent, {end.reason for end in here.ends}) == (
        [],
        {LegReason.NOT_ALLOWED},
    )
    assert here.refused[-1] == "too many questions; wait a minute"


@pytest.mark.slow
async def test_whose_trust_breaks_is_hung_up_on_with_their_telephone(
    tmp_path: Path,
) -> None:
    line = stand_in()
    async with serving(tmp_path, line) as here:
        bob = await here.known()
        bob.say(OFFICE)
        await until(lambda: bob.asks_about_legs)
        bob.answer_legs(accept=True)
        await until(lambda: len(line.sent) == 1)
        theirs = here.gateway.conversation(bob.call_id)
        await theirs.compared(matched=False)
        await until(lambda: line.sent[-1].order is Order.END)
        line.say(Said.CLOSED)
        await until(lambda: bob.end is not None)

    assert theirs.trust is not None
    assert theirs.trust.state is TrustState.BROKEN


@pytest.mark.slow
async def test_who_hangs_up_while_it_is_announced_calls_nobody(tmp_path: Path) -> None:
    line = stand_in()
    async with serving(tmp_path, line) as here:
        bob = await here.known()
        bob.say(OFFICE)
        await until(lambda: bob.asks_about_legs)
        bob.hang_up()
        await until(lambda: len(left(here)) == 2)

    assert (line.sent, left(here)[-1].why) == ([], "")


def left(here: Scene) -> list[CallLeft]:
    return [each for each in here.told if isinstance(each, CallLeft)]


@pytest.mark.slow
async def test_who_hangs_up_ends_their_telephone(tmp_path: Path) -> None:
    line = stand_in()
    async with serving(tmp_path, line) as here:
        bob = await here.known()
        bob.say(OFFICE)
        await until(lambda: bob.asks_about_legs)
        bob.answer_legs(accept=True)
        await until(lambda: len(line.sent) == 1)
        bob.hang_up()
        await until(lambda: line.sent[-1].order is Order.END)
        line.say(Said.CLOSED)
        await until(lambda: len(left(here)) == 2)

        # What was not used of a minute is theirs again.
        assert here.used is not None
        assert here.used.seconds < 30


@pytest.mark.slow
async def test_who_has_used_up_the_day_calls_nobody(tmp_path: Path) -> None:
    line = stand_in()
    async with serving(tmp_path, line) as here:
        bob = await here.known()
        here.change_bob(Grant.SIP, DayUse(_today(), CALLS_S))
        bob.say(OFFICE)
        end = await here.answered()

    assert (end.text, line.sent) == ("60 minutes a day are used up", [])


@pytest.mark.slow
async def test_who_runs_out_of_time_is_cut_off(tmp_path: Path) -> None:
    line = stand_in()
    async with serving(tmp_path, line) as here:
        bob = await here.known()
        here.change_bob(Grant.SIP, DayUse(_today(), CALLS_S - 6))
        bob.say(OFFICE)
        await until(lambda: bob.asks_about_legs)
        bob.answer_legs(accept=True)
        await until(lambda: len(line.sent) == 2)
        line.say(Said.CLOSED)
        end = await here.answered()

        assert here.used == DayUse(_today(), CALLS_S)
    assert [each.order for each in line.sent] == [Order.DIAL, Order.END]
    assert (end.id, end.reason, end.text) == (
        1,
        LegReason.NOT_ALLOWED,
        "60 minutes a day are used up",
    )


def _today() -> int:
    return int(time.time()) // 86400


@pytest.mark.slow
async def test_two_telephones_of_one_contact_hear_each_other_and_a_third_is_refused(
    tmp_path: Path,
) -> None:
    line = stand_in()
    async with serving(tmp_path, line) as here:
        bob = await here.known()
        for number in (1, 2):
            bob.say(OFFICE)
            await until(lambda: bob.asks_about_legs)
            bob.answer_legs(accept=True)
            await until(lambda n=number: len(line.sent) == n)  # type: ignore[misc] # bound
        bob.say(OFFICE)
        end = await here.answered()
        for number in (0, 1):
            line.say(Said.CLOSED, to=number)

    assert end.text == "2 telephones at once are enough"
    assert [leg.id for leg in _last_list(here).legs] == [1, 2]


def _last_list(here: Scene) -> Legs:
    return [each for each in here.heard if isinstance(each, Legs)][-1]


@pytest.mark.slow
async def test_a_real_telephone_is_heard_by_who_asked_for_it(tmp_path: Path) -> None:
    need_baresip()
    authority = make_authority(tmp_path / "authority")
    phone_at = running_phone(tmp_path / "phone", authority)
    async with phone_at as phone:
        lines = (f"number office {phone.uri()}", f"allow {phone.uri()}")
        async with line_to(phone, authority, *lines) as line:
            await line.registered()
            async with serving(tmp_path, line) as here:
                bob = await here.known()
                bob.say(OFFICE)
                await until(lambda: bob.asks_about_legs)
                bob.answer_legs(accept=True)
                await until(lambda: any(_is_secured(each) for each in here.told))
                begun = len(here.ear.pcm)
                await until(lambda: len(here.ear.pcm) > begun + 96000 * 3, 20)
                await until(lambda: len(phone.heard()) > 96000 * 2, 20)
                bob.hang_up()
                await until(lambda: len(left(here)) == 2, 20)
        found = [here.ear.hertz, phone.heard_hz()]

    assert found == pytest.approx([THEIRS_HZ, BOB_HZ], abs=5)
    assert any(_is_over(each) for each in here.told)


def _is_over(told: Told) -> bool:
    return isinstance(told, PhoneNews) and isinstance(told.happened, CallOver)
