"""Packets of pictures kept for a while, to be sent again when they are asked for.

A packet goes a second time on a stream of its own (RFC 4588): with the same number on
the same stream it would repeat the nonce of its encryption.
"""

from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

from voip.errors import MalformedError
from voip.media.rtp import HEADER_BYTES

MAX_KEPT = 512  # packets: a large whole picture and what follows it
KEEP_S = 1.0  # older ones could not be shown any more
MAX_REPEATS = 4  # of one packet
_SHARE = 0.25  # of the rate: asking must not be a way to fill our path
_NUMBER_BYTES = 2  # RFC 4588 §4: the original sequence number
_OUTSIDE_BYTES = 28 + 16  # IPv4, UDP and the tag of SRTP, in an allowance of datagrams
_MIN_BURST_BYTES = 2500  # two packets, or a low rate would never repeat one
_VERSION_2 = 0x80
_MARKER = 0x80


class Original(NamedTuple):
    """A packet as it was before it was sent again."""

    sequence: int
    payload: bytes


def wrap(packet: bytes, *, payload_type: int, sequence: int, ssrc: int) -> bytes:
    """Make of an RTP packet the one that repeats it (RFC 4588 §4).

    Timestamp and marker stay, the payload gets the original number in front.
    """
    return b"".join(
        (
            bytes((_VERSION_2, packet[1] & _MARKER | payload_type)),
            sequence.to_bytes(2),
            packet[4:8],
            ssrc.to_bytes(4),
            packet[2:4],
            packet[HEADER_BYTES:],
        )
    )


def unwrap(payload: bytes) -> Original:
    """Read the payload of a packet that repeats another.

    Raises:
        MalformedError: too short to hold a number and a payload.
    """
    if len(payload) <= _NUMBER_BYTES:
        raise MalformedError(
            f"repeat: expected over {_NUMBER_BYTES} bytes, came {len(payload)}"
        )
    return Original(int.from_bytes(payload[:2]), payload[2:])


class _Kept:
    """A packet, when it was sent first and last, and how often again."""

    __slots__ = ("packet", "repeated_at", "repeats", "sent_at")

    def __init__(self, packet: bytes, now: float) -> None:
        self.packet = packet
        self.sent_at = now
        self.repeated_at: float | None = None
        self.repeats = 0


class Store:
    """What one stream sent lately: at most 1 s and 512 packets of it."""

    def __init__(self, *, payload_type: int, ssrc: int, sequence: int) -> None:
        """Begin the stream of repeated packets with this `sequence` number."""
        self._payload_type = payload_type
        self._ssrc = ssrc
        self._sequence = sequence
        self._kept: dict[int, _Kept] = {}  # by sequence number, oldest first
        self._share = 0.0  # bytes a second
        self._allowance = float(_MIN_BURST_BYTES)
        self._allowed_at: float | None = None
        self._spent: deque[tuple[float, int]] = deque()  # in the last second

    def set_rate(self, bps: int) -> None:
        """Say what the pictures may take in bit/s; repeats get a quarter of it."""
        self._share = bps * _SHARE / 8

    def keep(self, packet: bytes, now: float) -> None:
        """Keep an RTP packet, header and payload in clear, that was sent at `now`."""
        kept = self._kept
        kept[int.from_bytes(packet[2:4])] = _Kept(packet, now)
        while True:
            oldest = next(iter(kept))
            if len(kept) <= MAX_KEPT and kept[oldest].sent_at >= now - KEEP_S:
                return
            del kept[oldest]

    def answer(
        self, lost: Iterable[int], round_trip_s: float, now: float
    ) -> list[bytes]:
        """Give the packets that repeat those with these sequence numbers.

        A packet is repeated at most four times and not twice within a round trip;
        what is unknown, too old or over the quarter of the rate is left out.
        """
        self._allow(now)
        repeats = []
        for sequence in lost:
            kept = self._kept.get(sequence)
            if kept is None or not _is_due(kept, round_trip_s, now):
                continue
            size = len(kept.packet) + _NUMBER_BYTES + _OUTSIDE_BYTES
            if size > self._allowance:
                break
            self._allowance -= size
            self._spent.append((now, size))
            kept.repeats += 1
            kept.repeated_at = now
            repeats.append(self._wrap(kept.packet))
        return repeats

    def spent_bps(self, now: float) -> int:
        """Say what repeats took in the last second: the encoder is to leave it out."""
        while self._spent and self._spent[0][0] <= now - 1.0:
            self._spent.popleft()
        return 8 * sum(size for _, size in self._spent)

    def _allow(self, now: float) -> None:
        elapsed = 0.0 if self._allowed_at is None else now - self._allowed_at
        self._allowed_at = now
        most = max(self._share, _MIN_BURST_BYTES)  # of 1 s
        self._allowance = min(most, self._allowance + elapsed * self._share)

    def _wrap(self, packet: bytes) -> bytes:
        sequence = self._sequence
        self._sequence = (sequence + 1) & 0xFFFF
        return wrap(
            packet,
            payload_type=self._payload_type,
            sequence=sequence,
            ssrc=self._ssrc,
        )


def _is_due(kept: _Kept, round_trip_s: float, now: float) -> bool:
    if kept.repeats >= MAX_REPEATS or now - kept.sent_at > KEEP_S:
        return False
    return kept.repeated_at is None or now - kept.repeated_at >= round_trip_s
