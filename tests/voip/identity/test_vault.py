"""The vault: what a store holds, read back exactly, and never shown."""

import base64
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from tests.voip.identity.people import (
    ALICE,
    BOB,
    DAY,
    JUNK,
    NOW,
    assert_mangled_is_refused,
    luck,
    person,
)
from voip.errors import MalformedError
from voip.identity.calllog import CallRecord, Direction, Outcome
from voip.identity.card import Card, RelayAddress, format_card, parse_card
from voip.identity.guestlink import GuestLink
from voip.identity.trust import commit_callee
from voip.identity.vault import (
    Busy,
    Settings,
    SignerKind,
    SignerSource,
    Strangers,
    Vault,
    format_vault,
    parse_vault,
)


def _full() -> Vault:
    """Make a vault in which every field is used."""
    card = Card("bob", BOB.public_key(), board=b"\7" * 32, key=b"\6" * 32, relay=None)
    vault = person()
    added = vault.contacts.add(card.identity, "bob", card=card, now=NOW)
    device = added.contact.device(b"d" * 16, NOW)
    device = replace(device, trust=commit_callee(device.trust, b"s" * 64, None))
    contact = added.contact.with_device(device, NOW).with_number_verified(NOW)
    call = CallRecord(
        b"c" * 16, BOB.public_key(), direction=Direction.OUTGOING, started=NOW
    )
    calls = vault.calls.recorded(replace(call, outcome=Outcome.MISSED, ended=NOW))
    return replace(
        vault,
        contacts=added.book.put(contact),
        calls=calls.with_stranger(b"\3" * 32, "eve", NOW),
        relay=RelayAddress("relay.example", 443, pin=b"\5" * 32),
        settings=Settings(Strangers.RING, Busy.SILENT, strict=True),
        guest_links=(
            GuestLink(
                b"i" * 16,
                b"",
                origin="https://talk.example",
                number=1,
                expires=NOW,
                spent=True,
            ),
        ),
    )


def test_a_full_vault_is_read_back() -> None:
    vault = _full()

    assert parse_vault(format_vault(vault)) == vault


def test_a_vault_is_marked_as_a_store() -> None:
    assert format_vault(person()).startswith(b'{"format":"ringfence store 1","value":{')


def test_mangled_vaults_are_malformed() -> None:
    assert_mangled_is_refused(parse_vault, format_vault, format_vault(_full()))


@given(JUNK)
def test_any_bytes_are_malformed(raw: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_vault(raw)


def test_a_vault_shows_no_secret() -> None:
    vault = _full()
    (key,) = vault.call_keys
    shown = repr(vault)
    secrets = (
        ALICE.seed,
        vault.board.seed,
        vault.card_key,
        vault.device_fetch,
        key.x25519_seed,
        key.mlkem_seed,
        b"s" * 64,
        b"\6" * 32,
    )

    assert not [
        secret
        for secret in secrets
        for spelled in (repr(secret), secret.hex(), base64.b64encode(secret).decode())
        if spelled in shown
    ]


def test_the_card_is_one_that_others_can_read() -> None:
    vault = _full()

    assert parse_card(format_card(vault.card)) == vault.card


def test_rotation_adds_a_key_and_drops_the_ended_one() -> None:
    vault = person()
    later = vault.rotated(ALICE, NOW + 31 * DAY, luck(2))

    assert (len(later.call_keys), later.call_keys[0] in vault.call_keys) == (1, False)


def test_a_signer_of_another_identity_is_refused() -> None:
    with pytest.raises(MalformedError, match="another device's"):
        person().rotated(BOB, NOW, luck(2))


def test_a_call_key_of_another_device_is_malformed() -> None:
    with pytest.raises(MalformedError, match="another device's"):
        replace(person(), device_id=b"x" * 16)


@pytest.mark.parametrize("name", ["device_id", "device_fetch", "card_key"])
def test_a_key_of_another_size_is_malformed(name: str) -> None:
    wrong: dict[str, Any] = {name: b"short"}

    with pytest.raises(MalformedError, match="cannot be"):
        replace(person(), call_keys=(), **wrong)


@pytest.mark.parametrize(
    ("kind", "seed"),
    [(SignerKind.NATIVE, b""), (SignerKind.AGENT, b"x" * 32)],
)
def test_only_a_native_signer_has_a_seed(kind: SignerKind, seed: bytes) -> None:
    with pytest.raises(MalformedError, match="expected a seed of"):
        SignerSource(kind, seed=seed)


def test_a_board_seed_of_another_size_is_malformed() -> None:
    with pytest.raises(MalformedError, match="board"):
        replace(person().board, seed=b"short")


@pytest.mark.parametrize("index", [-1, 8])
def test_a_board_has_eight_places(index: int) -> None:
    with pytest.raises(MalformedError, match="board"):
        replace(person().board, index=index)
