"""One call before its worker: what is heard before the answer, and how it ends."""

import asyncio

import pytest

from tests.voip.gateway.phones import Kept
from tests.voip.gateway.sip.test_telephone import ACCOUNT, LOUD, SUITE, StandInLine
from tests.voip.simulated import simulated
from voip.gateway.sip.account import parse_account
from voip.gateway.sip.call import CallOver
from voip.gateway.sip.frames import Order, Said, Sound
from voip.gateway.sip.leg import END_S, SipLeg
from voip.gateway.sip.ringback import HERTZ, ON_FRAMES
from voip.media.pattern import Tone
from voip.media.plan import MediaPlan
from voip.media.sources import SILENCE
from voip.signalling.legs import LegReason


def dialled() -> tuple[StandInLine, SipLeg, Kept]:
    line, ear = StandInLine(parse_account(ACCOUNT.encode())), Kept()
    leg = line.dial("sip:1@pbx.example")
    leg.carry(MediaPlan(audio_source=Tone(), audio_sink=ear))
    return line, leg, ear


async def end_of(leg: SipLeg) -> CallOver:
    async for happened in leg.happenings():
        if isinstance(happened, CallOver):
            return happened
    raise AssertionError("no end")


@simulated
async def test_hanging_up_waits_a_bounded_time_for_the_worker() -> None:
    line, leg, _ = dialled()
    leg.end()
    leg.end()
    over = await end_of(leg)

    assert asyncio.get_running_loop().time() == pytest.approx(END_S)
    assert (over.reason, line.sent[-1].order) == (LegReason.LOST, Order.END)


@simulated
async def test_a_worker_that_answers_says_how_it_ended() -> None:
    line, leg, _ = dialled()
    leg.end()
    line.say(Said.CLOSED, "Call ended")
    over = await end_of(leg)
    await asyncio.sleep(2 * END_S)

    assert over.text != "the SIP worker does not answer"


@simulated
async def test_while_it_rings_there_a_tone_is_heard_here() -> None:
    line, leg, ear = dialled()
    line.say(Said.RINGING)
    answers = [leg.hear(Sound(1, 0, b"")) for _ in range(ON_FRAMES)]
    leg.end()
    await end_of(leg)

    assert set(answers) == {None}
    assert ear.hertz == pytest.approx(HERTZ, abs=5)


@simulated
async def test_what_is_played_before_the_answer_is_heard_and_answered_by_nothing() -> (
    None
):
    line, leg, ear = dialled()
    line.say(Said.PROGRESS)
    line.say(Said.ENCRYPTED, f"0,audio,{SUITE}")
    before = len(ear.pcm)
    leg.hear(Sound(1, 0, LOUD))  # and nobody was told of a mark yet
    untold = bytes(ear.pcm[before:])
    ending = asyncio.create_task(end_of(leg))
    await asyncio.sleep(0)
    answer = leg.hear(Sound(1, 0, LOUD))
    leg.end()
    await ending

    assert (untold, answer, bytes(ear.pcm)) == (b"", None, LOUD)


@simulated
async def test_an_unknown_early_sound_is_heard_by_nobody() -> None:
    line, leg, ear = dialled()
    line.say(Said.PROGRESS)
    leg.hear(Sound(1, 0, LOUD))
    leg.end()
    await end_of(leg)

    assert LOUD not in bytes(ear.pcm)
    assert bytes(ear.pcm) != SILENCE
