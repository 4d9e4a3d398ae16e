"""What a person does with their store."""

from dataclasses import replace

import pytest

from tests.voip.identity.people import ALICE, BOB, DAY, NOW, luck, person
from voip.errors import MalformedError, RefusedError, TrustError
from voip.identity.callkey import create_call_key
from voip.identity.certificate import CAP_IK_SRTP
from voip.identity.keys import safety_number
from voip.identity.person import (
    add_contact,
    begin,
    change_contact,
    verify_number,
    with_call_key,
    with_signer,
)
from voip.identity.vault import SignerKind, SignerSource, Vault

_BOBS_CARD = person(BOB, "bob").card


@pytest.fixture
def alice() -> Vault:
    """Give Alice's vault, which knows Bob."""
    return add_contact(person(), _BOBS_CARD, alias=None, now=NOW)


def test_a_person_begins_with_a_call_key_their_identity_signed() -> None:
    source = SignerSource(SignerKind.SEED, path="/media/key")
    vault = begin("alice", ALICE, source=source, relay=None, now=NOW, entropy=luck())

    assert [key.certificate.identity for key in vault.call_keys] == [vault.identity]


def test_a_fresh_call_key_goes_first_and_ended_ones_go() -> None:
    vault, later = person(), NOW + 31 * DAY
    fresh = create_call_key(
        ALICE, vault.device_id, now=later, caps=CAP_IK_SRTP, entropy=luck(2)
    )

    assert with_call_key(vault, fresh, later).call_keys == (fresh,)


def test_a_call_key_of_another_device_is_refused() -> None:
    stray = create_call_key(
        ALICE, b"\7" * 16, now=NOW, caps=CAP_IK_SRTP, entropy=luck(2)
    )

    with pytest.raises(MalformedError, match="another device"):
        with_call_key(person(), stray, NOW)


def test_a_contact_has_the_alias_of_the_card_or_of_its_owner(alice: Vault) -> None:
    robert = add_contact(person(), _BOBS_CARD, alias="robert", now=NOW)

    assert [contact.alias for contact in alice.contacts.contacts] == ["bob"]
    assert [contact.alias for contact in robert.contacts.contacts] == ["robert"]


def test_a_stranger_who_is_added_is_a_stranger_no_longer() -> None:
    vault = person()
    called = vault.calls.with_stranger(_BOBS_CARD.identity, "bob", NOW)
    vault = add_contact(replace(vault, calls=called), _BOBS_CARD, alias=None, now=NOW)

    assert vault.calls.strangers == ()


def test_ones_own_card_is_no_contact(alice: Vault) -> None:
    with pytest.raises(RefusedError, match="came your own"):
        add_contact(alice, alice.card, alias="me", now=NOW)


def test_a_change_of_a_contact_stays(alice: Vault) -> None:
    changed = change_contact(alice, "bob", lambda bob: bob.noted("met", NOW))

    assert [entry.what for entry in changed.contacts.find("bob").log][-1] == "met"


def test_nobody_is_changed_under_a_wrong_name(alice: Vault) -> None:
    with pytest.raises(RefusedError, match="no contact 'eve'"):
        change_contact(alice, "eve", lambda eve: eve)


def test_the_number_both_have_verifies_a_contact_however_it_is_spaced(
    alice: Vault,
) -> None:
    number = safety_number(BOB.public_key(), ALICE.public_key())
    vault = verify_number(alice, "bob", number.replace(" ", "\n", 3), NOW + 5)

    assert vault.contacts.find("bob").number_verified_at == NOW + 5


@pytest.mark.parametrize("heard", ["", "12345", "0" * 60])
def test_another_number_is_an_alarm(alice: Vault, heard: str) -> None:
    with pytest.raises(TrustError, match="safety number of 'bob'"):
        verify_number(alice, "bob", heard, NOW)


def test_the_key_may_move_but_stays_the_same_key(alice: Vault) -> None:
    moved = SignerSource(SignerKind.OPENSSH, path="/elsewhere")

    assert with_signer(alice, moved, ALICE).signer == moved
    with pytest.raises(RefusedError, match=r"signer: expected \w+, came \w+"):
        with_signer(alice, moved, BOB)
