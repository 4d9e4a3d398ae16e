"""Four states, four words; none can be read as another."""

import pytest

from cli.trust import say, say_of
from voip.identity.contact import Contact
from voip.identity.signer import NativeSigner
from voip.identity.trust import Reason, Trust, TrustState

_JAN_15 = 1_800_000_000
_BOB = NativeSigner(b"\2" * 32).public_key()


@pytest.mark.parametrize(
    ("state", "reason", "words"),
    [
        (
            TrustState.NEW,
            Reason.NEW_DEVICE,
            "new since 2027-01-15: new device of a known contact; compare the words",
        ),
        (
            TrustState.CONTINUOUS,
            Reason.SAME,
            "continuous since 2027-01-15: same as last time, not compared",
        ),
        (
            TrustState.VERIFIED,
            Reason.WORDS,
            "verified on 2027-01-15: words compared",
        ),
        (
            TrustState.BROKEN,
            Reason.WORDS_DIFFER,
            "BROKEN since 2027-01-15: the words differ",
        ),
    ],
)
def test_a_state_is_said_with_why_and_since(
    state: TrustState, reason: Reason, words: str
) -> None:
    assert say(Trust(state, reason, since=_JAN_15)) == words


def test_somebody_never_met_is_new() -> None:
    assert say_of(Contact("bob", _BOB)) == "new: no call yet"


def test_a_compared_number_is_said_before_the_first_call() -> None:
    contact = Contact("bob", _BOB).with_number_verified(_JAN_15)

    assert say_of(contact) == "number compared on 2027-01-15; no call yet"
