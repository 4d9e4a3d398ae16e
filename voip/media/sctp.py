"""Which packets of SCTP are let through to aiortc, whose SCTP trusts its peer.

A contact may be hostile. One parameter without a length makes aiortc loop for ever and
take all memory, one acknowledgement of wild numbers holds the event loop for seconds,
and pieces of messages that never end are kept without a limit. So a packet is looked
at first; whatever our own sender never makes is dropped (RFC 9260 throughout):

- one stream, in order: nothing of RFC 3758 and RFC 6525;
- every length fits, and the chunks that begin an association travel alone;
- what is to be kept is near what came last, and little.
"""

import struct
from collections.abc import Iterator
from enum import Enum, auto

from voip.errors import MalformedError

MAX_AHEAD = 1024
"""Chunks, of what came in order last: the window of 1 MiB that aiortc announces holds
fewer, full ones."""
MAX_HELD = 2 * MAX_AHEAD
"""Chunks of messages that are not whole: a window full, and what fills its gaps."""
MAX_ACKNOWLEDGED = 4096
"""Chunks ahead that one acknowledgement may speak of; aiortc looks at each."""

_DATA, _INIT, _INIT_ACK, _SACK, _SHUTDOWN = 0, 1, 2, 3, 7
_WITH_PARAMETERS = {4: 0, 5: 0, 6: 0, 9: 0, _INIT: 16, _INIT_ACK: 16}
"""Chunks that end in parameters, and where in their bodies those begin."""
_SHORTEST = {_DATA: 13, _SACK: 12, _SHUTDOWN: 4, _INIT: 16, _INIT_ACK: 16}
_KNOWN = frozenset({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 14})
_UNORDERED = 0x04
_COMMON = struct.Struct(">HHLL")  # §3.1
_HEAD = struct.Struct(">BBH")  # §3.2
_PARAMETER = struct.Struct(">HH")
_DATA_HEAD = struct.Struct(">LH")  # §3.3.1
_SACK_HEAD = struct.Struct(">LLHH")  # §3.3.4
_TSNS = 1 << 32


class Stage(Enum):
    """How far the association is."""

    CLOSED = auto()
    """It may begin: nothing is to be kept yet."""
    OPEN = auto()
    """It began; it does not begin again."""


def check_packet(packet: bytes, stage: Stage, *, last: int, held: int) -> None:
    """Check that aiortc can be handed this packet of a peer.

    `last` is the highest number (TSN) up to which all came, `held` how many chunks of
    messages wait to be whole. The checksum is for aiortc to look at.

    Raises:
        MalformedError: it is none, or none that an honest peer sends now.
    """
    if len(packet) < _COMMON.size + _HEAD.size:
        raise MalformedError(f"sctp: expected a chunk, came {len(packet)} bytes")
    kinds = []
    for kind, flags, body in _chunks(packet):
        kinds.append(kind)
        if kind not in _KNOWN or len(body) < _SHORTEST.get(kind, 0):
            raise MalformedError(
                f"sctp: expected a chunk of ours, came {len(body)} bytes of type {kind}"
            )
        if kind in _WITH_PARAMETERS:
            _check_parameters(body[_WITH_PARAMETERS[kind] :])
        elif kind == _SACK:
            _check_acknowledged(body)
        elif kind == _DATA:
            if stage is not Stage.OPEN:
                raise MalformedError("sctp: expected no data yet")
            _check_data(flags, body, last, held + len(kinds))
    if kinds.count(_SACK) > 1:
        raise MalformedError(f"sctp: expected one sack, came {kinds.count(_SACK)}")
    begins = _INIT in kinds or _INIT_ACK in kinds
    # §6.10: INIT and INIT ACK are not bundled. That the association began is ours.
    if begins and (len(kinds) > 1 or stage is Stage.OPEN):
        raise MalformedError(f"sctp: expected no beginning, came chunks {kinds}")


def _chunks(packet: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Split a packet: type, flags and body of each chunk."""
    at = _COMMON.size
    while at < len(packet):
        if len(packet) - at < _HEAD.size:
            raise MalformedError("sctp: expected a whole header of a chunk")
        kind, flags, length = _HEAD.unpack_from(packet, at)
        if not _HEAD.size <= length <= len(packet) - at:
            raise MalformedError(
                f"sctp: expected a chunk of up to {len(packet) - at} bytes, "
                f"came {length}"
            )
        yield kind, flags, packet[at + _HEAD.size : at + length]
        at += _padded(length)


def _check_parameters(body: bytes) -> None:
    at = 0
    while at < len(body):
        if len(body) - at < _PARAMETER.size:
            raise MalformedError("sctp: expected a whole parameter")
        _, length = _PARAMETER.unpack_from(body, at)
        if not _PARAMETER.size <= length <= len(body) - at:
            raise MalformedError(
                f"sctp: expected a parameter of up to {len(body) - at} bytes, "
                f"came {length}"
            )
        at += _padded(length)


def _check_acknowledged(body: bytes) -> None:
    _, _, gaps, duplicates = _SACK_HEAD.unpack_from(body)
    if len(body) != _SACK_HEAD.size + 4 * (gaps + duplicates):
        raise MalformedError(
            f"sctp: expected {gaps + duplicates} entries, came {len(body)} bytes"
        )
    before = 0
    for index in range(gaps):
        first, end = _PARAMETER.unpack_from(body, _SACK_HEAD.size + 4 * index)
        if not before < first <= end <= MAX_ACKNOWLEDGED:
            raise MalformedError(
                f"sctp: expected blocks that rise up to {MAX_ACKNOWLEDGED}, "
                f"came {first} to {end} after {before}"
            )
        before = end


def _check_data(flags: int, body: bytes, last: int, held: int) -> None:
    number, stream = _DATA_HEAD.unpack_from(body)
    if stream != 0 or flags & _UNORDERED:
        raise MalformedError(
            f"sctp: expected data in order on stream 0, came flags {flags} on {stream}"
        )
    ahead = (number - last) % _TSNS
    if not 0 < ahead < _TSNS // 2:
        return  # it came before: aiortc says so to the peer
    # What is next always fits, unless messages never end.
    room = MAX_HELD if ahead == 1 else MAX_AHEAD
    if ahead > MAX_AHEAD or held > room:
        raise MalformedError(
            f"sctp: expected up to {MAX_AHEAD} ahead and {room} held, "
            f"came {ahead} and {held}"
        )


def _padded(length: int) -> int:
    return length + -length % 4
