"""The record channel: control messages and data under the keys of the call.

::

    record = 0x30 || epoch mod 256 (1) || number (8)
             || AES-256-GCM(key, salt XOR number, aad = these 10 bytes, plaintext)

Kind 1 carries a fragment of a control message and is always 666 bytes, so that a
hang-up looks like a ping; kind 2 carries one SCTP packet, whose size shows. Numbers
start at 0 in each epoch and never repeat. 0x30 cannot be STUN, TURN, RTP or RTCP
(RFC 7983 gives it to DTLS, which is off). Bytes: docs/formats/media.md.
"""

from collections import deque
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from voip.errors import LimitError, MalformedError, RefusedError
from voip.wire import Reader, be16, be64

RECORD = 0x30
_FIRST_BYTE = bytes([RECORD])
HEADER_BYTES = 10
TAG_BYTES = 16  # AES-GCM, not truncated
CONTROL_BYTES = 640  # plaintext of kind 1: fits every path, one size for all
RECORD_BYTES = HEADER_BYTES + CONTROL_BYTES + TAG_BYTES  # 666
SCTP_MAX_BYTES = 1300  # the SCTP of aiortc sends at most 1200 and its headers
WINDOW = 1024  # replay window per epoch, the same as SRTP's

KIND_CONTROL = 1
KIND_SCTP = 2

FRAGMENT_BYTES = 633  # CONTROL_BYTES less 7 bytes of fragment header
MAX_FRAGMENTS = 8
MAX_MESSAGE_BYTES = MAX_FRAGMENTS * FRAGMENT_BYTES  # 5064: the longest is near 4 kB
MAX_PENDING = 4  # messages in reassembly: one in progress and its neighbours
PENDING_S = 10.0  # eight fragments at one a second, and a little
MAX_QUEUED = 32  # more waiting than this means that nothing gets through
_KEY_BYTES = 32
_SEQUENCE_BYTES = 8  # a control message starts with its sequence number


class Sealer:
    """Seals records of one direction and epoch; it alone counts the numbers."""

    def __init__(self, key: bytes, epoch: int) -> None:
        """Take key (32) || salt (12)."""
        self._aead = AESGCM(key[:_KEY_BYTES])
        self._salt = key[_KEY_BYTES:]
        self._epoch = epoch
        self._number = 0

    def seal(self, plaintext: bytes) -> bytes:
        """Seal the next record."""
        header = bytes([RECORD, self._epoch % 256]) + be64(self._number)
        nonce = _nonce(self._salt, self._number)
        self._number += 1
        return header + self._aead.encrypt(nonce, plaintext, header)


class Opener:
    """Opens records of one direction and epoch, each of them once."""

    def __init__(self, key: bytes, epoch: int) -> None:
        """Take key (32) || salt (12)."""
        self._aead = AESGCM(key[:_KEY_BYTES])
        self._salt = key[_KEY_BYTES:]
        self._epoch = epoch
        self._highest = -1
        self._seen = 0  # bit n: number highest - n came

    def open(self, record: bytes) -> bytes:
        """Open one record and give its plaintext.

        Raises:
            MalformedError: not the shape of a record.
            RefusedError: another epoch's, forged, or seen before.
        """
        number = parse_number(record)
        header = record[:HEADER_BYTES]
        if header[1] != self._epoch % 256:
            raise RefusedError(f"record: not of epoch {self._epoch}")
        age = self._highest - number
        if age >= WINDOW or (age >= 0 and self._seen >> age & 1):
            raise RefusedError(f"record: number {number} came before, or too late")
        try:
            plaintext = self._aead.decrypt(
                _nonce(self._salt, number), record[HEADER_BYTES:], header
            )
        except InvalidTag:
            raise RefusedError("record: the tag does not verify") from None
        # Only what verified moves the window; else one forged number closes it.
        if age < 0:
            # A leap of any length shifts by no more than the window holds.
            kept = self._seen << min(-age, WINDOW)
            self._seen = (kept | 1) & ((1 << WINDOW) - 1)
            self._highest = number
        else:
            self._seen |= 1 << age
        return plaintext


def is_record(datagram: bytes) -> bool:
    """Tell records from all else on the port by the first byte."""
    return datagram[:1] == _FIRST_BYTE


def parse_number(record: bytes) -> int:
    """Read the number of a record by its shape, before any cryptography.

    Raises:
        MalformedError: not a record: its first byte or its length cannot be one's.
    """
    longest = HEADER_BYTES + 1 + SCTP_MAX_BYTES + TAG_BYTES
    if not HEADER_BYTES + TAG_BYTES < len(record) <= longest:
        raise MalformedError(
            f"record: expected {HEADER_BYTES + TAG_BYTES + 1} to {longest} bytes, "
            f"came {len(record)}"
        )
    if record[0] != RECORD:
        raise MalformedError(f"record: expected 0x30, came {record[0]:#04x}")
    return int.from_bytes(record[2:HEADER_BYTES], "big")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fragment:
    """A part of one control message."""

    message_id: int
    index: int
    count: int
    data: bytes = field(repr=False)


def fragment(message: bytes, message_id: int) -> list[Fragment]:
    """Cut a control message into what fits records.

    Raises:
        LimitError: longer than `MAX_MESSAGE_BYTES`.
    """
    _check_size(message)
    starts = range(0, max(len(message), 1), FRAGMENT_BYTES)
    return [
        Fragment(
            message_id=message_id,
            index=index,
            count=len(starts),
            data=message[start : start + FRAGMENT_BYTES],
        )
        for index, start in enumerate(starts)
    ]


def format_fragment(part: Fragment) -> bytes:
    """Write a plaintext of kind 1, always `CONTROL_BYTES` long."""
    head = bytes([KIND_CONTROL]) + be16(part.message_id)
    head += bytes([part.index, part.count]) + be16(len(part.data))
    return (head + part.data).ljust(CONTROL_BYTES, b"\0")


def parse_fragment(plaintext: bytes) -> Fragment:
    """Read a plaintext of kind 1.

    Raises:
        MalformedError: not 640 bytes, not kind 1, an index beyond the count, a part
            that is not full although another follows, or padding that is not zeros.
    """
    if len(plaintext) != CONTROL_BYTES:
        raise MalformedError(
            f"fragment: expected {CONTROL_BYTES} bytes, came {len(plaintext)}"
        )
    reader = Reader(plaintext)
    kind, message_id = reader.u8(), reader.u16()
    index, count, data = reader.u8(), reader.u8(), reader.lp16()
    if kind != KIND_CONTROL or not index < count <= MAX_FRAGMENTS:
        raise MalformedError(f"fragment: kind {kind}, part {index} of {count}")
    if index < count - 1 and len(data) != FRAGMENT_BYTES:
        raise MalformedError("fragment: expected a full part before the last")
    if any(reader.rest()):
        raise MalformedError("fragment: expected zeros after the data")
    return Fragment(message_id=message_id, index=index, count=count, data=data)


class Reassembly:
    """Puts control messages together from fragments that verified."""

    def __init__(self) -> None:
        self._pending: dict[int, tuple[float, int, dict[int, bytes]]] = {}

    def add(self, part: Fragment, now: float) -> bytes | None:
        """Take one part; give the message when its last part is here.

        A message whose parts do not come within `PENDING_S` is forgotten, and so is
        the oldest of more than `MAX_PENDING`: it will be sent again.
        """
        for old in [
            message_id
            for message_id, (since, _, _) in self._pending.items()
            if now - since > PENDING_S
        ]:
            del self._pending[old]
        _, count, parts = self._pending.setdefault(
            part.message_id, (now, part.count, {})
        )
        if count != part.count:
            # Another message under a number in use: the earlier one is dead.
            count, parts = part.count, {}
            self._pending[part.message_id] = (now, count, parts)
        parts[part.index] = part.data
        if len(parts) == count:
            del self._pending[part.message_id]
            return b"".join(parts[index] for index in range(count))
        if len(self._pending) > MAX_PENDING:
            del self._pending[next(iter(self._pending))]
        return None


class ControlQueue:
    """What waits for the next record: one leaves a second, whatever happens.

    Mute, hold and rekey thus cause no extra packet that an observer could count.
    """

    def __init__(self) -> None:
        self._waiting: deque[bytes] = deque()
        self._leaving: deque[bytes] = deque()
        self._leaving_sequence = b""
        self._message_id = 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits for the next record."""
        return not self._leaving and not self._waiting

    def put(self, message: bytes) -> None:
        """Queue a control message; a repeat of one that waits takes its place.

        A message is repeated until it is acknowledged, and here it may wait longer
        than that. When the queue is full the new one is dropped: it comes again.

        Raises:
            LimitError: longer than `MAX_MESSAGE_BYTES`.
        """
        _check_size(message)
        sequence = message[:_SEQUENCE_BYTES]
        if self._leaving and sequence == self._leaving_sequence:
            return
        for place, waiting in enumerate(self._waiting):
            if waiting[:_SEQUENCE_BYTES] == sequence:
                self._waiting[place] = message
                return
        if len(self._waiting) < MAX_QUEUED:
            self._waiting.append(message)

    def take(self) -> bytes | None:
        """Take the plaintext of the next record, or None if nothing waits."""
        if not self._leaving and self._waiting:
            message = self._waiting.popleft()
            self._leaving = self.cut(message)
            self._leaving_sequence = message[:_SEQUENCE_BYTES]
        return self._leaving.popleft() if self._leaving else None

    def cut(self, message: bytes) -> deque[bytes]:
        """Make the plaintexts of a message that does not wait.

        Raises:
            LimitError: longer than `MAX_MESSAGE_BYTES`.
        """
        self._message_id = (self._message_id + 1) % 65536
        return deque(map(format_fragment, fragment(message, self._message_id)))


def format_sctp(packet: bytes) -> bytes:
    """Write a plaintext of kind 2.

    Raises:
        LimitError: longer than a record carries.
    """
    if len(packet) > SCTP_MAX_BYTES:
        raise LimitError(
            f"sctp: expected at most {SCTP_MAX_BYTES} bytes, came {len(packet)}"
        )
    return bytes([KIND_SCTP]) + packet


def _check_size(message: bytes) -> None:
    if len(message) > MAX_MESSAGE_BYTES:
        raise LimitError(
            f"control message: expected at most {MAX_MESSAGE_BYTES} bytes, "
            f"came {len(message)}"
        )


def _nonce(salt: bytes, number: int) -> bytes:
    return bytes(a ^ b for a, b in zip(salt, bytes(4) + be64(number), strict=True))
