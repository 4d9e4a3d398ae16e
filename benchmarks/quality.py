"""Speech after a link that loses, in virtual time: PESQ wide band and delay.

Ours is the whole way of sound: Opus, copies, the choice of a state, the link, the
jitter buffer and a device that pulls 10 ms at a time. Beside it stands what stock
aiortc makes of the same speech on the same link: its encoder, its `JitterBuffer` as
its receiver sets it up, its decoder, and a device that plays frames as they come out
and silence while none does. No time is measured, so the machine makes no difference.
"""

import importlib.util
from collections import deque
from functools import cache, partial
from typing import cast

import av
import numpy as np
from aiortc.codecs.opus import OpusDecoder, OpusEncoder
from aiortc.jitterbuffer import JitterBuffer
from aiortc.rtp import RtpPacket

from benchmarks.figure import Figure, figure, left_out
from tests.voip.media.link import DOWN, Conditions, Link, Script
from tests.voip.media.scores import Sound, score, speech
from tests.voip.media.talk import FRAME_S, Heard, talk
from tests.voip.media.world import World
from voip.media.sources import FRAME_SAMPLES, SAMPLE_RATE

SEEDS = (1, 2, 3)
STOCK_MOUTH_TO_EAR_S = 0.02 + 0.0065 + 0.02
"""A frame, the encoder's look-ahead, and a frame at a time to the device."""
CAPACITY, PREFETCH = 16, 4  # as `RTCRtpReceiver` sets up its buffer
LOSS_AT = 20.003
CALM = Conditions()
PATHS = (
    ("no loss", CALM, None, None),
    ("1 % lost", Conditions(loss=0.01), None, None),
    ("5 % lost", Conditions(loss=0.05), 3.8, 110.0),
    ("10 % lost", Conditions(loss=0.1), 3.5, 110.0),
    ("20 % lost", Conditions(loss=0.2), 3.3, 110.0),
    ("5 % lost in bursts of 4", Conditions(loss=0.05, run=4), 3.3, 150.0),
    ("10 % lost in bursts of 4", Conditions(loss=0.1, run=4), 3.0, 150.0),
    ("jitter 100 ms, reordered", Conditions(jitter_s=0.1, reorders=True), None, None),
)


def figures() -> list[Figure]:
    """Score speech on each path, then what one loss and one spike cost."""
    if not all(map(importlib.util.find_spec, ("pesq", "pystoi", "scipy"))):
        return left_out("speech", "pesq, pystoi and scipy are not installed")
    found: list[Figure] = []
    for name, conditions, clear, soon in PATHS:
        found += _on_path(name, conditions, clear, soon)
    return found + _after_one_loss() + _after_a_spike()


def _on_path(
    name: str, conditions: Conditions, clear: float | None, soon: float | None
) -> list[Figure]:
    ours = [talk(_minute(), conditions, seed=seed) for seed in SEEDS]
    stock = [_Stock(_minute(), Link(conditions, seed)).run() for seed in SEEDS]
    scores = [score(_minute(), heard.sound) for heard in ours]
    theirs = [score(_minute(), heard.sound) for heard in stock]
    late = np.median([each.median_hold_s for each in stock]) + STOCK_MOUTH_TO_EAR_S
    return [
        figure(
            f"PESQ, {name}",
            [each.pesq for each in scores],
            unit="",
            bar=clear,
            at_least=True,
            note=(
                f"worst 8 s {min(each.worst_pesq for each in scores):.2f}, STOI "
                f"{np.mean([each.stoi for each in scores]):.2f}, "
                f"{np.mean([each.kbps for each in ours]):.0f} kb/s; aiortc "
                f"{np.median([each.pesq for each in theirs]):.2f}, "
                f"{np.mean([each.kbps for each in stock]):.0f} kb/s"
            ),
        ),
        figure(
            f"mouth to ear without the network, {name}",
            [each.mouth_to_ear_s * 1000 for each in ours],
            unit="ms",
            bar=soon,
            note=f"aiortc {late * 1000:.0f} ms",
        ),
    ]


def _after_one_loss() -> list[Figure]:
    script = ((LOSS_AT, DOWN), (LOSS_AT + FRAME_S, CALM))
    ours = talk(_minute(), CALM, script=script)
    stock = _Stock(_minute(), Link(CALM, 1, script)).run()
    return [
        figure(
            "made up for one lost packet",
            [ours.made_up_s * 1000],
            unit="ms",
            bar=20.0,
            note=f"aiortc leaves out {stock.made_up_s * 1000:.0f} ms",
        ),
        _back("back at its delay after one lost packet", ours, stock, LOSS_AT),
    ]


def _after_a_spike() -> list[Figure]:
    spike = Conditions(delay_s=CALM.delay_s + 0.15)
    script: Script = ((LOSS_AT, spike), (LOSS_AT + 0.4, CALM))
    ours = talk(_minute(), CALM, script=script)
    stock = _Stock(_minute(), Link(CALM, 1, script)).run()
    name = "back at its delay after 150 ms more for 400 ms"
    return [_back(name, ours, stock, LOSS_AT + 0.4)]


def _back(name: str, ours: Heard, stock: Heard, since: float) -> Figure:
    before, after = (
        np.median([hold for at, hold, _ in stock.holds if low < at < high]) * 1000
        for low, high in ((since - 5, since - 1), (since + 10, since + 30))
    )
    off = [at for at, hold, to in ours.holds if at > since and abs(hold - to) > 0.01]
    return figure(
        name,
        [max(off, default=since) - since],
        unit="s",
        bar=2.0,
        note=f"aiortc held {before:.0f} ms before and {after:.0f} ms ever after",
    )


@cache
def _minute() -> Sound:
    said = speech()
    return np.concatenate((said, said))


class _Stock:
    """The way of sound through aiortc: encoder, jitter buffer, decoder, a queue."""

    def __init__(self, said: Sound, link: Link) -> None:
        self._world = World()
        self._link = link
        self._encoder = OpusEncoder()
        self._decoder = OpusDecoder()
        self._buffer = JitterBuffer(capacity=CAPACITY, prefetch=PREFETCH)
        self._queue: deque[tuple[int, Sound]] = deque()
        self._said = said
        self._taken = 0
        self._sent = 0
        self._bytes = 0
        self._played: list[Sound] = []
        self._holds: list[tuple[float, float, float]] = []

    def run(self) -> Heard:
        length = len(self._said) // FRAME_SAMPLES * FRAME_S
        self._world.every(FRAME_S, self._speak)
        self._world.every(FRAME_S, self._play, start=0.0037)
        self._world.run(length + 0.5)
        left_out = self._sent - len(self._holds) - len(self._queue) - PREFETCH
        return Heard(
            np.concatenate(self._played),
            self._holds,
            [],
            made_up_s=left_out * FRAME_S,
            kbps=self._bytes * 8 / 1000 / length,
        )

    def _speak(self) -> None:
        samples = self._said[self._taken : self._taken + FRAME_SAMPLES]
        if len(samples) < FRAME_SAMPLES:
            return
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(samples[None]), format="s16", layout="mono"
        )
        frame.sample_rate, frame.pts = SAMPLE_RATE, self._taken
        self._taken += FRAME_SAMPLES
        payloads, _ = self._encoder.encode(frame)
        for payload in payloads:
            packet = RtpPacket(
                sequence_number=self._sent & 0xFFFF,
                timestamp=self._sent * FRAME_SAMPLES,
                payload=payload,
            )
            packet._data = payload  # type: ignore[attr-defined]  # as its router does
            self._sent += 1
            # IP and UDP, RTP, the tag of AES-CM-128 with HMAC-SHA1-80
            size = 28 + 12 + len(payload) + 10
            self._bytes += size
            self._world.carry(self._link, size, partial(self._hear, packet))

    def _hear(self, packet: RtpPacket) -> None:
        _, frame = self._buffer.add(packet)
        if frame is not None:
            for decoded in self._decoder.decode(frame):
                stereo = cast("av.AudioFrame", decoded).to_ndarray().reshape(-1, 2)
                self._queue.append((frame.timestamp, stereo[:, 0].astype(np.int16)))

    def _play(self) -> None:
        if not self._queue:
            self._played.append(np.zeros(FRAME_SAMPLES, np.int16))
            return
        timestamp, sound = self._queue.popleft()
        earliest = timestamp / SAMPLE_RATE + self._link.conditions.delay_s
        self._holds.append((self._world.now, self._world.now - earliest, 0.0))
        self._played.append(sound)
