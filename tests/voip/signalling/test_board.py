from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from voip.errors import MalformedError, RefusedError
from voip.identity.keys import Entropy
from voip.signalling.board import (
    DeviceEntry,
    check_signature,
    format_entry,
    open_slot,
    parse_entry,
    publish,
)
from voip.signalling.envelope import seal_blob
from voip.signalling.frames import BoardPut

BOARD = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)
CARD_KEY = b"\x02" * 32
ENTRY = DeviceEntry(bytes(1381), b"\x03" * 16, relay="relay.example:5349 -")
RAW = bytes(1381) + b"\x03" * 16 + b"\x14relay.example:5349 -"


def slot(entry: DeviceEntry | None = ENTRY, version: int = 5) -> BoardPut:
    return publish(
        entry, board=BOARD, card_key=CARD_KEY, index=2, version=version, entropy=bytes
    )


def test_an_entry_is_written_to_the_byte() -> None:
    assert format_entry(ENTRY) == RAW


def test_an_entry_is_read_back() -> None:
    assert parse_entry(RAW) == ENTRY


@given(st.integers(0, len(RAW) - 1), st.integers(0, 255))
def test_a_changed_byte_is_another_entry_or_malformed(at: int, byte: int) -> None:
    changed = RAW[:at] + bytes([byte]) + RAW[at + 1 :]
    try:
        entry = parse_entry(changed)
    except MalformedError:
        return

    assert changed == format_entry(entry)


@given(st.integers(0, len(RAW) - 1))
def test_a_prefix_of_an_entry_is_malformed(size: int) -> None:
    with pytest.raises(MalformedError):
        parse_entry(RAW[:size])


@pytest.mark.parametrize("raw", [RAW + b"\0", RAW[:-1] + b"\xff", RAW[:-1] + b"\n"])
def test_a_byte_that_does_not_belong_is_malformed(raw: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_entry(raw)


@pytest.mark.parametrize(
    ("bundle", "tag", "relay"),
    [(1380, 16, ""), (1381, 15, ""), (1381, 16, "a" * 111), (1381, 16, "ä")],
)
def test_an_entry_out_of_its_bounds_is_refused(
    bundle: int, tag: int, relay: str
) -> None:
    with pytest.raises(MalformedError, match="device entry: expected"):
        DeviceEntry(bytes(bundle), bytes(tag), relay=relay)


def test_a_published_slot_opens_with_the_card() -> None:
    assert open_slot(slot(), card_key=CARD_KEY, seen_version=5) == ENTRY


def test_a_slot_is_sealed_and_signed_as_the_format_says() -> None:
    board = BOARD.public_key().public_bytes_raw()
    place = b"\0\2" + bytes(7) + b"\5"  # index, version
    padded = len(RAW).to_bytes(2, "big") + RAW + bytes(4066 - len(RAW))
    blob = bytes(12) + AESGCM(CARD_KEY).encrypt(bytes(12), padded, board + place)
    signature = BOARD.sign(b"ringfence/relay/1 board\0" + place + blob)

    assert BoardPut(board, 2, version=5, signature=signature, blob=blob) == slot()


def test_a_withdrawn_device_has_no_entry() -> None:
    assert None is open_slot(slot(None), card_key=CARD_KEY, seen_version=0)


def test_a_withdrawal_looks_like_an_entry() -> None:
    assert len(slot().blob) == len(slot(None).blob)


def test_an_older_version_is_refused() -> None:
    with pytest.raises(RefusedError, match="board slot 2: version 5 after version 6"):
        open_slot(slot(), card_key=CARD_KEY, seen_version=6)


@pytest.mark.parametrize(
    "changed",
    [
        replace(slot(), index=3),
        replace(slot(), version=6),
        replace(slot(), blob=bytes(4096)),
        replace(slot(), signature=bytes(64)),
        replace(slot(), board=CARD_KEY),
    ],
    ids=["index", "version", "blob", "signature", "board"],
)
def test_a_changed_slot_is_refused(changed: BoardPut) -> None:
    with pytest.raises(RefusedError, match="not signed by the board's key"):
        check_signature(changed)


def test_a_board_key_that_is_no_point_is_refused() -> None:
    with pytest.raises(RefusedError, match="not signed by the board's key"):
        check_signature(replace(slot(), board=b"\x02" + bytes(31)))


def test_an_unsigned_slot_is_not_opened() -> None:
    with pytest.raises(RefusedError, match="not signed by the board's key"):
        open_slot(
            replace(slot(), signature=bytes(64)), card_key=CARD_KEY, seen_version=0
        )


def test_another_card_does_not_open_a_slot() -> None:
    with pytest.raises(MalformedError, match="not sealed under this key"):
        open_slot(slot(), card_key=bytes(32), seen_version=0)


def test_a_blob_moved_to_another_slot_does_not_open(entropy: Entropy) -> None:
    blob = seal_blob(CARD_KEY, RAW, aad=slot().board, entropy=entropy)
    signed = b"ringfence/relay/1 board\0" + b"\0\2" + bytes(7) + b"\5" + blob
    moved = replace(slot(), blob=blob, signature=BOARD.sign(signed))

    with pytest.raises(MalformedError, match="not sealed under this key"):
        open_slot(moved, card_key=CARD_KEY, seen_version=0)
