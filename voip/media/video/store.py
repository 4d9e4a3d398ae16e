"""Packets of pictures kept for a while, to be sent again when they are asked for.

A packet goes a second time on a stream of its own (RFC 4588): with the same number on
the same stream it would repeat the nonce of its encryption.
"""

from collections.abc import Iterable
from typing import NamedTuple


class Original(NamedTuple):
    """A packet as it was before it was sent again."""

    sequence: int
    payload: bytes


def wrap(packet: bytes, *, payload_type: int, sequence: int, ssrc: int) -> bytes:
    """Make of an RTP packet the one that repeats it (RFC 4588 §4)."""
    raise NotImplementedError


def unwrap(payload: bytes) -> Original:
    """Read the payload of a packet that repeats another.

    Raises:
        MalformedError: too short to hold a number and a payload.
    """
    raise NotImplementedError


class Store:
    """What one stream sent lately: at most 1 s and 512 packets of it."""

    def __init__(self, *, payload_type: int, ssrc: int, sequence: int) -> None:
        """Begin the stream of repeated packets with this `sequence` number."""
        raise NotImplementedError

    def set_rate(self, bps: int) -> None:
        """Say what the pictures may take in bit/s; repeats get a quarter of it."""
        raise NotImplementedError

    def keep(self, packet: bytes, now: float) -> None:
        """Keep an RTP packet, header and payload in clear, that was sent at `now`."""
        raise NotImplementedError

    def answer(
        self, lost: Iterable[int], round_trip_s: float, now: float
    ) -> list[bytes]:
        """Give the packets that repeat those with these sequence numbers.

        A packet is repeated at most four times and not twice within a round trip;
        what is unknown, too old or over the quarter of the rate is left out.
        """
        raise NotImplementedError
