"""Steady pictures: packets of one size in fixed slots, whatever the pictures do.

The sizes and times of ordinary packets tell how much moves in a picture. Here 1, 2, 4
or 8 packets leave every 40 ms, all with 1140 bytes of payload::

    flags 1 | inner sequence 2 | media timestamp 4 | length 2 | data | zeros

Data is a payload of VP8 or AV1. A lost one is put into a later slot, with its inner
sequence number and a new outer one; the sender learns of the loss from reports. The
receiver hands what `parse_cell` gives to an `Assembly` without requests.
"""

from typing import NamedTuple

SLOT_S = 0.04
CELL_DATA_BYTES = 1131


class Cell(NamedTuple):
    """The payload of one packet, opened; None of it when it is only filler."""

    sequence: int
    timestamp: int
    last: bool
    key: bool
    data: bytes


class Packet(NamedTuple):
    """What the RTP header of a slot's packet is to say, and its payload.

    The marker is never set.
    """

    sequence: int
    timestamp: int
    payload: bytes


def parse_cell(payload: bytes) -> Cell | None:
    """Open the payload of a steady packet; None for filler.

    Raises:
        MalformedError: another size, unknown flags, a length that does not fit, or
            anything but zeros after the data.
    """
    raise NotImplementedError


class SteadySender:
    """What leaves in each slot.

    Attributes:
        per_slot: how many packets leave in a slot; 0: the path cannot carry even one.
    """

    def __init__(
        self, *, sequence: int, timestamp: int, inner_sequence: int, now: float
    ) -> None:
        """Begin with one packet a slot; the three numbers are random."""
        raise NotImplementedError

    def set_rate(self, bps: int, now: float) -> None:
        """Say what the path has for pictures, in bit/s of IPv4 datagrams."""
        raise NotImplementedError

    @property
    def encoder_bps(self) -> int:
        """What the encoder is to aim at: 0.8 of what the slots carry."""
        raise NotImplementedError

    @property
    def ready(self) -> bool:
        """Whether the next picture may be taken; not while the last one is leaving."""
        raise NotImplementedError

    def put(self, payloads: list[bytes], timestamp: int, *, key: bool) -> None:
        """Queue the payloads of one frame, each at most `CELL_DATA_BYTES` long."""
        raise NotImplementedError

    def lost(self, sequence: int, now: float) -> None:
        """Note that the packet with this outer number did not arrive."""
        raise NotImplementedError

    def slot(self, now: float) -> list[Packet]:
        """Give the packets of the next slot; called every `SLOT_S`."""
        raise NotImplementedError
