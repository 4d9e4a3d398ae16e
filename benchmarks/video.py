"""Encoding pictures, against aiortc's VP8 encoder on the same clip.

Processor time of all threads, and how much like the original the pictures come back.
The clip is made by arithmetic: a background that pans, a face that moves, and noise.
"""

import fractions
import statistics
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import av
from aiortc.codecs.vpx import Vp8Encoder as StockEncoder
from aiortc.codecs.vpx import vp8_depayload

from benchmarks.figure import ROUNDS, Figure, figure, left_out
from tests.voip.media.video.clip import clip, psnr
from voip.description import Codec
from voip.media.i420 import frame_of, picture_of
from voip.media.sources import Picture
from voip.media.video.decoding import open_decoder
from voip.media.video.encoders import Encoder, open_encoder
from voip.media.video.headers import parse_vp8
from voip.media.video.svt import available

PICTURES = 90
FPS = 30
TICKS = 90_000 // FPS
SETTLED = 10  # pictures after which a new rate must be kept

Encode = Callable[[Picture, int], bytes]


BARS: dict[Codec, tuple[float | None, float]] = {
    Codec.VP8: (0.8, 0.0),
    Codec.AV1: (None, 0.0),
}
"""Processor time at most, and decibels at least. Nobody asked AV1 to be cheaper."""


class Case(NamedTuple):
    """A size, and bits a second."""

    name: str
    width: int
    height: int
    bps: int


CASES = (
    Case("480p 300k", 640, 480, 300_000),
    Case("480p 600k", 640, 480, 600_000),
    Case("720p 600k", 1280, 720, 600_000),
    Case("720p 1500k", 1280, 720, 1_500_000),
)


class _Run(NamedTuple):
    ms: float
    kbps: float
    decibels: float


def figures() -> list[Figure]:
    """Compare each case in turns, then change a rate."""
    found = []
    for case in CASES:
        found += _case(case)
    return found + _change_of_rate()


def _case(case: Case) -> list[Figure]:
    pictures = clip(case.width, case.height, PICTURES)
    codecs = [Codec.VP8]
    if available():
        codecs.append(Codec.AV1)
    else:
        left_out(f"AV1, {case.name}", "PyAV has none here")
    rounds: dict[str, list[_Run]] = {}
    for _ in range(ROUNDS):
        stock = _stock(case.bps)
        rounds.setdefault("stock", []).append(_run(pictures, stock, Codec.VP8))
        for codec in codecs:
            encoder = open_encoder(codec, case.width, case.height, bps=case.bps)
            run = _run(pictures, encoder.encode, codec)
            encoder.close()
            rounds.setdefault(codec.name, []).append(run)
    return [
        each
        for codec in codecs
        for each in _compared(case, codec, rounds[codec.name], rounds["stock"])
    ]


def _compared(
    case: Case, codec: Codec, ours: Sequence[_Run], stock: Sequence[_Run]
) -> list[Figure]:
    title = f"{codec.name}, {case.name}"
    most, least = BARS[codec]
    pairs = list(zip(ours, stock, strict=True))
    return [
        figure(
            f"{title}: processor / aiortc's VP8",
            [mine.ms / theirs.ms for mine, theirs in pairs],
            bar=most,
            note=f"{_middle(ours, 0):.2f} ms a picture against "
            f"{_middle(stock, 0):.2f}; {_middle(ours, 1):.0f} kbit/s against "
            f"{_middle(stock, 1):.0f}",
        ),
        figure(
            f"{title}: likeness above aiortc's",
            [mine.decibels - theirs.decibels for mine, theirs in pairs],
            unit="dB",
            bar=least,
            at_least=True,
            note=f"{_middle(ours, 2):.2f} dB against {_middle(stock, 2):.2f}",
        ),
    ]


def _change_of_rate() -> list[Figure]:
    """Leave a third of the rate in the middle of a clip.

    A fifth over it is what the pacer takes up until the ladder makes pictures smaller.
    """
    pictures = clip(640, 480, PICTURES)
    shares, keys = [], []
    for _ in range(ROUNDS):
        encoder: Encoder = open_encoder(Codec.VP8, 640, 480, bps=600_000)
        for number, picture in enumerate(pictures):
            encoder.encode(picture, number * TICKS)
        encoder.set_rate(200_000)
        coded = [
            encoder.encode(picture, (PICTURES + number) * TICKS)
            for number, picture in enumerate(pictures)
        ]
        encoder.close()
        settled = coded[SETTLED:]
        bps = sum(map(len, settled)) * 8 * FPS / len(settled)
        shares.append(bps / 200_000)
        keys.append(float(sum(parse_vp8(frame).key for frame in coded)))
    return [
        figure("VP8, 600 to 200 kbit/s: rate kept after 10 pictures", shares),
        figure("VP8, 600 to 200 kbit/s: key frames", keys, unit="", bar=0.0),
    ]


def _run(pictures: Sequence[Picture], encode: Encode, codec: Codec) -> _Run:
    began = time.process_time()
    coded = [encode(picture, n * TICKS) for n, picture in enumerate(pictures)]
    took = time.process_time() - began
    decoder = open_decoder(codec)
    shown = [
        picture_of(frame, frame.width, frame.height)
        for data in coded
        for frame in decoder.decode(av.Packet(data))
    ]
    return _Run(
        ms=took / len(pictures) * 1000,
        kbps=sum(map(len, coded)) * 8 * FPS / len(pictures) / 1000,
        decibels=statistics.mean(map(psnr, pictures, shown)),
    )


def _stock(bps: int) -> Encode:
    """Give aiortc's encoder as its sender uses it."""
    encoder = StockEncoder()
    encoder.target_bitrate = bps
    base = fractions.Fraction(1, 90_000)

    def encode(picture: Picture, pts: int) -> bytes:
        frame = frame_of(picture)
        frame.pts, frame.time_base = pts, base
        payloads, _ = encoder.encode(frame)
        return b"".join(map(vp8_depayload, payloads))

    return encode


def _middle(runs: Sequence[_Run], column: int) -> float:
    return statistics.median(run[column] for run in runs)
