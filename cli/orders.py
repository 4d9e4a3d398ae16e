"""What the user of a call can ask for.

A program writes an order as a line::

    accept  decline  hangup  mute  unmute  talk  hold  resume
    video on  video off  screen on  screen off  record PATH  record off
    tone DIGITS  devices  device mic N|NAME  device speaker N|NAME
    stats  quality  rekey  choices  choose N  continue  text TEXT  file PATH
    legs accept  legs refuse  dial NAME|NUMBER|URI  legs end N

`choices` shows four sets of words and `choose` says which of them the other side reads,
from 1 to 4, or 0 for none of these. `talk` is the key of push-to-talk, once. `legs`
says whether those may hear whom the other side's gateway wants to join; `dial` asks
that gateway for a telephone, and `legs end` has it end one. Pure.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from voip.errors import MalformedError
from voip.media.ends.listed import Way


class Act(Enum):
    """An order of one meaning; the value is its line."""

    ACCEPT = "accept"
    DECLINE = "decline"
    HANG_UP = "hangup"
    MUTE = "mute"
    UNMUTE = "unmute"
    TALK = "talk"
    HOLD = "hold"
    RESUME = "resume"
    VIDEO_ON = "video on"
    VIDEO_OFF = "video off"
    SCREEN_ON = "screen on"
    SCREEN_OFF = "screen off"
    RECORD_OFF = "record off"
    DEVICES = "devices"
    STATS = "stats"
    QUALITY = "quality"
    REKEY = "rekey"
    CHOICES = "choices"
    CONTINUE = "continue"
    LEGS_ACCEPT = "legs accept"
    LEGS_REFUSE = "legs refuse"


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


@dataclass(frozen=True, slots=True)
class Press:
    """Press these keys, as on a telephone."""

    digits: str


@dataclass(frozen=True, slots=True)
class Record:
    """Record the call into the file at this path."""

    path: str


@dataclass(frozen=True, slots=True)
class UseDevice:
    """Hear or speak with this one: its place, a part of its name, None the usual."""

    way: Way
    which: int | str | None


@dataclass(frozen=True, slots=True)
class Dial:
    """Ask the other side's gateway for a telephone, as they or its exchange name it."""

    target: str


@dataclass(frozen=True, slots=True)
class EndLeg:
    """Have the other side's gateway end the leg of this number."""

    number: int


@dataclass(frozen=True, slots=True)
class Misspelt:
    """What was typed is no order; the sentence says what would be."""

    sentence: str


Order = (
    Act
    | Choose
    | SendText
    | SendFile
    | Press
    | Record
    | UseDevice
    | Dial
    | EndLeg
    | Misspelt
)

_LINES = ", ".join(
    [
        *(act.value for act in Act),
        *("choose N", "text TEXT", "file PATH", "tone DIGITS", "record PATH"),
        *("device mic N|NAME", "device speaker N|NAME", "dial TARGET", "legs end N"),
    ]
)
_WAYS = {"mic": Way.IN, "speaker": Way.OUT}
_USUAL = "default"
_MAX_PLACE = 3  # digits of a place in a list
_LEG = re.compile("legs end ([1-9][0-9]{0,2})", re.ASCII)
_ACTS = {act.value: act for act in Act}
_TAKING: dict[str, Callable[[str], Order]] = {
    "text": SendText,
    "file": SendFile,
    "tone": Press,
    "record": Record,
    "dial": Dial,
}
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
    if word == "choose" and rest in _CHOICES:
        return Choose(_CHOICES[rest])
    if word in _TAKING and rest:
        return _TAKING[word](rest)
    if leg := _LEG.fullmatch(line):
        return EndLeg(int(leg[1]))
    if word == "device" and (device := _parse_device(rest)) is not None:
        return device
    raise MalformedError(f"expected one of {_LINES}, came {line!r}")


def _parse_device(rest: str) -> UseDevice | None:
    end, _, which = rest.partition(" ")
    if end not in _WAYS or not which:
        return None
    if which == _USUAL:
        return UseDevice(_WAYS[end], None)
    is_place = which.isascii() and which.isdecimal() and len(which) <= _MAX_PLACE
    return UseDevice(_WAYS[end], int(which) if is_place else which)
