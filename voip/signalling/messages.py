"""What the two sides of a call say: one frozen value per type of control message.

Bounds are checked when a value is made. A type we do not know becomes `Unknown`: it is
acknowledged and ignored, so that later versions may add messages. How a message travels
is in `control`; what is said of groups and of a gateway's legs is in `group` and
`legs`. Format: docs/formats/signalling.md.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import assert_never

from voip.description import (
    Description,
    check_candidates,
    check_credentials,
    format_candidates,
    format_credentials,
    format_description,
    read_candidates,
    read_credentials,
    read_description,
)
from voip.errors import MalformedError
from voip.handshake.rekey import ACK_BYTES, REKEY_BYTES
from voip.signalling.group import (
    GROUP_READERS,
    GroupMessage,
    Introduce,
    Members,
    Room,
    Roster,
    SenderKey,
    format_group_message,
)
from voip.signalling.legs import (
    LEG_READERS,
    Digits,
    LegAsk,
    LegEnd,
    LegMessage,
    Legs,
    LegsAck,
    format_leg_message,
)
from voip.wire import Reader, be16, be32, be64

MAX_GOSSIP = 4000  # one frame in one message, whatever its own format adds
_NONCE = 32
_ID = 16
_MAX_STATE = 31


class HangupReason(IntEnum):
    """Why a call ends, as the other side is told."""

    NORMAL = 1
    DECLINED = 2
    BUSY = 3
    ANSWERED_ELSEWHERE = 4
    DECLINED_ELSEWHERE = 5
    TIMEOUT = 6
    SECURITY = 7
    LOST = 8
    GLARE = 9


@dataclass(frozen=True, slots=True)
class Confirm:
    """Caller: opens the commitment of the INVITE; always its seq 1."""

    nonce_a: bytes = field(repr=False)

    def __post_init__(self) -> None:
        _exactly("confirm nonce", self.nonce_a, _NONCE)


@dataclass(frozen=True, slots=True)
class Alerting:
    """Callee: the human is being rung now."""


@dataclass(frozen=True, slots=True)
class Accept:
    """Callee: the human accepted."""

    media: Description


@dataclass(frozen=True, slots=True)
class Select:
    """Caller: this device, the first to accept, has the call."""

    media: Description


@dataclass(frozen=True, slots=True)
class Hangup:
    """The call is over.

    `device_id` (16 bytes) names the device that accepted or declined elsewhere, or the
    sender's own.
    """

    reason: HangupReason
    device_id: bytes

    def __post_init__(self) -> None:
        _exactly("hangup device id", self.device_id, _ID)


@dataclass(frozen=True, slots=True)
class Candidates:
    """ICE candidates trickled after SELECT; `last` says that no more will follow."""

    generation: int
    last: bool
    candidates: tuple[str, ...] = field(kw_only=True)

    def __post_init__(self) -> None:
        check_candidates(self.candidates)


@dataclass(frozen=True, slots=True)
class Restart:
    """ICE anew, on another network; the higher generation wins, a tie is the caller's.

    `pwd` is the ICE password, which only the peer may know.
    """

    generation: int
    ufrag: str
    pwd: str = field(kw_only=True, repr=False)
    candidates: tuple[str, ...] = field(kw_only=True)

    def __post_init__(self) -> None:
        check_credentials(self.ufrag, self.pwd)
        check_candidates(self.candidates)


@dataclass(frozen=True, slots=True)
class RestartAck:
    """The answer to `Restart`, of the same generation."""

    generation: int
    ufrag: str
    pwd: str = field(kw_only=True, repr=False)
    candidates: tuple[str, ...] = field(kw_only=True)

    def __post_init__(self) -> None:
        check_credentials(self.ufrag, self.pwd)
        check_candidates(self.candidates)


@dataclass(frozen=True, slots=True)
class State:
    """What the sender shows and hears; the latest version wins."""

    version: int
    hold: bool = field(default=False, kw_only=True)
    muted: bool = field(default=False, kw_only=True)
    video: bool = field(default=False, kw_only=True)
    screen: bool = field(default=False, kw_only=True)
    recording: bool = field(default=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Rekey:
    """Asks for a new epoch; the handshake owns what is inside (1220 bytes)."""

    fields: bytes

    def __post_init__(self) -> None:
        _exactly("rekey", self.fields, REKEY_BYTES)


@dataclass(frozen=True, slots=True)
class RekeyAck:
    """Agrees to a new epoch; the handshake owns what is inside (1124 bytes)."""

    fields: bytes

    def __post_init__(self) -> None:
        _exactly("rekey ack", self.fields, ACK_BYTES)


@dataclass(frozen=True, slots=True)
class SasResult:
    """What the peer's user said about the words; for display, it changes no trust."""

    matched: bool


@dataclass(frozen=True, slots=True)
class Ping:
    """Carries an acknowledgement; a `t` other than 0 asks for a `Pong` with it."""

    t: int = 0


@dataclass(frozen=True, slots=True)
class Pong:
    """The answer to a `Ping` whose `t` is not 0."""

    t: int


@dataclass(frozen=True, slots=True)
class Upgrade:
    """Asks for other streams; never opens a camera without a local yes."""

    media: Description


@dataclass(frozen=True, slots=True)
class UpgradeAck:
    """Agrees to other streams."""

    media: Description


@dataclass(frozen=True, slots=True)
class Gossip:
    """One opaque frame for the program around the call, 1-4000 bytes."""

    frame: bytes

    def __post_init__(self) -> None:
        if not 1 <= len(self.frame) <= MAX_GOSSIP:
            raise MalformedError(
                f"gossip: expected 1-{MAX_GOSSIP} bytes, came {len(self.frame)}"
            )


@dataclass(frozen=True, slots=True)
class Unknown:
    """A message of a later version: acknowledged, then ignored."""

    kind: int
    fields: bytes

    def __post_init__(self) -> None:
        if self.kind in _READERS or not 1 <= self.kind <= 255:
            raise MalformedError(f"message type {self.kind} is not an unknown one")


Message = (
    Confirm
    | Alerting
    | Accept
    | Select
    | Hangup
    | Candidates
    | Restart
    | RestartAck
    | State
    | Rekey
    | RekeyAck
    | SasResult
    | Ping
    | Pong
    | Upgrade
    | UpgradeAck
    | Gossip
    | GroupMessage
    | LegMessage
    | Unknown
)


def format_message(message: Message) -> tuple[int, bytes]:  # noqa: C901, PLR0911, PLR0912 - one line a type
    """Write a message as its type and its fields."""
    match message:
        case Confirm(nonce_a):
            return 1, nonce_a
        case Alerting():
            return 2, b""
        case Accept(media):
            return 3, format_description(media)
        case Select(media):
            return 4, format_description(media)
        case Hangup(reason, device_id):
            return 5, bytes([reason]) + device_id
        case Candidates(generation, last, candidates=candidates):
            return 6, be16(generation) + bytes([last]) + format_candidates(candidates)
        case Restart():
            return 7, _format_restart(message)
        case RestartAck():
            return 8, _format_restart(message)
        case State():
            return 9, be32(message.version) + bytes([_state_bits(message)])
        case Rekey(fields):
            return 10, fields
        case RekeyAck(fields):
            return 11, fields
        case SasResult(matched):
            return 12, b"\x01" if matched else b"\x02"
        case Ping(t):
            return 13, be64(t)
        case Pong(t):
            return 14, be64(t)
        case Upgrade(media):
            return 15, format_description(media)
        case UpgradeAck(media):
            return 16, format_description(media)
        case Gossip(frame):
            return 20, frame
        case Roster() | Introduce() | SenderKey() | Room() | Members():
            return format_group_message(message)
        case Legs() | LegsAck() | Digits() | LegAsk() | LegEnd():
            return format_leg_message(message)
        case Unknown(kind, fields):
            return kind, fields
        case _:
            assert_never(message)


def parse_message(kind: int, fields: bytes) -> Message:
    """Read a message of one type.

    Raises:
        MalformedError: fields that `format_message` would not have written.
    """
    read = _READERS.get(kind)
    if read is None:
        return Unknown(kind, fields)
    reader = Reader(fields)
    message = read(reader)
    reader.end()
    return message


def _exactly(name: str, value: bytes, size: int) -> None:
    if len(value) != size:
        raise MalformedError(f"{name}: expected {size} bytes, came {len(value)}")


def _format_restart(message: Restart | RestartAck) -> bytes:
    return (
        be16(message.generation)
        + format_credentials(message.ufrag, message.pwd)
        + format_candidates(message.candidates)
    )


def _state_bits(state: State) -> int:
    return (
        state.hold
        | state.muted << 1
        | state.video << 2
        | state.screen << 3
        | state.recording << 4
    )


def _read_hangup(reader: Reader) -> Hangup:
    reason = reader.u8()
    if reason not in set(HangupReason):
        raise MalformedError(f"hangup: unknown reason {reason}")
    return Hangup(HangupReason(reason), reader.take(_ID))


def _read_candidates(reader: Reader) -> Candidates:
    generation, last = reader.u16(), reader.u8()
    if last > 1:
        raise MalformedError(f"candidates: expected last to be 0 or 1, came {last}")
    return Candidates(generation, bool(last), candidates=read_candidates(reader))


def _read_restart(reader: Reader) -> Restart:
    generation = reader.u16()
    ufrag, pwd = read_credentials(reader)
    return Restart(generation, ufrag, pwd=pwd, candidates=read_candidates(reader))


def _read_restart_ack(reader: Reader) -> RestartAck:
    generation = reader.u16()
    ufrag, pwd = read_credentials(reader)
    return RestartAck(generation, ufrag, pwd=pwd, candidates=read_candidates(reader))


def _read_state(reader: Reader) -> State:
    version, bits = reader.u32(), reader.u8()
    if bits > _MAX_STATE:
        raise MalformedError(f"state: unknown bits in {bits:#x}")
    return State(
        version,
        hold=bool(bits & 1),
        muted=bool(bits & 2),
        video=bool(bits & 4),
        screen=bool(bits & 8),
        recording=bool(bits & 16),
    )


def _read_sas_result(reader: Reader) -> SasResult:
    result = reader.u8()
    if result not in {1, 2}:
        raise MalformedError(f"words: expected result 1 or 2, came {result}")
    return SasResult(result == 1)


_READERS: dict[int, Callable[[Reader], Message]] = {
    1: lambda reader: Confirm(reader.take(_NONCE)),
    2: lambda _: Alerting(),
    3: lambda reader: Accept(read_description(reader)),
    4: lambda reader: Select(read_description(reader)),
    5: _read_hangup,
    6: _read_candidates,
    7: _read_restart,
    8: _read_restart_ack,
    9: _read_state,
    10: lambda reader: Rekey(reader.take(REKEY_BYTES)),
    11: lambda reader: RekeyAck(reader.take(ACK_BYTES)),
    12: _read_sas_result,
    13: lambda reader: Ping(reader.u64()),
    14: lambda reader: Pong(reader.u64()),
    15: lambda reader: Upgrade(read_description(reader)),
    16: lambda reader: UpgradeAck(read_description(reader)),
    20: lambda reader: Gossip(reader.rest()),
    **GROUP_READERS,
    **LEG_READERS,
}
