"""Call keys: fresh weekly, gone after a month, and never the wrong ones."""

from dataclasses import replace

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
)
from voip.errors import CertificateError, MalformedError, RollbackError
from voip.identity.callkey import (
    Bundle,
    CallKey,
    check_bundle,
    create_call_key,
    live,
    parse_bundle,
    rotation_due,
)

DEVICE = b"\5" * 16


def _key(now: int = NOW, seed: int = 1) -> CallKey:
    return create_call_key(ALICE, DEVICE, now=now, caps=1, entropy=luck(seed))


def test_a_fresh_bundle_holds_for_30_days() -> None:
    bundle = _key().bundle
    for now in (NOW, NOW + 30 * DAY):
        check_bundle(bundle, now=now)


def test_a_fresh_bundle_holds_for_somebody_whose_clock_is_behind() -> None:
    check_bundle(_key().bundle, now=NOW - 300)


def test_a_bundle_has_1381_bytes_and_is_read_back() -> None:
    bundle = _key().bundle

    assert (len(bundle.encoded), parse_bundle(bundle.encoded)) == (1381, bundle)


def test_a_bundle_with_another_ek_is_refused() -> None:
    bundle = Bundle(_key().certificate, _key(seed=2).ek)

    with pytest.raises(CertificateError, match="another ML-KEM key"):
        check_bundle(bundle, now=NOW)


def test_a_bundle_older_than_seen_is_a_rollback() -> None:
    with pytest.raises(RollbackError):
        check_bundle(_key().bundle, now=NOW, newest_nbf=NOW)


def test_mangled_bundles_are_malformed() -> None:
    assert_mangled_is_refused(parse_bundle, lambda b: b.encoded, _key().bundle.encoded)


@given(JUNK)
def test_any_bytes_are_a_bundle_or_malformed(raw: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_bundle(raw)


def test_a_call_key_does_not_show_its_seeds() -> None:
    key = _key()
    shown = repr(key)

    assert "seed" not in shown
    assert "mlkem" not in shown


def test_a_call_key_is_loaded_once() -> None:
    key = _key()

    assert key.x25519 is key.x25519
    assert key.mlkem.public_key().public_bytes_raw() == key.ek


def test_seeds_of_another_size_are_malformed() -> None:
    with pytest.raises(MalformedError, match="expected seeds of 32 and 64 bytes"):
        replace(_key(), mlkem_seed=bytes(63))


@pytest.mark.parametrize("field", ["x25519_seed", "mlkem_seed"])
def test_a_certificate_for_another_key_is_malformed(field: str) -> None:
    other = getattr(_key(seed=2), field)

    with pytest.raises(MalformedError, match="for another key"):
        replace(_key(), **{field: other})


def test_ended_keys_are_dropped_and_the_newest_comes_first() -> None:
    old, new, ended = _key(NOW), _key(NOW + 7 * DAY), _key(NOW - 31 * DAY)

    assert live((old, ended, new), NOW + 7 * DAY) == (new, old)


def test_at_most_five_keys_live() -> None:
    keys = [_key(NOW + i) for i in range(7)]

    assert live(keys, NOW) == tuple(reversed(keys[2:]))


def test_a_key_is_due_when_none_is_younger_than_a_week() -> None:
    key = _key()
    due = [rotation_due((key,), now) for now in (NOW, NOW + 7 * DAY - 1, NOW + 7 * DAY)]

    assert due == [False, False, True]


def test_a_device_without_keys_is_due() -> None:
    assert rotation_due((), NOW)


def test_a_signer_that_lies_gets_no_call_key() -> None:
    class Liar:
        def public_key(self) -> bytes:
            return ALICE.public_key()

        def sign(self, data: bytes) -> bytes:
            return BOB.sign(data)

    with pytest.raises(CertificateError, match="signature"):
        create_call_key(Liar(), DEVICE, now=NOW, caps=1, entropy=luck())
