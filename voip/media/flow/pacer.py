"""Pictures leave in small portions, so that a key frame does not delay sound.

Pure. Sound and RTCP do not pass here.
"""

from collections.abc import Sequence

TICK_S = 0.005


class Pacer:
    """A queue of RTP packets of pictures that empties at a given rate."""

    def __init__(self, now: float) -> None:
        """Begin, empty, at a rate of 0: nothing leaves before `set_rate`."""
        raise NotImplementedError

    def set_rate(self, bps: int) -> None:
        """Take what `Steering.video_bps` says, in bit/s; 0 drops what is queued."""
        raise NotImplementedError

    def put(self, packets: Sequence[bytes], now: float, *, key: bool = False) -> None:
        """Queue the packets of a picture; `key`: it may leave faster."""
        raise NotImplementedError

    def put_first(self, packet: bytes, now: float) -> None:
        """Queue a retransmission, which is wanted before anything new."""
        raise NotImplementedError

    def due(self, now: float) -> list[bytes]:
        """Give what is to be sent now; call it every `TICK_S`."""
        raise NotImplementedError

    @property
    def backlog_s(self) -> float:
        """How long the queue takes to leave at the present rate."""
        raise NotImplementedError

    @property
    def is_behind(self) -> bool:
        """Whether the next capture is to be skipped: over 200 ms wait here."""
        raise NotImplementedError

    def overflowed(self) -> bool:
        """Say once that over 500 ms waited here and were dropped.

        The encoder then owes a key frame, of half the size.
        """
        raise NotImplementedError
