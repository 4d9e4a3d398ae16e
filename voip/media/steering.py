"""How much may leave, and as what: joins the reports of the other side to the streams.

Pure: one object per call and direction of sending. It hears of each packet that left
and of each report that came, and says which audio state to send in and how many bits
a second pictures may take. Sound is served first; pictures shrink, then stop.
"""

from voip.media.audio.states import AudioState


class Steering:
    """The sender's side of one call."""

    def __init__(self, now: float) -> None:
        """Begin at `now`, in seconds of the clock that all other times are in."""
        raise NotImplementedError

    def sent(self, ssrc: int, sequence: int, size: int, now: float) -> None:
        """Take note of an RTP packet that left, `size` bytes of IPv4 datagram."""
        raise NotImplementedError

    def feedback(self, packet: bytes, now: float) -> None:
        """Take a CCFB packet (RFC 8888), decrypted.

        Raises:
            MalformedError: it is none, or speaks of what was never sent.
        """
        raise NotImplementedError

    def tick(self, now: float) -> None:
        """Let time pass without a report; called every 100 ms or oftener."""
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
    def round_trip_s(self) -> float | None:
        """Smoothed; None before the first report."""
        raise NotImplementedError
