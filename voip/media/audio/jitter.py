"""The jitter buffer: packets come when they like, sound leaves when the speaker asks.

Not safe for threads by itself: whoever lets a device pull from another thread holds a
lock around `receive` and `pull`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol


class Decoder(Protocol):
    """What makes sound of frames; each call gives 20 ms, 1920 bytes of PCM."""

    def decode(self, frame: bytes) -> bytes:
        """Decode a frame.

        Raises:
            MalformedError: it is none.
        """

    def recover(self, following: bytes) -> bytes:
        """Make up the frame before `following`, by what that one tells of it."""

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
        hold: seconds by which the frame fetched last is heard after the earliest
            moment at which it could have come.
        target: seconds that `hold` is meant to be.
        concealed: frames made up since the start.
        stretched: frames shortened or lengthened since the start.
        played: frames of any kind since the first packet.
    """

    def __init__(self, decoder: Decoder) -> None:
        """Begin with silence."""
        raise NotImplementedError

    def receive(
        self, sequence: int, frames: Iterable[tuple[int, bytes]], now: float
    ) -> None:
        """Take a packet that was verified and taken apart.

        Args:
            sequence: of its RTP header, 0 to 65535.
            frames: (distance, frame): how many frames before its own the packet's
                frame lies, 0 for its own, at most 8. An empty frame is silence that
                was meant (a touch tone is in its place).
            now: monotonic time in seconds, of the same clock as in `pull`.
        """
        raise NotImplementedError

    def pull(self, samples: int, now: float) -> bytes:
        """Give the next `samples` samples of sound, always exactly so many."""
        raise NotImplementedError

    @property
    def is_weak(self) -> bool:
        """Whether more than 5 % of the last 5 s were made up."""
        raise NotImplementedError

    def reception(self) -> Reception:
        """Say how it went since the last time, meant to be asked once a second."""
        raise NotImplementedError
