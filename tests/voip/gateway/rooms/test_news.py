"""What the user of a room is told has a form for programs."""

import json

import pytest

from voip.events import End
from voip.gateway.rooms.news import (
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

BOB = MemberSeen(
    b"b" * 48,
    "bob",
    trust=TrustState.NEW,
    introduced_by="alice",
    is_heard=True,
    trusts=(("alice", TrustState.VERIFIED),),
    has_hand_up=True,
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
        RosterAlarm("bob", differs=True),
        '{"event": "roster", "alias": "bob", "differs": true}',
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
                "trusts": {"alice": "verified"},
                "hand": True,
                "speaking": False,
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


def test_we_have_no_word_for_ourselves() -> None:
    told = format_room_json(
        MembersChanged((MemberSeen(b"a" * 48, "me", is_us=True),), 1)
    )

    assert '"trust": null' in json.dumps(told)
