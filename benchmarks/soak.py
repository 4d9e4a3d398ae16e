"""Memory of a long call: at its end against two minutes after its beginning.

Two people in this process talk and see each other through everything a call has, its
relay included. Rekeys come every two minutes as always; mute, hold and pictures change
every minute, so that what they leave behind would show.
"""

import asyncio
import itertools
import resource
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from benchmarks.figure import Figure, figure, ratios
from tests.voip.people import LOOPBACK, at_home, introduce, person
from voip.call import State
from voip.conversation import Conversation
from voip.media.ends.camera import MovingBars
from voip.media.pattern import Discard, Tone
from voip.media.plan import MediaPlan
from voip.signalling.relay import serve_relay

SETTLED_S = 120.0
"""By then codecs, buffers and caches have what they need."""

SAMPLE_S = 2.0
SAMPLES = 5
"""Taken together, for memory breathes with the garbage collector."""

PICTURES_PER_S = 10
MIB = 1 << 20


def figures(minutes: float) -> list[Figure]:
    """Hold a call for so long, and print as it goes."""
    if minutes * 60 <= SETTLED_S:
        raise SystemExit(f"a soak lasts more than {SETTLED_S / 60:.0f} minutes")
    return [asyncio.run(_soak(minutes * 60))]


async def _soak(seconds: float) -> Figure:
    async with _call() as sides:
        began = time.monotonic()
        await asyncio.sleep(SETTLED_S)
        early = await _memory()
        for minute in itertools.count(round(SETTLED_S / 60)):
            _show(minute, sides)
            left = began + seconds - time.monotonic()
            if left <= 0:
                break
            for side in sides:
                side.set_muted(on=minute % 2 == 0)
                side.set_held(on=minute % 3 == 0)
                side.set_video(on=minute % 5 != 0)
            await asyncio.sleep(min(60.0, left))
        late = await _memory()
        # A call that fell silent would keep its memory small.
        assert all(side.state is State.ACTIVE for side in sides)
    return figure(
        f"memory after {seconds / 60:g} min / after {SETTLED_S / 60:g} min",
        ratios(late, early),
        bar=1.1,
        note=f"{statistics.median(late) / MIB:.1f} MiB against"
        f" {statistics.median(early) / MIB:.1f} MiB, both sides of the call together",
    )


def _show(minute: int, sides: tuple[Conversation, ...]) -> None:
    counts = [each for side in sides if (each := side.stats) is not None]
    print(
        f"  {minute:3} min: {_resident() / MIB:6.1f} MiB,"
        f" epoch {max(each.send_epoch for each in counts)},"
        f" {sum(each.received for each in counts)} packets,"
        f" {sum(each.dropped for each in counts)} dropped",
        flush=True,
    )


@asynccontextmanager
async def _call() -> AsyncIterator[tuple[Conversation, Conversation]]:
    settings = replace(LOOPBACK, plan=_plan)
    with tempfile.TemporaryDirectory() as folder:
        async with serve_relay(Path(folder) / "relay.db") as relay:
            people = [person(alias, relay.address) for alias in ("alice", "bob")]
            introduce(*people)
            async with (
                at_home(people[0], settings) as alice,
                at_home(people[1], settings) as bob,
            ):
                outgoing = await alice.dial("bob", video=True)
                incoming = await anext(bob.incoming())
                incoming.accept(video=True)
                readers = [
                    asyncio.create_task(_read(each)) for each in (outgoing, incoming)
                ]
                try:
                    yield outgoing, incoming
                finally:
                    outgoing.hang_up()
                    await asyncio.gather(outgoing.finished(), incoming.finished())
                    await asyncio.gather(*readers)


async def _read(conversation: Conversation) -> None:
    """Take the news, as an application would."""
    async for _ in conversation.news():
        pass


def _plan() -> MediaPlan:
    sink = Discard()
    return MediaPlan(
        audio_source=Tone(),
        audio_sink=sink,
        video_source=MovingBars(PICTURES_PER_S),
        video_sink=sink,
    )


async def _memory() -> list[float]:
    samples = []
    for _ in range(SAMPLES):
        samples.append(float(_resident()))
        await asyncio.sleep(SAMPLE_S)
    return samples


def _resident() -> int:
    """Give the bytes of memory this process has now (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()
