"""Keeps two clocks of a telephone's sound together: the stack's and ours.

Rules. Both beat every 20 ms and neither knows the other. What waits between them stays
below 40 ms: a frame goes when there is more, and silence is played when there is less.
"""

LATE_FRAMES = 2
"""How much may wait, in frames of 20 ms, before one is dropped. One frame is the jitter
of two beats; a third would be a delay that nobody gets back."""


def is_late(waiting: int, frame: int) -> bool:
    """Say whether a further frame would wait too long; both in bytes."""
    return waiting > LATE_FRAMES * frame


class Cut:
    """Cuts frames of 20 ms out of sound that comes in pieces.

    Attributes:
        dropped: frames that went because too many waited.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self.dropped = 0
        self._waiting = bytearray()

    def take(self, piece: bytes, frame: int) -> bytes:
        """Add what came and give one frame of so many bytes; nothing if it is short."""
        waiting = self._waiting
        waiting += piece
        while is_late(len(waiting) - frame, frame):
            del waiting[:frame]
            self.dropped += 1
        if len(waiting) < frame:
            return b""
        cut = bytes(waiting[:frame])
        del waiting[:frame]
        return cut

    def clear(self) -> None:
        """Forget what waits: it was said to somebody else, or in another form."""
        self._waiting.clear()
