"""Touch tones as events inside the audio packets (RFC 4733).

Rules. A digit takes 100 ms; each packet of that time says how long it has lasted, and
three more that it is over, so that the loss of seven in a row still lets it through.
Nobody but the other side sees that a tone is sent: packets keep their one size.
"""

import math
from array import array
from collections import deque

from voip.errors import LimitError, MalformedError
from voip.media.audio.red import EVENT_BYTES
from voip.media.sources import FRAME_SAMPLES, SAMPLE_RATE

DIGITS = "0123456789*#ABCD"  # RFC 4733 §3.2: a digit's place here is its event code
TONE_FRAMES = 5  # 100 ms; ITU-T Q.24 asks for 40 at least
END_FRAMES = 3  # RFC 4733 §2.5.1.4: the end is sent three times in all
PAUSE_FRAMES = 3  # 60 ms; ITU-T Q.24 asks for 40 at least
MAX_WAITING = 32
"""Digits, 8 s of them. An account number fits; more is a stuck key."""

GAP_S = 0.060
"""A receiver takes no tones that begin nearer to each other than this."""
MAX_BURST = 8
"""Digits that may come at once, as they do after the path held them up for 2 s."""
FORGET_S = 30.0
"""Until when a packet may repeat a digit: longer than replay protection remembers."""

_TONE_AND_PAUSE = TONE_FRAMES + END_FRAMES + PAUSE_FRAMES
_GAP_SAMPLES = round(GAP_S * SAMPLE_RATE)
_HALF = 1 << 31  # of the timestamps: what is further ahead than that is behind
_END = 0x80
_VOLUME = 10  # -10 dBm0, RFC 4733 §2.3.4
_ROWS, _COLUMNS = (697, 770, 852, 941), (1209, 1336, 1477, 1633)  # Hz, ITU-T Q.23
_KEYS = "123A456B789C*0#D"
_LEVEL = 0.2 * 0x7FFF  # of each of the two; about -11 dBm0 together


class ToneSender:
    """The digits of one stream on their way out."""

    def __init__(self) -> None:
        """Begin with no digit."""
        self._waiting: deque[int] = deque()
        self._code = 0
        self._frame = _TONE_AND_PAUSE

    def press(self, digits: str) -> None:
        """Send these after those that wait already.

        Raises:
            MalformedError: not all of them are in `DIGITS`.
            LimitError: more than `MAX_WAITING` would wait; none of these is sent.
        """
        codes = [code_of(digit) for digit in digits]
        if len(self._waiting) + len(codes) > MAX_WAITING:
            raise LimitError(
                f"touch tones: expected at most {MAX_WAITING} to wait, "
                f"came {len(self._waiting) + len(codes)}"
            )
        self._waiting += codes

    def next(self) -> tuple[int, bytes] | None:
        """Give what the next packet says: frames since the tone began, and the event.

        Called once for every packet; None where there is no tone.
        """
        if self._frame >= _TONE_AND_PAUSE:
            if not self._waiting:
                return None
            self._code = self._waiting.popleft()
            self._frame = 0
        frame = self._frame
        self._frame += 1
        if frame >= TONE_FRAMES + END_FRAMES:
            return None
        frames = min(frame + 1, TONE_FRAMES)
        is_over = frame >= TONE_FRAMES
        return frame, format_event(self._code, frames * FRAME_SAMPLES, is_over=is_over)


class ToneReceiver:
    """Tells each digit of one stream once, however often it came."""

    def __init__(self) -> None:
        """Begin having heard nothing."""
        self._began: int | None = None
        self._heard = 0.0
        self._allowance = float(MAX_BURST)

    def receive(self, began: int, event: bytes, now: float) -> str | None:
        """Take an event of a packet; give its digit if it is a new one.

        Args:
            began: the RTP timestamp at which the tone began.
            event: its 4 bytes.
            now: seconds.

        An event that is no digit, one that began before the last digit or within 60 ms
        of it, and one too many for the time give None.

        Raises:
            MalformedError: the event is none.
        """
        digit = parse_event(event)
        if digit is None:
            return None
        if self._began is not None:
            since = now - self._heard
            ahead = (began - self._began) & 0xFFFF_FFFF
            if since < FORGET_S and not _GAP_SAMPLES <= ahead < _HALF:
                return None
            self._allowance = min(self._allowance + since / GAP_S, float(MAX_BURST))
        self._began, self._heard = began, now
        if self._allowance < 1:
            return None
        self._allowance -= 1
        return digit


def code_of(digit: str) -> int:
    """Give the event code of a digit, 0 to 15.

    Raises:
        MalformedError: it is none of `DIGITS`.
    """
    code = DIGITS.find(digit)
    if len(digit) != 1 or code < 0:
        raise MalformedError(f"touch tone: expected one of {DIGITS}, came {digit!r}")
    return code


def format_event(code: int, duration: int, *, is_over: bool) -> bytes:
    """Write an event (RFC 4733 §2.3); `duration` counts samples of 48 kHz."""
    flags = (_END if is_over else 0) | _VOLUME
    return bytes([code, flags]) + duration.to_bytes(2)


def parse_event(event: bytes) -> str | None:
    """Read the digit of an event; None for other events than digits.

    Raises:
        MalformedError: not 4 bytes.
    """
    if len(event) != EVENT_BYTES:
        raise MalformedError(f"event: expected {EVENT_BYTES} bytes, came {len(event)}")
    return DIGITS[event[0]] if event[0] < len(DIGITS) else None


def sound_of(digit: str, samples: int) -> bytes:
    """Make the sound of a digit (ITU-T Q.23), from its beginning.

    Raises:
        MalformedError: it is none of `DIGITS`.
    """
    code_of(digit)
    row, column = divmod(_KEYS.index(digit), len(_COLUMNS))
    low, high = (
        2 * math.pi * hz / SAMPLE_RATE for hz in (_ROWS[row], _COLUMNS[column])
    )
    return array(
        "h",
        (
            round(_LEVEL * (math.sin(low * at) + math.sin(high * at)))
            for at in range(samples)
        ),
    ).tobytes()
