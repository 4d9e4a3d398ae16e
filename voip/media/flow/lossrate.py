"""How much may be sent to a side that tells of losses and of nothing else.

What a receiver report (RFC 3550 §6.4) says of losses, once a second or so: less than
2 % and the rate grows by 8 %, more than 10 % and it falls by half of the share that was
lost, between them it stays. That is the loss-based controller of
draft-ietf-rmcat-gcc-02 §6, which browsers have themselves.
"""

from typing import Final

START_BPS: Final = 500_000
LEAST_BPS: Final = 100_000
MOST_BPS: Final = 1_500_000
QUIET_S: Final = 5.0
"""Without a report the path may be gone: nothing is sent but sound."""

_FEW, _MANY = 0.02, 0.10
_GROWTH = 1.08


class LossRate:
    """The rate of all pictures of one side."""

    def __init__(self, now: float) -> None:
        """Begin at `now`, in seconds."""
        self._bps = float(START_BPS)
        self._heard_at = now

    def report(self, lost_share: float, now: float) -> None:
        """Take what a report says: the share of packets lost since the last, 0 to 1."""
        self._heard_at = now
        if lost_share < _FEW:
            self._bps = min(self._bps * _GROWTH, MOST_BPS)
        elif lost_share > _MANY:
            self._bps = max(self._bps * (1 - lost_share / 2), LEAST_BPS)

    def bps(self, now: float) -> int:
        """Say how many bits a second may leave now; 0: none."""
        return int(self._bps) if now - self._heard_at < QUIET_S else 0
