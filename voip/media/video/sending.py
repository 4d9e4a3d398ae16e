"""Pictures on their way out: source, encoder thread, packets, pacer.

Carrier. The event loop asks the source for pictures and sends packets; one thread of
this stream scales and encodes, and has a mailbox of one picture: while it is busy, the
newest picture replaces the one that waits, so that what is sent is never old.
"""

from collections.abc import Callable, Iterable

from voip.description import Stream
from voip.media.quality.figures import VideoFigures
from voip.media.sources import VideoSource

FrameHook = Callable[[bytes, int, bool], None]
"""Takes a whole coded frame, its RTP timestamp (90 kHz) and whether it is a key frame;
called on the event loop."""


class VideoSender:
    """One outgoing stream of pictures; made and used on the event loop."""

    def __init__(
        self,
        source: VideoSource,
        stream: Stream,
        send: Callable[[bytes], None],
        *,
        entropy: Callable[[int], bytes],
        steady: bool = False,
    ) -> None:
        """Take where pictures come from and what takes plain RTP packets.

        `entropy` gives the start values of sequence numbers, timestamps and picture
        ids. Nothing runs and the camera is untouched before `run` and `set_on`.
        """
        raise NotImplementedError

    on_frame: FrameHook | None
    """Is handed each coded frame as it is sent; for a recording."""

    async def run(self) -> None:
        """Send until cancelled or stopped; whoever called owns the task."""
        raise NotImplementedError

    def set_on(self, on: bool) -> None:  # noqa: FBT001 -- one switch, one value
        """Send pictures, or nothing at all; off leaves the camera alone."""
        raise NotImplementedError

    def set_rate(self, bps: int) -> None:
        """Send at most so many bits a second, retransmissions included; 0 pauses."""
        raise NotImplementedError

    def set_round_trip(self, seconds: float) -> None:
        """Tell the smoothed round trip: nothing is sent again twice within one."""
        raise NotImplementedError

    def nack(self, sequences: Iterable[int], now: float) -> None:
        """Send packets again that the other side misses, within the limits."""
        raise NotImplementedError

    def lost(self, sequences: Iterable[int], now: float) -> None:
        """Hear from a report which packets did not arrive; a steady stream repairs."""
        raise NotImplementedError

    def pli(self, now: float) -> None:
        """Make the next picture a key frame, within the limits."""
        raise NotImplementedError

    def figures(self, now: float) -> VideoFigures | None:
        """Give what was sent since the last call; None while off."""
        raise NotImplementedError

    def stop(self) -> None:
        """End the thread and free the encoder; the source stays open."""
        raise NotImplementedError
