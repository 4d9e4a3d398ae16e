"""Pictures in virtual time, coded and decoded for real: what leaves, what is shown.

They do what `VideoSender` and `VideoReceiver` do, but for the threads, so that coding
takes no time; the ladder, the outlet, the assembly and both codecs are the real ones.
"""

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from tests.voip.media.video.clip import clip, psnr
from tests.voip.media.world import World
from voip.description import Codec, Stream
from voip.media.flow.pacer import TICK_S
from voip.media.i420 import picture_of, scaled
from voip.media.rtp import HEADER_BYTES, parse_header
from voip.media.sources import Picture
from voip.media.video import vp8
from voip.media.video.assembly import Assembly, Wants
from voip.media.video.decoding import FrameDecoder
from voip.media.video.encoders import open_encoder
from voip.media.video.headers import parse_vp8
from voip.media.video.ladder import Cadence, KeyFrames, Ladder
from voip.media.video.limits import CLOCK_RATE
from voip.media.video.outlets import Start, open_outlet

FPS = 30
WIDTH, HEIGHT = 640, 480
PICTURES = 120  # of the clip, which then runs backwards
WATCHED = 3
"""One in so many pictures is compared with what the camera saw."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture that was shown.

    Attributes:
        captured_at: when the camera saw it.
        at: when it was shown.
        width: as it came.
        decibels: how like it was to what the camera saw; None if nobody looked.
    """

    captured_at: float
    at: float
    width: int
    decibels: float | None


class Showing:
    """The sending end: a camera, its encoder, and packets that leave in time."""

    def __init__(
        self, world: World, stream: Stream, send: Callable[[bytes], None]
    ) -> None:
        """Begin at a rate of 0."""
        self.outlet = open_outlet(stream, Start(200, 0, 300), world.now)
        self._world = world
        self._send = send
        self._ladder = Ladder(WIDTH, HEIGHT)
        self._keys, self._cadence = KeyFrames(), Cadence()
        self._encoder = open_encoder(Codec.VP8, WIDTH, HEIGHT, bps=100_000)
        self._picture_ids = itertools.cycle(range(1 << 15))
        self._interrupted = False
        world.every(1 / FPS, self._capture, start=world.now + 0.003)
        world.every(TICK_S, self._let_go)

    def nack(self, sequences: Iterable[int], now: float) -> None:
        """See `PictureSender`."""
        self.outlet.nack(sequences, now)
        self._let_go()

    def lost(self, sequences: Iterable[int], now: float) -> None:
        """See `PictureSender`."""
        self.outlet.lost(sequences, now)

    def pli(self, now: float) -> None:
        """See `PictureSender`."""
        if self._keys.asked(now):
            self._ladder.shrink(now)

    def _capture(self) -> None:
        now = self._world.now
        bps = self.outlet.encoder_bps
        if not bps:
            self._interrupted = True
        if not self.outlet.is_ready(now):
            return
        if self._interrupted:
            self._interrupted = False
            self._keys.asked(now)
        shape = self._ladder.choose(bps, now, self._encoder.quantizer)
        if not self._cadence.take(shape.fps, now):
            return
        key = self._keys.due(shape, now)
        self._encoder.set_size(shape.width, shape.height)
        self._encoder.set_rate(bps)
        pts = round(now * CLOCK_RATE)
        picture = scaled(_seen(pts), shape.width, shape.height)
        data = self._encoder.encode(picture, pts, key=key)
        if data:
            self._put(data, pts, now)

    def _put(self, data: bytes, pts: int, now: float) -> None:
        outlet = self.outlet
        payloads = vp8.packetize(data, next(self._picture_ids), outlet.payload_limit)
        outlet.put(payloads, pts, now, key=parse_vp8(data).key)
        if outlet.overflowed():
            self._ladder.shrink(now)
            self._keys.asked(now)
        self._let_go()

    def _let_go(self) -> None:
        for packet in self.outlet.due(self._world.now):
            self._send(packet)


class Watching:
    """The receiving end, and somebody who compares."""

    def __init__(self, stream: Stream) -> None:
        """Begin without a picture."""
        self.shown: list[Shown] = []
        self.assembly = Assembly(vp8)
        self._stream = stream
        self._decoder = FrameDecoder(Codec.VP8)

    def take(self, packet: bytes, now: float) -> None:
        """Take a packet that came; then `look`."""
        header, payload = parse_header(packet), packet[HEADER_BYTES:]
        stamp, marker = header.timestamp, header.marker
        if header.ssrc == self._stream.rtx_ssrc:
            self.assembly.receive_again(stamp, payload, marker=marker, now=now)
        else:
            number = header.sequence
            self.assembly.receive(number, stamp, payload, marker=marker, now=now)

    def look(self, now: float) -> Wants:
        """Show what became whole, and say what to ask for."""
        for frame in self.assembly.frames():
            for decoded in self._decoder.decode(frame.data):
                picture = picture_of(decoded, decoded.width, decoded.height)
                self._compare(picture, frame.timestamp, frame.show_at)
        return self.assembly.tick(now)

    def longest_gap_s(self, since: float, until: float) -> float:
        """Say for how long the picture stood still at most."""
        times = [each.at for each in self.shown if since <= each.at < until]
        edges = [since, *times, until]
        return max(later - earlier for earlier, later in itertools.pairwise(edges))

    def fps(self, since: float, until: float) -> float:
        """Say how many pictures a second were shown."""
        return sum(since <= each.at < until for each in self.shown) / (until - since)

    def decibels(self, since: float, until: float) -> float:
        """Say how like the camera's the pictures were, in the mean."""
        inside = [each for each in self.shown if since <= each.at < until]
        found = [each.decibels for each in inside if each.decibels is not None]
        return sum(found) / len(found)

    def _compare(self, picture: Picture, timestamp: int, at: float) -> None:
        decibels = None
        if len(self.shown) % WATCHED == 0:
            large = scaled(picture, WIDTH, HEIGHT)
            decibels = psnr(_seen(timestamp), large)
        captured_at = timestamp / CLOCK_RATE
        self.shown.append(Shown(captured_at, at, picture.width, decibels))


def _seen(timestamp: int) -> Picture:
    """Give what the camera sees: the clip back and forth, so that it never jumps."""
    at = round(timestamp * FPS / CLOCK_RATE) % (2 * PICTURES - 2)
    return _clip()[at if at < PICTURES else 2 * PICTURES - 2 - at]


@cache
def _clip() -> Sequence[Picture]:
    return clip(WIDTH, HEIGHT, PICTURES)
