"""The sealed line to a guest: messages in order, each once, over sockets that die.

::

    message = nonce 12 random | AES-256-GCM(signal(role), nonce, padded(control, N))
    control = u64 seq | u64 ack | u8 type | fields        PING and PONG have seq 0

N is the least multiple of 256 that fits. One socket loses nothing, so nothing is sent
twice over it; on a new one, after RESUME, all that was not acknowledged leaves again
under its old number. Rules; format: docs/formats/guest.md.
"""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from voip.errors import LimitError, MalformedError
from voip.gateway.guests.handshake import RESUME_ID_BYTES, GuestKeys, Role
from voip.gateway.guests.messages import (
    GuestMessage,
    format_guest_message,
    parse_guest_message,
)
from voip.identity.keys import Entropy
from voip.signalling.messages import Ping, Pong
from voip.wire import Reader, be64, pad, unpad

MAX_OPEN = 64
"""Messages that are not acknowledged: half a minute of them, and then some."""
MAX_MESSAGE_BYTES = 32768 + 28  # the largest padding, a nonce and a tag

_STEP = 256
_NONCE_BYTES, _TAG_BYTES = 12, 16
_RESUME = 2  # the first byte, where a HELLO has 1


class GuestLine:
    """One side's end of a guest's line.

    Attributes:
        acknowledged: how many of our messages the other side has.
    """

    def __init__(self, keys: GuestKeys, role: Role, entropy: Entropy) -> None:
        """Take the keys and the side we play."""
        self.acknowledged = 0
        self._ours = AESGCM(keys.signal(role))
        self._theirs = AESGCM(keys.signal(Role(1 - role)))
        self._entropy = entropy
        self._open: list[tuple[int, GuestMessage]] = []
        self._last = 0
        self._received = 0

    def seal(self, message: GuestMessage) -> bytes:
        """Give a message its place and seal it.

        Raises:
            LimitError: 64 wait for an acknowledgement: nobody reads any more.
        """
        if isinstance(message, Ping | Pong):
            return self._seal(0, message)
        if len(self._open) >= MAX_OPEN:
            raise LimitError(f"{MAX_OPEN} messages wait for an acknowledgement")
        self._last += 1
        self._open.append((self._last, message))
        return self._seal(self._last, message)

    def open(self, raw: bytes) -> GuestMessage | None:
        """Open what came; None if it had come before.

        Raises:
            MalformedError: not sealed by the other side, not a message of guests, out
                of order, or an answer to what was never said.
        """
        if not _NONCE_BYTES + _TAG_BYTES < len(raw) <= MAX_MESSAGE_BYTES:
            raise MalformedError(
                f"guest: expected a message of at most {MAX_MESSAGE_BYTES} bytes, "
                f"came {len(raw)}"
            )
        nonce, sealed = raw[:_NONCE_BYTES], raw[_NONCE_BYTES:]
        try:
            padded = self._theirs.decrypt(nonce, sealed, b"")
        except InvalidTag:
            raise MalformedError("guest: a message was changed on its way") from None
        reader = Reader(unpad(padded))
        seq, ack, kind = reader.u64(), reader.u64(), reader.u8()
        message = parse_guest_message(kind, reader.rest())
        if isinstance(message, Ping | Pong) != (seq == 0):
            raise MalformedError(f"guest: message type {kind} with place {seq}")
        # On one socket nothing overtakes, so a gap is a message that was taken out.
        if seq > self._received + 1 or ack > self._last:
            raise MalformedError(
                f"guest: place {seq} after {self._received}, "
                f"acknowledging {ack} of {self._last}"
            )
        self.acknowledged = max(self.acknowledged, ack)
        self._open = [each for each in self._open if each[0] > ack]
        if seq and seq <= self._received:
            return None
        self._received = max(self._received, seq)
        return message

    def resume(self) -> list[bytes]:
        """Give again, for a new socket, all that was not acknowledged."""
        return [self._seal(seq, message) for seq, message in self._open]

    def _seal(self, seq: int, message: GuestMessage) -> bytes:
        kind, fields = format_guest_message(message)
        control = be64(seq) + be64(self._received) + bytes([kind]) + fields
        size = -(-(len(control) + 2) // _STEP) * _STEP
        nonce = self._entropy(_NONCE_BYTES)
        # A random nonce serves: a call has far fewer than 2^32 messages
        # (NIST SP 800-38D, 8.3).
        return nonce + self._ours.encrypt(nonce, pad(control, size), b"")


def is_resume(first: bytes) -> bool:
    """Tell RESUME, on a new socket, from HELLO."""
    return first[:1] == bytes([_RESUME])


def parse_resume(first: bytes) -> bytes:
    """Read which call is to go on.

    Raises:
        MalformedError: not 17 bytes.
    """
    if len(first) != 1 + RESUME_ID_BYTES:
        raise MalformedError(
            f"resume: expected {1 + RESUME_ID_BYTES} bytes, came {len(first)}"
        )
    return first[1:]
