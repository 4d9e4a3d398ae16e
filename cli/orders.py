"""What the user of a call can ask for.

A program writes an order as a line::

    accept  decline  hangup  mute  unmute  hold  resume  video on  video off
    rekey  stats  choices  choose N  continue  text TEXT  file PATH

`choices` shows four sets of words and `choose` says which of them the other side reads,
from 1 to 4, or 0 for none of these. Pure.
"""

from dataclasses import dataclass
from enum import Enum

from voip.errors import MalformedError


class Act(Enum):
    """An order of one meaning; the value is its line."""

    ACCEPT = "accept"
    DECLINE = "decline"
    HANG_UP = "hangup"
    MUTE = "mute"
    UNMUTE = "unmute"
    HOLD = "hold"
    RESUME = "resume"
    VIDEO_ON = "video on"
    VIDEO_OFF = "video off"
    REKEY = "rekey"
    STATS = "stats"
    CHOICES = "choices"
    CONTINUE = "continue"


@dataclass(frozen=True, slots=True)
class Choose:
    """The other side reads this set of words, from 0; None is "none of these"."""

    index: int | None


@dataclass(frozen=True, slots=True)
class SendText:
    """Send a line of text."""

    text: str


@dataclass(frozen=True, slots=True)
class SendFile:
    """Send the file at this path."""

    path: str


Order = Act | Choose | SendText | SendFile

_LINES = ", ".join([act.value for act in Act] + ["choose N", "text TEXT", "file PATH"])
_ACTS = {act.value: act for act in Act}
_CHOICES = {"0": None, "1": 0, "2": 1, "3": 2, "4": 3}


def parse_order(line: str) -> Order:
    """Read a line.

    Raises:
        MalformedError: it is no order; the message lists those that are.
    """
    line = line.strip()
    if line in _ACTS:
        return _ACTS[line]
    word, _, rest = line.partition(" ")
    match word:
        case "choose" if rest in _CHOICES:
            return Choose(_CHOICES[rest])
        case "text" if rest:
            return SendText(rest)
        case "file" if rest:
            return SendFile(rest)
        case _:
            raise MalformedError(f"expected one of {_LINES}, came {line!r}")
