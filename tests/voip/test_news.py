"""What programs read about a call, and what is kept from them."""

import json

import pytest

from voip.call import State
from voip.events import End
from voip.identity.trust import Reason, Trust, TrustState
from voip.marks import leg_facts
from voip.news import (
    DigitArrived,
    Ended,
    EpochChanged,
    FileArrived,
    Json,
    LegsChanged,
    MicrophoneClosed,
    News,
    PathChanged,
    PathWeakened,
    PeerChanged,
    PeerCompared,
    StateChanged,
    TextArrived,
    TrustKnown,
    Warned,
    WordsKnown,
    format_json,
)
from voip.signalling.legs import LegKind, Legs, ListedLeg, Mark

WORDS = WordsKnown(("team", "say", "spring"), "7473200793")


@pytest.mark.parametrize(
    ("news", "expected"),
    [
        (StateChanged(State.ALERTED), {"event": "state", "state": "alerted"}),
        (
            TrustKnown(
                Trust(TrustState.VERIFIED, Reason.WORDS, since=1_800_000_000),
                b"\x0d" * 16,
            ),
            {
                "event": "trust",
                "trust": "verified",
                "reason": "words compared",
                "since": 1_800_000_000,
                "device": "0d" * 16,
            },
        ),
        (PathChanged("relay"), {"event": "path", "kind": "relay"}),
        (EpochChanged(3), {"event": "epoch", "epoch": 3}),
        (
            PeerChanged(held=False, muted=True, video=False, recording=True),
            {
                "event": "peer",
                "held": False,
                "muted": True,
                "video": False,
                "screen": False,
                "recording": True,
            },
        ),
        (PathWeakened(0.52), {"event": "weak", "seconds": 0.5}),
        (DigitArrived("#"), {"event": "digit", "digit": "#"}),
        (PeerCompared(matched=True), {"event": "peer-compared", "matched": True}),
        (
            MicrophoneClosed("the words differ"),
            {"event": "microphone-closed", "reason": "the words differ"},
        ),
        (Warned("a sentence"), {"event": "warning", "sentence": "a sentence"}),
        (TextArrived("hello"), {"event": "text", "text": "hello"}),
        (
            FileArrived("a.txt", b"12345"),
            {"event": "file", "name": "a.txt", "size": 5},
        ),
        (Ended(End.BUSY), {"event": "ended", "end": "busy", "successor": None}),
        (
            Ended(End.GLARE, b"\xcc" * 16),
            {"event": "ended", "end": "both called at once", "successor": "cc" * 16},
        ),
    ],
)
def test_news_has_its_json_form(news: News, expected: Json) -> None:
    assert format_json(news) == expected
    assert json.loads(json.dumps(expected)) == expected


PHONE = ListedLeg(1, LegKind.SIP, mark=Mark.NOT_ENCRYPTED, name="Office")


def test_legs_have_their_json_form() -> None:
    news = LegsChanged(Legs(3, (PHONE,)), asks=True, via="alice")

    assert format_json(news) == {
        "event": "legs",
        "version": 3,
        "asks": True,
        "mark": "NOT ENCRYPTED past here",
        "code": 4,
        "legs": [leg_facts(PHONE, "alice")],
    }


def test_a_call_without_legs_says_nothing_of_them() -> None:
    news = LegsChanged(Legs(4), asks=False, via="alice")

    assert format_json(news) == {"event": "legs", "version": 4, "asks": False}


def test_words_are_left_out_unless_asked_for() -> None:
    assert format_json(WORDS) == {"event": "words"}


def test_words_are_given_when_asked_for() -> None:
    assert format_json(WORDS, with_words=True) == {
        "event": "words",
        "words": ["team", "say", "spring"],
        "decimal": "7473200793",
    }


def test_repr_holds_neither_words_nor_files() -> None:
    shown = repr([WORDS, FileArrived("a.txt", b"secret contents")])

    assert not any(hidden in shown for hidden in ("spring", "7473", "contents"))
