"""Pictures that come: packets into frames, decoder thread, sink.

Carrier. Packets are taken on the event loop in the call that received them; frames are
decoded strictly in order by one thread; the sink is called on the event loop.
"""

from collections.abc import Callable

from voip.description import Stream
from voip.media.quality.figures import VideoFigures
from voip.media.sources import VideoSink
from voip.media.video.sending import FrameHook


class VideoReceiver:
    """One stream of the peer; made and used on the event loop."""

    def __init__(
        self,
        stream: Stream,
        sink: VideoSink,
        *,
        nack: Callable[[list[int]], None],
        pli: Callable[[], None],
        slow: Callable[[], None],
        steady: bool = False,
    ) -> None:
        """Take the stream as described, where it is shown and how to ask for repair.

        `nack` is handed sequence numbers to be sent again, `pli` asks for a key frame,
        `slow` is called when this machine decodes too slowly and no longer shows.
        """
        raise NotImplementedError

    on_frame: FrameHook | None
    """Is handed each whole frame before it is decoded; for a recording."""

    def receive(self, packet: bytes, now: float) -> None:
        """Take one plain RTP packet of the stream or of its retransmissions.

        Raises:
            MalformedError: a payload that is none of the codec; nothing changed.
        """
        raise NotImplementedError

    def tick(self, now: float) -> None:
        """Ask again for what is missing, and show what is due; every 10 ms or so."""
        raise NotImplementedError

    def set_round_trip(self, seconds: float) -> None:
        """Tell the smoothed round trip: it is how long repair takes."""
        raise NotImplementedError

    def set_sound_offset(self, seconds: float | None) -> None:
        """Show so much later than pictures alone would be, to fit the sound."""
        raise NotImplementedError

    def figures(self, now: float) -> VideoFigures | None:
        """Give what was shown since the last call; None before the first picture."""
        raise NotImplementedError

    def stop(self) -> None:
        """End the thread; the sink stays open."""
        raise NotImplementedError
