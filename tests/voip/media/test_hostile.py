"""A contact who attacks: the call goes on, and costs no more than its share.

He holds the keys, so everything he sends verifies. Each attack is a way to make the
next packet; the slow tests send a second's worth of a fast network.
"""

import asyncio
import gc
import tracemalloc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from random import Random
from time import thread_time

import pytest

from tests.voip.media.attacker import Attacker, attacked
from tests.voip.media.call_media import Pattern, Seen, Side, connected, pair
from tests.voip.media.memory import NEXT_SECRET, End
from voip.description import Kind
from voip.media.audio.dtmf import format_event
from voip.media.epochs import CALLEE, CALLER
from voip.media.events import DigitReceived, MediaFailed, RecordingFailed
from voip.media.flow import report
from voip.media.profile import AUDIO_PT
from voip.media.record import RECORD, format_fragment, fragment
from voip.media.sources import Track

FRAME = b"\x78" + bytes(79)  # looks like 20 ms of sound in 80 bytes
SOUND = bytes.fromhex("E10F005061") + FRAME + FRAME
KEY = b"\x30\x01\x02"  # vaguely the beginning of a key frame of VP8 or AV1
MAX_GROWTH_BYTES = 4_000_000
"""Two key frames of the largest size, and what the ends of the test keep."""
MAX_MEAN_S = 0.002
"""Of processor for one datagram, whatever is in it: several times what any takes."""

Attack = Callable[[Attacker, int, Random], None]


def _junk_sound(at: Attacker, i: int, rng: Random) -> None:
    at.rtp(rng.randbytes(rng.randrange(300)), sequence=i, timestamp=960 * i)


def _fast_sound(at: Attacker, i: int, _: Random) -> None:
    at.rtp(SOUND, sequence=i, timestamp=960 * i)


def _jumping_sound(at: Attacker, i: int, rng: Random) -> None:
    at.rtp(SOUND, sequence=20_000 * i, timestamp=rng.getrandbits(32))


def _backward_sound(at: Attacker, i: int, _: Random) -> None:
    at.rtp(SOUND, sequence=i ^ 0x3F, timestamp=-960 * i)


def _tones(at: Attacker, i: int, rng: Random) -> None:
    event = format_event(rng.randrange(16), 960, is_over=False)
    head = b"\xe2" + bytes(2) + b"\x04" + b"\xe3\0\0\x48" + b"\x61"
    at.rtp(head + event + bytes(72) + FRAME, sequence=i, timestamp=9600 * i)


def _pictures(at: Attacker, payload: bytes, i: int, *, marker: bool) -> None:
    for each in at.side.media._ours:
        if each.kind is Kind.VIDEO:
            kind = each.pt | 0x80 * marker
            numbers = {"sequence": i, "timestamp": 3000 * i}
            at.rtp(payload, ssrc=each.ssrc, kind=kind, **numbers)


def _endless_picture(at: Attacker, i: int, _: Random) -> None:
    _pictures(at, b"\x18" + KEY + bytes(1100), i, marker=False)


def _junk_pictures(at: Attacker, i: int, rng: Random) -> None:
    payload = b"\x18" + KEY + rng.randbytes(rng.randrange(1100))
    _pictures(at, payload, i, marker=True)


def _broken_pictures(at: Attacker, i: int, rng: Random) -> None:
    _pictures(at, b"\x18" + KEY, i * rng.choice([2, 17, 255]), marker=i % 3 == 0)


def _huge_pictures(at: Attacker, i: int, _: Random) -> None:
    # VP8 of 16383x16383; read as AV1, a sequence header that goes on and on.
    bomb = b"\x10\x10\0\0\x9d\x01\x2a\xff\x3f\xff\x3f" + bytes(20)
    _pictures(at, bomb, i, marker=True)


def _repeats(at: Attacker, i: int, rng: Random) -> None:
    for each in at.side.media._ours:
        if each.kind is Kind.VIDEO:
            again = rng.randbytes(2) + b"\x18" + KEY + rng.randbytes(50)
            at.rtp(again, sequence=i, ssrc=each.rtx_ssrc, kind=each.rtx_pt)


def _unknown_streams(at: Attacker, i: int, rng: Random) -> None:
    kind = rng.choice([0, 34, AUDIO_PT, 97, 102, 110, 127])
    at.rtp(SOUND, sequence=i, ssrc=rng.getrandbits(32), kind=kind)


def _odd_headers(at: Attacker, i: int, rng: Random) -> None:
    at.rtp(SOUND, sequence=i, flags=0x80 | rng.choice([0x0F, 0x10, 0x20, 0x30]))


def _claims(at: Attacker, i: int, rng: Random) -> None:
    """Feedback: all came, or nothing did, of what was sent and of what was not."""
    streams = tuple(
        report.Arrivals(
            rng.choice([ssrc, ssrc, ssrc, rng.getrandbits(32)]),
            rng.getrandbits(16),
            (rng.choice([-1, 0, 5, report.UNTIMED]),) * rng.randrange(200),
        )
        for ssrc in at.victim_ssrcs.values()
    )
    clock = rng.choice([i, rng.getrandbits(32)])
    at.rtcp(report.format_feedback(report.Feedback(1, streams, clock)))


def _requests(at: Attacker, i: int, _: Random) -> None:
    ssrc = at.victim_ssrcs[Kind.VIDEO]
    numbers = tuple((i + ahead) & 0xFFFF for ahead in range(1088))
    nack = report.format_nack(report.Nack(1, ssrc, numbers))
    at.rtcp(nack + report.format_picture_loss(report.PictureLoss(1, ssrc)) * 50)


def _junk_reports(at: Attacker, _: int, rng: Random) -> None:
    kind = bytes((0x80 | rng.randrange(32), rng.choice([200, 201, 202, 205, 206])))
    words = rng.randrange(30)
    length = rng.choice([words + 1, rng.getrandbits(16)])
    at.rtcp(kind + length.to_bytes(2) + rng.randbytes(4 + 4 * words))


def _records(at: Attacker, i: int, rng: Random) -> None:
    message = format_fragment(fragment(rng.randbytes(2000), i & 0xFFFF)[0])
    at.record(rng.choice([message, rng.randbytes(600), b"\x02" + rng.randbytes(80)]))


ATTACKS: dict[str, Attack] = {
    "junk for sound": _junk_sound,
    "sound too fast": _fast_sound,
    "sound that jumps": _jumping_sound,
    "sound backwards": _backward_sound,
    "touch tones": _tones,
    "a picture without end": _endless_picture,
    "junk for pictures": _junk_pictures,
    "half pictures": _broken_pictures,
    "huge pictures": _huge_pictures,
    "repeats of nothing": _repeats,
    "unknown streams": _unknown_streams,
    "odd headers": _odd_headers,
    "false claims": _claims,
    "requests": _requests,
    "junk for reports": _junk_reports,
    "records": _records,
}


@asynccontextmanager
async def _under(
    name: str, count: int, *, measured: bool = False
) -> AsyncIterator[tuple[Attacker, float, int]]:
    """Attack, and give what it took: processor seconds for each packet, and bytes."""
    rng = Random(name)
    attack = ATTACKS[name]
    async with attacked(camera=Pattern(), window=Seen()) as at:
        if measured:
            gc.collect()
            tracemalloc.start()
        before, _ = tracemalloc.get_traced_memory()
        spent = 0.0
        for i in range(count):
            began = thread_time()
            attack(at, i, rng)
            spent += thread_time() - began
            if i % 100 == 0:
                await at.breathe()
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        yield at, spent / count, after - before


async def _goes_on(at: Attacker) -> bool:
    """Tell whether the victim is still heard, and plays what is said to it."""
    counts = []
    for _ in range(2):
        played = at.victim.sink.pcm
        counts.append((at.side.media.stats().received, len(played)))
        await at.breathe(0.2)
    return all(now > before for before, now in zip(*counts, strict=True))


@pytest.mark.parametrize("name", ATTACKS)
async def test_a_call_goes_on_under_attack(name: str) -> None:
    async with _under(name, 400) as (at, _, _):
        goes_on = await _goes_on(at)
        told = at.events()

    assert goes_on
    assert [event for event in told if isinstance(event, MediaFailed)] == []


@pytest.mark.slow
@pytest.mark.parametrize("name", ATTACKS)
async def test_a_flood_takes_bounded_time(name: str) -> None:
    async with _under(name, 10_000) as (at, mean_s, _):
        goes_on = await _goes_on(at)

    assert goes_on
    assert mean_s < MAX_MEAN_S


@pytest.mark.slow
@pytest.mark.parametrize("name", ATTACKS)
async def test_a_flood_takes_bounded_memory(name: str) -> None:
    async with _under(name, 2_000, measured=True) as (_, _, grown):
        pass

    assert grown < MAX_GROWTH_BYTES


async def test_touch_tones_come_no_faster_than_anybody_presses() -> None:
    async with _under("touch tones", 500) as (at, _, _):
        await at.breathe(0.2)
        digits = [each for each in at.events() if isinstance(each, DigitReceived)]

    assert 0 < len(digits) < 40


# Somebody on the network, who has no keys.


async def test_what_was_recorded_says_nothing_a_second_time() -> None:
    rng = Random(4)
    async with connected(*pair()) as (caller, callee):
        caller.media.tone("5")
        told = await callee.until(DigitReceived)
        heard = [each for each in caller.datagrams if each[0] >= RECORD]
        await asyncio.sleep(0.1)  # until all of them are there
        before = callee.media.stats()
        again = [each[: rng.randrange(len(each))] for each in heard] + heard * 3
        rng.shuffle(again)
        receive = callee.media._ways.current.receive
        assert receive is not None
        for datagram in again:
            receive(datagram)  # nothing else comes in between
        after = callee.media.stats()
        await asyncio.sleep(0.25)
        news = [callee.media._events.get_nowait() for _ in range(_waiting(callee))]

    assert told == DigitReceived("5")
    assert after.dropped - before.dropped == len(again)
    assert [each for each in news if isinstance(each, DigitReceived)] == []


class _Full:
    """A recording, a disk and a speaker that are full at once."""

    def __init__(self) -> None:
        self.pcm = bytearray()

    def write(self, pcm: bytes) -> None:
        raise OSError(f"no room for {len(pcm)} bytes")

    def sound(self, frame: bytes, at_s: float, *, ours: bool) -> None:
        if at_s > 0.2:
            raise OSError(f"no room for {len(frame)} bytes, {ours}")

    def picture(self, frame: bytes, at_s: float, *, track: Track) -> None:
        raise OSError(f"no room for {len(frame)} bytes of {track} at {at_s}")

    def close(self) -> None:
        """Let nothing go."""


async def test_tones_a_recording_and_full_disks_show_in_no_packet() -> None:
    full = _Full()
    side = Side(CALLER, sink=full)  # type: ignore[arg-type]  # it only fails
    async with connected(side, Side(CALLEE)) as (caller, _):
        await asyncio.sleep(0.1)
        caller.media.tone("5*")
        caller.media.record(full)
        failed = await caller.until(RecordingFailed)
        caller.media.set_muted(on=True)
        await asyncio.sleep(0.2)
        shapes = {(each[0], each[1], len(each)) for each in caller.datagrams}
        sound = [shape for shape in shapes if shape[1] == AUDIO_PT]
        others = {(first, size) for first, _, size in shapes if first > 3} - {
            (first, size) for first, _, size in sound
        }

    assert failed.reason.startswith("no room")
    assert len({size for _, _, size in sound}) == 1
    assert others <= {(RECORD, 666), (0x80, 88), (0x81, 88), (0x8B, 88)}


def _waiting(side: Side) -> int:
    return side.media._events.qsize()


@pytest.mark.parametrize("first", [0x00, 0x40, 0x45, 0x80, 0xFF])
async def test_junk_is_dropped_at_little_cost(first: int) -> None:
    rng = Random(first)
    async with attacked() as at:
        agent = at.victim.media._ways.current._agent
        assert agent.pair is not None
        socket, source = agent.pair.protocol, agent.pair.remote_addr
        before = at.victim.media.stats()
        junk = [
            bytes((first, rng.choice([1, 96, 200])))
            + rng.randbytes(rng.randrange(1400))
            for _ in range(2000)
        ]
        began = thread_time()
        for datagram in junk:
            socket.datagram_received(datagram, source)
        mean_s = (thread_time() - began) / len(junk)
        after = at.victim.media.stats()
        goes_on = await _goes_on(at)

    assert after.received - after.dropped == before.received - before.dropped
    assert mean_s < MAX_MEAN_S / 10
    assert goes_on


# Clocks that jump: a machine that slept, or whose clock was set.


@pytest.mark.parametrize("jump_s", [-3600.0, -1.0, 1.0, 3600.0, 1e9])
async def test_a_clock_that_jumps_breaks_no_keys(jump_s: float) -> None:
    caller, callee = End(CALLER), End(CALLEE)
    for end in (caller, callee):
        await end.transport.start()
        end.transport.install(1, NEXT_SECRET, initiator=end is caller)
    for _ in range(3):
        callee.now += jump_s
        callee.tick()
        caller.transport.send_control(format_fragment(fragment(b"still here", 1)[0]))
        await callee.hear(*caller.take())
    for end in (caller, callee):
        await end.transport.stop()

    assert callee.transport.dropped == 0
