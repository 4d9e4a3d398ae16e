"""What a call costs: processor time of sound and pictures, against aiortc and `wrtc`.

Both sides of a call are one process on a host of its own, and all have the same tone
to say and the same clip to show. Processor time is the kernel's count for the process.
`wrtc` (libwebrtc) is in none of our locks: `pip install wrtc pyee numpy` into an
environment of its own, whose interpreter WRTC_PYTHON names, puts it beside.
"""

import asyncio
import statistics
import sys
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from benchmarks.figure import Figure, figure, left_out, ratios
from benchmarks.running import running, wrtc
from benchmarks.stock import HEIGHT, PICTURE_BYTES, WIDTH
from tests.lab.network import Host, Network, missing, network
from tests.lab.packet import UDP, Packet
from tests.voip.media.video.clip import clip, psnr
from voip.exposure import STATES
from voip.media.sources import Picture

TURNS = 3
"""Of 15 s each: enough for processor time, and a bench that people still run."""

MEASURED_S = 15.0
CROWD = 20
PICTURES = 60

AUDIO = bytes([0x80, 96])
"""How a packet of sound begins."""

OURS = (sys.executable, "-m", "benchmarks.ours")
STOCK = (sys.executable, "benchmarks/stock.py", "aiortc")


def figures() -> list[Figure]:
    """Hold calls, in turns."""
    lack = missing()
    if lack is not None:
        return left_out("calls", lack)
    return asyncio.run(_figures())


async def _figures() -> list[Figure]:
    sizes: set[int] = set()

    def watch(packet: Packet) -> None:
        if packet.protocol == UDP and packet.inside[:2] == AUDIO:
            sizes.add(len(packet.inside))

    async with network(watch) as net:
        machine = net.host("machine")
        return [
            *await _sound(machine),
            *await _crowd(net),
            _distinct(sizes),
            *await _pictures(machine),
        ]


async def _sound(machine: Host) -> list[Figure]:
    programs: list[Sequence[str]] = [(*OURS, "talk"), (*STOCK, "talk")]
    beside = wrtc()
    if beside is None:
        left_out("wrtc", "not installed; WRTC_PYTHON names an interpreter that has it")
    else:
        programs.append((*beside, "talk"))
    rounds = [[await _share(machine, each) for each in programs] for _ in range(TURNS)]
    ours, stock, *others = (list(shares) for shares in zip(*rounds, strict=True))
    found = [
        figure(
            "sound of a call, both sides / aiortc",
            ratios(ours, stock),
            bar=0.5,
            note=f"{_percent(ours)} of a core against {_percent(stock)}",
        )
    ]
    return found + [
        figure("the same / wrtc", ratios(ours, each), note=_percent(each))
        for each in others
    ]


async def _crowd(net: Network) -> list[Figure]:
    """Let a process be one side of 20 calls, and another the other."""
    async with AsyncExitStack() as stack:
        caller, callee = [
            await stack.enter_async_context(
                running(net.host(name), (*OURS, "crowd", name, str(CROWD)))
            )
            for name in ("caller", "callee")
        ]
        for one, other in ((callee, caller), (caller, callee)):
            described = await one.until("described")
            other.write(described["all"])
        for each in (caller, callee):
            await each.until("talking")
        shares = await asyncio.gather(
            *(each.share(MEASURED_S) for each in (caller, callee))
        )
        for each in (caller, callee):
            each.write("")
            talked = await each.until("talked")
            heard = talked["counts"][0]["audio"] / (CROWD * 50 * MEASURED_S)
            assert heard > 0.95, f"{heard:.0%} of the sound was heard"
    return [
        figure(
            "calls that a core carries, sound both ways",
            [CROWD / share for share in shares],
            unit="",
            bar=40,
            at_least=True,
            note=f"{CROWD} calls take {_percent(list(shares))} of a core, each side",
        )
    ]


def _distinct(sizes: set[int]) -> Figure:
    """Compare the sizes that a network saw with the states that have them."""
    states = sizes & STATES.keys()
    return figure(
        "sizes of audio packets for each state of redundancy",
        [len(sizes) / max(1, len(states))],
        unit="",
        bar=1,
        note=", ".join(f"{size} bytes" for size in sorted(sizes)),
    )


async def _pictures(machine: Host) -> list[Figure]:
    drawn = clip(WIDTH, HEIGHT, PICTURES)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "clip")
        await asyncio.to_thread(path.write_bytes, b"".join(each.i420 for each in drawn))
        programs: dict[str, Sequence[str]] = {
            "VP8": (*OURS, "talk", str(path), "VP8"),
            "AV1": (*OURS, "talk", str(path), "AV1"),
            "aiortc": (*STOCK, "talk", str(path)),
        }
        costs: dict[str, list[float]] = {name: [] for name in programs}
        decibels: dict[str, list[float]] = {name: [] for name in programs}
        for _ in range(TURNS):
            for name, program in programs.items():
                costs[name].append(await _cost(machine, program))
                decibels[name].append(_quality(path, drawn))
    found = [
        figure(
            f"a picture of 720p at 1.5 Mbit/s, {name} / aiortc",
            ratios(costs[name], costs["aiortc"]),
            bar=0.8 if name == "VP8" else None,  # nobody asked AV1 to be cheaper
            note=f"{_milliseconds(costs[name])} of processor time, sound and both"
            f" sides included, against {_milliseconds(costs['aiortc'])}",
        )
        for name in ("VP8", "AV1")
    ]
    return found + [
        figure(
            f"its pictures, {name}",
            [
                mine - theirs
                for mine, theirs in zip(decibels[name], decibels["aiortc"], strict=True)
            ],
            unit="dB",
            bar=0,
            at_least=True,
            note=f"PSNR {statistics.median(decibels[name]):.1f} dB"
            f" against {statistics.median(decibels['aiortc']):.1f} dB",
        )
        for name in ("VP8", "AV1")
    ]


def _quality(path: Path, drawn: Sequence[Picture]) -> float:
    """Compare what was seen with the pictures of the clip that it is nearest to."""
    data = Path(f"{path}.seen").read_bytes()
    seen = [
        Picture(WIDTH, HEIGHT, data[start : start + PICTURE_BYTES])
        for start in range(0, len(data), PICTURE_BYTES)
    ]
    assert seen, "no whole picture was seen"
    return statistics.fmean(max(psnr(each, one) for one in drawn) for each in seen)


async def _share(host: Host, program: Sequence[str]) -> float:
    """Run both sides of a call in one process; give its share of a core."""
    share, _ = await _talk(host, program)
    return share


async def _cost(host: Host, program: Sequence[str]) -> float:
    """Run a call with pictures; give the processor time for each that was shown.

    On a busy machine engines show fewer; that must not make one look cheap.
    """
    share, pictures = await _talk(host, program)
    return share * MEASURED_S / pictures


async def _talk(host: Host, program: Sequence[str]) -> tuple[float, int]:
    """Run a call; give its share of a core, and how many pictures were shown."""
    async with running(host, program) as made:
        await made.until("talking")
        share = await made.share(MEASURED_S)
        made.write("")
        talked = await made.until("talked")
        for counts in talked["counts"]:
            assert counts["audio"] > 40 * MEASURED_S, talked
        await made.leave()
    return share, sum(counts["video"] for counts in talked["counts"])


def _milliseconds(times: Sequence[float]) -> str:
    return f"{statistics.median(times) * 1e3:.1f} ms"


def _percent(shares: Sequence[float]) -> str:
    return f"{100 * statistics.median(shares):.1f} %"
