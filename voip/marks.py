"""How weak a call is by its legs, in words and as JSON.

Pure. A mark says who besides those in the call can hear: it belongs beside the trust in
the contact, which is another question, and never replaces it. What is written here is
the word of a contact. One who cheats can always play a voice elsewhere.

What comes of a leg's texts is the other side's: whoever shows it escapes it first.
"""

from collections.abc import Iterable
from typing import Final

from voip.signalling.legs import LegKind, LegStage, ListedLeg, Mark

NAMES: Final = {
    Mark.END_TO_END: "end to end",
    Mark.BROWSER_GUEST: "browser guest",
    Mark.TO_PBX: "encrypted to PBX only",
    Mark.NOT_ENCRYPTED: "NOT ENCRYPTED past here",
}
"""Stable: an interface for programs, and what every screen says."""

KINDS: Final = {
    LegKind.BROWSER: "browser",
    LegKind.SIP: "sip",
    LegKind.ROOM: "room",
}
STAGES: Final = {
    LegStage.ANNOUNCED: "announced",
    LegStage.JOINED: "joined",
    LegStage.HELD: "held",
}

LegFacts = dict[str, str | int | bool]


def weakest(legs: Iterable[ListedLeg]) -> Mark:
    """Give the mark of a call with these legs."""
    return max((leg.mark for leg in legs), default=Mark.END_TO_END)


def text(leg: ListedLeg) -> str:
    """Say how weak a leg is, as on every screen."""
    name = NAMES[leg.mark]
    match leg.mark:
        case Mark.BROWSER_GUEST:
            words = "" if leg.words_matched else ", words not compared"
            return f"{name}, trusts {leg.host}{words}"
        case Mark.TO_PBX:
            unknown = "" if leg.authenticated else ", PBX not authenticated"
            return f"{name} ({leg.suite}){unknown}"
        case _:
            return name


def sentence(leg: ListedLeg, via: str) -> str:
    """Say what a leg is, in a line; `via` is our name for the gateway's contact."""
    what = f"{KINDS[leg.kind]} {leg.name!r}" if leg.name else KINDS[leg.kind]
    heard = "" if leg.mark is Mark.END_TO_END else f", via {via}"
    return f"leg {leg.id}, {what}: {text(leg)}{heard}; {STAGES[leg.stage]}"


def leg_facts(leg: ListedLeg, via: str) -> LegFacts:
    """Give what programs are told of a leg."""
    return {
        "id": leg.id,
        "kind": KINDS[leg.kind],
        "name": leg.name,
        "code": int(leg.mark),
        "mark": NAMES[leg.mark],
        "host": leg.host,
        "suite": leg.suite,
        "authenticated": leg.authenticated,
        "state": STAGES[leg.stage],
        "via": via,
        "words": _words(leg),
        "audio": leg.audio,
        "video": leg.video,
    }


def _words(leg: ListedLeg) -> str:
    if leg.kind is not LegKind.BROWSER:
        return "n/a"
    return "match" if leg.words_matched else "not compared"
