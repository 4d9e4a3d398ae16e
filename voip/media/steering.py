"""How much may leave, and as what: joins the reports of the other side to the streams.

Pure: one object per call and direction of sending. It hears of each packet that left
and of each report that came, and says which audio state to send in and how many bits
a second pictures may take. Sound is served first; pictures shrink, then stop.
"""

from voip.media.audio.states import AudioState
from voip.media.flow.report import Feedback


class Steering:
    """The sender's side of one call."""

    def __init__(self, audio_ssrc: int, now: float) -> None:
        """Begin at `now`, in seconds of the clock that all other times are in."""
        raise NotImplementedError

    def sent(self, ssrc: int, sequence: int, size: int, now: float) -> None:
        """Take note of an RTP packet that left, `size` bytes of IPv4 datagram."""
        raise NotImplementedError

    def feedback(self, feedback: Feedback, now: float) -> None:
        """Take a CCFB packet (RFC 8888) that `flow.report.parse` gave.

        Raises:
            MalformedError: it speaks of what was never sent.
        """
        raise NotImplementedError

    def tick(self, now: float) -> None:
        """Let time pass without a report; called every 100 ms or oftener."""
        raise NotImplementedError

    def want_video(self, now: float, *, wanted: bool) -> None:
        """Take note that there is a picture to send, or none any more."""
        raise NotImplementedError

    @property
    def audio(self) -> AudioState:
        """The state that sound is to be sent in now."""
        raise NotImplementedError

    @property
    def video_bps(self) -> int:
        """What pictures may take, packets and retransmissions whole; 0: none now."""
        raise NotImplementedError

    @property
    def slow_reports(self) -> bool:
        """Whether the path has no room for reports every 100 ms (`Reporter.due`)."""
        raise NotImplementedError

    @property
    def available_bps(self) -> float:
        """What the path seems to carry, all datagrams whole."""
        raise NotImplementedError

    @property
    def round_trip_s(self) -> float | None:
        """Smoothed; None before the first report."""
        raise NotImplementedError

    @property
    def their_lost(self) -> float | None:
        """Share of our sound that did not arrive there; None before the first."""
        raise NotImplementedError
