"""Pictures that come: packets into frames, decoder thread, sink.

Carrier. Packets are taken on the event loop in the call that received them; frames are
decoded strictly in order by one thread; the sink is called on the event loop.
"""

import asyncio
from collections import deque
from collections.abc import Callable

from voip.description import Codec, Stream
from voip.errors import MalformedError
from voip.media.profile import is_steady
from voip.media.quality.figures import VideoFigures
from voip.media.rtp import HEADER_BYTES, parse_header
from voip.media.sources import Picture, VideoSink
from voip.media.video import av1, vp8
from voip.media.video.assembly import Assembly
from voip.media.video.decoding import Coded, Decoder
from voip.media.video.outlets import OUTSIDE_BYTES
from voip.media.video.steady import parse_cell

MAX_PICTURES = 16
"""Decoded, but not due yet: pictures wait for at most 280 ms, so honest ones fit; a
picture may take 3 MB."""
_SOON_S = 0.002  # a timer for less would be later than the picture
_KEY_EVERY_S = 0.3  # between two requests because the decoder failed
TOO_SLOW_TIMES = 2
"""After the first time the sender is asked for less; who goes on is not shown."""


class VideoReceiver:
    """One stream of the peer; made and used on the event loop.

    Attributes:
        on_frame: is handed each whole frame before it is decoded, its RTP timestamp and
            whether it is a key frame; for a recording.
        failure: why nothing is shown any more, in a sentence; None while it is.
    """

    def __init__(  # noqa: PLR0913 -- what it calls back
        self,
        stream: Stream,
        sink: VideoSink,
        *,
        nack: Callable[[tuple[int, ...]], None],
        pli: Callable[[], None],
        slow: Callable[[], None],
        unseal: Callable[[bytes], bytes] | None = None,
    ) -> None:
        """Take the stream as described, where it is shown and how to ask for repair.

        `nack` is handed sequence numbers to be sent again, `pli` asks for a key frame,
        `slow` for smaller pictures, as this machine takes too long for these. `unseal`
        opens whole frames, where frames are sealed, or raises `MalformedError`.

        Raises:
            MissingError: this machine cannot decode the codec.
        """
        self.on_frame: Callable[[bytes, int, bool], None] | None = None
        self.failure: str | None = None
        self._stream, self._sink = stream, sink
        self._nack, self._pli, self._slow = nack, pli, slow
        self._unseal = unseal
        self._steady = is_steady(stream)
        self._loop = asyncio.get_running_loop()
        self._assembly = Assembly(
            av1 if stream.codec is Codec.AV1 else vp8, requests=not self._steady
        )
        self._decoder = Decoder(
            stream.codec,
            loop=self._loop,
            show=self._decoded,
            failed=self._needs_key,
            slow=self._too_slow,
        )
        self._timer: asyncio.TimerHandle | None = None
        self._pictures: deque[tuple[float, Picture]] = deque()  # by when they are due
        self._showing: asyncio.TimerHandle | None = None
        self._key_asked_at = float("-inf")
        self._times_slow = 0
        self._count = _Count(self._loop.time())

    def receive(self, packet: bytes, now: float) -> None:
        """Take one plain RTP packet of the stream or of its repeats.

        Raises:
            MalformedError: a payload that is none of the codec; it is as good as lost.
        """
        header = parse_header(packet)
        payload = packet[HEADER_BYTES:]
        self._count.received_bytes += len(packet) + OUTSIDE_BYTES
        if self._steady:
            cell = parse_cell(payload)
            if cell is None:
                return
            self._assembly.receive(
                cell.sequence, cell.timestamp, cell.data, marker=cell.last, now=now
            )
        elif header.ssrc == self._stream.rtx_ssrc:
            self._assembly.receive_again(
                header.timestamp, payload, marker=header.marker, now=now
            )
        else:
            self._assembly.receive(
                *(header.sequence, header.timestamp, payload),
                marker=header.marker,
                now=now,
            )
        self._go_on(now)

    def set_round_trip(self, seconds: float) -> None:
        """Tell the smoothed round trip: it is how long repair takes."""
        self._assembly.round_trip_s = seconds

    def set_sound_offset(self, seconds: float) -> None:
        """Show so much later than pictures alone would be, to fit the sound."""
        self._assembly.times.audio_offset_s = seconds

    @property
    def waits_s(self) -> float:
        """See `ShowTimes`."""
        return self._assembly.times.waits_s

    def unmoved(self, timestamp: int) -> float | None:
        """Say when a picture of this time is shown if sound is not looked at."""
        return self._assembly.times.unmoved(timestamp)

    def pause(self) -> None:
        """Note that the peer shows nothing on purpose: the gap is no freeze."""
        self._assembly.pause()

    def figures(self, now: float) -> VideoFigures | None:
        """Give what was shown since the last call; None before the first picture."""
        return self._count.figures(
            self._stream.codec,
            now,
            freezes=self._assembly.times.freezes,
            frozen_s=self._assembly.times.frozen_s,
        )

    def stop(self) -> None:
        """End the thread; the sink stays open."""
        self._decoder.close()
        self._pictures.clear()
        for timer in (self._timer, self._showing):
            if timer is not None:
                timer.cancel()

    def _go_on(self, now: float) -> None:
        """Decode what became whole, ask for what is missing, and come again."""
        for frame in self._assembly.frames():
            data = self._opened(frame.data)
            if self.on_frame is not None and data:
                self.on_frame(data, frame.timestamp, frame.key)
            if self.failure is None:
                self._decoder.put(Coded(data, frame.show_at))
        wants = self._assembly.tick(now)
        if wants.missing:
            self._nack(wants.missing)
        if wants.key:
            self._pli()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        at = self._assembly.wake_at
        if at is not None:
            self._timer = self._loop.call_at(at, self._wake)

    def _opened(self, frame: bytes) -> bytes:
        """Open a frame; nothing, for the decoder to stumble over, if it does not."""
        if self._unseal is None:
            return frame
        try:
            return self._unseal(frame)
        except MalformedError:
            return b""

    def _wake(self) -> None:
        self._go_on(self._loop.time())

    def _needs_key(self) -> None:
        now = self._loop.time()
        every = max(_KEY_EVERY_S, self._assembly.round_trip_s)
        if now - self._key_asked_at >= every:
            self._key_asked_at = now
            self._pli()

    def _too_slow(self) -> None:
        self._times_slow += 1
        if self._times_slow < TOO_SLOW_TIMES:
            self._slow()
            return
        self.failure = "the pictures take too long to decode, so they are not shown"
        self._decoder.close()

    def _decoded(self, picture: Picture, show_at: float) -> None:
        if len(self._pictures) == MAX_PICTURES:
            self._pictures.popleft()
        self._pictures.append((show_at, picture))
        self._show_due()

    def _show_due(self) -> None:
        """Show the newest picture that is due, and come again for the next."""
        now = self._loop.time()
        newest = None
        while self._pictures and self._pictures[0][0] <= now + _SOON_S:
            _, newest = self._pictures.popleft()
        if newest is not None:
            self._count.shown(newest)
            self._sink.show(newest)
        if self._showing is not None:
            self._showing.cancel()
            self._showing = None
        if self._pictures:
            self._showing = self._loop.call_at(self._pictures[0][0], self._show_due)


class _Count:
    """What was shown since somebody last asked."""

    def __init__(self, now: float) -> None:
        self.received_bytes = 0
        self._frames = 0
        self._size: tuple[int, int] | None = None
        self._since = now

    def shown(self, picture: Picture) -> None:
        self._frames += 1
        self._size = picture.width, picture.height

    def figures(
        self, codec: Codec, now: float, *, freezes: int, frozen_s: float
    ) -> VideoFigures | None:
        seconds = max(now - self._since, 0.001)  # asked twice at once
        frames, received = self._frames, self.received_bytes
        self._frames = self.received_bytes = 0
        self._since = now
        if self._size is None:
            return None
        width, height = self._size
        return VideoFigures(
            codec=codec.name.lower(),
            width=width,
            height=height,
            fps=frames / seconds,
            kbps=received * 8 / 1000 / seconds,
            freezes=freezes,
            frozen_s=frozen_s,
        )
