"""What a guest is told: our legs, and beside them those of other members."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voip.errors import MalformedError
from voip.gateway.rooms.guestlist import GuestList, MemberLegs
from voip.signalling.legs import (
    MAX_LEGS,
    LegKind,
    Legs,
    LegsAck,
    LegStage,
    ListedLeg,
    Mark,
    Shown,
)


def guest(number: int, name: str = "zoe") -> ListedLeg:
    return ListedLeg(
        number,
        LegKind.BROWSER,
        mark=Mark.BROWSER_GUEST,
        stage=LegStage.JOINED,
        host="talk.example",
        name=name,
    )


def of(alias: str, *numbers: int) -> MemberLegs:
    return MemberLegs(alias, tuple(map(guest, numbers)))


def shown(legs: Legs | None) -> LegsAck:
    assert legs is not None
    return LegsAck(legs.version, Shown.SHOWN)


def told() -> GuestList:
    """A guest who is told of himself alone."""
    guests = GuestList()
    guests.answer(shown(guests.ours(Legs(4, (guest(1),)))))
    return guests


def test_our_own_list_is_told_as_it_is() -> None:
    legs = GuestList().ours(Legs(7, (guest(1), guest(2))))

    assert legs == Legs(1, (guest(1), guest(2)))


def test_a_guest_of_another_member_is_told_with_that_members_name() -> None:
    legs = told().beside({"5": of("alice", 1)})

    assert legs is not None
    assert [(leg.id, leg.name) for leg in legs.legs] == [
        (1, "zoe"),
        (255, "zoe with alice"),
    ]


def test_a_leg_without_a_name_has_that_of_its_member() -> None:
    nameless = MemberLegs("alice", (guest(1, name=""),))
    legs = told().beside({"5": nameless})

    assert legs is not None
    assert legs.legs[-1].name == "with alice"


def test_a_name_that_is_too_long_is_cut_between_characters() -> None:
    legs = told().beside({"5": MemberLegs("a" * 48, (guest(1, name="é" * 24),))})

    assert legs is not None
    assert legs.legs[-1].name == "é" * 24


def test_what_was_told_already_is_not_told_again() -> None:
    guests = told()
    guests.beside({"5": of("alice", 1)})

    assert guests.beside({"5": of("alice", 1)}) is None


def test_before_our_own_list_nothing_is_told() -> None:
    guests = GuestList()
    early = guests.beside({"5": of("alice", 1)})
    legs = guests.ours(Legs(1, (guest(1),)))

    assert early is None
    assert len(legs.legs) == 2


def test_a_member_without_legs_is_known() -> None:
    assert told().knows("5")


def test_a_member_is_known_once_all_their_legs_were_shown() -> None:
    guests = told()
    legs = guests.beside({"5": of("alice", 1, 2), "6": of("bob", 1)})
    before = guests.knows("5")
    guests.answer(shown(legs))

    assert (before, guests.knows("5"), guests.knows("6")) == (False, True, True)


def test_a_member_is_known_no_more_when_a_leg_comes() -> None:
    guests = told()
    guests.answer(shown(guests.beside({"5": of("alice", 1)})))
    guests.beside({"5": of("alice", 1, 2)})

    assert not guests.knows("5")


def test_a_member_is_known_again_when_the_legs_are_gone() -> None:
    guests = told()
    guests.beside({"5": of("alice", 1)})
    guests.beside({})

    assert guests.knows("5")


def test_an_answer_is_one_to_our_own_list() -> None:
    guests = told()
    guests.ours(Legs(9, (guest(1), guest(2))))
    legs = guests.beside({"5": of("alice", 1)})
    assert legs is not None

    assert guests.answer(LegsAck(legs.version, Shown.REFUSED)) == LegsAck(
        9, Shown.REFUSED
    )


def test_answers_to_older_lists_are_answers_to_older_lists_of_ours() -> None:
    guests = told()
    first = guests.ours(Legs(9, (guest(1), guest(2))))
    guests.ours(Legs(10, (guest(1),)))

    assert guests.answer(shown(first)) == LegsAck(9, Shown.SHOWN)


def test_an_older_answer_that_comes_late_says_nothing() -> None:
    guests = told()
    first = guests.ours(Legs(9, (guest(1), guest(2))))
    second = guests.ours(Legs(10, (guest(1),)))
    guests.answer(shown(second))

    assert guests.answer(shown(first)) is None


def test_an_answer_that_comes_after_64_lists_says_nothing() -> None:
    guests = told()
    first = guests.ours(Legs(5, (guest(1),)))
    for version in range(6, 6 + 64):
        guests.ours(Legs(version, (guest(1),)))

    assert guests.answer(shown(first)) is None


def test_an_answer_to_what_was_never_told_is_malformed() -> None:
    with pytest.raises(MalformedError, match="answer to version 9"):
        told().answer(LegsAck(9, Shown.SHOWN))


def test_who_does_not_fit_into_the_list_is_not_known() -> None:
    guests = told()
    legs = guests.beside({"5": of("alice", *range(1, MAX_LEGS + 1))})
    guests.answer(shown(legs))

    assert legs is not None
    assert len(legs.legs) == 1
    assert not guests.knows("5")


def test_numbers_of_who_left_are_given_again_once_that_was_shown() -> None:
    guests = told()
    for number in range(1, 256):
        guests.answer(shown(guests.beside({"5": of("alice", number)})))

    assert guests.knows("5")


def test_before_the_guest_has_answered_no_number_is_given_again() -> None:
    guests = told()
    guests.answer(shown(guests.beside({"5": of("alice", 1)})))
    guests.beside({})
    legs = guests.beside({"5": of("alice", 2)})

    assert legs is not None
    assert legs.legs[-1].id == 254


def test_where_no_number_is_left_nobody_is_known() -> None:
    guests = told()
    for number in range(1, 256):
        guests.beside({"5": of("alice", number)})
    guests.answer(shown(guests.beside({"5": of("bob", 7), "6": of("bob", 1)})))

    assert not guests.knows("6")


def test_legs_of_ours_take_no_number_of_others() -> None:
    guests = told()
    guests.answer(shown(guests.beside({"5": of("alice", 1)})))
    legs = guests.ours(Legs(300, (guest(255, "last"),)))

    assert [leg.name for leg in legs.legs] == ["last"]
    assert not guests.knows("5")


_NUMBERS = st.lists(st.integers(1, 255), max_size=MAX_LEGS, unique=True).map(sorted)
_OTHERS = st.dictionaries(
    st.sampled_from("abcde"), _NUMBERS.map(lambda ids: of("alice", *ids))
)


@given(st.lists(st.tuples(_NUMBERS, _OTHERS), max_size=8))
def test_any_lists_become_one_that_may_be_sent(
    lists: list[tuple[list[int], dict[str, MemberLegs]]],
) -> None:
    guests = GuestList()
    version = 0
    for number, (ours, others) in enumerate(lists, 1):
        for legs in (
            guests.ours(Legs(number, tuple(map(guest, ours)))),
            guests.beside(others),
        ):
            if legs is not None:
                assert legs.version == version + 1
                version = legs.version
                guests.answer(shown(legs))
