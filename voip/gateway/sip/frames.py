"""What the SIP worker and the process that started it say to each other.

Rules. The worker parses what strangers send, with a foreign library: what comes from it
is hostile. So a frame is short, has one spelling, and every field is bounded before it
is looked at. To the byte in docs/formats/sip-worker.md.
"""

import json
import struct
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from voip.errors import MalformedError
from voip.media.sources import FRAME_BYTES, Picture

MAX_FRAME = 1 << 20
"""Bytes of a frame after its length; the largest is a picture of 640x480, 460,816."""
MAX_TEXT = 256
"""Characters; a SIP URI that a person uses is shorter."""
MAX_TRACED = 1 << 16
"""Bytes of what the stack's log says of one message of SIP; UDP carries no more."""
MAX_JSON = 8192
"""Bytes of a command or an event; a text of escapes may take 12 for a character."""
PICTURE_SIZE = 640, 480
"""Of every picture towards the worker, and the largest from it: VGA."""
MAX_CALL = 0xFFFF
THEIRS = 0x8000
"""From here on calls are numbered by the worker: those that came in."""

OURS_SDP, THEIRS_SDP = "ours", "theirs"
"""Whose description of the media this is."""

NARROW_BYTES = 320
"""20 ms as G.711 gives it: 8 kHz, one channel, 16 bit."""
STEREO_BYTES = 2 * FRAME_BYTES
"""20 ms as the stack's Opus gives it: 48 kHz, two channels, 16 bit."""

_HEAD = struct.Struct(">IB")
_AUDIO = struct.Struct(">HQ")
_VIDEO = struct.Struct(">HQHH")
_COMMAND, _EVENT, _SOUND, _PICTURE, _TRACED = 1, 2, 3, 4, 5
_PCM_SIZES = frozenset({0, NARROW_BYTES, FRAME_BYTES, STEREO_BYTES})


class Order(StrEnum):
    """What the parent asks for."""

    CONFIGURE = "configure"  # text: lines of settings, before all else; on: tell SIP
    ACCOUNT = "account"  # text: the account's line; the stack begins
    REGISTER = "register"
    DIAL = "dial"  # text: whom; on: with pictures
    ANSWER = "answer"  # on: with pictures
    END = "end"
    HOLD = "hold"  # on
    DIGITS = "digits"  # text
    TRANSFER = "transfer"  # text: to whom
    REFER = "refer"  # text: whom they named; on: call them
    PING = "ping"  # are you there?


class Said(StrEnum):
    """What the worker tells."""

    READY = "ready"  # text: the walls around the worker that stand
    REGISTERED = "registered"
    UNREGISTERED = "unregistered"  # status, text
    INCOMING = "incoming"  # text: who, as they say
    RINGING = "ringing"
    PROGRESS = "progress"  # sound before the answer
    ESTABLISHED = "established"
    ENCRYPTED = "encrypted"  # text: what the stack says about a stream's keys
    OFFER = "offer"  # of other media; text: `OURS_SDP` or `THEIRS_SDP`
    AGREED = "agreed"  # the answer to it; text: likewise
    HELD = "held"
    RESUMED = "resumed"
    DIGIT = "digit"  # text
    REFERRED = "referred"  # text: whom we shall call instead
    REPLACED = "replaced"  # text: the call that this one, which is ours, replaces
    TRANSFER_FAILED = "transfer failed"  # status, text
    CLOSED = "closed"  # status, text
    REFUSED = "refused"  # text: the worker could not do what it was asked for
    DEAD = "dead"  # the stack is; the worker ends
    PONG = "pong"  # I am


@dataclass(frozen=True, slots=True)
class Command:
    """What the parent asks the worker for."""

    order: Order
    call: int = 0
    text: str = ""
    on: bool = False


@dataclass(frozen=True, slots=True)
class Event:
    """What the worker tells.

    Attributes:
        said: what happened.
        call: to which call; 0 for none.
        status: of SIP, or 0.
        text: foreign; at most `MAX_TEXT` characters.
    """

    said: Said
    call: int = 0
    status: int = 0
    text: str = ""


class Sound(NamedTuple):
    """20 ms of a call's sound; a tuple, as there are 50 a second of each call.

    Attributes:
        call: which.
        sample: of the first, counted at 48 kHz since the call's sound began.
        pcm: 16-bit samples of this machine: `NARROW_BYTES`, `FRAME_BYTES` or
            `STEREO_BYTES` of them say which kind; none at all is silence.
    """

    call: int
    sample: int
    pcm: bytes


class Shown(NamedTuple):
    """A picture of a call, and its time in microseconds of the worker's clock."""

    call: int
    at_us: int
    picture: Picture


class Traced(NamedTuple):
    """What the stack wrote down of a message of SIP; only where that was asked for."""

    text: str


Frame = Command | Event | Sound | Shown | Traced


def format_command(command: Command) -> bytes:
    """Write a frame that asks for something."""
    return _json(
        _COMMAND,
        {
            "order": command.order,
            "call": command.call,
            "text": command.text,
            "on": command.on,
        },
    )


def format_event(event: Event) -> bytes:
    """Write a frame that tells something; a longer text is cut."""
    return _json(
        _EVENT,
        {
            "said": event.said,
            "call": event.call,
            "status": event.status,
            "text": event.text[:MAX_TEXT],
        },
    )


def format_sound(call: int, sample: int, pcm: bytes) -> bytes:
    """Write a frame of sound; see `Sound`."""
    size = 1 + _AUDIO.size + len(pcm)
    return _HEAD.pack(size, _SOUND) + _AUDIO.pack(call, sample) + pcm


def format_shown(call: int, at_us: int, picture: Picture) -> bytes:
    """Write a frame with a picture; see `Shown`."""
    size = 1 + _VIDEO.size + len(picture.i420)
    head = _VIDEO.pack(call, at_us, picture.width, picture.height)
    return _HEAD.pack(size, _PICTURE) + head + picture.i420


def format_traced(text: str) -> bytes:
    """Write a frame with a message of SIP; a longer one is cut."""
    body = text.encode(errors="replace")[:MAX_TRACED]
    body = body.decode(errors="ignore").encode()
    return _HEAD.pack(1 + len(body), _TRACED) + body


class FrameReader:
    """Cuts a stream of bytes into frames."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._waiting = bytearray()

    def feed(self, data: bytes) -> list[Frame]:
        """Take what came, and give the frames that are whole.

        Raises:
            MalformedError: this is no frame; nothing after it can be read.
        """
        waiting = self._waiting
        waiting += data
        frames: list[Frame] = []
        at = 0
        while len(waiting) - at >= _HEAD.size:
            size, kind = _HEAD.unpack_from(waiting, at)
            if not 1 <= size <= MAX_FRAME:
                raise MalformedError(
                    f"worker: expected a frame of 1 to {MAX_FRAME} bytes, came {size}"
                )
            end = at + _HEAD.size - 1 + size
            if len(waiting) < end:
                break
            frames.append(_parse(kind, bytes(waiting[at + _HEAD.size : end])))
            at = end
        del waiting[:at]
        return frames


def _parse(kind: int, body: bytes) -> Frame:
    match kind:
        case 3:
            return _parse_sound(body)
        case 4:
            return _parse_shown(body)
        case 1:
            return _parse_command(body)
        case 2:
            return _parse_event(body)
        case 5:
            return _parse_traced(body)
        case _:
            raise MalformedError(f"worker: expected a frame of kind 1-5, came {kind}")


def _parse_sound(body: bytes) -> Sound:
    size = len(body) - _AUDIO.size
    if size not in _PCM_SIZES:
        raise MalformedError(f"worker: no 20 ms of sound has {size} bytes")
    call, sample = _AUDIO.unpack_from(body)
    return Sound(call, sample, body[_AUDIO.size :])


def _parse_shown(body: bytes) -> Shown:
    if len(body) < _VIDEO.size:
        raise MalformedError(f"worker: no picture has {len(body)} bytes")
    call, at_us, width, height = _VIDEO.unpack_from(body)
    return Shown(call, at_us, Picture(width, height, body[_VIDEO.size :]))


def _parse_command(body: bytes) -> Command:
    fields = _fields(body, {"order": str, "call": int, "text": str, "on": bool})
    try:
        order = Order(fields["order"])
    except ValueError:
        raise MalformedError(
            f"worker: no order is called {fields['order']!r}"
        ) from None
    return Command(order, _call(fields["call"]), fields["text"], fields["on"])


def _parse_event(body: bytes) -> Event:
    fields = _fields(body, {"said": str, "call": int, "status": int, "text": str})
    try:
        said = Said(fields["said"])
    except ValueError:
        raise MalformedError(f"worker: no event is called {fields['said']!r}") from None
    status, text = fields["status"], fields["text"]
    if status != 0 and not 100 <= status <= 699:  # RFC 3261 §7.2
        raise MalformedError(f"worker: no status of SIP is {status}")
    if len(text) > MAX_TEXT:
        raise MalformedError(
            f"worker: expected a text of at most {MAX_TEXT}, came {len(text)}"
        )
    return Event(said, _call(fields["call"]), status, text)


def _parse_traced(body: bytes) -> Traced:
    if len(body) > MAX_TRACED:
        raise MalformedError(f"worker: no message of SIP has {len(body)} bytes")
    try:
        return Traced(body.decode())
    except UnicodeDecodeError:
        raise MalformedError("worker: expected a message of SIP in UTF-8") from None


def _call(number: int) -> int:
    if not 0 <= number <= MAX_CALL:
        raise MalformedError(f"worker: no call has the number {number}")
    return number


def _fields(body: bytes, kinds: dict[str, type]) -> dict[str, Any]:  # of these kinds
    if len(body) > MAX_JSON:
        raise MalformedError(
            f"worker: expected at most {MAX_JSON} bytes of JSON, came {len(body)}"
        )
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise MalformedError(
            f"worker: expected JSON, came {len(body)} bytes that are none"
        ) from None
    if not isinstance(value, dict) or value.keys() != kinds.keys():
        raise MalformedError(f"worker: expected an object of {sorted(kinds)}")
    for name, kind in kinds.items():
        if type(value[name]) is not kind:
            raise MalformedError(
                f"worker: {name}: expected {kind.__name__},"
                f" came {type(value[name]).__name__}"
            )
        if kind is str and any("\ud800" <= each <= "\udfff" for each in value[name]):
            raise MalformedError(
                f"worker: {name}: expected text, came half a character"
            )
    return value


def _json(kind: int, fields: dict[str, object]) -> bytes:
    body = json.dumps(fields, separators=(",", ":")).encode()
    return _HEAD.pack(1 + len(body), kind) + body
