"""A message with its place in the sender's sequence, as it is sealed.

::

    ctl = u64 seq | u64 ack | u8 type | fields

It travels in a mailbox blob or in media records, so whoever can make us parse one is
the authenticated peer. Format: docs/formats/signalling.md.
"""

from dataclasses import dataclass, field

from voip.errors import MalformedError
from voip.signalling.envelope import MAX_BODY
from voip.signalling.messages import (
    Message,
    Ping,
    Pong,
    format_message,
    parse_message,
)
from voip.wire import Reader, be64

MAX_CONTROL = MAX_BODY  # every message fits a mailbox blob, whichever way it goes


@dataclass(frozen=True, slots=True)
class Control:
    """A message with its place in the sender's sequence.

    Attributes:
        seq: from 1; 0 for PING and PONG, which are not counted.
        ack: the highest n of which the sender has received 1..n.
        message: what it says.

    Raises:
        MalformedError: a PING or PONG with a seq, or another message without one.
    """

    seq: int
    ack: int
    message: Message = field(kw_only=True)

    def __post_init__(self) -> None:
        if isinstance(self.message, Ping | Pong) != (self.seq == 0):
            raise MalformedError(
                f"control: {type(self.message).__name__.lower()} with seq {self.seq}"
            )


def format_control(control: Control) -> bytes:
    """Write a control message, at most 4066 bytes.

    Raises:
        MalformedError: too long for one blob (a MEDIA or card near all its bounds).
    """
    kind, fields = format_message(control.message)
    raw = be64(control.seq) + be64(control.ack) + bytes([kind]) + fields
    _check_size(raw)
    return raw


def parse_control(raw: bytes) -> Control:
    """Read a control message.

    Raises:
        MalformedError: anything `format_control` would not have written.
    """
    _check_size(raw)
    reader = Reader(raw)
    seq, ack, kind = reader.u64(), reader.u64(), reader.u8()
    return Control(seq, ack, message=parse_message(kind, reader.rest()))


def _check_size(raw: bytes) -> None:
    if len(raw) > MAX_CONTROL:
        raise MalformedError(
            f"control: expected at most {MAX_CONTROL} bytes, came {len(raw)}"
        )
