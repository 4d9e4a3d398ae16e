"""What each hears of all others, and whose picture it sees.

Pure; sound is what `voip.media.sources` says: 20 ms of s16le at 48 kHz, mono. Times
are seconds of any steady clock.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from voip.media.sources import SILENCE

MAX_WAITING = 5
"""Frames (100 ms) that wait from one to another: more is a delay nobody wants, and
memory that whoever writes too fast would fill."""
SPARE = 2
"""Frames that may lie there unused for a second: enough for the jitter of two beats."""
WINDOW = 50  # reads in a second
HOLD_S = 2.0
"""How long a picture stays before another one may take its place: a cough is no turn
to speak."""
QUIET = 400
"""Peak of a frame below which nobody speaks, of 32767: a quiet room at a microphone."""
FADE = 0.95  # of a level that is left 20 ms later: a breath between words is no pause


class Waiting:
    """Sound of one on its way to one other, at most 100 ms.

    Two beats of 20 ms that do not know each other write and read it. Where one is
    faster for good, by the drift of a clock or after a stall, a frame goes once in a
    second in which too many lay there all the time.

    Attributes:
        dropped: frames that came and were not read.
    """

    def __init__(self) -> None:
        self.dropped = 0
        self._frames: deque[bytes] = deque(maxlen=MAX_WAITING)
        self._least = MAX_WAITING
        self._reads = 0

    def put(self, frame: bytes) -> None:
        """Take a frame; the oldest goes if there are too many."""
        # A deque with a bound is safe from any thread; the count may then be one short.
        self.dropped += len(self._frames) == MAX_WAITING
        self._frames.append(frame)

    def take(self) -> bytes | None:
        """Give the oldest frame; None if there is none."""
        try:
            frame = self._frames.popleft()
        except IndexError:
            self._least = 0
            frame = None
        self._least = min(self._least, len(self._frames))
        self._reads += 1
        if self._reads == WINDOW:
            self._settle()
        return frame

    def clear(self) -> None:
        """Forget what waits: nobody was to hear it."""
        self._frames.clear()

    def _settle(self) -> None:
        if self._least >= SPARE:
            self._frames.popleft()
            self.dropped += 1
        self._least, self._reads = MAX_WAITING, 0


def mix(frames: Sequence[bytes]) -> bytes:
    """Add frames up, each of the same size; what is too loud is cut off."""
    if not frames:
        return SILENCE
    if len(frames) == 1:
        return frames[0]
    added = np.frombuffer(frames[0], dtype="<i2").astype(np.int32)
    for frame in frames[1:]:
        added += np.frombuffer(frame, dtype="<i2")
    return np.clip(added, -32768, 32767).astype("<i2").tobytes()


def peak(frame: bytes) -> int:
    """Give the highest sample of a frame, 0 to 32768."""
    samples = np.frombuffer(frame, dtype="<i2")
    return max(int(samples.max()), -int(samples.min()))


def faded(level: float, frame: bytes) -> float:
    """Give a level 20 ms later, in which this was said."""
    return max(level * FADE, float(peak(frame)))


class View:
    """Whose picture one of them sees."""

    def __init__(self) -> None:
        self.shown: str | None = None
        self._since = 0.0

    def choose(
        self, names: Iterable[str], levels: Mapping[str, float], now: float
    ) -> str | None:
        """Choose out of those who show pictures: the loudest lately, or the only one.

        Whoever is seen stays for as long as nobody else speaks, and once they spoke
        for `HOLD_S` at least.
        """
        candidates = tuple(names)
        if self.shown in candidates:
            if now - self._since < HOLD_S:
                return self.shown
        elif not candidates:
            self.shown = None
            return None
        loudest = max(candidates, key=lambda name: levels.get(name, 0.0))
        if self.shown not in candidates or self._takes_over(loudest, levels):
            speaks = levels.get(loudest, 0.0) >= QUIET
            self.shown, self._since = loudest, now if speaks else now - HOLD_S
        return self.shown

    def _takes_over(self, name: str, levels: Mapping[str, float]) -> bool:
        if name == self.shown or levels.get(name, 0.0) < QUIET:
            return False
        return levels[name] > levels.get(self.shown or "", 0.0)
