"""The states of an audio stream: how Opus is set, and which copies travel along.

Within one state every packet has one size, whatever is said. Which state holds follows
only from what the network did to earlier packets, so that a change tells an observer
nothing that it did not do itself. Sizes are exact: docs/formats/media.md.
"""

from dataclasses import dataclass
from enum import Enum

RED_LAST_BYTES = 1
"""RFC 2198 §3: the header of the primary block, without offset and length."""
RED_BLOCK_BYTES = 4
"""RFC 2198 §3: the header of each other block."""
SRTP_OVERHEAD_BYTES = 16  # RFC 7714 §5.1: the tag
RTP_BYTES = 12  # RFC 3550 §5.1, without CSRC
UDP_IP_BYTES = 28  # RFC 768 and RFC 791 without options; IPv6 takes 20 more
PACKETS_PER_S = 50


@dataclass(frozen=True, slots=True)
class Setting:
    """What one state is.

    Attributes:
        bit_rate: of Opus, constant, in bit/s.
        full_band: up to 20 kHz; else up to 8 kHz, which is clearer at a low rate.
        fec: in-band FEC, only where no copy repairs better.
        distances: how many frames back each copy is, nearest first.
    """

    bit_rate: int
    full_band: bool
    fec: bool
    distances: tuple[int, ...]

    @property
    def frame_bytes(self) -> int:
        """Bytes of one Opus frame of 20 ms."""
        return self.bit_rate // (8 * PACKETS_PER_S)

    @property
    def payload_bytes(self) -> int:
        """Bytes of the RED payload, the same for every packet of the state."""
        block = RED_BLOCK_BYTES + self.frame_bytes
        return RED_LAST_BYTES + self.frame_bytes + len(self.distances) * block

    @property
    def datagram_bytes(self) -> int:
        """Bytes of the IPv4 datagram."""
        return UDP_IP_BYTES + RTP_BYTES + self.payload_bytes + SRTP_OVERHEAD_BYTES

    @property
    def kbps(self) -> float:
        """Kbit/s on the wire."""
        return self.datagram_bytes * 8 * PACKETS_PER_S / 1000


class AudioState(Enum):
    """Every state there is; `START` is the one that a call begins in."""

    N1 = Setting(32_000, full_band=True, fec=False, distances=(1,))
    N2 = Setting(24_000, full_band=False, fec=False, distances=(1, 2))
    N3 = Setting(24_000, full_band=False, fec=False, distances=(1, 2, 3))
    N4 = Setting(24_000, full_band=False, fec=False, distances=(2, 4))
    N5 = Setting(24_000, full_band=False, fec=False, distances=(1, 3, 5))
    S1 = Setting(24_000, full_band=False, fec=False, distances=(1,))
    S0 = Setting(32_000, full_band=False, fec=True, distances=())
    S2 = Setting(16_000, full_band=False, fec=False, distances=())


START = AudioState.S1
"""Small, because nothing is known of the path yet."""
PLAIN = Setting(40_000, full_band=True, fec=True, distances=())
"""For peers that speak no RED: its frame is the whole payload, 100 bytes."""
