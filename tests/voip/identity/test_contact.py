"""The address book: one name, one person, and what happened to the trust in them."""

from dataclasses import replace

import pytest

from tests.voip.identity.people import ALICE, BOB
from voip.errors import LimitError, MalformedError, RefusedError
from voip.identity.card import Card
from voip.identity.contact import (
    LOG_ENTRIES,
    MAX_DEVICES,
    AddressBook,
    Contact,
    Device,
    LogEntry,
)
from voip.identity.keys import format_identity
from voip.identity.trust import Reason, TrustState, broken, judge

A, B = ALICE.public_key(), BOB.public_key()
CARD = Card("bob", B, board=b"\7" * 32, key=b"\6" * 32, relay=None)
BOOK = AddressBook().add(B, "bob", card=CARD, now=1).book
PHONE, LAPTOP = b"p" * 16, b"l" * 16


def _bob(book: AddressBook = BOOK) -> Contact:
    return book.find("bob")


def _met(contact: Contact, device_id: bytes = PHONE) -> Contact:
    """Have a contact's device been called once."""
    device = contact.device(device_id, 2)
    return contact.with_device(replace(device, newest_nbf=1), 2)


def _broken(contact: Contact) -> Contact:
    device = contact.device(PHONE, 3)
    worse = broken(device.trust, Reason.MISMATCH, 3)
    return contact.with_device(replace(device, trust=worse), 3)


def test_a_contact_is_found_by_alias_and_by_identity() -> None:
    found = {BOOK.find("bob"), BOOK.find(format_identity(B)), BOOK.by_identity(B)}

    assert found == {_bob()}


def test_nobody_is_found_under_an_unknown_name() -> None:
    with pytest.raises(RefusedError, match="no contact 'eve'"):
        BOOK.find("eve")


def test_an_unknown_identity_is_a_stranger() -> None:
    assert BOOK.by_identity(A) is None


def test_a_contact_may_come_without_a_card() -> None:
    assert BOOK.add(A, "al", now=1).contact.card is None


@pytest.mark.parametrize(("alias", "given"), [("bob", "bob 2"), ("BOB", "BOB 2")])
def test_another_identity_under_a_known_alias_is_another_contact_and_a_clash(
    alias: str, given: str
) -> None:
    added = BOOK.add(A, alias, now=2)

    assert (added.contact.alias, added.clash) == (given, _bob())


def test_numbers_of_clashing_aliases_go_on() -> None:
    book = BOOK.add(A, "bob", now=2).book

    assert book.add(b"\3" * 32, "bob", now=3).contact.alias == "bob 3"


def test_a_long_alias_that_clashes_is_cut_to_fit() -> None:
    book = AddressBook().add(A, "\u00e9" * 24, now=1).book

    assert book.add(B, "\u00e9" * 24, now=2).contact.alias == "\u00e9" * 22 + " 2"


def test_a_new_card_of_a_known_contact_keeps_alias_and_devices() -> None:
    book = BOOK.put(_met(_bob()))
    card = replace(CARD, alias="robert", key=b"\5" * 32)
    added = book.add(B, "robert", card=card, now=4)

    assert (added.clash, added.contact) == (
        None,
        replace(_met(_bob()), card=card).noted("new card", 4),
    )


def test_the_same_card_again_changes_nothing() -> None:
    assert BOOK.add(B, "bob", card=CARD, now=9).book == BOOK


def test_an_added_identity_without_card_keeps_the_card() -> None:
    assert BOOK.add(B, "bob", now=9).contact.card == CARD


def test_a_contact_is_renamed() -> None:
    book = BOOK.rename("bob", "rob")

    assert [contact.alias for contact in book.contacts] == ["rob"]


def test_a_contact_is_renamed_to_another_case_of_its_alias() -> None:
    assert BOOK.rename("bob", "Bob").find("Bob").identity == B


def test_a_contact_is_not_renamed_to_anothers_alias() -> None:
    book = BOOK.add(A, "al", now=2).book

    with pytest.raises(RefusedError, match="'BOB' is taken by 'bob'"):
        book.rename("al", "BOB")


def test_a_contact_is_not_renamed_to_what_is_no_alias() -> None:
    with pytest.raises(MalformedError, match="alias"):
        BOOK.rename("bob", "bob\n")


def test_a_contact_is_removed() -> None:
    assert BOOK.remove("bob") == AddressBook()


def test_contacts_are_in_order_of_alias() -> None:
    book = BOOK.add(A, "Al", now=2).book.add(b"\3" * 32, "carl", now=2).book

    assert [contact.alias for contact in book.contacts] == ["Al", "bob", "carl"]


@pytest.mark.parametrize(
    "twice", [replace(_bob(), alias="rob"), replace(_bob(), identity=A, card=None)]
)
def test_an_alias_or_identity_cannot_be_there_twice(twice: Contact) -> None:
    with pytest.raises(MalformedError, match="twice"):
        AddressBook((_bob(), twice))


def test_a_card_of_another_identity_is_malformed() -> None:
    with pytest.raises(MalformedError, match="another identity"):
        Contact("al", A, card=CARD)


def test_a_contact_has_eight_board_places() -> None:
    with pytest.raises(MalformedError, match="expected 8 board versions"):
        replace(_bob(), board_versions=(0,))


def test_an_unknown_device_is_new() -> None:
    trust = _bob().device(PHONE, 5).trust.trust

    assert (trust.state, trust.reason) == (TrustState.NEW, Reason.FIRST_CALL)


def test_a_second_device_is_a_new_device_of_a_known_contact() -> None:
    trust = _met(_bob()).device(LAPTOP, 5).trust.trust

    assert trust.reason is Reason.NEW_DEVICE


def test_a_known_device_is_as_it_was_kept() -> None:
    assert _met(_bob()).device(PHONE, 5).newest_nbf == 1


def test_there_is_room_for_64_devices_and_none_is_forgotten_for_another() -> None:
    contact = _bob()
    for number in range(MAX_DEVICES):
        contact.check_room(bytes([number]) * 16)
        contact = _met(contact, bytes([number]) * 16)
    contact.check_room(bytes(16))

    with pytest.raises(LimitError, match="at most 64 devices"):
        contact.check_room(PHONE)


def test_a_contact_without_devices_has_no_state() -> None:
    assert _bob().trust is None


def test_the_worst_device_gives_the_contact_its_state() -> None:
    contact = _met(_broken(_met(_bob())), LAPTOP)

    assert contact.trust is not None
    assert contact.trust.state is TrustState.BROKEN


def test_a_change_of_trust_is_logged() -> None:
    contact = _broken(_met(_bob()))

    assert contact.log[-1] == LogEntry(
        3, "broken: the secret kept from the last call does not match", device_id=PHONE
    )


def test_an_unchanged_trust_is_not_logged() -> None:
    contact = _met(_bob())

    assert _met(contact).log == contact.log


def test_accepting_as_new_is_kept_in_the_log() -> None:
    contact = _broken(_met(_bob())).with_accepted(6)

    assert contact.log[-1] == LogEntry(6, "new: accepted as new", device_id=PHONE)


def test_a_compared_number_verifies_the_devices_and_is_logged() -> None:
    contact = _met(_bob()).with_number_verified(8)
    trust = contact.device(PHONE, 9).trust.trust

    assert (trust.state, trust.since, contact.number_verified_at) == (
        TrustState.VERIFIED,
        8,
        8,
    )
    assert contact.log[-1] == LogEntry(8, "safety number compared")


def test_a_number_compared_first_is_remembered_for_the_first_device() -> None:
    device = _bob().with_number_verified(8).device(PHONE, 9)

    assert judge(device.trust, b"s" * 64, 10).trust.state is TrustState.VERIFIED


def test_a_blocked_device_is_forgotten_and_refused() -> None:
    contact = _met(_bob()).with_blocked(PHONE, 7).with_blocked(PHONE, 8)

    assert (contact.devices, contact.blocked) == ((), (PHONE,))


def test_a_device_id_of_another_size_is_not_blocked() -> None:
    with pytest.raises(MalformedError, match="expected 16 bytes, came 2"):
        _bob().with_blocked(b"ab", 7)


def test_the_log_keeps_the_newest_entries() -> None:
    contact = _bob()
    for at in range(LOG_ENTRIES + 5):
        contact = contact.noted("x", at)

    assert (len(contact.log), contact.log[-1].at) == (LOG_ENTRIES, LOG_ENTRIES + 4)


def test_a_devices_board_entry_is_not_shown() -> None:
    device = Device(PHONE, _bob().device(PHONE, 1).trust, entry=b"e" * 9)

    assert "entry" not in repr(device)
