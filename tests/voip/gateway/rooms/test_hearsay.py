"""What members say of each other is each one's word."""

from voip.gateway.rooms.hearsay import Hearsay
from voip.identity.trust import TrustState
from voip.signalling.group import Members, Seat

GROUP = b"\x07" * 16
ALICE, BOB, CAROL = (bytes([number]) * 48 for number in (1, 2, 3))


def told() -> Hearsay:
    """Alice hears Bob, whom she verified, and lacks the card of Carol."""
    heard = Seat(BOB, 1, is_heard=True, trust=TrustState.VERIFIED)
    hearsay = Hearsay()
    hearsay.take(
        ALICE, Members(GROUP, (heard, Seat(CAROL, 1, is_unknown=True)), hand=True)
    )
    return hearsay


def test_a_raised_hand_is_the_word_of_who_raised_it() -> None:
    assert told().hand_of(ALICE)
    assert not told().hand_of(BOB)


def test_who_hears_a_member_says_so() -> None:
    assert told().hearers(BOB) == (ALICE,)
    assert told().hearers(CAROL) == ()


def test_who_hears_a_member_has_a_word_for_them() -> None:
    assert told().trusts(BOB) == {ALICE: TrustState.VERIFIED}
    assert told().trusts(CAROL) == {}


def test_who_lacks_a_card_says_so() -> None:
    assert list(told().lacking()) == [(ALICE, CAROL)]


def test_a_new_list_replaces_the_one_before() -> None:
    hearsay = told()
    hearsay.take(ALICE, Members(GROUP, (Seat(BOB, 1),)))

    assert (hearsay.hearers(BOB), list(hearsay.lacking())) == ((), [])


def test_who_is_heard_no_more_says_nothing() -> None:
    hearsay = told()
    hearsay.forget(ALICE)
    hearsay.forget(CAROL)

    assert hearsay.trusts(BOB) == {}
