"""What RTCP says in a call, as bytes: reports, repairs asked for, pictures asked for.

Only what this protocol sends is written; of what comes, kinds that we do not know are
skipped and everything else parses or raises. Formats: RFC 3550 §6 (compound), RFC 8888
with erratum 7894 (congestion control feedback), RFC 4585 §6 (NACK, PLI), RFC 5506
(packets that come without a compound); docs/formats/media.md has the bytes.

A clock in a report is the monotonic one plus a random offset of the call, never the
time of day: that would tell how far off this machine's clock is.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from voip.errors import MalformedError

MAX_FEEDBACK_BYTES = 1200  # five streams, 192 packets of each that has pictures
MAX_PACKETS = 16  # in one datagram; ours have at most four
MAX_STREAMS = 8  # sound, camera and screen with retransmissions are five
MAX_NACK_ENTRIES = 64  # 1088 packets: more than anybody holds
TICKS_PER_S = 1024
"""RFC 8888 §3.1: unit of an arrival time offset."""
UNTIMED = 0x1FFE
"""RFC 8888 §3.1: this offset or a higher one tells that it came, but not when."""
MISSING = -1
"""Stands among the offsets for a packet that has not come."""

_SENDER, _RECEIVER, _SOURCE, _TRANSPORT, _PAYLOAD = 200, 201, 202, 205, 206
_NACK, _PLI, _CCFB, _IGNORED = 1, 1, 11, 30
_VERSION_2 = 0x80
_RECEIVED = 0x8000
_START = struct.Struct(">BBH")  # RFC 3550 §6.4.1: flags, type, words after these
_HEADER = struct.Struct(">BBHI")  # the same and the sender
_INFO = struct.Struct(">QIII")
_BLOCK = struct.Struct(">IIIIII")
_STREAM = struct.Struct(">IHH")
_PARTIES = struct.Struct(">II")
_PAIR = struct.Struct(">HH")
# RFC 3550 §6.5.1: item 1 of length 4, the end of the list, and padding to 32 bits.
_CNAME = b"\x01\x04call\0\0"


class Block(NamedTuple):
    """One report block (RFC 3550 §6.4.1), in the units of the format.

    Attributes:
        ssrc: of the stream that it speaks of.
        lost_share: of the packets since the last report, in 256ths.
        lost: since the stream began, may be negative because of duplicates.
        highest: extended sequence number.
        jitter: in ticks of the stream's RTP clock.
        last_report: middle 32 bits of the clock in the last sender report; 0: none.
        delay: since that came, in 65536ths of a second.
    """

    ssrc: int
    lost_share: int
    lost: int
    highest: int
    jitter: int
    last_report: int
    delay: int


@dataclass(frozen=True, slots=True)
class Compound:
    """A sender report, or with no packets sent a receiver report.

    Attributes:
        sender: SSRC.
        blocks: one for each stream that it receives.
        clock: in 2**-32 s (RFC 3550 §4), of no known origin; None in a receiver report.
        timestamp: of the sender's RTP clock at that moment.
        packets: sent since the beginning, modulo 2**32.
        octets: of payload, likewise.
    """

    sender: int
    blocks: tuple[Block, ...]
    clock: int | None = None
    timestamp: int = 0
    packets: int = 0
    octets: int = 0


class Arrivals(NamedTuple):
    """What came of one stream: `offsets[i]` is of sequence number `begin + i`.

    An offset says how long before the report it came, in `TICKS_PER_S`; see `UNTIMED`
    and `MISSING`. A tuple, since ten reports a second make some.
    """

    ssrc: int
    begin: int
    offsets: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Feedback:
    """Congestion control feedback (RFC 8888): what came, and when.

    Attributes:
        sender: SSRC.
        streams: what is reported.
        clock: when it was made, in 65536ths of a second modulo 2**32.
    """

    sender: int
    streams: tuple[Arrivals, ...]
    clock: int


@dataclass(frozen=True, slots=True)
class Nack:
    """Sequence numbers of `ssrc` that are to be sent again (RFC 4585 §6.2.1)."""

    sender: int
    ssrc: int
    sequences: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PictureLoss:
    """A key frame of `ssrc` is wanted (RFC 4585 §6.3.1)."""

    sender: int
    ssrc: int


Report = Compound | Feedback | Nack | PictureLoss


def format_compound(reports: Sequence[Compound]) -> bytes:
    """Write reports, and the constant name of each sender that RFC 3550 §6.1 wants."""
    names = b"".join(each.sender.to_bytes(4) + _CNAME for each in reports)
    source = _packet(_SOURCE, len(reports), names)
    return b"".join([*map(_format_report, reports), source])


def format_feedback(feedback: Feedback) -> bytes:
    """Write congestion control feedback; `UNTIMED` or less as offset."""
    parts = [feedback.sender.to_bytes(4)]
    for ssrc, begin, offsets in feedback.streams:
        words = [_RECEIVED | each if each >= 0 else 0 for each in offsets]
        if len(words) % 2:
            words.append(0)
        parts.append(_STREAM.pack(ssrc, begin, len(offsets)))
        parts.append(struct.pack(f">{len(words)}H", *words))
    parts.append(feedback.clock.to_bytes(4))
    return _packet(_TRANSPORT, _CCFB, b"".join(parts))


def format_nack(nack: Nack) -> bytes:
    """Write the sequence numbers, ascending: each entry holds 17 in a row."""
    entries: list[tuple[int, int]] = []
    for sequence in nack.sequences:
        ahead = (sequence - entries[-1][0]) & 0xFFFF if entries else 0
        if 0 < ahead <= 16:
            first, following = entries[-1]
            entries[-1] = (first, following | 1 << (ahead - 1))
        else:
            entries.append((sequence, 0))
    body = [_PAIR.pack(*entry) for entry in entries]
    return _packet(
        _TRANSPORT, _NACK, _PARTIES.pack(nack.sender, nack.ssrc) + b"".join(body)
    )


def format_picture_loss(wanted: PictureLoss) -> bytes:
    """Write that a key frame is wanted: 12 bytes."""
    return _packet(_PAYLOAD, _PLI, _PARTIES.pack(wanted.sender, wanted.ssrc))


def format_nothing(sender: int, ssrc: int) -> bytes:
    """Write 12 bytes to ignore, in the place of a `PictureLoss` of a steady stream."""
    return _packet(_PAYLOAD, _IGNORED, _PARTIES.pack(sender, ssrc))


def parse(datagram: bytes) -> tuple[Report, ...]:
    """Read a decrypted RTCP datagram, compound or not; unknown packets are left out.

    Raises:
        MalformedError: it ends too early, has padding, is of another version, or holds
            more than a limit of this module.
    """
    reports: list[Report] = []
    for number, (kind, count, sender, body) in enumerate(_packets(datagram)):
        if number == MAX_PACKETS:
            raise MalformedError(f"rtcp: expected at most {MAX_PACKETS} packets")
        match kind, count:
            case (200 | 201, _):
                reports.append(_compound(kind, count, sender, body))
            case (205, 11):
                reports.append(_feedback(sender, body))
            case (205, 1):
                reports.append(_nack(sender, body))
            case (206, 1):
                reports.append(PictureLoss(sender, _target(body)))
            case _:
                pass
    return tuple(reports)


def _packet(kind: int, count: int, body: bytes) -> bytes:
    return _START.pack(_VERSION_2 | count, kind, len(body) // 4) + body


def _format_report(report: Compound) -> bytes:
    kind, info = _RECEIVER, b""
    if report.clock is not None:
        kind = _SENDER
        info = _INFO.pack(report.clock, report.timestamp, report.packets, report.octets)
    blocks = [
        _BLOCK.pack(
            block.ssrc, block.lost_share << 24 | block.lost & 0xFFFFFF, *block[3:]
        )
        for block in report.blocks
    ]
    body = b"".join([report.sender.to_bytes(4), info, *blocks])
    return _packet(kind, len(blocks), body)


def _packets(datagram: bytes) -> Iterator[tuple[int, int, int, bytes]]:
    """Split a datagram: type, count or format, sender and the rest of each packet."""
    at = 0
    while at < len(datagram):
        if len(datagram) - at < _HEADER.size:
            raise MalformedError(
                f"rtcp: expected a header of {_HEADER.size} bytes at {at}, "
                f"came {len(datagram) - at}"
            )
        flags, kind, words, sender = _HEADER.unpack_from(datagram, at)
        if flags & 0xE0 != _VERSION_2:
            raise MalformedError(
                f"rtcp: expected version 2 without padding, came {flags:#04x}"
            )
        end = at + 4 + 4 * words
        if not at + _HEADER.size <= end <= len(datagram):
            raise MalformedError(
                f"rtcp: expected {words} words after {at}, came {len(datagram)} bytes"
            )
        yield kind, flags & 0x1F, sender, datagram[at + _HEADER.size : end]
        at = end


def _compound(kind: int, count: int, sender: int, body: bytes) -> Compound:
    start = _INFO.size if kind == _SENDER else 0
    if len(body) < start + count * _BLOCK.size:
        raise MalformedError(
            f"rtcp: expected {count} report blocks, came {len(body)} bytes"
        )
    blocks = tuple(_block(body, start + index * _BLOCK.size) for index in range(count))
    if kind == _RECEIVER:
        return Compound(sender, blocks)
    return Compound(sender, blocks, *_INFO.unpack_from(body))


def _block(body: bytes, at: int) -> Block:
    ssrc, losses, *rest = _BLOCK.unpack_from(body, at)
    lost = losses & 0xFFFFFF
    if lost & 0x800000:  # RFC 3550 §6.4.1: signed
        lost -= 0x1000000
    return Block(ssrc, losses >> 24, lost, *rest)


def _feedback(sender: int, body: bytes) -> Feedback:
    if not 4 <= len(body) <= MAX_FEEDBACK_BYTES - _HEADER.size:
        raise MalformedError(
            f"ccfb: expected 12 to {MAX_FEEDBACK_BYTES} bytes, "
            f"came {len(body) + _HEADER.size}"
        )
    streams: dict[int, Arrivals] = {}
    at, end = 0, len(body) - 4
    while at < end:
        if end - at < _STREAM.size:
            raise MalformedError(f"ccfb: expected a stream at {at}, came its half")
        ssrc, begin, count = _STREAM.unpack_from(body, at)
        at += _STREAM.size
        after = at + 2 * (count + count % 2)
        if after > end:
            raise MalformedError(
                f"ccfb: expected {count} reports, came {(end - at) // 2}"
            )
        if ssrc in streams or len(streams) == MAX_STREAMS:
            raise MalformedError(
                f"ccfb: expected at most {MAX_STREAMS} streams, each once"
            )
        words = struct.unpack_from(f">{count}H", body, at)
        offsets = tuple([w & 0x1FFF if w & _RECEIVED else MISSING for w in words])
        streams[ssrc] = Arrivals(ssrc, begin, offsets)
        at = after
    return Feedback(sender, tuple(streams.values()), int.from_bytes(body[end:]))


def _nack(sender: int, body: bytes) -> Nack:
    ssrc = _target(body[:4])
    entries = list(_PAIR.iter_unpack(body[4:]))
    if len(entries) > MAX_NACK_ENTRIES:
        raise MalformedError(
            f"nack: at most {MAX_NACK_ENTRIES} entries, came {len(entries)}"
        )
    return Nack(
        sender,
        ssrc,
        tuple(
            (first + ahead) & 0xFFFF
            for first, following in entries
            for ahead in range(17)
            if ahead == 0 or following >> (ahead - 1) & 1
        ),
    )


def _target(body: bytes) -> int:
    if len(body) != 4:
        raise MalformedError(f"rtcp: expected one ssrc, came {len(body)} bytes")
    return int.from_bytes(body)
