"""A contact and a telephone, joined over a real relay with real media."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.voip.gateway.phones import (
    THEIRS_HZ,
    Kept,
    Phone,
    line_to,
    make_authority,
    need_baresip,
    running_phone,
    until,
)
from tests.voip.gateway.sip.test_telephone import ACCOUNT, StandInLine
from tests.voip.peers import PowerCut
from tests.voip.people import at_home, database, introduce, person
from voip.conversation import Conversation
from voip.endpoint import Endpoint, Settings
from voip.events import End
from voip.gateway.bridge import Bridge
from voip.gateway.joined import Joined
from voip.gateway.sip.account import parse_account
from voip.gateway.sip.call import CallOver
from voip.gateway.sip.connecting import connect
from voip.gateway.sip.frames import Order, Said
from voip.gateway.sip.telephone import Line, Telephone
from voip.media.connect.config import IceConfig
from voip.media.pattern import Tone
from voip.media.plan import MediaPlan
from voip.news import DigitArrived, LegsChanged, News
from voip.signalling.legs import LegReason, Mark
from voip.signalling.relay import serve_relay

BOB_HZ = 440.0


@dataclass
class Scene:
    """Alice's gateway, with one telephone; and bob, at home."""

    here: Endpoint
    there: Endpoint
    phone: Telephone
    ear: Kept
    joined: Joined
    bridge: Bridge
    tasks: asyncio.TaskGroup

    def connect(
        self,
        hold: Callable[[], Awaitable[CallOver]],
        gone: Awaitable[None] | None = None,
    ) -> asyncio.Task[CallOver]:
        return self.tasks.create_task(
            connect(
                self.here,
                "bob",
                self.phone,
                hold,
                joined=self.joined,
                bridge=self.bridge,
                tell=lambda *_: None,
                gone=gone,
            )
        )


@asynccontextmanager
async def scene(folder: Path, line: Line) -> AsyncIterator[Scene]:
    ear = Kept()
    listening = Settings(
        plan=lambda: MediaPlan(audio_source=Tone(BOB_HZ), audio_sink=ear),
        ice=IceConfig(loopback=True),
    )
    try:
        async with serve_relay(database(folder)) as relay, Bridge() as bridge:
            alice, bob = person("alice", relay.address), person("bob", relay.address)
            introduce(alice, bob)
            async with (
                at_home(alice) as here,
                at_home(bob, listening) as there,
                asyncio.TaskGroup() as tasks,
            ):
                joined = Joined()
                phone = Telephone(line, joined, bridge.port("telephone"))
                phone.announce("+4930123")
                yield Scene(here, there, phone, ear, joined, bridge, tasks)
                raise PowerCut  # noqa: TRY301 -- saying goodbye takes seconds
    except* PowerCut:
        pass


def stand_in() -> StandInLine:
    return StandInLine(parse_account(ACCOUNT.encode()))


@pytest.mark.slow
async def test_a_contact_hears_the_telephone_that_their_screen_showed(
    tmp_path: Path,
) -> None:
    need_baresip()
    authority = make_authority(tmp_path / "authority")
    phone_at = running_phone(tmp_path / "phone", authority)
    async with phone_at as phone, line_to(phone, authority) as line:
        await line.registered()
        async with scene(tmp_path, line) as here:
            holding = here.connect(lambda: here.phone.dial(phone.uri()))
            ours = await anext(here.there.incoming())
            shown = await told(ours, LegsChanged)
            ours.accept()
            await until(lambda: len(here.ear.pcm) > 96000 * 4, 20)
            await heard_by(phone)
            ours.hang_up()
            over = await holding
        found = [here.ear.hertz, phone.heard_hz()]

    assert isinstance(shown, LegsChanged)
    assert shown.legs.legs[0].mark is Mark.TO_PBX
    assert over.reason is LegReason.NORMAL
    assert found == pytest.approx([THEIRS_HZ, BOB_HZ], abs=5)


async def told(conversation: Conversation, kind: type[News]) -> News:
    """Wait until a user is told something of a kind."""
    async with asyncio.timeout(20):
        async for news in conversation.news():
            if isinstance(news, kind):
                return news
    raise AssertionError("never told")


async def heard_by(phone: Phone) -> None:
    await until(lambda: len(phone.heard()) > 96000, 20)


@pytest.mark.slow
async def test_a_contact_who_declines_is_no_call_to_anybody(tmp_path: Path) -> None:
    line = stand_in()
    async with scene(tmp_path, line) as here:
        holding = here.connect(lambda: here.phone.dial("sip:1@pbx.example"))
        ours = await anext(here.there.incoming())
        ours.decline()
        over = await holding

    assert (over.reason, line.sent) == (LegReason.DECLINED, [])


@pytest.mark.slow
async def test_a_telephone_that_gives_up_stops_the_ringing(tmp_path: Path) -> None:
    line = stand_in()
    async with scene(tmp_path, line) as here:
        leg = line.add(1, "sip:200@pbx.example", came=True)
        holding = here.connect(lambda: here.phone.take(leg), leg.finished())
        ours = await anext(here.there.incoming())
        line.say(Said.CLOSED, "Request Terminated", 487)
        await holding
        await until(lambda: ours.end is not None)

    assert (ours.end, line.sent) == (End.MISSED, [])


@pytest.mark.slow
async def test_who_hangs_up_ends_both(tmp_path: Path) -> None:
    line = stand_in()
    async with scene(tmp_path, line) as here:
        holding = here.connect(lambda: here.phone.dial("sip:1@pbx.example"))
        ours = await anext(here.there.incoming())
        ours.accept()
        await until(lambda: len(line.sent) == 1)
        line.take_up()
        line.say(Said.CLOSED, "Call ended")
        over = await holding
        await until(lambda: ours.end is not None)

    assert (over.reason, ours.end) == (LegReason.NORMAL, End.HUNG_UP)


@pytest.mark.slow
async def test_digits_go_both_ways(tmp_path: Path) -> None:
    line = stand_in()
    async with scene(tmp_path, line) as here:
        holding = here.connect(lambda: here.phone.dial("sip:1@pbx.example"))
        ours = await anext(here.there.incoming())
        ours.accept()
        await until(lambda: len(line.sent) == 1)
        line.take_up()
        ours.press("7")
        await until(lambda: line.sent[-1].order is Order.DIGITS, 20)
        pressed = line.sent[-1].text
        line.say(Said.DIGIT, "5")
        digit = await told(ours, DigitArrived)

        assert not holding.done()
    assert (pressed, digit) == ("7", DigitArrived("5"))
