"""The jitter buffer: packets come when they like, sound leaves when the speaker asks.

The device that plays is the clock. A frame waits as long as `Arrivals` says; where the
wait is longer or shorter, sound is shortened or lengthened by a period of the voice. A
frame that is missing is taken from a copy in a later packet, else from what the next
one tells of it, else made up:

    the frame is here               decode it
    later ones are                  recover it, go on to the next
    none is                         make one up and stay: it may only be late
    ten were made up in a row       silence, until a packet comes

Rules. Not safe for threads by itself: whoever lets a device pull from another thread
holds a lock around `receive` and `pull`.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from voip.errors import MalformedError
from voip.media.audio.states import PACKETS_PER_S
from voip.media.audio.stretch import cross_fade, is_quiet, lengthen, shorten
from voip.media.audio.target import FRAME_S, MARGIN_S, Arrivals
from voip.media.sources import SAMPLE_RATE, SILENCE

MOST_HELD = 50
"""Frames, 1 s: what a peer that sends too fast can make us keep."""
LONG_S, SHORT_S = 0.01, 0.005
"""How far sound may wait longer or shorter than meant before it is stretched."""
PAUSE_S = 0.003
"""In a pause nobody hears it, so there the wait becomes what it should be."""
FAR_S = 0.16
"""So much over the target is not shortened but skipped: it would take seconds."""
AUDIBLE_MADE_UP, MOST_MADE_UP = 5, 10
"""Frames in a row: made-up sound that goes on for 100 ms is noise, and after 200 ms
the next word is better heard from its beginning than waited for."""

STALE_S = 0.4
"""When nothing came for so long, what is held is from another moment of the talk."""
WEAK_SHARE = 0.05
WEAK_S = 5
DRIFT = 0.001
"""Of a device's clock: quartz is off by 0.0001 at worst, sound servers by more."""

_SAMPLE_BYTES = 2
_BYTE_S = 1 / (SAMPLE_RATE * _SAMPLE_BYTES)
_SECOND_BYTES = SAMPLE_RATE * _SAMPLE_BYTES


class Decoder(Protocol):
    """What makes sound of frames; each call gives 20 ms, 1920 bytes of PCM."""

    def decode(self, frame: bytes) -> bytes:
        """Decode a frame.

        Raises:
            MalformedError: it is none.
        """

    def recover(self, following: bytes) -> bytes:
        """Make up the frame before `following`, by what that one tells of it.

        Raises:
            MalformedError: that is no frame.
        """

    def conceal(self) -> bytes:
        """Make up a frame from what was heard before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reception:
    """How sound came since this was asked for last.

    Attributes:
        lost: share of the last 50 packets that did not arrive, 0 to 1.
        run: mean length of their runs of losses, in packets; 0 without a loss.
        jitter_ms: the 95th percentile of the packets' delay over the fastest.
        hold_ms: how long the frame played last had waited.
        target_ms: how long frames are meant to wait.
        concealed: share of the sound played that was made up, 0 to 1.
        stretched: share of the frames that were shortened or lengthened, 0 to 1.
    """

    lost: float
    run: float
    jitter_ms: float
    hold_ms: float
    target_ms: float
    concealed: float
    stretched: float


class AudioReceiver:
    """Sound of one sender.

    Attributes:
        arrivals: what is known of how packets come.
        hold: seconds by which the frame decoded last is heard after the earliest moment
            at which it could have come.
        decoded: frames that were there when they were needed.
        stretched: those of them that were shortened or lengthened.
        heard: bytes of sound that were pulled.
        made_up: those of them, after the first frame, that were made up, silence
            included.
    """

    def __init__(self, decoder: Decoder) -> None:
        """Begin with silence."""
        self.arrivals = Arrivals()
        self.hold = 0.0
        self.decoded = 0
        self.stretched = 0
        self.heard = 0
        self.made_up = 0
        self._decoder = decoder
        self._held: dict[int, bytes] = {}  # none of them before `_next`
        self._next = 0
        self._waiting = True  # for a packet, with silence meanwhile
        self._row = 0  # frames made up in a row
        self._stayed = 0  # those of them for which `_next` stayed
        self._before: bytes | None = None  # what the next frame is faded in over
        self._ready = bytearray()
        self._heard_at = 0.0  # when the first byte of `_ready` is heard
        self._second_heard = 0  # bytes of the second that runs
        self._second_made_up = 0
        self._seconds: deque[int] = deque(maxlen=WEAK_S - 1)  # made up in those before
        self._told = (0, 0, 0, 0)  # what `reception` counted to

    def receive(
        self, sequence: int, frames: Sequence[tuple[int, bytes]], now: float
    ) -> None:
        """Take a packet that was verified and taken apart.

        Args:
            sequence: of its RTP header, 0 to 65535.
            frames: (distance, frame): how many frames before its own the packet's
                frame lies, 0 for its own, at most 8. An empty frame is silence that
                was meant (a touch tone is in its place).
            now: monotonic time in seconds, of the same clock as in `pull`.
        """
        number = self.arrivals.take(sequence, [each for each, _ in frames], now)
        if number is None:
            return
        held = self._held
        for distance, frame in frames:
            place = number - distance
            if place >= self._next and place not in held:
                held[place] = frame
        if len(held) > MOST_HELD:
            self._go_to(max(held) - MOST_HELD + 1)

    def pull(self, samples: int, now: float) -> bytes:
        """Give the next `samples` samples of sound, always exactly so many."""
        ready, needed = self._ready, samples * _SAMPLE_BYTES
        # A device that calls late takes from its own buffer meanwhile, so what it is
        # given is heard in time. Only its clock may drift from ours.
        self._heard_at = max(now, self._heard_at - DRIFT * needed * _BYTE_S)
        self.arrivals.lead(self._heard_at + needed * _BYTE_S - now)
        while len(ready) < needed:
            at = self._heard_at + len(ready) * _BYTE_S
            if self._waiting and not self._begins(at):
                ready += self._silence(needed - len(ready))
            else:
                ready += self._fetch(at)
        out = bytes(ready[:needed])
        del ready[:needed]
        self._heard_at += needed * _BYTE_S
        return out

    def heard_at(self, after: float) -> float | None:
        """Say when sound is heard that was said so long after the newest packet's.

        In seconds; None before anything was heard.
        """
        return self.arrivals.earliest(after) + self.hold if self.decoded else None

    @property
    def is_weak(self) -> bool:
        """Whether more than 5 % of the last 5 s were made up."""
        made_up = sum(self._seconds) + self._second_made_up
        return made_up > WEAK_SHARE * WEAK_S * _SECOND_BYTES

    def reception(self) -> Reception:
        """Say how it went since the last time, meant to be asked once a second."""
        counts = self.heard, self.made_up, self.decoded, self.stretched
        heard, made_up, decoded, stretched = (
            now - before for now, before in zip(counts, self._told, strict=True)
        )
        self._told = counts
        lost, runs = self.arrivals.losses(PACKETS_PER_S)
        return Reception(
            lost=lost / PACKETS_PER_S,
            run=lost / max(runs, 1),
            jitter_ms=self.arrivals.jitter * 1000,
            hold_ms=self.hold * 1000,
            target_ms=self.arrivals.target * 1000,
            concealed=made_up / max(heard, 1),
            stretched=stretched / max(decoded, 1),
        )

    def _begins(self, at: float) -> bool:
        """Begin to play, if there is something and its time has come."""
        if not self._held or self._due(at) < min(self._held):
            return False
        self._skip(at)
        if not self._held:  # all of it was stale
            return False
        self._waiting = False
        self._row = self._stayed = 0
        self._before = SILENCE
        return True

    def _catch_up(self) -> None:
        """Let go of what was waited for and was lost; what is only late is played."""
        there = max if self.arrivals.late <= self.arrivals.target else min
        self._go_to(min(self._next + self._stayed, there(self._held)))
        self._stayed = 0

    def _due(self, at: float) -> int:
        """Give the frame that is to be heard at a time."""
        arrivals = self.arrivals
        return int((at - arrivals.base - arrivals.target) / FRAME_S)

    def _skip(self, at: float) -> None:
        """Go to the frame that is due, or as near as there is one."""
        due = self._due(at)
        if at < self.arrivals.last + STALE_S:
            due = min(due, max(self._held))
        self._go_to(due)

    def _go_to(self, place: int) -> None:
        """Let go of what is before a frame; never goes back."""
        self._next = max(self._next, place)
        self._held = {
            place: frame for place, frame in self._held.items() if place >= self._next
        }

    def _fetch(self, at: float) -> bytes:
        """Give the next piece of sound, to be heard at a time."""
        arrivals = self.arrivals
        if self._held:
            if self._stayed:
                self._catch_up()
            hold = at - arrivals.base - FRAME_S * self._next
            if hold > arrivals.target + FAR_S:
                self._before = self._decoder.conceal()
                self._skip(at)
        frame = self._held.pop(self._next, None)
        if frame is None:
            return self._miss()
        self.hold = at - arrivals.base - FRAME_S * self._next
        self._next += 1
        try:
            sound = self._decoder.decode(frame) if frame else SILENCE
        except MalformedError:
            return self._make_up(None)
        self._row = 0
        self.decoded += 1
        if self._before is not None:
            sound, self._before = cross_fade(self._before, sound), None
        else:
            sound = self._stretch(sound)
        return self._count(sound)

    def _miss(self) -> bytes:
        """Give 20 ms in place of a frame that is not here."""
        if not self._held:
            self._stayed += 1
            return self._make_up(None)
        self._next += 1
        return self._make_up(self._held.get(self._next))

    def _make_up(self, following: bytes | None) -> bytes:
        self._row += 1
        self._waiting = self._row >= MOST_MADE_UP
        sound = SILENCE
        if self._row <= AUDIBLE_MADE_UP:
            sound = self._recover(following) if following else self._decoder.conceal()
        self._before = None
        if self._row >= AUDIBLE_MADE_UP:
            sound = cross_fade(sound, SILENCE)
            self._before = SILENCE
        self.made_up += len(sound)
        self._second_made_up += len(sound)
        return self._count(sound)

    def _recover(self, following: bytes) -> bytes:
        try:
            return self._decoder.recover(following)
        except MalformedError:
            return self._decoder.conceal()

    def _silence(self, size: int) -> bytes:
        """Give silence while there is nothing to play."""
        if self.decoded:
            self.made_up += size
            self._second_made_up += size
        return self._count(bytes(size))

    def _count(self, sound: bytes) -> bytes:
        self.heard += len(sound)
        self._second_heard += len(sound)
        if self._second_heard >= _SECOND_BYTES:
            self._seconds.append(self._second_made_up)
            self._second_heard = self._second_made_up = 0
        return sound

    def _stretch(self, sound: bytes) -> bytes:
        """Bring what follows nearer to its target."""
        arrivals, changed = self.arrivals, None
        # What comes late just now may go on to: it is not the time to wait less.
        over = self.hold - max(arrivals.target, arrivals.late + MARGIN_S)
        under = arrivals.target - self.hold
        if over > LONG_S or (over > PAUSE_S and is_quiet(sound)):
            changed = shorten(sound, round(over * SAMPLE_RATE))
        elif under > SHORT_S:
            changed = lengthen(sound, round(under * SAMPLE_RATE))
        if changed is None:
            return sound
        self.stretched += 1
        return changed
