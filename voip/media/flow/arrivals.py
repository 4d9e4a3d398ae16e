"""What came from the other side, and the reports about it, on a fixed beat.

Pure. A report's time and size follow from which streams there are, for pictures also
from a coarse step of their packet rate; nothing said or shown changes them.
"""

from enum import Enum


class Window(Enum):
    """Which sequence numbers a report of one stream holds."""

    SOUND = 24
    """The newest 24: with a report every 200 ms each number is in two to four."""
    PICTURES = 0
    """From 32 before the last report to the newest, rounded up to 64."""
    REPAIRS = 32
    """The newest 32."""
    STEADY = 64
    """The newest 64."""


class Arrived:
    """What came of one stream."""

    def __init__(self, ssrc: int, window: Window, clock_rate: int) -> None:
        """Take the stream's SSRC and the ticks of its RTP clock in a second."""
        raise NotImplementedError

    def note(self, sequence: int, timestamp: int, now: float) -> None:
        """Take note of a packet; called for each, so it does little."""
        raise NotImplementedError


class Reporter:
    """The RTCP that a side sends on its own: nothing else about it has a clock."""

    def __init__(self, sender: int, now: float, *, offset_s: float) -> None:
        """Report as SSRC `sender` from `now` on, with a random offset of the clock."""
        raise NotImplementedError

    def expect(self, ssrc: int, window: Window, clock_rate: int) -> Arrived:
        """Report on a stream from now on; its `note` is for each packet of it.

        A stream of pictures appears in reports once a packet of it came.
        """
        raise NotImplementedError

    def forget(self, ssrc: int) -> None:
        """Report no longer on a stream."""
        raise NotImplementedError

    def sent(self, octets: int, timestamp: int, now: float) -> None:
        """Take note of a packet of `sender` with so many octets of payload."""
        raise NotImplementedError

    def heard_sender(self, ssrc: int, clock: int, now: float) -> None:
        """Take note of a sender report, so that ours can name it."""
        raise NotImplementedError

    def want_picture(self, ssrc: int) -> None:
        """Ask for a key frame of a steady stream with the next feedback."""
        raise NotImplementedError

    def due(self, now: float, *, slow: bool = False) -> list[bytes]:
        """Give the RTCP packets that are to be sealed and sent now, mostly none.

        Call it every 20 ms. `slow` asks for feedback at the pace of a call without
        pictures, for a path that has no room for more.
        """
        raise NotImplementedError
