"""How much may leave, and as what: joins the reports of the other side to the streams.

Pure: one object per call and direction of sending. It hears of each packet that left
and of each report that came, and says which audio state to send in and how many bits
a second pictures may take. Sound is served first; pictures shrink, then stop.
"""

from voip.media.audio.choice import Choice
from voip.media.audio.states import AudioState
from voip.media.flow.delay import Delay, Usage
from voip.media.flow.history import History
from voip.media.flow.pictures import Pictures
from voip.media.flow.rate import Rate
from voip.media.flow.report import Feedback

OTHERS_BPS = 10_200
"""Records of control (5.5 kbit/s) and reports, of which no report tells."""
SLACK = 0.04
"""Of the path, left free for what is not counted."""
LATELY_S, SUDDENLY_S = 0.5, 0.25
"""Over which it is counted what came."""
SUDDEN = 1.5
"""If less than one part in this many came suddenly, the path has shrunk."""
HALVE_S, PAUSE_S = 0.5, 1.0
"""Without a report of anything new, pictures take half, then nothing."""
GONE_S = 3.0
"""After so long the path may be another one."""
BLIND_S = 10.0
"""After so long without reports while sound still comes, they are filtered away."""
BLIND_KBPS = 90.0
"""Room for the state that a call begins in."""
NARROW_BPS = 200_000
"""Below this, reports ten times a second would take a tenth of the path."""


class Steering:
    """The sender's side of one call."""

    def __init__(self, audio_ssrc: int, now: float) -> None:
        """Begin at `now`, in seconds of the clock that all other times are in."""
        self._audio_ssrc = audio_ssrc
        self._history = History()
        self._delay = Delay()
        self._rate = Rate(now)
        self._choice = Choice(now)
        self._pictures = Pictures(now)
        self._wants_video = False
        self._heard_at = now
        self._has_heard = False
        self._round_trip: float | None = None

    def sent(self, ssrc: int, sequence: int, size: int, now: float) -> None:
        """Take note of an RTP packet that left, `size` bytes of IPv4 datagram."""
        self._history.sent(ssrc, sequence, size, now)

    def feedback(self, feedback: Feedback, now: float) -> list[tuple[int, int]]:
        """Take a CCFB packet (RFC 8888) that `flow.report.parse` gave.

        Gives the SSRCs and sequence numbers of packets that it tells are lost.

        Raises:
            MalformedError: it speaks of what was never sent.
        """
        outcome = self._history.match(feedback, now)
        if outcome.round_trip_s is not None:
            smoothed = self._round_trip or outcome.round_trip_s
            self._round_trip = smoothed + (outcome.round_trip_s - smoothed) / 8
        if outcome.acked:
            if self._has_heard and now - self._heard_at >= GONE_S:
                self._rate.begin_again(now)
            self._heard_at = now
            self._has_heard = True
            self._rate.report(
                self._delay.take(outcome.acked),
                came_bps=self._came_bps(),
                lost_share=self._history.lost_share,
                round_trip_s=self._round_trip or 0.0,
                now=now,
            )
        self._share_out(now)
        return outcome.lost

    def tick(self, now: float) -> None:
        """Let time pass without a report; called every 100 ms or oftener."""
        if now - self._heard_at >= HALVE_S:
            self._share_out(now)

    def want_video(self, *, wanted: bool) -> None:
        """Take note that there is a picture to send, or none any more."""
        self._wants_video = wanted
        if not wanted:
            self._pictures.stop()

    @property
    def audio(self) -> AudioState:
        """The state that sound is to be sent in now."""
        return self._choice.state

    @property
    def video_bps(self) -> int:
        """What pictures may take, packets and retransmissions whole; 0: none now."""
        return self._pictures.bps

    @property
    def slow_reports(self) -> bool:
        """Whether the path has no room for reports every 100 ms (`Reporter.due`)."""
        return self._rate.bps < NARROW_BPS

    @property
    def available_bps(self) -> float:
        """What the path seems to carry, all datagrams whole."""
        return self._rate.bps

    @property
    def round_trip_s(self) -> float | None:
        """Smoothed; None before the first report."""
        return self._round_trip

    @property
    def their_lost(self) -> float | None:
        """Share of our sound that did not arrive there; None before the first."""
        return self._history.losses(self._audio_ssrc).share

    def _came_bps(self) -> float | None:
        lately = self._history.came_bps(LATELY_S)
        if lately is None:
            return None
        suddenly = self._history.came_bps(SUDDENLY_S)
        if suddenly is not None and suddenly * SUDDEN < lately:
            lately = suddenly
        return lately + OTHERS_BPS

    def _share_out(self, now: float) -> None:
        """Sound first, then pictures."""
        usage = self._delay.usage
        room_bps = self._rate.bps - OTHERS_BPS
        silent_s = now - self._heard_at
        losses = self._history.losses(self._audio_ssrc)
        room_kbps = room_bps / 1000 if self._has_heard else None
        if silent_s >= BLIND_S:
            room_kbps = min(room_bps / 1000, BLIND_KBPS)
        state = self._choice.update(
            lost=losses.share or 0.0,
            run=losses.run,
            room_kbps=room_kbps,
            overuse=usage is Usage.OVER,
            now=now,
        )
        if silent_s >= PAUSE_S or not self._has_heard:
            self._pictures.pause()
        elif self._wants_video:
            left_bps = room_bps - state.value.kbps * 1000 - SLACK * self._rate.bps
            if silent_s >= HALVE_S:
                left_bps /= 2
            self._pictures.update(
                left_bps, usage, pace_s=2 * (self._round_trip or 0.0), now=now
            )
