"""How weak a call is, in words and as JSON."""

from dataclasses import replace

import pytest

from voip.marks import leg_facts, sentence, text, weakest
from voip.signalling.legs import LegKind, LegStage, ListedLeg, Mark

GUEST = ListedLeg(
    1, LegKind.BROWSER, mark=Mark.BROWSER_GUEST, host="talk.example", name="Bob"
)
PHONE = ListedLeg(
    2,
    LegKind.SIP,
    mark=Mark.TO_PBX,
    stage=LegStage.JOINED,
    host="pbx.example",
    suite="AES_CM_128_HMAC_SHA1_80",
    authenticated=True,
)
PLAIN = replace(PHONE, mark=Mark.NOT_ENCRYPTED, suite="", stage=LegStage.HELD)
MEMBER = ListedLeg(3, LegKind.ROOM, mark=Mark.END_TO_END)
SUITE = "AES_CM_128_HMAC_SHA1_80"


@pytest.mark.parametrize(
    ("leg", "said"),
    [
        (GUEST, "browser guest, trusts talk.example, words not compared"),
        (replace(GUEST, words_matched=True), "browser guest, trusts talk.example"),
        (PHONE, f"encrypted to PBX only ({SUITE})"),
        (
            replace(PHONE, authenticated=False),
            f"encrypted to PBX only ({SUITE}), PBX not authenticated",
        ),
        (PLAIN, "NOT ENCRYPTED past here"),
        (MEMBER, "end to end"),
    ],
    ids=["guest", "words matched", "pbx", "unauthenticated", "plain", "member"],
)
def test_a_mark_says(leg: ListedLeg, said: str) -> None:
    assert text(leg) == said


@pytest.mark.parametrize(
    ("leg", "said"),
    [
        (GUEST, f"leg 1, browser 'Bob': {text(GUEST)}, via alice; announced"),
        (PHONE, f"leg 2, sip: {text(PHONE)}, via alice; joined"),
        (MEMBER, "leg 3, room: end to end; announced"),
    ],
    ids=["guest", "phone", "member"],
)
def test_a_leg_is_said_with_whoever_hears_it(leg: ListedLeg, said: str) -> None:
    assert sentence(leg, "alice") == said


def test_a_call_is_as_weak_as_its_weakest_leg() -> None:
    assert weakest((GUEST, PLAIN, PHONE)) is Mark.NOT_ENCRYPTED


def test_a_call_without_legs_is_end_to_end() -> None:
    assert weakest(()) is Mark.END_TO_END


def test_programs_are_told_everything() -> None:
    assert leg_facts(PHONE, "alice") == {
        "id": 2,
        "kind": "sip",
        "name": "",
        "code": 3,
        "mark": "encrypted to PBX only",
        "host": "pbx.example",
        "suite": "AES_CM_128_HMAC_SHA1_80",
        "authenticated": True,
        "state": "joined",
        "via": "alice",
        "words": "n/a",
        "audio": True,
        "video": False,
    }


@pytest.mark.parametrize(
    ("matched", "said"), [(True, "match"), (False, "not compared")]
)
def test_programs_are_told_of_the_words(*, matched: bool, said: str) -> None:
    leg = replace(GUEST, words_matched=matched)

    assert leg_facts(leg, "alice")["words"] == said
