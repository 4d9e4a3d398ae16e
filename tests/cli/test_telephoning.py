"""Asking for a telephone agrees to it, and to nothing else."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from cli.display import Display
from cli.telephoning import Telephoning, is_asked_for
from cli.view import Seen
from voip.asides import Aside
from voip.errors import LimitError, MalformedError
from voip.news import Json, LegsChanged
from voip.signalling.legs import (
    LegAsk,
    LegEnd,
    LegKind,
    LegReason,
    Legs,
    LegStage,
    ListedLeg,
    Mark,
)

OFFICE = ListedLeg(
    1,
    LegKind.SIP,
    mark=Mark.TO_PBX,
    host="pbx.example",
    authenticated=True,
    name="office",
)
GUEST = ListedLeg(2, LegKind.BROWSER, mark=Mark.BROWSER_GUEST, host="talk.example")


@pytest.mark.parametrize(
    ("legs", "agreed", "is_it"),
    [
        ((OFFICE,), (), True),
        ((OFFICE, GUEST), (GUEST,), True),
        ((), (), False),
        ((OFFICE, GUEST), (), False),
        ((OFFICE,), (OFFICE,), False),
        ((replace(OFFICE, mark=Mark.NOT_ENCRYPTED),), (), False),
        ((replace(OFFICE, authenticated=False),), (), False),
        ((replace(OFFICE, kind=LegKind.ROOM),), (), False),
        ((replace(OFFICE, stage=LegStage.JOINED),), (), True),
    ],
    ids=[
        *("it", "beside a guest", "nothing", "another, too", "known"),
        *("weak", "unproven", "a room", "joined"),
    ],
)
def test_what_was_asked_for_is_one_good_telephone(
    legs: tuple[ListedLeg, ...], agreed: tuple[ListedLeg, ...], *, is_it: bool
) -> None:
    assert is_asked_for(legs, agreed) is is_it


class StandInCall:
    """A conversation, as far as telephones are concerned."""

    def __init__(self) -> None:
        self.said: list[Aside] = []
        self.answers: list[bool] = []
        self.legs = Legs(1)
        self.asks_about_legs = True
        self.comes: list[Aside | Exception] = []

    def say(self, message: Aside) -> int:
        self.said.append(message)
        return 1

    def answer_legs(self, *, accept: bool) -> None:
        self.answers.append(accept)

    async def heard(self) -> AsyncIterator[Aside]:
        for each in self.comes:
            if isinstance(each, Exception):
                raise each
            yield each


class Screen:
    """Keeps what it shows."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.facts: list[Json] = []

    def show(self, _: Seen, facts: Json, *lines: str) -> None:
        self.facts.append(facts)
        self.lines += lines

    def draw(self, *_: object) -> None:
        """Nothing is drawn."""


class Scene:
    """Bob in a call with a gateway."""

    def __init__(self) -> None:
        self.call = StandInCall()
        self.screen = Screen()
        display = Display(
            bytes(16),
            self.screen,  # type: ignore[arg-type] # as much as is used
            seen=Seen(alias="alice"),
            live=lambda: None,
        )
        self.telephones = Telephoning(self.call, display)  # type: ignore[arg-type] # stands in

    def lists(self, *legs: ListedLeg, asks: bool = True, newest: bool = True) -> None:
        told = Legs(2, legs)
        if newest:
            self.call.legs = told
        self.telephones.take(LegsChanged(told, asks=asks, via="alice"))


def test_asking_says_before_how_weak_it_is() -> None:
    here = Scene()
    here.telephones.ask("office\x1b[2J")

    assert here.call.said == [LegAsk(LegKind.SIP, "office\x1b[2J")]
    assert "encrypted to PBX only" in here.screen.lines[1]
    assert "\x1b" not in "".join(here.screen.lines)


def test_what_was_asked_for_is_agreed_to() -> None:
    here = Scene()
    here.telephones.ask("office")
    here.lists(OFFICE)

    assert here.call.answers == [True]


def test_nothing_is_agreed_to_that_nobody_asked_for() -> None:
    here = Scene()
    here.lists(OFFICE)

    assert here.call.answers == []


def test_a_question_agrees_to_one_telephone() -> None:
    here = Scene()
    here.telephones.ask("office")
    here.lists(OFFICE)
    here.lists(OFFICE, asks=False)
    here.lists(OFFICE, replace(OFFICE, id=3))

    assert here.call.answers == [True]


def test_a_refused_question_agrees_to_nothing_later() -> None:
    here = Scene()
    here.telephones.ask("office")
    here.call.comes = [LegEnd(0, LegReason.NOT_ALLOWED, text="no\x1b[2J")]

    assert "no telephone: not allowed: no" in _heard(here)
    here.lists(OFFICE)
    assert here.call.answers == []


def test_a_list_that_is_not_the_newest_is_for_the_user() -> None:
    here = Scene()
    here.telephones.ask("office")
    here.call.legs = Legs(3, (OFFICE, GUEST))
    here.lists(OFFICE, newest=False)

    assert here.call.answers == []


def test_ending_a_leg_asks_the_gateway_to() -> None:
    here = Scene()
    here.telephones.end(3)

    assert here.call.said == [LegEnd(3, LegReason.NORMAL)]


def test_who_is_no_gateway_says_so() -> None:
    here = Scene()
    here.call.comes = [LegAsk(LegKind.SIP, "office")]
    _heard(here)

    assert here.call.said == [
        LegEnd(0, LegReason.NOT_ALLOWED, text="nobody here dials for others")
    ]


def test_the_end_of_a_leg_is_shown_with_its_reason() -> None:
    here = Scene()
    here.call.comes = [LegEnd(1, LegReason.BUSY, status=486, text="the line is busy")]

    assert "leg 1: busy (486): the line is busy" in _heard(here)
    assert here.screen.facts[-1]["event"] == "leg-ended"


def test_who_says_too_much_ends_no_call() -> None:
    here = Scene()
    here.call.comes = [LimitError("too much")]

    assert "more than anybody reads" in _heard(here)


def test_a_target_that_no_message_carries_is_refused() -> None:
    here = Scene()

    with pytest.raises(MalformedError, match="at most 128"):
        here.telephones.ask("1" * 129)


def _heard(here: Scene) -> str:
    listening = here.telephones.hear()
    with pytest.raises(StopIteration):
        listening.send(None)
    return "\n".join(here.screen.lines)
