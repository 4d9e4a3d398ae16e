"""How much may leave, and as what: joins the reports of the other side to the streams.

Pure: one object per call and direction of sending. It hears of each packet that left
and of each report that came, and says which audio state to send in and how many bits
a second pictures may take. Sound is served first; pictures shrink, then stop.
"""

from voip.media.audio.choice import Choice
from voip.media.audio.states import START, AudioState
from voip.media.flow.delay import Delay, Usage
from voip.media.flow.history import Acked, History
from voip.media.flow.losses import Losses
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
"""After so long the path may be another one; after `PAUSE_S` it was down."""
BLIND_S = 10.0
"""After so long without reports while sound still comes, they are filtered away."""
START_KBPS = 90.0
"""Room for the state that a call begins in."""
FILLED = 0.95
"""Of a path that was full lately, for sound and what goes beside it."""
LASTING_S, DEEP_S = 0.7, 0.15
"""A queue that stays for so long, or so deep, concerns sound alone as well."""
FULL_S = 2.0
"""So long after the last sign of a queue, losses are its."""
DRAIN_S = 0.7
"""In which a queue is to empty, at the cost of up to half of the pictures' rate."""
NARROW_BPS = 300_000
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
        self._pictures = Pictures(now, patience=audio_ssrc % 64 / 128)
        self._wants_video = False
        self._heard_at = now
        self._has_heard = False
        self._sent_at = self._path_since = now
        self._full_at = now
        self._over_since: float | None = None
        self._losses = Losses()
        self._stray = Losses()  # those that no full queue explains
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
        silent_s = now - self._heard_at
        outcome = self._history.match(feedback, now)
        if outcome.acked and self._has_heard and silent_s >= PAUSE_S:
            self._history.begin_again()
            outcome = outcome._replace(fates=[])
            if silent_s >= GONE_S:
                self.path_changed(now)
        if outcome.round_trip_s is not None:
            smoothed = self._round_trip or outcome.round_trip_s
            self._round_trip = smoothed + (outcome.round_trip_s - smoothed) / 8
        if outcome.acked:
            self._learn(outcome.acked, now)
        self._count(outcome.fates, now)
        self._share_out(now)
        return [(ssrc, number) for ssrc, number, lost in outcome.fates if lost]

    def path_changed(self, now: float) -> None:
        """Trust nothing that was learnt of the path: it is another one."""
        self._delay = Delay()
        self._path_since = now
        self._rate.begin_again(now)

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
        return self._losses.share

    def _learn(self, acked: list[Acked], now: float) -> None:
        """Take what came, and when."""
        self._has_heard = True
        self._heard_at = now
        self._sent_at = acked[-1].sent_at
        here = [each for each in acked if each.sent_at >= self._path_since]
        usage = self._delay.take(here, self._rate.bps) if here else Usage.NORMAL
        self._rate.report(
            self._blame(usage, now),
            came_bps=self._came_bps(),
            lost_share=self._history.lost_share,
            sent_at=self._sent_at,
            now=now,
        )

    def _blame(self, usage: Usage, now: float) -> Usage:
        """Say what the rate is to make of it.

        Sound alone hardly fills a path: a queue that passes was made by somebody
        else, who has given way.
        """
        if usage is not Usage.OVER:
            self._over_since = None
            return usage
        self._full_at = now
        if self._over_since is None:
            self._over_since = now
        passes = now - self._over_since < LASTING_S and self._delay.queue_s < DEEP_S
        return Usage.UNDER if passes and not self._pictures.bps else usage

    def _count(self, fates: list[tuple[int, int, bool]], now: float) -> None:
        """Count the losses of sound."""
        full = now - self._full_at < FULL_S
        for ssrc, _, lost in fates:
            if ssrc == self._audio_ssrc:
                self._losses.note(lost=lost)
                if not full:  # which no copies cure
                    self._stray.note(lost=lost)

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
        silent_s = now - self._heard_at
        if not self._pictures.is_trial(now):
            self._choice.update(
                lost=self._stray.share or 0.0,
                run=self._stray.run,
                room_kbps=self._audio_room_kbps(silent_s, now),
                overuse=now - self._full_at < FULL_S,
                now=now,
            )
        if silent_s >= PAUSE_S or not self._has_heard:
            self._pictures.pause(now)
        elif self._wants_video:
            self._show(silent_s, now)

    def _show(self, silent_s: float, now: float) -> None:
        """Give pictures what sound leaves."""
        came_bps = self._came_bps()
        if (
            came_bps is not None
            and self.audio.value.kbps >= START.value.kbps  # sound has what it needs
            and self._pictures.may_begin(now - self._full_at, now)
        ):
            self._rate.allow_trial(came_bps)
            self._pictures.begin(now)
        taken_bps = OTHERS_BPS + self.audio.value.kbps * 1000
        room_bps = (1 - SLACK) * self._rate.bps - taken_bps
        if room_bps > 0:  # what waits in the path goes first
            waiting_bps = self._delay.unusual_s * self._rate.bps / DRAIN_S
            room_bps = max(room_bps / 2, room_bps - waiting_bps)
        self._pictures.update(
            room_bps / 2 if silent_s >= HALVE_S else room_bps,
            self._delay.usage,
            queue_s=self._delay.unusual_s,
            sent_at=self._sent_at,
            now=now,
        )

    def _audio_room_kbps(self, silent_s: float, now: float) -> float | None:
        room_bps = self._rate.bps
        if self._rate.ceiling_bps is not None:
            # The estimate lies lower so that the queue empties; sound need not.
            room_bps = max(room_bps, FILLED * self._rate.ceiling_bps)
        room_kbps = (room_bps - OTHERS_BPS) / 1000
        if silent_s >= BLIND_S:
            return min(room_kbps, START_KBPS)
        if self._pictures.has_failed(now):
            return max(room_kbps, START_KBPS)  # it had so much before them
        return room_kbps if self._has_heard else None
