"""What the user of a room is told has a form for programs."""

import json
from dataclasses import replace

import pytest

from voip.events import End
from voip.gateway.rooms.news import (
    GuestsChanged,
    Introduced,
    Invited,
    MembersChanged,
    MemberSeen,
    NotComing,
    RoomClosed,
    RoomNews,
    RoomWarned,
    RosterAlarm,
    TurnedAway,
    format_room_json,
)
from voip.identity.trust import TrustState
from voip.news import LegsChanged
from voip.signalling.legs import LegKind, Legs, ListedLeg, Mark

BOB = MemberSeen(
    b"b" * 48,
    "bob",
    trust=TrustState.NEW,
    introduced_by="alice",
    is_heard=True,
    trusts=(("alice", TrustState.VERIFIED),),
    has_hand_up=True,
)
CARRIED = LegsChanged(
    Legs(
        2,
        (ListedLeg(1, LegKind.BROWSER, mark=Mark.BROWSER_GUEST, host="talk.example"),),
    ),
    asks=False,
    via="bob",
)
FORMS: dict[str, tuple[RoomNews, str]] = {
    "invited": (Invited("bob"), '{"event": "invited", "alias": "bob"}'),
    "not coming": (
        NotComing("bob", End.DECLINED),
        '{"event": "not-coming", "alias": "bob", "end": "declined"}',
    ),
    "introduced": (
        Introduced("bob", "alice", clash="Bob"),
        '{"event": "introduced", "alias": "bob", "by": "alice", "clash": "Bob"}',
    ),
    "turned away": (
        TurnedAway("bob", "full"),
        '{"event": "turned-away", "alias": "bob", "why": "full"}',
    ),
    "roster": (
        RosterAlarm(b"\x0b", "bob", differs=True),
        '{"event": "roster", "key": "0b", "alias": "bob", "differs": true}',
    ),
    "warning": (RoomWarned("look"), '{"event": "warning", "sentence": "look"}'),
    "closed": (RoomClosed("you left"), '{"event": "closed", "why": "you left"}'),
}


@pytest.mark.parametrize("name", FORMS)
def test_news_have_a_form_for_programs(name: str) -> None:
    news, form = FORMS[name]

    assert json.dumps(format_room_json(news)) == form


def test_a_member_is_told_with_all_there_is_to_know() -> None:
    told = format_room_json(MembersChanged((BOB,), 3))

    assert json.loads(json.dumps(told)) == {
        "event": "members",
        "epoch": 3,
        "members": [
            {
                "key": "62" * 48,
                "alias": "bob",
                "us": False,
                "trust": "new",
                "introduced_by": "alice",
                "heard": True,
                "lost": False,
                "trusts": {"alice": "verified"},
                "hand": True,
                "speaking": False,
                "seen": False,
                "hushed": False,
                "muted": False,
                "held": False,
                "video": False,
                "screen": False,
                "recording": False,
                "differs": False,
            }
        ],
    }


def test_guests_of_others_are_told_with_what_they_make_of_the_room() -> None:
    told = format_room_json(GuestsChanged((CARRIED, replace(CARRIED, asks=True))))

    assert (told["event"], told["code"], told["mark"]) == ("guests", 2, "browser guest")
    assert told["asks"] == ["bob"]
    assert '"host": "talk.example"' in json.dumps(told["legs"])


def test_a_room_without_guests_is_end_to_end() -> None:
    told = format_room_json(GuestsChanged(()))

    assert (told["mark"], told["legs"]) == ("end to end", [])


def test_we_have_no_word_for_ourselves() -> None:
    told = format_room_json(
        MembersChanged((MemberSeen(b"a" * 48, "me", is_us=True),), 1)
    )

    assert '"trust": null' in json.dumps(told)
