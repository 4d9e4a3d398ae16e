"""What the host of guests may type, and what he reads."""

import pytest

from cli.gateways.guestview import (
    Order,
    at_door,
    facts,
    is_for_guests,
    offered,
    parse_order,
    reopened,
    sentence,
)
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
from voip.signalling.messages import HangupReason

NEWS: list[tuple[GuestNews, str, str]] = [
    (Connected(), "guest connected", "guest 2 is connected"),
    (
        OpenedAgain(),
        "link opened again",
        (
            "the link of guest 2 was opened again: by them in another tab, "
            "or by somebody else"
        ),
    ),
    (
        GuestShows(muted=True, video=False),
        "guest shows",
        "guest 2 is muted, shows no pictures",
    ),
    (
        GuestShows(muted=False, video=True),
        "guest shows",
        "guest 2 shows pictures",
    ),
    (
        GuestCompared(),
        "guest compared",
        "guest 2 says that the words are the same",
    ),
    (GuestPressed("42#"), "digits", "guest 2 pressed 42#"),
    (MediaFailed("no\x1b way"), "guest media failed", "guest 2: no\\x1b way"),
    (
        GuestEnded(HangupReason.LOST, "gone", by_guest=False),
        "guest ended",
        "guest 2 is gone: gone",
    ),
]


@pytest.mark.parametrize(
    ("line", "order"),
    [
        ("accept", Order("accept")),
        ("accept 2", Order("accept", 2)),
        (" decline 1 ", Order("decline", 1)),
        ("hangup", Order("hangup")),
        ("mute", Order("mute")),
        ("leave", Order("leave")),
        ("choose 1", Order("choose", choice=0)),
        ("choose 0", Order("choose", choice=None)),
        ("choose 3 4", Order("choose", 3, choice=3)),
    ],
)
def test_an_order_is_read(line: str, order: Order) -> None:
    assert parse_order(line) == order


@pytest.mark.parametrize(
    ("line", "is_guests"),
    [
        ("accept", True),
        ("hangup 2", True),
        ("choose 1 2", True),
        ("choose 2", False),
        ("mute", False),
        ("", False),
    ],
    ids=["accept", "hangup", "guest's words", "member's words", "mute", "nothing"],
)
def test_an_order_about_a_guest_is_told_from_one_about_a_room(
    line: str, *, is_guests: bool
) -> None:
    assert is_for_guests(line) is is_guests


@pytest.mark.parametrize(
    "line",
    [
        "",
        "let in",
        "accept x",
        "accept 1 2",
        "choose",
        "choose 5",
        "choose 1 2 3",
        "accept 10000",
        "accept \u0661",
    ],
    ids=range(9),
)
def test_what_is_no_order_is_refused(line: str) -> None:
    with pytest.raises(MalformedError, match="expected one of accept, decline"):
        parse_order(line)


@pytest.mark.parametrize(
    ("news", "event", "line"), NEWS, ids=[str(n) for n in range(len(NEWS))]
)
def test_what_happens_is_said(news: GuestNews, event: str, line: str) -> None:
    said = facts(2, news)

    assert (said["event"], said["guest"], sentence(2, news)) == (event, 2, line)


def test_a_name_cannot_paint_the_terminal() -> None:
    first, *_ = at_door(1, "\x1b[31mBob", "link 1", "talk.example")

    assert "\x1b" not in first


def test_who_is_trusted_is_said_at_the_door() -> None:
    first, second, _ = at_door(1, "", "link 1", "talk.example")

    assert (first, "trusts talk.example" in second) == (
        "guest 1, 'somebody without a name', is at the door with link 1",
        True,
    )


def test_words_are_offered_with_none_of_these() -> None:
    lines = offered(1, [("a", "b", "c"), ("d", "e", "f")])

    assert lines[1:] == ["  1  a b c", "  2  d e f", "  0  none of these"]


def test_a_link_that_is_opened_after_its_guest_left_is_named() -> None:
    assert reopened("link 2\x1b") == (
        "link 2\\x1b was opened again after its guest left: by them, or by"
        " somebody else who has it"
    )
