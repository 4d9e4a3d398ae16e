"""Pictures on their way out: source, encoder thread, packets.

Carrier. The event loop asks the source for pictures and sends packets; one thread of
this stream scales and encodes. How large, how often and how soon is decided by
`ladder` and `outlets`.
"""

import asyncio
from collections.abc import Callable, Iterable

from voip.description import Codec, Kind, Stream
from voip.media.quality.figures import VideoFigures
from voip.media.sources import Picture, VideoSource
from voip.media.video import av1, vp8
from voip.media.video.encoding import Encoded, Encoding, Order
from voip.media.video.ladder import (
    AV1_BITS_PER_PIXEL,
    VP8_BITS_PER_PIXEL,
    Cadence,
    KeyFrames,
    Ladder,
    Shape,
)
from voip.media.video.limits import CLOCK_RATE
from voip.media.video.outlets import OUTSIDE_BYTES, Start, open_outlet


class VideoSender:
    """One outgoing stream of pictures; made and used on the event loop.

    Attributes:
        on_frame: is handed each whole coded frame as it is sent, its RTP timestamp and
            whether it is a key frame; for a recording.
    """

    def __init__(
        self,
        source: VideoSource,
        stream: Stream,
        send: Callable[[bytes], None],
        *,
        entropy: Callable[[int], bytes],
        seal: Callable[[bytes], bytes] | None = None,
    ) -> None:
        """Take where pictures come from and what takes plain RTP packets.

        `entropy` gives the start values of sequence numbers, timestamps and picture
        ids. The camera is untouched before `run` and `set_on`. A steady stream is one
        that its description says to be. `seal` makes what is sent of a coded frame, for
        a browser, which takes frames apart and not packets; VP8 alone.
        """
        self.on_frame: Callable[[bytes, int, bool], None] | None = None
        self._source, self._stream, self._send = source, stream, send
        self._seal = seal
        self._is_screen = stream.kind is Kind.SCREEN
        self._loop = asyncio.get_running_loop()
        self._began = now = self._loop.time()
        # Half of the range, so that a number does not wrap within the first packets,
        # which would put their encryption a roll-over apart (RFC 3711 §3.3.1).
        start = Start(
            sequence=int.from_bytes(entropy(2)) >> 1,
            timestamp=int.from_bytes(entropy(4)),
            second=int.from_bytes(entropy(2)) >> 1,
        )
        self._timestamp = start.timestamp
        self._picture_id = int.from_bytes(entropy(2)) >> 1  # 15 bits, RFC 7741 §4.2
        self._outlet = open_outlet(stream, start, now)
        self._encoding: Encoding | None = None
        self._ladder: Ladder | None = None
        self._source_size: tuple[int, int] | None = None
        self._keys, self._cadence = KeyFrames(), Cadence()
        self._is_on = asyncio.Event()
        self._interrupted = False
        self._timer: asyncio.TimerHandle | None = None
        self._count = _Count(now)

    @property
    def failure(self) -> str | None:
        """Why no picture leaves, in a sentence; None while nothing is wrong."""
        return self._encoding.failure if self._encoding else None

    async def run(self) -> None:
        """Send until cancelled; whoever called owns the task."""
        try:
            while True:
                await self._is_on.wait()
                picture = await self._source.picture()
                if self._is_on.is_set():  # it may have taken its time
                    self._take(picture, self._loop.time())
        finally:
            self.stop()

    def set_on(self, on: bool) -> None:  # noqa: FBT001 -- one switch, one value
        """Send pictures, or nothing at all; off leaves the camera alone."""
        if on == self._is_on.is_set():
            return
        if on:
            self._is_on.set()
            self._leave()
        else:
            self._is_on.clear()
            self._interrupted = True
            self._outlet.set_rate(0, self._loop.time())
            self._disarm()

    def set_rate(self, bps: int) -> None:
        """Take at most so many bits a second, datagrams and repeats whole; 0 pauses."""
        if self._is_on.is_set():
            self._outlet.set_rate(bps, self._loop.time())

    def set_round_trip(self, seconds: float) -> None:
        """Tell the smoothed round trip: nothing is sent again twice within one."""
        self._outlet.round_trip_s = seconds

    def nack(self, sequences: Iterable[int], now: float) -> None:
        """Send packets again that the other side misses, within the limits."""
        if self._is_on.is_set():
            self._outlet.nack(sequences, now)
            self._leave()

    def lost(self, sequences: Iterable[int], now: float) -> None:
        """Hear from a report which packets did not arrive; a steady stream repairs."""
        self._outlet.lost(sequences, now)

    def pli(self, now: float) -> None:
        """Make the next picture a key frame, within the limits."""
        if self._keys.asked(now) and self._ladder is not None:
            self._ladder.shrink(now)

    def figures(self, now: float) -> VideoFigures | None:
        """Give what was sent since the last call; None before the first picture."""
        paused = self._is_on.is_set() and not self._outlet.encoder_bps
        return self._count.figures(self._stream.codec, now, paused=paused)

    def stop(self) -> None:
        """End the thread and free the encoder; the source stays open."""
        self._is_on.clear()
        self._disarm()
        if self._encoding is not None:
            self._encoding.close()

    def _take(self, picture: Picture, now: float) -> None:
        """Have a picture encoded, if there is room for it."""
        if not self._outlet.encoder_bps:
            self._interrupted = True
        if not self._outlet.is_ready(now):
            return
        ladder = self._ladder_for(picture)
        if self._interrupted:  # the other side's decoder lost its thread, perhaps
            self._interrupted = False
            self._keys.asked(now)
        if self._encoding is None:
            self._encoding = Encoding(
                self._stream.codec,
                loop=self._loop,
                done=self._encoded,
                screen=self._is_screen,
            )
        bps = self._outlet.encoder_bps
        shape = ladder.choose(bps, now, self._encoding.quantizer)
        if not self._cadence.take(shape.fps, now):
            return
        key = self._keys.due(shape, now)
        pts = round((now - self._began) * CLOCK_RATE)
        self._encoding.put(Order(picture, shape, pts, bps, key))

    def _ladder_for(self, picture: Picture) -> Ladder:
        size = picture.width, picture.height
        if self._ladder is None or size != self._source_size:
            self._source_size = size
            self._ladder = Ladder(
                *size,
                bits_per_pixel=AV1_BITS_PER_PIXEL
                if self._stream.codec is Codec.AV1
                else VP8_BITS_PER_PIXEL,
                screen=self._is_screen,
            )
        return self._ladder

    def _encoded(self, frame: Encoded) -> None:
        """Queue a frame that the thread has made."""
        if not self._is_on.is_set():
            return
        now = self._loop.time()
        limit = self._outlet.payload_limit
        if self._stream.codec is Codec.AV1:
            payloads = av1.packetize(frame.data, limit)
        else:
            data = frame.data if self._seal is None else self._seal(frame.data)
            payloads = vp8.packetize(data, self._picture_id, limit)
            self._picture_id = (self._picture_id + 1) & 0x7FFF
        self._outlet.put(payloads, frame.pts, now, key=frame.key)
        if self._outlet.overflowed():
            assert self._ladder is not None
            self._ladder.shrink(now)
            self._keys.asked(now)
        self._count.frame(frame.shape)
        if self.on_frame is not None:
            timestamp = (self._timestamp + frame.pts) & 0xFFFFFFFF
            self.on_frame(frame.data, timestamp, frame.key)
        self._leave()

    def _leave(self) -> None:
        """Send what is due, and come again when more is."""
        for packet in self._outlet.due(self._loop.time()):
            self._count.sent_bytes += len(packet) + OUTSIDE_BYTES
            self._send(packet)
        self._disarm()
        at = self._outlet.next_at
        if at is not None:
            self._timer = self._loop.call_at(at, self._leave)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class _Count:
    """What left since somebody last asked."""

    def __init__(self, now: float) -> None:
        self.sent_bytes = 0
        self._frames = 0
        self._shape: Shape | None = None
        self._since = now

    def frame(self, shape: Shape) -> None:
        self._frames += 1
        self._shape = shape

    def figures(self, codec: Codec, now: float, *, paused: bool) -> VideoFigures | None:
        seconds = max(now - self._since, 0.001)  # asked twice at once
        frames, sent = self._frames, self.sent_bytes
        self._frames = self.sent_bytes = 0
        self._since = now
        if self._shape is None:
            return None
        return VideoFigures(
            codec=codec.name.lower(),
            width=self._shape.width,
            height=self._shape.height,
            fps=frames / seconds,
            kbps=sent * 8 / 1000 / seconds,
            paused=paused,
        )
