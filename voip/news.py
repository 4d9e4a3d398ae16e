"""What the user of a call is told: facts, one frozen value each, with a JSON form.

Names and values are an interface for programs (`ringfence call --json`). Text from the
other side is theirs: whoever shows it escapes it first. Keys never appear; the words of
a call only where they were asked for.
"""

from dataclasses import KW_ONLY, dataclass, field
from typing import assert_never

from voip.call import State
from voip.events import End
from voip.identity.trust import Trust
from voip.marks import NAMES, LegFacts, leg_facts, weakest
from voip.signalling.legs import Legs

Json = dict[str, str | int | float | bool | list[str] | list[LegFacts] | None]


@dataclass(frozen=True, slots=True)
class StateChanged:
    """The call moved on."""

    state: State


@dataclass(frozen=True, slots=True)
class TrustKnown:
    """How far the other device is trusted; after keys exist, and when it changes."""

    trust: Trust
    device: bytes


@dataclass(frozen=True, slots=True)
class WordsKnown:
    """The words of this call, the same at the other side unless somebody is between."""

    words: tuple[str, str, str] = field(repr=False)
    decimal: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class PathChanged:
    """Media flows, directly between the two devices or through a relay."""

    kind: str


@dataclass(frozen=True, slots=True)
class PathWeakened:
    """Nothing was heard for so long; if it lasts, another path is looked for."""

    seconds: float


@dataclass(frozen=True, slots=True)
class EpochChanged:
    """We send under fresh keys from here on."""

    epoch: int


@dataclass(frozen=True, slots=True)
class PeerChanged:
    """What the other side shows, hears and keeps now, as it says."""

    _: KW_ONLY
    held: bool
    muted: bool
    video: bool
    screen: bool = False
    recording: bool = False


@dataclass(frozen=True, slots=True)
class PeerCompared:
    """What the other side's user said about the words; their claim, nothing more."""

    matched: bool


@dataclass(frozen=True, slots=True)
class MicrophoneClosed:
    """The microphone stays closed until the user settles the trust in this call.

    The trust is broken; or, where the user is strict, the words were never compared.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class Warned:
    """Something the user should know, as a sentence."""

    sentence: str


@dataclass(frozen=True, slots=True)
class DigitArrived:
    """The other side pressed a key: one of 0-9, A-D, * and #."""

    digit: str


@dataclass(frozen=True, slots=True)
class TextArrived:
    """A line of text from the other side."""

    text: str


@dataclass(frozen=True, slots=True)
class FileArrived:
    """A file from the other side, whole; the name is theirs, made harmless."""

    name: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class LegsChanged:
    """Who else is in the call by a gateway, and how weak that makes it.

    Attributes:
        legs: all of them, as the other side says.
        asks: the user must agree before the other side may let them hear.
        via: our name for the other side.
    """

    legs: Legs
    _: KW_ONLY
    asks: bool
    via: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The call is over; `successor` is the call id of the one that replaces it."""

    end: End
    successor: bytes | None = None


News = (
    StateChanged
    | TrustKnown
    | WordsKnown
    | PathChanged
    | PathWeakened
    | EpochChanged
    | PeerChanged
    | PeerCompared
    | MicrophoneClosed
    | Warned
    | DigitArrived
    | TextArrived
    | FileArrived
    | LegsChanged
    | Ended
)


def format_json(  # noqa: C901, PLR0911, PLR0912 -- one case per kind of news
    news: News, *, with_words: bool = False
) -> Json:
    """Give the JSON object of a piece of news; its `event` names the kind."""
    match news:
        case StateChanged():
            return {"event": "state", "state": news.state.name.lower()}
        case TrustKnown():
            return {
                "event": "trust",
                "trust": news.trust.state.value,
                "reason": news.trust.reason.value,
                "since": news.trust.since,
                "device": news.device.hex(),
            }
        case WordsKnown():
            if not with_words:
                return {"event": "words"}
            return {
                "event": "words",
                "words": list(news.words),
                "decimal": news.decimal,
            }
        case PathChanged():
            return {"event": "path", "kind": news.kind}
        case PathWeakened():
            return {"event": "weak", "seconds": round(news.seconds, 1)}
        case EpochChanged():
            return {"event": "epoch", "epoch": news.epoch}
        case PeerChanged():
            return {
                "event": "peer",
                "held": news.held,
                "muted": news.muted,
                "video": news.video,
                "screen": news.screen,
                "recording": news.recording,
            }
        case PeerCompared():
            return {"event": "peer-compared", "matched": news.matched}
        case MicrophoneClosed():
            return {"event": "microphone-closed", "reason": news.reason}
        case Warned():
            return {"event": "warning", "sentence": news.sentence}
        case DigitArrived():
            return {"event": "digit", "digit": news.digit}
        case TextArrived():
            return {"event": "text", "text": news.text}
        case FileArrived():
            return {"event": "file", "name": news.name, "size": len(news.data)}
        case LegsChanged():
            return {
                "event": "legs",
                "version": news.legs.version,
                "asks": news.asks,
                **format_legs(news),
            }
        case Ended():
            successor = news.successor.hex() if news.successor else None
            return {"event": "ended", "end": news.end.value, "successor": successor}
        case _:
            assert_never(news)


def format_legs(news: LegsChanged) -> Json:
    """Give what every event of a call with legs says of them; empty without legs."""
    legs = news.legs.legs
    if not legs:
        return {}
    mark = weakest(legs)
    return {
        "mark": NAMES[mark],
        "code": int(mark),
        "legs": [leg_facts(leg, news.via) for leg in legs],
    }
