"""What the host of browser guests may type, and the lines that are shown.

An order is a line; guests are numbered as they come. A number may be left out where
one guest alone can be meant: who is at the door, or who is in::

    accept [N]  decline [N]  hangup [N]  choose [N] C  mute  unmute  leave

`choose` says which of the four sets of words the guest reads, from 1 to 4, or 0 for
none of these. `leave` hangs up on everybody. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cli.codes import Code
from cli.output import escape
from voip.errors import MalformedError
from voip.gateway.guests.news import (
    Connected,
    GuestCompared,
    GuestEnded,
    GuestNews,
    GuestPressed,
    GuestShows,
    MediaFailed,
    OpenedAgain,
)
from voip.identity.words import WordTriple
from voip.news import Json
from voip.signalling.legs import LegReason, Mark
from voip.signalling.messages import HangupReason

ORDERS: Final = ("accept", "decline", "hangup", "mute", "unmute", "leave")
_ABOUT_GUESTS: Final = ("accept", "decline", "hangup")
_MOST: Final = 9999

CODES: Final = {
    HangupReason.NORMAL: Code.DONE,
    HangupReason.DECLINED: Code.REFUSED,
    HangupReason.BUSY: Code.BUSY,
    HangupReason.TIMEOUT: Code.NO_ANSWER,
    HangupReason.SECURITY: Code.DISTRUST,
}
"""What became of a guest, as an exit code; else as if nobody was reached."""

LEG_REASONS: Final = {
    HangupReason.NORMAL: LegReason.NORMAL,
    HangupReason.DECLINED: LegReason.DECLINED,
    HangupReason.BUSY: LegReason.BUSY,
    HangupReason.TIMEOUT: LegReason.NO_ANSWER,
    HangupReason.SECURITY: LegReason.SECURITY,
}
"""And how everybody is told that his leg ended; else as lost."""


@dataclass(frozen=True, slots=True)
class Order:
    """What the host wants; `guest` is a number, 0 for the one who can be meant.

    Attributes:
        act: one of `ORDERS`, or `choose`.
        choice: of `choose`, from 0; None is "none of these".
    """

    act: str
    guest: int = 0
    choice: int | None = None


def parse_order(line: str) -> Order:
    """Read a line.

    Raises:
        MalformedError: it is no order; the message lists those that are.
    """
    word, *numbers = line.split()[:4] or [""]
    values = [int(each) for each in numbers if each.isdecimal() and each.isascii()]
    if len(values) == len(numbers) and max(values, default=0) <= _MOST:
        if word in ORDERS and len(values) <= 1:
            return Order(word, sum(values))
        if word == "choose" and len(values) in {1, 2} and values[-1] <= 4:
            choice = values.pop()
            return Order(word, sum(values), choice=choice - 1 if choice else None)
    raise MalformedError(
        f"expected one of {', '.join(ORDERS)}, choose N, came {line!r}"
    )


def is_for_guests(line: str) -> bool:
    """Tell an order about a guest from one of a room's, which has its `choose N`."""
    word, *numbers = line.split()[:4] or [""]
    return word in _ABOUT_GUESTS or (word == "choose" and len(numbers) == 2)


def at_door(number: int, name: str, label: str, host: str) -> list[str]:
    """Say that somebody is at the door, and what letting him in means."""
    shown = escape(name) or "somebody without a name"
    return [
        f"guest {number}, {shown!r}, is at the door with {escape(label)}",
        f"  a browser guest, trusts {host}: it, and who had the link, may listen in",
        f"  accept {number} lets them in, decline {number} does not",
    ]


def door_facts(number: int, name: str, label: str, host: str) -> Json:
    """Give the JSON object of the same."""
    return {
        "event": "guest at the door",
        "guest": number,
        "name": name,
        "invite": label,
        "mark": "browser guest",
        "code": int(Mark.BROWSER_GUEST),
        "host": host,
    }


def reopened(label: str) -> str:
    """Say that somebody came with a link whose guest has left."""
    return (
        f"{escape(label)} was opened again after its guest left: by them, or by"
        " somebody else who has it"
    )


def offered(number: int, options: Sequence[WordTriple]) -> list[str]:
    """Ask which words the guest reads."""
    listed = [f"  {place}  {' '.join(words)}" for place, words in enumerate(options, 1)]
    return [
        f"ask guest {number} to read their three words, then type: choose {number} N",
        *listed,
        "  0  none of these",
    ]


def word_facts(number: int, options: Sequence[WordTriple]) -> Json:
    """Give the JSON object of the same."""
    listed = [" ".join(words) for words in options]
    return {"event": "words", "guest": number, "options": listed}


def sentence(number: int, news: GuestNews) -> str:  # noqa: PLR0911 - one line a kind
    """Say what happened, in a line."""
    match news:
        case Connected():
            return f"guest {number} is connected"
        case OpenedAgain():
            return (
                f"the link of guest {number} was opened again: by them in another tab,"
                " or by somebody else"
            )
        case GuestShows(muted=muted, video=video):
            shows = "shows pictures" if video else "shows no pictures"
            return f"guest {number} {'is muted, ' if muted else ''}{shows}"
        case GuestCompared():
            return f"guest {number} says that the words are the same"
        case GuestPressed(digits):
            return f"guest {number} pressed {digits}"
        case MediaFailed(why):
            return f"guest {number}: {escape(why)}"
        case GuestEnded(_, why, _):
            return f"guest {number} is gone: {escape(why)}"


def facts(number: int, news: GuestNews) -> Json:  # noqa: PLR0911 - one line a kind
    """Give the JSON object of a piece of news."""
    event: Json = {"guest": number}
    match news:
        case Connected():
            return {"event": "guest connected", **event}
        case OpenedAgain():
            return {"event": "link opened again", **event}
        case GuestShows(muted=muted, video=video):
            return {"event": "guest shows", "muted": muted, "video": video, **event}
        case GuestCompared():
            return {"event": "guest compared", "matched": True, **event}
        case GuestPressed(digits):
            return {"event": "digits", "digits": digits, **event}
        case MediaFailed(why):
            return {"event": "guest media failed", "why": why, **event}
        case GuestEnded(reason, why, by_guest):
            return {
                "event": "guest ended",
                "reason": reason.name.lower(),
                "why": why,
                "by_guest": by_guest,
                **event,
            }
