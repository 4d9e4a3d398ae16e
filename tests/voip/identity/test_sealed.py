"""The sealed file: bounds on its header, and one answer to every wrong key."""

import pytest
from hypothesis import given

from tests.voip.identity.people import JUNK
from voip.errors import MalformedError, PassphraseError
from voip.identity.sealed import (
    Cost,
    Header,
    derive_kek,
    open_sealed,
    parse_header,
    seal,
)

KEK, SALT, NONCE = b"k" * 32, b"s" * 16, b"n" * 12
COST = Cost(64 << 10, 2, lanes=1)
HEADER = Header(SALT, COST)
FILE = seal(HEADER, KEK, b"plaintext", nonce=NONCE)


def test_the_header_has_these_bytes() -> None:
    expected = b"RFKS\x01\x01\0\x01\0\0\0\0\0\x02\x01" + SALT

    assert HEADER.encoded == expected


def test_the_worked_example_of_the_format_is_what_is_written() -> None:
    header = Header(b"\x0a" * 16, COST)
    kek = derive_kek(b"passphrase", header.salt, COST)
    sealed = seal(header, kek, b"{}", nonce=b"\x0b" * 12)

    assert (kek.hex(), sealed[43:].hex()) == (
        "e377b66fc86049ef627a78791abaf0faa8836e0346f5361137d287ff7c8e8877",
        "18dcee8240e6f69133e66c0568219e3e6c16",
    )


def test_the_header_of_a_keyring_file_has_no_cost() -> None:
    assert Header(SALT, None).encoded == b"RFKS\x01\x02" + bytes(9) + SALT


@pytest.mark.parametrize("header", [HEADER, Header(SALT, None)])
def test_a_header_is_read_back(header: Header) -> None:
    assert parse_header(header.encoded) == header


def test_the_default_cost_is_256_mib_three_passes_four_lanes() -> None:
    assert Cost().encoded.hex() == "000400000000000304"


def test_a_file_is_opened_again() -> None:
    assert open_sealed(FILE, KEK) == b"plaintext"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"RFKX" + FILE[4:],
        FILE[:4] + b"\2" + FILE[5:],
        FILE[:5] + b"\0" + FILE[6:],
        FILE[:5] + b"\3" + FILE[6:],
        FILE[:5] + b"\2" + FILE[6:],  # a keyring file with a cost
        FILE[:30],
    ],
)
def test_another_file_is_malformed(raw: bytes) -> None:
    with pytest.raises(MalformedError):
        open_sealed(raw, KEK)


@pytest.mark.parametrize(
    ("memory_kib", "passes", "lanes"),
    [
        ((64 << 10) - 1, 3, 4),
        ((1 << 20) + 1, 3, 4),
        (64 << 10, 1, 4),
        (64 << 10, 11, 4),
        (64 << 10, 3, 0),
        (64 << 10, 3, 9),
    ],
)
def test_a_doctored_cost_is_refused_before_it_is_paid(
    memory_kib: int, passes: int, lanes: int
) -> None:
    doctored = (
        FILE[:6]
        + memory_kib.to_bytes(4, "big")
        + passes.to_bytes(4, "big")
        + bytes((lanes,))
        + FILE[15:]
    )

    with pytest.raises(MalformedError, match="expected 64 MiB to 1 GiB"):
        parse_header(doctored)


@pytest.mark.parametrize(
    ("memory_kib", "passes", "lanes"), [(64 << 10, 2, 1), (1 << 20, 10, 8)]
)
def test_a_cost_on_the_bounds_is_accepted(
    memory_kib: int, passes: int, lanes: int
) -> None:
    assert Cost(memory_kib, passes, lanes=lanes).passes == passes


def test_every_wrong_key_and_damage_has_one_sentence() -> None:
    cases = [(FILE, b"x" * 32), (FILE[:-1], KEK), (FILE[:43], KEK), (FILE[:35], KEK)]
    cases += [
        (FILE[:at] + bytes((FILE[at] ^ 1,)) + FILE[at + 1 :], KEK)
        for at in range(15, 60)
    ]
    sentences = set()
    for raw, kek in cases:
        with pytest.raises(PassphraseError) as caught:
            open_sealed(raw, kek)
        sentences.add(str(caught.value))

    assert sentences == {"wrong passphrase, or the file is damaged"}


def test_a_changed_but_possible_cost_is_noticed() -> None:
    with pytest.raises(PassphraseError):
        open_sealed(FILE[:13] + b"\3" + FILE[14:], KEK)


@given(JUNK)
def test_any_bytes_are_refused(raw: bytes) -> None:
    with pytest.raises(MalformedError):
        open_sealed(raw, KEK)


def test_a_key_depends_on_passphrase_and_salt() -> None:
    keys = {
        derive_kek(b"one", SALT, COST),
        derive_kek(b"two", SALT, COST),
        derive_kek(b"one", b"t" * 16, COST),
    }

    assert len(keys) == 3
