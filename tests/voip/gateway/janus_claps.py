"""How far sound is from its picture in a room through a real Janus.

    python -m tests.voip.gateway.janus_claps

Somebody claps once a second and holds up a clock. Prints one object of JSON: how many
milliseconds each took to another member; exit 77 where there is no Janus.
"""

import asyncio
import json
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from tests.voip.gateway.forwarders import NotHereError, running_janus
from tests.voip.gateway.janus_room import SKIPPED, connect, create
from tests.voip.gateway.larger_rooms import gathering, until
from tests.voip.gateway.meshes import friends
from voip.errors import MalformedError
from voip.media.connect.config import IceConfig
from voip.media.pattern import Silence, Tone, draw_pattern, read_frame_number
from voip.media.sources import SILENCE, Picture

SETTLE_S, LISTEN_S = 8.0, 15.0
LOUD, PAUSE = 2000, 5  # a peak; frames of silence before a clap


class Clock:
    """Time in whole milliseconds, as it is held up before a camera."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    @property
    def ms(self) -> int:
        return int((time.monotonic() - self._began) * 1000)


class Claps:
    """A microphone before which somebody claps at each full second."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tone = Tone(1000.0)
        self._second = 0
        self.at: list[int] = []

    def read(self) -> bytes:
        second = self._clock.ms // 1000
        clap = self._tone.read()
        if second == self._second:
            return SILENCE
        self._second = second
        self.at.append(self._clock.ms)
        return clap

    def close(self) -> None:
        pass


class Face:
    """A camera that sees the clock, 25 times a second."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def picture(self) -> Picture:
        await asyncio.sleep(0.04)
        return draw_pattern(self._clock.ms, 320, 240)

    def close(self) -> None:
        pass


class Witness:
    """A speaker and a window: notes how long claps and pictures took."""

    def __init__(self, clock: Clock, claps: Claps) -> None:
        self._clock, self._claps = clock, claps
        self._quiet = 0
        self.heard: list[int] = []
        self.seen: list[int] = []

    def write(self, pcm: bytes) -> None:
        is_loud = np.abs(np.frombuffer(pcm, dtype="<i2").astype(int)).max() > LOUD
        if is_loud and self._quiet > PAUSE:
            self.heard.append(self._clock.ms - self._claps.at[-1])
        self._quiet = 0 if is_loud else self._quiet + 1

    def show(self, picture: Picture) -> None:
        try:
            self.seen.append(self._clock.ms - read_frame_number(picture))
        except MalformedError:
            return  # too small to be read

    def close(self) -> None:
        pass


async def run() -> dict[str, float]:
    """Have one clap and another watch."""
    clock = Clock()
    claps = Claps(clock)
    witness = Witness(clock, claps)
    with tempfile.TemporaryDirectory() as folder:
        async with running_janus(Path(folder)) as forwarder:
            ticket = await create(forwarder.url)
            async with gathering(
                connect, ticket, pictures=True, ice=IceConfig()
            ) as meeting:
                alice, bob = friends("alice", "bob")
                await meeting.come(
                    alice,
                    0.0,
                    alter=lambda plan: replace(
                        plan, audio_source=claps, video_source=Face(clock)
                    ),
                )
                guest = await meeting.come(
                    bob,
                    0.0,
                    alter=lambda plan: replace(
                        plan,
                        audio_source=Silence(),
                        audio_sink=witness,
                        video_sink=witness,
                    ),
                )
                await until(lambda: bool(guest.room.at_server[1] and witness.seen))
                await asyncio.sleep(SETTLE_S)
                witness.heard.clear()
                witness.seen.clear()
                await asyncio.sleep(LISTEN_S)
    return {
        "sound_ms": statistics.median(witness.heard),
        "picture_ms": statistics.median(witness.seen),
    }


if __name__ == "__main__":
    try:
        sys.stdout.write(json.dumps(asyncio.run(run())))
    except NotHereError as error:
        sys.stdout.write(str(error))
        sys.exit(SKIPPED)
