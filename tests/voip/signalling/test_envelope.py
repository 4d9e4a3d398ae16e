from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voip.errors import MalformedError
from voip.handshake.schedule import Role, SessionKeys, expand
from voip.identity.keys import Entropy
from voip.signalling.control import Control, format_control
from voip.signalling.envelope import (
    mailbox_tag,
    open_blob,
    pair_direction,
    pair_fetch,
    pair_fetches,
    seal_blob,
)
from voip.signalling.messages import Hangup, HangupReason

KEY = bytes(range(32))
SMALL, LARGE = bytes(48), b"\1" + bytes(47)


def test_a_blob_opens_to_what_was_sealed(entropy: Entropy) -> None:
    blob = seal_blob(KEY, b"body", entropy=entropy)

    assert open_blob(KEY, blob) == b"body"


@pytest.mark.parametrize("size", [0, 1, 4066])
def test_every_blob_has_one_size(entropy: Entropy, size: int) -> None:
    assert len(seal_blob(KEY, bytes(size), entropy=entropy)) == 4096


def test_a_body_that_is_too_long_is_refused(entropy: Entropy) -> None:
    with pytest.raises(MalformedError, match="at most 4066 bytes, came 4067"):
        seal_blob(KEY, bytes(4067), entropy=entropy)


def test_two_blobs_of_one_body_differ(entropy: Entropy) -> None:
    blobs = {seal_blob(KEY, b"body", entropy=entropy) for _ in range(2)}

    assert len(blobs) == 2


@given(st.integers(0, 4095), st.integers(1, 255))
def test_a_changed_byte_does_not_open(at: int, change: int) -> None:
    blob = bytearray(seal_blob(KEY, b"body", entropy=bytes))
    blob[at] ^= change

    with pytest.raises(MalformedError, match="not sealed under this key"):
        open_blob(KEY, bytes(blob))


@pytest.mark.parametrize("size", [0, 4095, 4097])
def test_a_blob_of_another_size_is_malformed(size: int) -> None:
    with pytest.raises(MalformedError, match=f"expected 4096 bytes, came {size}"):
        open_blob(KEY, bytes(size))


def test_another_key_does_not_open(entropy: Entropy) -> None:
    blob = seal_blob(KEY, b"body", entropy=entropy)

    with pytest.raises(MalformedError, match="not sealed under this key"):
        open_blob(bytes(32), blob)


def test_other_associated_data_does_not_open(entropy: Entropy) -> None:
    blob = seal_blob(KEY, b"body", aad=b"slot 1", entropy=entropy)

    with pytest.raises(MalformedError, match="not sealed under this key"):
        open_blob(KEY, blob, aad=b"slot 2")


def test_pair_mailbox_and_its_tag_are_frozen() -> None:
    # made-by: HKDF-Expand and SHA-512/256 of OpenSSL, apart from this code
    fetch = pair_fetch(b"\x22" * 64, 0, 20000)

    assert (fetch[:16].hex(), mailbox_tag(fetch).hex()) == (
        "a24234ecce40f3e1bd014f347d962990",
        "bd533bc6f70ccbf8e4e2074aa10366b0",
    )


def test_the_two_mailboxes_of_a_pair_differ() -> None:
    rs = bytes(64)

    assert pair_fetch(rs, 0, 1) != pair_fetch(rs, 1, 1)


def test_the_smaller_of_a_pair_reads_direction_0() -> None:
    assert (pair_direction(SMALL, LARGE), pair_direction(LARGE, SMALL)) == (0, 1)


@pytest.mark.parametrize("skew", [-86400, 0, 86400])
def test_clocks_a_day_apart_still_meet(skew: int) -> None:
    now, rs = 20000 * 86400 + 5, bytes(64)
    today = pair_fetches(rs, 0, now=now)[1]

    assert today in pair_fetches(rs, 0, now=now + skew)


def test_the_documented_blob_is_frozen() -> None:
    # made-by: AES-256-GCM of OpenSSL over the padded message of docs/formats
    signal = expand(
        expand(bytes(range(64)), b"exporter", bytes(range(64, 128)), 64),
        b"signal",
        b"\0",
        32,
    )
    hangup = Hangup(HangupReason.NORMAL, b"\x05" * 16)
    ctl = format_control(Control(2, 1, message=hangup))
    blob = seal_blob(signal, ctl, entropy=lambda size: b"\x0c" * size)

    assert sha256(blob).hexdigest()[:32] == "5076e6995b2dfb213a3bc68a08988f51"


def test_a_hangup_forged_by_a_relay_does_not_open(entropy: Entropy) -> None:
    hangup = Hangup(HangupReason.ANSWERED_ELSEWHERE, bytes(16))
    ctl = format_control(Control(2, 1, message=hangup))
    forged = seal_blob(entropy(32), ctl, entropy=entropy)

    with pytest.raises(MalformedError, match="not sealed under this key"):
        open_blob(KEY, forged)


def test_a_blob_sent_back_to_its_sender_does_not_open(entropy: Entropy) -> None:
    keys = SessionKeys(entropy(64))
    blob = seal_blob(keys.signal(Role.CALLER), b"body", entropy=entropy)

    with pytest.raises(MalformedError, match="not sealed under this key"):
        open_blob(keys.signal(Role.CALLEE), blob)
