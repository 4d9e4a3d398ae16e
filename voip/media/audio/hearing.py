"""One received audio stream: packets in, sound and digits out.

Rules, without a lock: whoever lets a device pull from another thread holds one around
`receive` and `pull`.
"""

from collections.abc import Callable

from voip.media.audio.jitter import AudioReceiver, Decoder


class Hearing:
    """The sound of the other side.

    Attributes:
        receiver: the jitter buffer, for its figures.
        malformed: packets that were refused.
        on_frame: gets every Opus frame that came, once, in order, and its time in
            samples since the first; None, unless somebody records.
    """

    def __init__(self, decoder: Decoder) -> None:
        """Begin with silence."""
        self.receiver = AudioReceiver(decoder)
        self.malformed = 0
        self.on_frame: Callable[[bytes, int], None] | None = None

    def receive(self, packet: bytes, now: float) -> None:
        """Take an RTP packet that verified; one that is malformed is counted.

        `now` is in seconds of one monotonic clock.
        """
        raise NotImplementedError

    def pull(self, samples: int, now: float) -> bytes:
        """Give the next `samples` samples, always exactly so many."""
        return self.receiver.pull(samples, now)

    def digits(self) -> str:
        """Give the touch tones that came since this was asked last; at most 32."""
        raise NotImplementedError
