"""Backups: the person comes back, and no second copy of a device."""

from dataclasses import replace

import pytest
from hypothesis import given

from tests.voip.identity.people import (
    BOB,
    JUNK,
    NOW,
    assert_mangled_is_refused,
    luck,
    person,
)
from voip.errors import MalformedError
from voip.identity.backup import backup, format_backup, parse_backup, restore
from voip.identity.contact import Contact
from voip.identity.trust import commit_caller
from voip.identity.vault import Vault, format_vault, parse_vault

SECRET = b"s" * 64


def _vault() -> Vault:
    vault = person()
    contact = Contact("bob", BOB.public_key(), blocked=(b"b" * 16,))
    device = contact.device(b"d" * 16, NOW)
    device = replace(device, trust=commit_caller(device.trust, SECRET))
    contact = contact.with_device(device, NOW).with_number_verified(NOW)
    return replace(vault, contacts=vault.contacts.put(contact))


def _restored() -> Vault:
    return restore(parse_backup(format_backup(backup(_vault()))), luck(2))


def test_the_person_comes_back() -> None:
    before, after = _vault(), _restored()

    assert (after.card, after.signer, after.settings, after.calls) == (
        before.card,
        before.signer,
        before.settings,
        before.calls,
    )


def test_the_device_does_not_come_back() -> None:
    before, after = _vault(), _restored()

    assert after.device_id != before.device_id
    assert after.device_fetch != before.device_fetch
    assert (after.call_keys, after.board.index) == ((), None)


def test_contacts_come_back_with_their_number_and_without_secrets() -> None:
    bob = _restored().contacts.find("bob")

    assert (bob.number_verified_at, bob.blocked, bob.devices) == (
        NOW,
        (b"b" * 16,),
        (),
    )


def test_no_secret_of_the_device_is_in_a_backup() -> None:
    vault = _vault()
    (key,) = vault.call_keys
    saved = backup(vault)

    assert not {
        SECRET,
        vault.device_id,
        vault.device_fetch,
        key.x25519_seed,
        key.mlkem_seed,
    } & set(_leaves(saved))


def _leaves(value: object) -> list[object]:
    names = getattr(value, "__slots__", ())
    inner = [getattr(value, name) for name in names]
    inner += value if isinstance(value, tuple) else []
    return [value, *(leaf for each in inner for leaf in _leaves(each))]


def test_a_backup_is_not_taken_for_a_store_nor_a_store_for_a_backup() -> None:
    with pytest.raises(MalformedError, match="expected 'ringfence store 1'"):
        parse_vault(format_backup(backup(_vault())))
    with pytest.raises(MalformedError, match="expected 'ringfence backup 1'"):
        parse_backup(format_vault(_vault()))


def test_mangled_backups_are_malformed() -> None:
    raw = format_backup(backup(_vault()))

    assert_mangled_is_refused(parse_backup, format_backup, raw)


@given(JUNK)
def test_any_bytes_are_malformed(raw: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_backup(raw)


def test_a_backup_shows_no_secret() -> None:
    shown = repr(backup(_vault()))

    assert "seed" not in shown
    assert "card_key" not in shown
