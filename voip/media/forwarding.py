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
from voip.media.rtp import HEADER_BYTES, check_outgoing
from voip.media.sealing import clear_bytes
from voip.media.sframe import Header, Sealer, parse_header

SealedPacket = NewType("SealedPacket", bytes)
"""An RTP packet of whose payload only a member's key opens what matters."""


SERVER = "the forwarding server"
"""What such a server is called to the user."""

OpenFrame = Callable[[Header, bytes, bytes], bytes]
"""Opens an SFrame ciphertext with its parsed header and its metadata."""

# Under these a sender sends, see `profile`; the server has numbers of its own.
_TYPES = {Kind.AUDIO: AUDIO_PT, Kind.VIDEO: 102, Kind.SCREEN: 106}
_KINDS = {payload_type: kind for kind, payload_type in _TYPES.items()}
_REPEATS = {103: Kind.VIDEO, 107: Kind.SCREEN}
_INSIDE = struct.Struct(">BHI")
_NUMBER_BYTES = 2  # RFC 4588 §4: the number of what is repeated, before the payload
_DESCRIPTOR_BYTES = 4
_MOST_CLEAR = 10
_HEADER = struct.Struct(">BBHII")  # RFC 3550 §5.1, without CSRC
_FLAGS = 0x80  # version 2; no padding, no extension, no CSRC
_METADATA = {kind: bytes([kind]) for kind in Kind}
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
    # No `Header` is built here, nor in opening: it would take as long as sealing.
    payload_type, sequence, timestamp, _ = check_outgoing(packet)
    begin = HEADER_BYTES
    kind = _KINDS.get(payload_type)
    if kind is None:
        kind = _REPEATS.get(payload_type)
        begin += _NUMBER_BYTES
        sequence = int.from_bytes(packet[HEADER_BYTES:begin])
    if kind is None:
        raise MalformedError(f"forwarding: payload type {payload_type} is no stream's")
    end = begin if kind is Kind.AUDIO else _end_of_clear(packet, begin)
    inside = _INSIDE.pack(packet[1] >> 7, sequence, timestamp)
    metadata = _METADATA[kind] + packet[begin:end]
    return SealedPacket(packet[:end] + sealer.seal(inside + packet[end:], metadata))


def open_packet(
    packet: bytes, kind: Kind, *, is_repeat: bool, open_frame: OpenFrame
) -> Opened:
    """Open a packet of a stream of this kind; `is_repeat`: it came as a repeat.

    Raises:
        MalformedError: it does not open, or what it says of itself cannot be.
    """
    _, number, _, _ = check_outgoing(packet)  # of the server, which sends like us
    begin = HEADER_BYTES
    if is_repeat:
        begin += _NUMBER_BYTES
        number = int.from_bytes(packet[HEADER_BYTES:begin])
    end = begin if kind is Kind.AUDIO else _end_of_clear(packet, begin)
    clear, sealed = packet[begin:end], packet[end:]
    plaintext = open_frame(parse_header(sealed), sealed, _METADATA[kind] + clear)
    if len(plaintext) < _INSIDE.size:
        raise MalformedError(f"forwarding: {len(plaintext)} bytes inside")
    marker, sequence, timestamp = _INSIDE.unpack_from(plaintext)
    own = _HEADER.pack(_FLAGS, bool(marker) << 7 | _TYPES[kind], sequence, timestamp, 0)
    return Opened(own + clear + plaintext[_INSIDE.size :], number - sequence & 0xFFFF)


def _end_of_clear(packet: bytes, begin: int) -> int:
    """Say up to where a packet of pictures stays readable, sealed or not.

    Raises:
        MalformedError: no VP8 of ours.
    """
    start = packet[begin : begin + 2]
    end = begin + _DESCRIPTOR_BYTES
    if start == _LATER and len(packet) > end:
        return end
    if start == _FIRST:
        return end + clear_bytes(packet[end : end + _MOST_CLEAR])
    raise MalformedError("forwarding: expected a VP8 descriptor of ours, came another")
