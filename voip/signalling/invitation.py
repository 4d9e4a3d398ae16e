"""A call by pasted text, for two people who can only exchange messages by hand.

::

    ringfence call 1 step 2 of 3
    <base64 of the blobs, wrapped>
    check tknza53b

Step 1 is the INVITE, step 2 RINGING and ACCEPT (to answer by hand is to accept), step 3
CONFIRM and SELECT. The blobs are the same as a relay would carry, so whoever carries
the text learns as little. Line breaks and spaces may come and go on the way, nothing
else. Format: docs/formats/signalling.md.
"""

import base64
import re
import textwrap
from dataclasses import dataclass, field
from enum import IntEnum

from voip.errors import MalformedError
from voip.identity.keys import T, format_base32
from voip.signalling.envelope import BLOB_BYTES

_LABEL = b"paste"
_CHECK_BYTES = 5  # eight letters: finds what a mail program changed, is no security
_LINE = 64
_TEXT = re.compile(
    r"ringfencecall1step([123])of3([A-Za-z0-9+/]+={0,2})check([a-z2-7]{8})", re.ASCII
)
_MAX_TEXT = 20_000  # two blobs are 11 kB; a longer clipboard is something else


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
    lines = textwrap.wrap(base64.b64encode(data).decode("ascii"), _LINE)
    return "\n".join(
        [
            f"ringfence call 1 step {pasted.step} of 3",
            *lines,
            f"check {_check(pasted.step, data)}",
            "",
        ]
    )


def parse_pasted(text: str, expected: Step) -> Pasted:
    """Read a step from text, however its lines were wrapped.

    Raises:
        MalformedError: not such a text, another step, or changed on the way.
    """
    if len(text) > _MAX_TEXT:
        raise MalformedError(f"pasted text: {len(text)} characters are too many")
    match = _TEXT.fullmatch("".join(text.split()))
    if match is None:
        raise MalformedError("pasted text: expected a whole ringfence call text")
    step = Step(int(match[1]))
    if step is not expected:
        raise MalformedError(
            f"pasted text: expected step {expected} of 3, came step {step}"
        )
    try:
        data = base64.b64decode(match[2], validate=True)
    except ValueError:
        raise MalformedError("pasted text: expected base64") from None
    if match[3] != _check(step, data):
        raise MalformedError("pasted text: the check does not fit; copy it again")
    starts = range(0, len(data), BLOB_BYTES)
    pasted = Pasted(step, tuple(data[start : start + BLOB_BYTES] for start in starts))
    if base64.b64encode(data).decode("ascii") != match[2]:
        raise MalformedError("pasted text: a second spelling of base64")
    return pasted


def _check(step: Step, data: bytes) -> str:
    return format_base32(T(_LABEL, bytes([step]) + data)[:_CHECK_BYTES])
