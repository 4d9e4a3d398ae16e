"""The pictures that this side sees: the other side's camera and screen.

There is one window; while the screen is shown the camera is not. Where there is no
window, what comes is reported, so that its sender knows the path, and dropped.
"""

import asyncio
from collections.abc import Callable, Iterable
from functools import partial

from voip.description import Kind, Stream
from voip.errors import MissingError
from voip.media import rtp
from voip.media.flow.arrivals import Arrived, Window
from voip.media.flow.moments import Moment
from voip.media.outgoing import FrameHook, Hooks, Seal
from voip.media.profile import is_steady
from voip.media.quality.figures import VideoFigures
from voip.media.reporting import PICTURE_RATE, Reporting
from voip.media.sources import SAMPLE_RATE, Picture, Track, VideoSink
from voip.media.transport import Receive
from voip.media.video.showing import VideoReceiver

SCREEN_S = 2.0  # after its last picture the camera is shown again

Expect = Callable[[int, int, Receive], None]
"""Lets packets of an SSRC and a payload type through, to a receiver."""
HeardAt = Callable[[int], float | None]
"""Says when sound of an RTP timestamp is heard, on the loop's clock."""


class IncomingPictures:
    """What this side sees."""

    def __init__(  # noqa: PLR0913 -- the joints of one direction
        self,
        streams: Iterable[Stream],
        sink: VideoSink | None,
        *,
        expect: Expect,
        reporting: Reporting,
        slow: Callable[[], None],
        failed: Callable[[str], None],
        unseal: Seal | None = None,
    ) -> None:
        """Take the other side's agreed streams and the window, if there is one.

        `slow` hears that this machine decodes too slowly, `failed` that a stream is
        not shown any more, and why. `unseal`: see `VideoReceiver`.
        """
        self._loop = asyncio.get_running_loop()
        self._reporting = reporting
        self._slow = slow
        self._failed = failed
        self._unseal = unseal
        self._hooks: Hooks | None = None
        self._round_trip_s: float | None = None
        self._screen_at: float | None = None
        self._lanes = {
            stream.kind: self._lane(stream, sink, expect) for stream in streams
        }

    def set_round_trip(self, seconds: float) -> None:
        """Tell how long repair takes."""
        self._round_trip_s = seconds
        for lane in self._lanes.values():
            if lane.receiver is not None:
                lane.receiver.set_round_trip(seconds)

    def follow(self, sound: Moment | None, heard_at: HeardAt) -> None:
        """Show pictures nearer to when the sound of the same moment is heard.

        `sound` is what the other side said last of its sound's count of time.
        """
        for lane in self._lanes.values():
            told = lane.arrived.moment
            if sound is None or told is None or lane.receiver is None:
                continue
            if is_steady(lane.stream):  # its packets have a beat of their own
                continue
            shown = lane.receiver.unmoved(told.timestamp)
            heard = heard_at(sound.at(told.clock, SAMPLE_RATE))
            if shown is not None and heard is not None:
                lane.receiver.set_sound_offset(heard - shown)

    def expect_only(self, kinds: frozenset[Kind]) -> None:
        """Note which kinds the other side says it shows; a gap in others is meant."""
        for kind, lane in self._lanes.items():
            if kind not in kinds and lane.receiver is not None:
                lane.receiver.pause()
        if Kind.SCREEN not in kinds:
            self._screen_at = None

    def hook(self, hooks: Hooks | None) -> None:
        """Hand each whole frame to what this makes, or to nobody any more."""
        self._hooks = hooks
        for lane in self._lanes.values():
            if lane.receiver is not None:
                lane.receiver.on_frame = self._hook(lane.stream)
                if hooks is not None:  # nothing can be seen before a whole picture
                    self._ask(lane.stream)

    def figures(self, now: float) -> VideoFigures | None:
        """Give the screen's figures, or else the camera's; once a second."""
        for lane in self._lanes.values():
            failure = lane.receiver.failure if lane.receiver is not None else None
            if failure is not None and not lane.has_failed:
                self._failed(failure)
            lane.has_failed = failure is not None
        of = {
            kind: lane.receiver.figures(now)
            for kind, lane in self._lanes.items()
            if lane.receiver is not None
        }
        return of.get(Kind.SCREEN) or of.get(Kind.VIDEO)

    def close(self) -> None:
        """Show nothing more; the window stays open."""
        for lane in self._lanes.values():
            if lane.receiver is not None:
                lane.receiver.stop()

    def _lane(self, stream: Stream, sink: VideoSink | None, expect: Expect) -> "_Lane":
        steady = is_steady(stream)
        window = Window.STEADY if steady else Window.PICTURES
        report = self._reporting.expect
        lane = _Lane(stream, sink, report(stream.ssrc, window, PICTURE_RATE))
        expect(stream.ssrc, stream.pt, partial(self._receive, lane, lane.arrived))
        if stream.rtx_ssrc:
            again = report(stream.rtx_ssrc, Window.REPAIRS, PICTURE_RATE)
            expect(stream.rtx_ssrc, stream.rtx_pt, partial(self._receive, lane, again))
        return lane

    def _receive(
        self, lane: "_Lane", noted: Arrived, packet: bytes, now: float
    ) -> None:
        header = rtp.parse_header(packet)
        noted.note(header.sequence, header.timestamp, now)
        if lane.sink is None:
            return
        if lane.receiver is None:
            try:
                lane.receiver = self._make(lane.stream, lane.sink)
            except MissingError as error:
                lane.sink = None
                self._failed(str(error))
                return
        lane.receiver.receive(packet, now)

    def _make(self, stream: Stream, sink: VideoSink) -> VideoReceiver:
        receiver = VideoReceiver(
            stream,
            _Window(sink, partial(self._may_show, stream.kind)),
            nack=partial(self._reporting.ask_again, stream.ssrc),
            pli=partial(self._ask, stream),
            slow=self._slow,
            unseal=None if self._unseal is None else partial(self._unseal, stream.kind),
        )
        receiver.on_frame = self._hook(stream)
        if self._round_trip_s is not None:
            receiver.set_round_trip(self._round_trip_s)
        return receiver

    def _ask(self, stream: Stream) -> None:
        self._reporting.ask_picture(stream.ssrc, steady=is_steady(stream))

    def _may_show(self, kind: Kind) -> bool:
        now = self._loop.time()
        if kind is Kind.SCREEN:
            self._screen_at = now
            return True
        return self._screen_at is None or now - self._screen_at >= SCREEN_S

    def _hook(self, stream: Stream) -> FrameHook | None:
        if self._hooks is None:
            return None
        codec, kind = stream.codec.name.lower(), stream.kind.name.lower()
        return self._hooks(Track(ours=False, kind=kind, codec=codec))


class _Lane:
    """One stream and what takes it."""

    def __init__(
        self, stream: Stream, sink: VideoSink | None, arrived: Arrived
    ) -> None:
        self.stream = stream
        self.sink = sink
        self.arrived = arrived
        self.receiver: VideoReceiver | None = None
        self.has_failed = False


class _Window:
    """The one window, as one stream sees it."""

    def __init__(self, sink: VideoSink, may_show: Callable[[], bool]) -> None:
        self._sink = sink
        self._may_show = may_show

    def show(self, picture: Picture) -> None:
        """See `VideoSink`."""
        if self._may_show():
            self._sink.show(picture)

    def close(self) -> None:
        """Leave the window open; it belongs to the call."""
