"""Who gets in, and who does not."""

from voip.signalling.counts import Turned
from voip.signalling.places import Places


def test_there_is_room_for_so_many() -> None:
    places = Places(2, 9)
    for household in ("a", "b"):
        places.enter(household)

    assert places.refusal("c") is Turned.FULL


def test_a_household_has_room_for_so_many() -> None:
    places = Places(9, 2)
    for _ in range(2):
        places.enter("a")

    assert (places.refusal("a"), places.refusal("b")) == (Turned.ADDRESS, None)


def test_who_leaves_makes_room() -> None:
    places = Places(1, 1)
    places.enter("a")
    places.leave("a")

    assert places.refusal("a") is None


def test_of_whom_no_household_is_known_only_the_total_counts() -> None:
    places = Places(3, 1)
    for _ in range(3):
        places.enter(None)
    full = places.refusal(None)
    places.leave(None)

    assert (full, places.refusal(None)) == (Turned.FULL, None)
