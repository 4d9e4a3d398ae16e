"""A call by pasted text, for two people who can only exchange messages by hand.

::

    ringfence call 1 step 2 of 3
    <base64 of the blobs, wrapped>
    check tknza53b

Step 1 is the INVITE, step 2 RINGING and ACCEPT (to answer by hand is to accept), step 3
CONFIRM and SELECT. The blobs are the same as a relay would carry, so whoever carries
the text learns as little. Before the first call the callee gives an introduction, which
is all that a relay would otherwise be asked for: the card, and the device's entry of
the board. Line breaks and spaces may come and go on the way, nothing else. Format:
docs/formats/by-hand.md.
"""

import base64
import re
import textwrap
from dataclasses import dataclass, field
from enum import IntEnum

from voip.errors import MalformedError
from voip.identity.card import Card, format_card, parse_card
from voip.identity.keys import T, format_base32
from voip.signalling.board import parse_entry
from voip.signalling.envelope import BLOB_BYTES
from voip.wire import Reader, lp16

_LABEL = b"paste"
_CHECK_BYTES = 5  # eight letters: finds what a mail program changed, is no security
_LINE = 64
_TEXT = re.compile(
    r"ringfencecall1step([123])of3([A-Za-z0-9+/]+={0,2})check([a-z2-7]{8})", re.ASCII
)
_INTRODUCTION = re.compile(
    r"ringfenceintroduction1([A-Za-z0-9+/]+={0,2})check([a-z2-7]{8})", re.ASCII
)
_INTRODUCED = 0  # stands where a step's number stands in the check
MAX_TEXT = 20_000  # two blobs are 11 kB; a longer clipboard is something else


class Step(IntEnum):
    """Which of the three texts."""

    INVITE = 1
    ANSWER = 2
    SELECT = 3

    @property
    def blobs(self) -> int:
        """How many blobs the text holds."""
        return 1 if self is Step.INVITE else 2


@dataclass(frozen=True, slots=True)
class Pasted:
    """The blobs of one step, 4096 bytes each.

    Raises:
        MalformedError: not as many blobs as the step has, or of another size.
    """

    step: Step
    blobs: tuple[bytes, ...] = field(repr=False)

    def __post_init__(self) -> None:
        sizes = [len(blob) for blob in self.blobs]
        if sizes != [BLOB_BYTES] * self.step.blobs:
            raise MalformedError(
                f"step {self.step}: expected {self.step.blobs} blobs of {BLOB_BYTES} "
                f"bytes, came {sizes}"
            )


def format_pasted(pasted: Pasted) -> str:
    """Write a step as text."""
    data = b"".join(pasted.blobs)
    return _format(f"ringfence call 1 step {pasted.step} of 3", pasted.step, data)


def parse_pasted(text: str, expected: Step) -> Pasted:
    """Read a step from text, however its lines were wrapped.

    Raises:
        MalformedError: not such a text, another step, or changed on the way.
    """
    match = _TEXT.fullmatch(_squeeze(text))
    if match is None:
        raise MalformedError("pasted text: expected a whole ringfence call text")
    step = Step(int(match[1]))
    if step is not expected:
        raise MalformedError(
            f"pasted text: expected step {expected} of 3, came step {step}"
        )
    data = _decode(match[2], match[3], step)
    starts = range(0, len(data), BLOB_BYTES)
    return Pasted(step, tuple(data[start : start + BLOB_BYTES] for start in starts))


@dataclass(frozen=True, slots=True)
class Introduction:
    """Somebody's card, and what it takes to call this device of theirs.

    `announcement` is a `board.DeviceEntry` as bytes. Its certificate is signed by the
    identity on the card, and it is only good while that holds: 30 days at most.
    """

    card: Card
    announcement: bytes = field(repr=False)


def format_introduction(introduction: Introduction) -> str:
    """Write an introduction as text, about 2.5 kB."""
    card = format_card(introduction.card).encode()
    data = lp16(card) + introduction.announcement
    return _format("ringfence introduction 1", _INTRODUCED, data)


def parse_introduction(text: str) -> Introduction:
    """Read an introduction from text, however its lines were wrapped.

    Raises:
        MalformedError: not such a text, or changed on the way. Whether the device is
            the card owner's is for `voip.dialling.with_announcement` to check.
    """
    match = _INTRODUCTION.fullmatch(_squeeze(text))
    if match is None:
        raise MalformedError("pasted text: expected a whole ringfence introduction")
    reader = Reader(_decode(match[1], match[2], _INTRODUCED))
    try:
        card = parse_card(reader.lp16().decode())
    except UnicodeDecodeError:
        raise MalformedError("card: expected utf-8") from None
    announcement = reader.rest()
    parse_entry(announcement)
    return Introduction(card, announcement)


def _squeeze(text: str) -> str:
    if len(text) > MAX_TEXT:
        raise MalformedError(f"pasted text: {len(text)} characters are too many")
    return "".join(text.split())


def _format(title: str, mark: int, data: bytes) -> str:
    lines = textwrap.wrap(base64.b64encode(data).decode("ascii"), _LINE)
    return "\n".join([title, *lines, f"check {_check(mark, data)}", ""])


def _decode(encoded: str, check: str, mark: int) -> bytes:
    try:
        data = base64.b64decode(encoded, validate=True)
    except ValueError:
        raise MalformedError("pasted text: expected base64") from None
    if check != _check(mark, data):
        raise MalformedError("pasted text: the check does not fit; copy it again")
    if base64.b64encode(data).decode("ascii") != encoded:
        raise MalformedError("pasted text: a second spelling of base64")
    return data


def _check(mark: int, data: bytes) -> str:
    return format_base32(T(_LABEL, bytes([mark]) + data)[:_CHECK_BYTES])
