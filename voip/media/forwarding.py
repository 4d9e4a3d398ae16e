"""Packets for a server that forwards what it cannot read, and what it may not change.

::

    RTP header | clear | SFrame( u8 marker | u16 sequence | u32 timestamp | rest,
                                 metadata = u8 kind || clear )

========  =====================================  =================================
kind      clear                                  rest
========  =====================================  =================================
1 audio   nothing                                the RED payload, of one size
2 video   the descriptor (RFC 7741 §4.2), and    what follows
3 screen  in a frame's first packet 10 bytes of
          a key frame or 3 of another one
========  =====================================  =================================

A server numbers packets anew for each of those it sends them to, so its RTP header
cannot be authenticated; it is not believed either. Whoever opens a packet takes
sequence number, timestamp and marker from inside: frames cannot be put together from
parts of others, nor be played in another order or at another pace. A repeat (RFC 4588)
has its number in front for the server, and inside for us.

`SealedPacket` is what may be sent to a server, and only `seal` makes one.
"""

import struct
from collections.abc import Callable
from typing import NamedTuple, NewType

from voip.description import Kind
from voip.errors import MalformedError
from voip.media.profile import AUDIO_PT
from voip.media.rtp import HEADER_BYTES, Header, format_header, parse_header
from voip.media.sealing import clear_bytes
from voip.media.sframe import Header as FrameHeader
from voip.media.sframe import Sealer
from voip.media.sframe import parse_header as parse_frame_header

SealedPacket = NewType("SealedPacket", bytes)
"""An RTP packet of whose payload only a member's key opens what matters."""


OpenFrame = Callable[[FrameHeader, bytes, bytes], bytes]
"""Opens an SFrame ciphertext with its parsed header and its metadata."""

# Under these a sender sends, see `profile`; the server has numbers of its own.
_TYPES = {Kind.AUDIO: AUDIO_PT, Kind.VIDEO: 102, Kind.SCREEN: 106}
_KINDS = {payload_type: kind for kind, payload_type in _TYPES.items()}
_REPEATS = {103: Kind.VIDEO, 107: Kind.SCREEN}
_INSIDE = struct.Struct(">BHI")
_NUMBER_BYTES = 2  # RFC 4588 §4: the number of what is repeated, before the payload
_DESCRIPTOR_BYTES = 4
_FIRST, _LATER = b"\x90\x80", b"\x80\x80"
"""How our descriptors begin (see `voip.media.video.vp8`); members send no others."""


class Opened(NamedTuple):
    """A packet as its sender made it; one per packet, hence a tuple.

    Attributes:
        packet: RTP, plain, with the numbers of its sender and SSRC 0.
        renumbered: what the server added to the sequence number, modulo 2**16: to ask
            the server for a packet, add it.
    """

    packet: bytes
    renumbered: int


def seal(sealer: Sealer, packet: bytes) -> SealedPacket:
    """Seal an RTP packet of ours, whose payload type says what it is.

    Raises:
        MalformedError: no packet of a stream that a room has.
    """
    header = parse_header(packet)
    begin = HEADER_BYTES
    sequence = header.sequence
    kind = _KINDS.get(header.payload_type)
    if kind is None:
        kind = _REPEATS.get(header.payload_type)
        begin += _NUMBER_BYTES
        sequence = int.from_bytes(packet[HEADER_BYTES:begin])
    if kind is None:
        raise MalformedError(
            f"forwarding: payload type {header.payload_type} is no stream's"
        )
    end = begin + _clear(kind, packet[begin:])
    clear = packet[begin:end]
    inside = _INSIDE.pack(header.marker, sequence, header.timestamp)
    sealed = sealer.seal(inside + packet[end:], bytes([kind]) + clear)
    return SealedPacket(packet[:end] + sealed)


def open_packet(
    packet: bytes, kind: Kind, *, is_repeat: bool, open_frame: OpenFrame
) -> Opened:
    """Open a packet of a stream of this kind; `is_repeat`: it came as a repeat.

    Raises:
        MalformedError: it does not open, or what it says of itself cannot be.
    """
    begin = HEADER_BYTES
    number = parse_header(packet).sequence
    if is_repeat:
        begin += _NUMBER_BYTES
        number = int.from_bytes(packet[HEADER_BYTES:begin])
    end = begin + _clear(kind, packet[begin:])
    clear, sealed = packet[begin:end], packet[end:]
    plaintext = open_frame(parse_frame_header(sealed), sealed, bytes([kind]) + clear)
    if len(plaintext) < _INSIDE.size:
        raise MalformedError(f"forwarding: {len(plaintext)} bytes inside")
    marker, sequence, timestamp = _INSIDE.unpack_from(plaintext)
    own = Header(bool(marker), _TYPES[kind], sequence, timestamp, 0)
    return Opened(
        format_header(own) + clear + plaintext[_INSIDE.size :],
        number - sequence & 0xFFFF,
    )


def _clear(kind: Kind, payload: bytes) -> int:
    """Say how many bytes of a payload stay readable, sealed or not.

    Raises:
        MalformedError: no VP8 of ours.
    """
    if kind is Kind.AUDIO:
        return 0
    begin = payload[:2]
    if begin == _LATER and len(payload) > _DESCRIPTOR_BYTES:
        return _DESCRIPTOR_BYTES
    if begin == _FIRST:
        return _DESCRIPTOR_BYTES + clear_bytes(payload[_DESCRIPTOR_BYTES:])
    raise MalformedError("forwarding: expected a VP8 descriptor of ours, came another")
