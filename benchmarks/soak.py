"""A long call on a bad network: memory, delay, and sound after each interruption.

Alice and Bob are a process each on a host of its own, talk and see each other, and have
a real relay. Bob's network loses a twentieth and delays by up to 30 ms more than it
should; he joins another one twice, and is cut off for 20 s once. Rekeys come every two
minutes as always; mute, hold and pictures change every minute, so that what they leave
behind would show. Needs root, for namespaces.
"""

import asyncio
import itertools
import statistics
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path

from benchmarks.figure import Figure, figure, ratios
from tests.lab.network import Host, missing, network
from tests.lab.people import Person, Wishes, both_hear, call, couple, serving
from tests.voip.media.link import Conditions

BAD = Conditions(delay_s=0.02, jitter_s=0.03, loss=0.05)
CAMERA = (320, 240, 10)

SETTLED_S = 120.0
"""By then codecs and caches have what they need; a short soak takes a quarter."""

SAMPLE_S = 2.0
SAMPLES = 5
"""Taken together, for memory breathes with the garbage collector."""

OUTAGE_S = 20.0
ROAMS = (0.4, 0.6)
OUTAGE = 0.8
"""When they come, as parts of the whole."""

BACK_S = 1.0
LATER_MS = 20.0
FIDGET_AFTER_S, FIDGET_S = 20.0, 5.0
"""In every minute, away from the interruptions: mute, hold and no pictures."""

MIB = 1 << 20

Sides = tuple[Person, Person]


def figures(minutes: float) -> list[Figure]:
    """Hold a call for so long, and print as it goes."""
    lack = missing()
    if lack is not None:
        raise SystemExit(f"a soak: {lack}")
    if minutes < 2:
        raise SystemExit("a soak lasts at least 2 minutes")
    return asyncio.run(_soak(minutes * 60))


async def _soak(seconds: float) -> list[Figure]:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        net = await stack.enter_async_context(network())
        hosts = net.host("alice"), net.host("bob", BAD)
        server = net.host("server")
        relay = await stack.enter_async_context(
            serving(folder, server, server.addresses[0])
        )
        sides = await stack.enter_async_context(
            couple(relay, hosts, Wishes(camera=CAMERA))
        )
        accepted_at = await call(*sides, video=True)
        await both_hear(*sides, after=accepted_at)
        return await _hold(seconds, sides, hosts[1])


async def _hold(seconds: float, sides: Sides, host: Host) -> list[Figure]:
    began = time.monotonic()
    settled_s = min(SETTLED_S, seconds / 4)
    others = [
        asyncio.create_task(each) for each in (_show(sides, began), _fidget(sides))
    ]
    await _until(began + settled_s)
    early, early_ms = await _memory(sides), _delays(sides, after=began + settled_s / 2)
    backs = []
    for part in ROAMS:
        await _until(began + part * seconds)
        at = time.monotonic()
        host.roam()
        backs.append(await _back(sides, "another network", at, time.monotonic()))
    await _until(began + OUTAGE * seconds)
    at = time.monotonic()
    async with host.cut_off():
        await asyncio.sleep(OUTAGE_S)
    backs.append(await _back(sides, "cut off", at, time.monotonic()))
    await _until(began + seconds)
    late = await _memory(sides)
    late_ms = _delays(sides, after=time.monotonic() - settled_s / 2)
    for each in others:
        each.cancel()
    for side in sides:  # a call that fell silent would keep its memory small
        assert side.all("state")[-1]["state"] == "active"
        assert side.all("stroke", after=time.monotonic() - 2 * FIDGET_S)
        assert (await side.figures())["pictures"] > seconds
    return [
        figure(
            f"memory after {seconds / 60:g} min / after {settled_s / 60:g} min",
            ratios(late, early),
            # In the first minutes of a process there is more to come.
            bar=1.1 if settled_s == SETTLED_S else None,
            note=f"{statistics.median(late) / MIB:.1f} MiB against"
            f" {statistics.median(early) / MIB:.1f} MiB, both sides together",
        ),
        figure(
            "sound on both sides after an interruption, the slowest",
            [max(backs)],
            unit="s",
            bar=BACK_S,
            note=", ".join(f"{each:.2f} s" for each in backs),
        ),
        figure(
            "delay from mouth to ear, end against beginning",
            [late - early for late, early in zip(late_ms, early_ms, strict=True)],
            unit="ms",
            bar=LATER_MS,
            note=", ".join(
                f"{side.name} hears what is {late:.0f} ms old, was {early:.0f} ms"
                for side, early, late in zip(sides, early_ms, late_ms, strict=True)
            ),
        ),
    ]


async def _back(sides: Sides, what: str, began: float, over: float) -> float:
    """Give the seconds from the end of an interruption until both sides hear again."""
    at = [over]
    for side in sides:
        try:
            silent = await side.until("hears", on=False, after=began, within_s=2)
        except AssertionError:
            continue  # so short that nobody noticed
        after = max(over, silent["at"])
        heard = await side.until("hears", on=True, after=after, within_s=60)
        at.append(heard["at"])
    print(f"      {what}: sound after {max(at) - over:.2f} s", flush=True)
    return max(at) - over


def _delays(sides: Sides, *, after: float) -> list[float]:
    """Give how old the sound is that each side hears, in ms."""
    return [
        statistics.median(each["ms"] for each in side.all("stroke", after=after))
        for side in sides
    ]


async def _fidget(sides: Sides) -> None:
    """Change what is sent, again and again."""
    alice, bob = sides
    while True:
        await asyncio.sleep(FIDGET_AFTER_S)
        await alice.do("set_muted", on=True)
        await bob.do("set_video", on=False)
        await asyncio.sleep(FIDGET_S)
        await alice.do("set_muted", on=False)
        await bob.do("set_video", on=True)
        await alice.do("set_held", on=True)
        await asyncio.sleep(FIDGET_S)
        await alice.do("set_held", on=False)
        await asyncio.sleep(60 - FIDGET_AFTER_S - 2 * FIDGET_S)


async def _show(sides: Sides, began: float) -> None:
    """Print a line a minute, two in a short soak."""
    for step in itertools.count():
        await _until(began + 30 * step)
        found = [await side.figures() for side in sides]
        stats = [each["stats"] for each in found]
        memory = sum(each["resident"] for each in found) / MIB
        delays = [side.all("stroke")[-1]["ms"] for side in sides if side.all("stroke")]
        print(
            f"  {step / 2:4} min: {memory:6.1f} MiB,"
            f" epoch {max(each['send_epoch'] for each in stats)},"
            f" {sum(each['received'] for each in stats)} packets,"
            f" {sum(each['dropped'] for each in stats)} dropped,"
            f" {sum(each['pictures'] for each in found)} pictures,"
            f" sound {' and '.join(map(str, delays))} ms old",
            flush=True,
        )


async def _memory(sides: Sides) -> list[float]:
    samples = []
    for _ in range(SAMPLES):
        samples.append(
            float(sum([(await side.figures())["resident"] for side in sides]))
        )
        await asyncio.sleep(SAMPLE_S)
    return samples


async def _until(then: float) -> None:
    await asyncio.sleep(then - time.monotonic())
