"""What is recorded, on one clock: frames of both sides as they were on the wire.

Each stream counts its own time. The first frame of a stream ties it to the clock of the
recording; from then on its own count says when a frame was, so that late packets and a
busy machine leave no trace.
"""

from collections.abc import Callable
from contextlib import suppress

from voip.media.sources import SAMPLE_RATE, Recorder, Track

PICTURE_RATE = 90_000  # Hz, of picture timestamps
MAX_DRIFT_S = 5.0
"""Between a stream's own count and the clock: more than any delay. A count that is
farther off is tied anew, or its sender could draw a file out to any length."""
_WRAP = 1 << 32


class Tape:
    """One recording; `failed` hears, once, that it ended by itself."""

    def __init__(
        self,
        recorder: Recorder,
        *,
        clock: Callable[[], float],
        failed: Callable[[str], None],
    ) -> None:
        """Begin now."""
        self._recorder = recorder
        self._clock = clock
        self._began = clock()
        self._failed = failed
        self._is_over = False

    def sound(self, *, ours: bool) -> Callable[[bytes, int], None]:
        """Give what keeps the sound of a side."""
        track = _Counted(SAMPLE_RATE)

        def keep(frame: bytes, samples: int) -> None:
            at_s = track.at(samples, self._now())
            self._keep(lambda: self._recorder.sound(frame, at_s, ours=ours))

        return keep

    def pictures(self, track: Track) -> Callable[[bytes, int, bool], None]:
        """Give what keeps one stream of pictures."""
        counted = _Counted(PICTURE_RATE)

        def keep(frame: bytes, timestamp: int, key: bool) -> None:  # noqa: FBT001 -- a hook of the senders
            del key  # it says so itself
            at_s = counted.at(timestamp, self._now())
            self._keep(lambda: self._recorder.picture(frame, at_s, track=track))

        return keep

    def close(self) -> None:
        """Finish the file; once."""
        if not self._is_over:
            self._is_over = True
            try:
                self._recorder.close()
            except OSError as error:
                self._failed(str(error))

    def _now(self) -> float:
        return self._clock() - self._began

    def _keep(self, keep: Callable[[], None]) -> None:
        if self._is_over:
            return
        try:
            keep()
        except OSError as error:
            self._is_over = True
            with suppress(OSError):  # the same trouble again
                self._recorder.close()
            self._failed(str(error))


class _Counted:
    """A stream's own count of time, tied to seconds by its first frame."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._origin: float | None = None
        self._newest = 0.0
        self._last = 0
        self._ticks = 0

    def at(self, timestamp: int, now: float) -> float:
        step = (timestamp - self._last) % _WRAP
        self._ticks += step - _WRAP if step >= _WRAP // 2 else step
        self._last = timestamp
        own = self._ticks / self._rate
        if self._origin is None or abs(self._origin + own - now) > MAX_DRIFT_S:
            self._origin = now - own
        self._newest = max(self._newest, self._origin + own)  # a file has one direction
        return self._newest
