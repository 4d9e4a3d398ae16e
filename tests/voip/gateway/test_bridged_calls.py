"""A gateway's call over a real relay with real media: who hears the leg, and when."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tests.voip.peers import PowerCut
from tests.voip.people import at_home, database, introduce, person
from voip.call import State
from voip.conversation import Conversation
from voip.endpoint import Settings
from voip.errors import RefusedError
from voip.gateway.bridge import Bridge, Port
from voip.gateway.joined import Joined
from voip.gateway.tickets import LegTicket
from voip.media.connect.config import IceConfig
from voip.media.pattern import Discard, Tone
from voip.media.plan import MediaPlan
from voip.media.sources import FRAME_SAMPLES, SAMPLE_RATE
from voip.signalling.legs import LegKind, Mark
from voip.signalling.relay import serve_relay

LEG_HZ, GATEWAY_HZ, BOB_HZ = 1000.0, 440.0, 2000.0
LOUD = 500.0  # of 32767: a tone of a quarter of full scale has 8000, silence 0


class Ear(Discard):
    """Remembers the last 0.4 s of what is heard."""

    def __init__(self) -> None:
        self._frames: deque[bytes] = deque(maxlen=20)

    def write(self, pcm: bytes) -> None:
        self._frames.append(pcm)

    def loudness(self, hertz: float) -> float:
        """How loud one tone is, as the amplitude of a sine."""
        samples = np.frombuffer(b"".join(self._frames), dtype="<i2").astype(float)
        if len(samples) < FRAME_SAMPLES:
            return 0.0
        at = np.exp(-2j * np.pi * hertz * np.arange(len(samples)) / SAMPLE_RATE)
        return float(2 * abs(np.mean(samples * at)))

    def hears(self, hertz: float) -> bool:
        return self.loudness(hertz) > LOUD


@dataclass
class Gateway:
    """Alice's gateway: her own voice, a telephone, and bob in a call."""

    joined: Joined
    phone: Port
    phone_ear: Ear
    bob_ear: Ear
    bob: Conversation


def want(joined: Joined, phone: Port) -> LegTicket:
    return joined.want(LegKind.SIP, phone, mark=Mark.TO_PBX, host="pbx.example")


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not is_so():  # noqa: ASYNC110 -- nobody tells when sound is heard
            await asyncio.sleep(0.02)


async def for_a_while(is_so: Callable[[], bool]) -> bool:
    """Say whether something holds for longer than any sound is on its way."""
    for _ in range(25):
        if not is_so():
            return False
        await asyncio.sleep(0.02)
    return True


@asynccontextmanager
async def calling(folder: Path, *, with_leg: bool) -> AsyncIterator[Gateway]:
    """Alice calls bob, by a gateway; her telephone is there already, or not yet."""
    phone_ear, bob_ear = Ear(), Ear()
    listening = Settings(
        plan=lambda: MediaPlan(audio_source=Tone(BOB_HZ), audio_sink=bob_ear),
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
                joined, phone, me, to_bob = (
                    Joined(),
                    *(bridge.port(name) for name in ("phone", "me", "bob")),
                )
                me.open()
                for port, hertz, ear in (
                    (me, GATEWAY_HZ, Discard()),
                    (phone, LEG_HZ, phone_ear),
                ):
                    plan = MediaPlan(audio_source=Tone(hertz), audio_sink=ear)
                    tasks.create_task(bridge.attach(port, plan))
                if with_leg:
                    want(joined, phone)
                theirs = await here.dial("bob", plan=to_bob.plan, legs_follow=True)
                tasks.create_task(joined.add_call(theirs, to_bob))
                ours = await anext(there.incoming())
                ours.accept()
                await until(lambda: theirs.state is State.ACTIVE)
                yield Gateway(joined, phone, phone_ear, bob_ear, ours)
                raise PowerCut  # noqa: TRY301 -- saying goodbye takes seconds
    except* PowerCut:
        pass


async def test_a_leg_is_heard_by_whoever_took_the_call_with_it(tmp_path: Path) -> None:
    async with calling(tmp_path, with_leg=True) as gateway:
        await until(lambda: gateway.bob_ear.hears(LEG_HZ))
        await until(lambda: gateway.phone_ear.hears(BOB_HZ))

        assert gateway.bob_ear.hears(GATEWAY_HZ)


@pytest.mark.slow
async def test_a_leg_that_joins_later_is_heard_only_after_the_answer(
    tmp_path: Path,
) -> None:
    async with calling(tmp_path, with_leg=False) as gateway:
        bob, ear = gateway.bob, gateway.bob_ear
        await until(lambda: ear.hears(GATEWAY_HZ))
        want(gateway.joined, gateway.phone)
        await until(lambda: bob.asks_about_legs)
        silent = await for_a_while(
            lambda: not ear.hears(LEG_HZ) and not gateway.phone_ear.hears(BOB_HZ)
        )
        undisturbed = ear.hears(GATEWAY_HZ)
        bob.answer_legs(accept=True)
        await until(lambda: ear.hears(LEG_HZ))
        await until(lambda: gateway.phone_ear.hears(BOB_HZ))

        assert (silent, undisturbed) == (True, True)


@pytest.mark.slow
async def test_a_leg_that_is_refused_is_never_heard(tmp_path: Path) -> None:
    async with calling(tmp_path, with_leg=False) as gateway:
        bob, ear = gateway.bob, gateway.bob_ear
        await until(lambda: ear.hears(GATEWAY_HZ))
        ticket = want(gateway.joined, gateway.phone)
        await until(lambda: bob.asks_about_legs)
        bob.answer_legs(accept=False)

        with pytest.raises(RefusedError):
            await ticket.joined()
        assert await for_a_while(lambda: not ear.hears(LEG_HZ))
