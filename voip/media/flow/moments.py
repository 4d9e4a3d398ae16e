"""Which sound belongs to which picture: moments of one sender's clock.

Pure. Each stream counts time in a unit and from a beginning of its own; sender reports
(RFC 3550 §6.4) tell what the count was at a moment of the one clock that the sender
has for all of them.
"""

from typing import NamedTuple


class Moment(NamedTuple):
    """What a stream's count was at a time of its sender's clock.

    Attributes:
        clock: in 2**-32 s modulo 2**64, of no known origin.
        timestamp: RTP's, 32 bits, in ticks of the stream.
    """

    clock: int
    timestamp: int

    def at(self, clock: int, ticks_per_s: int) -> int:
        """Give the stream's timestamp at another time of the same clock."""
        ahead = (clock - self.clock + (1 << 63)) % (1 << 64) - (1 << 63)
        return (self.timestamp + (ahead * ticks_per_s >> 32)) % (1 << 32)
