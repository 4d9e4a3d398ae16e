"""Sound and pictures of one call, both ways: everything that RTP carries.

Joins the ends to the streams, the streams to the transport, and the reports of the
other side to both: how much may be sent is for `steering` to say, and is asked for
after each packet of sound, every 20 ms.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

from voip.description import Kind, Stream
from voip.errors import MissingError, UnexpectedEventError
from voip.media import rtp
from voip.media.ends.devices import DeviceEnd
from voip.media.events import (
    DigitReceived,
    EndFailed,
    MediaEvent,
    PicturesSlow,
    RecordingFailed,
)
from voip.media.flow.arrivals import Arrived, Window
from voip.media.gauge import OVERHEAD_BYTES, Gauge
from voip.media.incoming import IncomingPictures
from voip.media.outgoing import Hooks, OutgoingPictures
from voip.media.plan import MediaPlan
from voip.media.quality.figures import MediaStats
from voip.media.reporting import Reporting
from voip.media.sources import SAMPLE_RATE, Recorder, VideoSource
from voip.media.steering import Steering
from voip.media.talk import Talk
from voip.media.tape import Tape
from voip.media.transport import IkSrtpTransport


class Content:
    """What a call carries."""

    def __init__(  # noqa: PLR0913 -- it joins so many
        self,
        plan: MediaPlan,
        own_ssrc: int,
        transport: IkSrtpTransport,
        *,
        entropy: Callable[[int], bytes],
        emit: Callable[[MediaEvent], None],
        spawn: Callable[[Coroutine[Any, Any, None]], None],
        beat: Callable[[float], None],
    ) -> None:
        """Take the ends, the SSRC of our sound, and what carries packets.

        `beat` is called after each packet of sound, with the time.

        Raises:
            MissingError: no Opus on this machine.
        """
        self._plan = plan
        self._own_ssrc = own_ssrc
        self._transport = transport
        self._entropy = entropy
        self._emit = emit
        self._spawn = spawn
        self._each_beat = beat
        self._clock = asyncio.get_running_loop().time
        self._wanted: frozenset[Kind] = frozenset()  # a camera at hand is not a wish
        self._may_open = False
        self._heard: Arrived | None = None
        self._outgoing: OutgoingPictures | None = None
        self._incoming: IncomingPictures | None = None
        self._tape: Tape | None = None
        now = self._clock()
        self._gauge = Gauge(now)
        self._steering = Steering(own_ssrc, now)
        self._reporting = Reporting(
            own_ssrc,
            self._steering,
            send=transport.send_rtcp,
            now=now,
            offset_s=int.from_bytes(entropy(2)),
        )
        self._talk = Talk(
            plan.audio_source,
            plan.audio_sink,
            ssrc=own_ssrc,
            entropy=entropy,
            send=transport.send_rtp,
            beat=self._beat,
            failed=self._end_failed,
        )
        transport.noted = self._noted

    @property
    def stats(self) -> MediaStats:
        """Figures of the last second; of datagrams only those that were no sound."""
        return replace(
            self._gauge.stats,
            dropped=self._talk.malformed,
            microphone=_device(self._plan.audio_source),
            speaker=_device(self._plan.audio_sink),
        )

    def agree(self, ours: tuple[Stream, ...], theirs: tuple[Stream, ...]) -> None:
        """Let the peer's agreed streams in, and be ready to send ours."""
        (sound,) = (each for each in theirs if each.kind is Kind.AUDIO)
        self._heard = self._reporting.expect(sound.ssrc, Window.SOUND, SAMPLE_RATE)
        self._transport.expect(sound.ssrc, sound.pt, self._take_sound)
        self._transport.expect_reports(self._reporting.receive)
        self.agree_pictures(ours, theirs)

    def agree_pictures(
        self, ours: tuple[Stream, ...], theirs: tuple[Stream, ...]
    ) -> None:
        """Do so with their pictures; sound may have been agreed on before, alone."""
        self._incoming = IncomingPictures(
            (each for each in theirs if each.kind is not Kind.AUDIO),
            self._plan.video_sink,
            expect=self._transport.expect,
            reporting=self._reporting,
            slow=lambda: self._emit(PicturesSlow()),
            failed=self._end_failed,
        )
        self._outgoing = OutgoingPictures(
            (each for each in ours if each.kind is not Kind.AUDIO),
            entropy=self._entropy,
            send=self._transport.send_rtp,
            reporting=self._reporting,
            spawn=self._spawn,
            failed=self._end_failed,
        )
        agreed = {each.kind for each in ours}
        for kind, source in (
            (Kind.VIDEO, self._plan.video_source),
            (Kind.SCREEN, self._plan.screen_source),
        ):
            if source is not None and kind in agreed:
                self._outgoing.use(kind, source)
        self.set_pictures(self._wanted)
        if self._tape is not None:
            self._hook_pictures(self._tape.pictures)

    def start(self) -> None:
        """Send and play sound from now on."""
        self._talk.start()

    def stop(self) -> None:
        """Send nothing more, and finish a recording; the plan's ends stay open."""
        self._talk.stop()
        self.stop_recording()
        for pictures in (self._outgoing, self._incoming):
            if pictures is not None:
                pictures.close()

    def path_changed(self) -> None:
        """Note that packets go another way from now on, of which nothing is known."""
        self._steering.path_changed(self._clock())

    def tick(self, now: float) -> None:
        """Let time pass; called some times a second."""
        for digit in self._talk.digits():
            self._emit(DigitReceived(digit))
        if self._gauge.is_due(now):
            self._keep_second(now)

    def set_open(self, *, on: bool) -> None:
        """Read the sources of the user, or none of them."""
        self._may_open = self._talk.speaking.is_open = on
        self.set_pictures(self._wanted)

    def set_muted(self, on: bool) -> None:  # noqa: FBT001 -- one switch, one value
        """Send silence instead of the microphone."""
        self._talk.speaking.is_muted = on

    def set_held(self, on: bool) -> None:  # noqa: FBT001 -- one switch, one value
        """Neither send the user's sound nor play the peer's; packets go on."""
        self._talk.set_held(on)

    def set_pictures(self, kinds: frozenset[Kind]) -> frozenset[Kind]:
        """Show these kinds, once the sources are open, or nothing; at first nothing.

        Gives what is shown now: no more than there are sources for.
        """
        self._wanted = kinds
        if self._outgoing is None:
            return frozenset()
        self._outgoing.set_on(kinds if self._may_open else frozenset())
        showing = self._outgoing.on
        self._steering.want_video(wanted=bool(showing))
        return showing

    def expect_pictures(self, kinds: frozenset[Kind]) -> None:
        """Note which kinds the peer says it shows, so that a pause is no freeze."""
        if self._incoming is not None:
            self._incoming.expect_only(kinds)

    def use_pictures(self, kind: Kind, source: VideoSource) -> None:
        """Show this from now on, whenever pictures of its kind are on.

        Raises:
            MissingError: the two sides did not agree on pictures of this kind.
        """
        if self._outgoing is None:
            raise MissingError("the call is not connected")
        self._outgoing.use(kind, source)

    def tone(self, digits: str) -> None:
        """Send touch tones; nobody but the other side can tell.

        Raises:
            MalformedError: a character that is no touch tone.
            LimitError: too many wait.
        """
        self._talk.speaking.tone(digits)

    def record(self, recorder: Recorder) -> None:
        """Keep both sides from now on, until `stop_recording` or the end.

        The other side must have been told before.

        Raises:
            UnexpectedEventError: something is recorded already.
        """
        if self._tape is not None:
            raise UnexpectedEventError("the call is being recorded already")
        self._tape = tape = Tape(recorder, clock=self._clock, failed=self._tape_failed)
        self._talk.hook(tape.sound(ours=True), tape.sound(ours=False))
        self._hook_pictures(tape.pictures)

    def stop_recording(self) -> None:
        """Finish the recording, if there is one."""
        if self._tape is not None:
            tape, self._tape = self._tape, None
            self._talk.hook(None, None)
            self._hook_pictures(None)
            tape.close()

    # What goes on during the call.

    def _take_sound(self, packet: bytes, now: float) -> None:
        header = rtp.parse_header(packet)
        assert self._heard is not None
        self._heard.note(header.sequence, header.timestamp, now)
        self._gauge.heard(len(packet))
        self._talk.receive(packet, now)

    def _noted(
        self, ssrc: int, sequence: int, timestamp: int, size: int, now: float
    ) -> None:
        self._steering.sent(ssrc, sequence, size + OVERHEAD_BYTES, now)
        self._reporting.sent(ssrc, size - rtp.HEADER_BYTES, timestamp, now)
        if ssrc == self._own_ssrc:
            self._gauge.sent(size)

    def _beat(self, now: float) -> None:
        """Do what is done every 20 ms, right after a packet of sound left."""
        steering = self._steering
        steering.tick(now)
        self._talk.speaking.state = steering.audio
        self._reporting.tick(now)
        assert self._outgoing is not None
        self._outgoing.set_rate(steering.video_bps)
        self._each_beat(now)

    def _keep_second(self, now: float) -> None:
        """Do what is done once a second."""
        trip = self._steering.round_trip_s
        assert self._outgoing is not None
        assert self._incoming is not None
        if trip is not None:
            self._outgoing.set_round_trip(trip)
            self._incoming.set_round_trip(trip)
        assert self._heard is not None
        self._incoming.follow(self._heard.moment, self._talk.heard_at)
        self._gauge.sample(
            now,
            self._steering,
            state=self._talk.state,
            reception=self._talk.reception(),
            video_out=self._outgoing.figures(now),
            video_in=self._incoming.figures(now),
        )

    def _hook_pictures(self, hooks: Hooks | None) -> None:
        if self._outgoing is not None and self._incoming is not None:
            self._outgoing.hook(hooks, self._clock())
            self._incoming.hook(hooks)

    def _end_failed(self, reason: str) -> None:
        self._emit(EndFailed(reason))

    def _tape_failed(self, reason: str) -> None:
        self.stop_recording()
        self._emit(RecordingFailed(reason))


def _device(end: object) -> str | None:
    """Give the name of the device that runs, if the end is one."""
    return end.device if isinstance(end, DeviceEnd) else None
