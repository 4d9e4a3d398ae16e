"""When each frame is shown: late enough that the next ones are there in time.

Frames take unlike times to arrive, whole pictures and repaired ones the longest. Each
is shown at its own time on the sender's clock plus a delay that 95 of 100 lately kept
to, 200 ms at most; so what moves evenly there moves evenly here. Pictures follow the
sound by at most 80 ms, and sound never waits for them.

All times are seconds of one monotonic clock.
"""

from collections import deque

from voip.media.video.limits import CLOCK_RATE

WINDOW_S = 2.0  # a single slow frame is forgotten after it
MAX_FRAMES = 240  # of the window; nobody sends more than 60 a second
MAX_DELAY_S = 0.2  # longer would be worse to talk over than a picture that halts
MAX_FOLLOW_S = 0.08  # farther behind would be worse to talk over
UNSEEN_S = 0.045
"""By which sound may come before its picture and nobody sees it (ITU-R BT.1359-1).
Pictures that hurry halt instead, where the network shakes, and that is seen."""
_FOLLOW_STEP_S = 0.005  # per frame, so that following is no jerk itself
_FREEZE_S = 0.2
_FREEZE_OVER_S = 0.15  # beyond the sender's own interval, which may be 200 ms


class ShowTimes:
    """When the frames of one stream are shown, and how often that halted.

    Attributes:
        audio_offset_s: how much later sound is played than a picture of the same
            moment would be shown by `unmoved`; negative: earlier.
        waits_s: how long a picture that came as quickly as any lately waits, since
            others take longer; the sound is not looked at.
        freezes: gaps between two frames shown, over 200 ms and clearly more than
            the sender leaves between his.
        frozen_s: how long they lasted together, those that ended.
    """

    def __init__(self) -> None:
        """Begin without a frame."""
        self.audio_offset_s = self.waits_s = 0.0
        self.freezes = 0
        self.frozen_s = 0.0
        self._lateness: deque[tuple[float, float]] = deque(maxlen=MAX_FRAMES)
        self._media = 0  # of the newest frame, in ticks, extended over 32 bits
        self._delay_s = 0.0  # from a moment of the sender's clock to the showing
        self._moved_s = 0.0
        self._shown_at: float | None = None
        self._interval_s = 0.0

    def show_at(self, timestamp: int, now: float, *, after_gap: bool) -> float:
        """Say when the frame that became whole `now` is shown; never before now.

        `timestamp` is RTP's, 32 bits. `after_gap`: frames before it were dropped.
        """
        step = _signed(timestamp - self._media)
        first = not self._lateness
        self._media += step
        media_s = self._media / CLOCK_RATE
        self._learn(now - media_s, now)
        self._follow()
        at = max(now, media_s + self._delay_s + self._moved_s, self._shown_at or now)
        if not first and not after_gap and step > 0:
            interval = min(step / CLOCK_RATE, 1.0)
            self._interval_s += (interval - self._interval_s) / 8
        self._count_freeze(at)
        self._shown_at = at
        return at

    def unmoved(self, timestamp: int) -> float | None:
        """Say when a picture is shown if sound is not looked at; None at first."""
        if not self._lateness:
            return None
        media = self._media + _signed(timestamp - self._media)
        return media / CLOCK_RATE + self._delay_s

    def pause(self) -> None:
        """Note that the sender shows nothing on purpose: the gap is no freeze."""
        self._shown_at = None

    def _learn(self, lateness: float, now: float) -> None:
        window = self._lateness
        window.append((now, lateness))
        while window[0][0] < now - WINDOW_S:
            window.popleft()
        ordered = sorted(late for _, late in window)
        usual = ordered[(len(ordered) * 95 - 1) // 100]
        self.waits_s = min(usual - ordered[0], MAX_DELAY_S)
        self._delay_s = ordered[0] + self.waits_s

    def _follow(self) -> None:
        behind = self.audio_offset_s
        if behind < 0:
            behind = min(behind + UNSEEN_S, 0.0)
        wanted = max(-MAX_FOLLOW_S, min(MAX_FOLLOW_S, behind))
        step = wanted - self._moved_s
        self._moved_s += max(-_FOLLOW_STEP_S, min(_FOLLOW_STEP_S, step))

    def _count_freeze(self, at: float) -> None:
        if self._shown_at is None:
            return
        gap = at - self._shown_at
        if gap > max(_FREEZE_S, self._interval_s + _FREEZE_OVER_S):
            self.freezes += 1
            self.frozen_s += gap


def _signed(difference: int) -> int:
    """Read a difference of RTP timestamps as the shorter way round 32 bits."""
    return (difference + 0x80000000) % 0x100000000 - 0x80000000
