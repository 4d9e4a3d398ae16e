"""A room in lines: what is said of members, and what its user may ask for."""

from dataclasses import replace

import pytest

from cli.gateways.roomview import (
    NOBODY,
    About,
    Act,
    Choose,
    Guests,
    Verb,
    describe,
    lines,
    listed,
    offered,
    parse_order,
)
from voip.errors import MalformedError
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
)
from voip.identity.trust import TrustState
from voip.news import LegsChanged
from voip.signalling.legs import LegKind, Legs, ListedLeg, Mark

ALICE = MemberSeen(b"a" * 48, "alice", is_us=True, is_muted=True)
BOB = MemberSeen(b"b" * 48, "bob", trust=TrustState.VERIFIED, is_heard=True)
CAROL = MemberSeen(
    b"c" * 48,
    "carol\x1b",
    trust=TrustState.NEW,
    introduced_by="bob",
    is_heard=True,
    trusts=(("bob", TrustState.VERIFIED),),
    has_hand_up=True,
)
STRANGER = MemberSeen(b"d" * 48, "", trust=TrustState.NEW)


def test_a_list_has_each_member_with_our_word_for_them() -> None:
    assert listed(MembersChanged((ALICE, BOB, CAROL, STRANGER), 4)) == [
        "4 in the room:",
        "  alice: you; muted",
        "  bob: verified",
        r"  carol\x1b: new, introduced by bob; hand up; verified to bob",
        "  somebody who is not in your address book (mrsgiz): new; no session with you",
    ]


def test_who_is_alone_is_told_so() -> None:
    assert listed(MembersChanged((ALICE,), 1))[0] == "nobody else is here"


def test_who_is_broken_is_said_loud() -> None:
    broken = MemberSeen(b"b" * 48, "bob", trust=TrustState.BROKEN, is_heard=True)

    assert describe(broken) == "  bob: BROKEN"


def test_a_list_of_others_is_shown_whole() -> None:
    before, after = MembersChanged((ALICE,), 1), MembersChanged((ALICE, BOB), 2)

    assert lines(after, before) == ["bob comes", *listed(after)]


def test_who_is_in_the_list_no_more_is_gone() -> None:
    before, after = MembersChanged((ALICE, BOB), 2), MembersChanged((ALICE,), 3)

    assert lines(after, before) == ["bob is gone", *listed(after)]


def test_of_two_calls_at_once_the_one_that_ends_is_no_news() -> None:
    assert lines(NotComing("bob", End.GLARE), None) == []


def test_of_the_same_members_only_who_changed_is_shown() -> None:
    before = MembersChanged((ALICE, BOB), 2)
    muted = MemberSeen(
        b"b" * 48, "bob", trust=TrustState.VERIFIED, is_heard=True, is_muted=True
    )

    assert lines(MembersChanged((ALICE, muted), 2), before) == [
        "  bob: verified; muted"
    ]


def test_who_speaks_is_no_line_of_its_own() -> None:
    before = MembersChanged((ALICE, BOB), 2)
    loud = replace(BOB, is_speaking=True)

    assert lines(MembersChanged((ALICE, loud), 2), before) == []


def test_guests_of_others_stand_with_what_they_make_of_the_room() -> None:
    guest = ListedLeg(
        1, LegKind.BROWSER, mark=Mark.BROWSER_GUEST, host="talk.example", name="zoe"
    )
    news = LegsChanged(Legs(2, (guest,)), asks=True, via="bob\x1b")

    mark, leg, question = lines(GuestsChanged((news,)), None)

    assert mark == "this room: browser guest"
    assert leg.startswith("leg 1, browser 'zoe': browser guest, trusts talk.example")
    assert leg.endswith(r"via bob\x1b; announced")
    assert question.startswith(r"bob\x1b wants to let them in: 'legs accept bob\x1b'")


def test_it_is_said_that_no_guests_are_left() -> None:
    assert lines(GuestsChanged(()), None) == ["no guests of others are in the room"]


NEWS: dict[str, tuple[RoomNews, str]] = {
    "invited": (Invited("bob"), "asking bob to come"),
    "not coming": (NotComing("bob", End.DECLINED), "bob does not come: declined"),
    "a clash": (
        Introduced("bob 2", "alice", clash="bob"),
        "bob 2 is new to you, introduced by alice; not the bob whom you know",
    ),
    "introduced": (
        Introduced("bob", "alice"),
        "bob is new to you, introduced by alice",
    ),
    "turned away": (TurnedAway("bob", "full"), "turned away bob: full"),
    "alarm": (
        RosterAlarm(b"b" * 48, "bob", differs=True),
        "ALARM: bob sees other members than you do",
    ),
    "alarm of a stranger": (
        RosterAlarm(b"d" * 48, "", differs=True),
        f"ALARM: {NOBODY} (mrsgiz) sees other members than you do",
    ),
    "no alarm": (
        RosterAlarm(b"b" * 48, "bob", differs=False),
        "bob sees the same members again",
    ),
    "warning": (RoomWarned("a\x07b"), r"warning: a\x07b"),
    "closed": (RoomClosed("you left"), "out of the room: you left"),
}


@pytest.mark.parametrize("name", NEWS)
def test_news_are_a_line(name: str) -> None:
    news, line = NEWS[name]

    assert lines(news, None) == [line]


@pytest.mark.parametrize("act", Act)
def test_an_order_is_read(act: Act) -> None:
    assert parse_order(f"{act.value}\n") is act


@pytest.mark.parametrize("verb", Verb)
def test_an_order_about_somebody_is_read(verb: Verb) -> None:
    assert parse_order(f"{verb.value} bob b") == About(verb, "bob b")


def test_a_choice_is_read() -> None:
    assert [parse_order(f"choose {n}") for n in (0, 1, 4)] == [
        Choose(None),
        Choose(0),
        Choose(3),
    ]


@pytest.mark.parametrize("answer", ["accept", "refuse"])
def test_an_answer_about_guests_is_read(answer: str) -> None:
    accept = answer == "accept"

    assert parse_order(f"legs {answer} bob b") == Guests("bob b", accept=accept)
    assert parse_order(f"legs {answer}") == Guests(None, accept=accept)


@pytest.mark.parametrize(
    "line", ["", "invite", "choose 5", "dance", "legs", "legs acceptbob"]
)
def test_what_is_no_order_is_refused(line: str) -> None:
    with pytest.raises(MalformedError, match="expected one of mute"):
        parse_order(line)


def test_four_sets_of_words_are_offered() -> None:
    sets = (("a", "b", "c"), ("d", "e", "f"))

    assert offered("bob", sets)[:2] == [
        "which of these does bob read? 'choose N' says it",
        "  1  a b c",
    ]
