"""SFrame: the vectors of RFC 9605, keys used once, each frame opened once."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voip.errors import KeyReuseError, MalformedError
from voip.media.sframe import (
    SUITE,
    WINDOW,
    Header,
    Opener,
    Sealer,
    Sealers,
    format_header,
    parse_header,
)

KEY = bytes(range(32))
METADATA = b"\x01"


def published(vectors: Path, part: str) -> list[dict[str, Any]]:
    document = json.loads((vectors / "sframe" / "test-vectors.json").read_text())
    cases: list[dict[str, Any]] = document[part]
    return cases


def suite_5(vectors: Path) -> dict[str, Any]:
    (case,) = (
        case
        for case in published(vectors, "sframe")
        if int(case["cipher_suite"]) == SUITE
    )
    return case


def opened(opener: Opener, sealed: bytes, metadata: bytes = METADATA) -> bytes:
    return opener.open(parse_header(sealed), sealed, metadata)


def test_headers_are_spelt_as_the_standard_does(vectors: Path) -> None:
    for case in published(vectors, "header"):
        spelt = format_header(int(case["kid"]), int(case["ctr"]))

        assert spelt.hex() == case["encoded"]


def test_headers_of_the_standard_are_read(vectors: Path) -> None:
    for case in published(vectors, "header"):
        spelt = bytes.fromhex(case["encoded"])
        expected = Header(int(case["kid"]), int(case["ctr"]), len(spelt))

        assert parse_header(spelt + bytes(16)) == expected


def test_a_frame_of_the_standard_is_sealed_alike(vectors: Path) -> None:
    case = suite_5(vectors)
    sealer = Sealer(bytes.fromhex(case["base_key"]), int(case["kid"]))
    sealer.sealed = int(case["ctr"])
    sealed = sealer.seal(bytes.fromhex(case["pt"]), bytes.fromhex(case["metadata"]))

    assert sealed.hex() == case["ct"]


def test_a_frame_of_the_standard_opens(vectors: Path) -> None:
    case = suite_5(vectors)
    opener = Opener(bytes.fromhex(case["base_key"]), int(case["kid"]))
    plaintext = opened(
        opener, bytes.fromhex(case["ct"]), bytes.fromhex(case["metadata"])
    )

    assert plaintext.hex() == case["pt"]


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_any_header_is_read_back(kid: int, ctr: int) -> None:
    spelt = format_header(kid, ctr)

    assert parse_header(spelt + bytes(16)) == (kid, ctr, len(spelt))


@given(st.binary(max_size=40))
def test_any_bytes_are_a_header_in_its_one_spelling_or_malformed(raw: bytes) -> None:
    try:
        header = parse_header(raw)
    except MalformedError:
        return

    assert format_header(header.kid, header.ctr) == raw[: header.size]


@pytest.mark.parametrize(
    "spelt", ["8007", "0805", "090001", "90000000", "f8000000000000000109"]
)
def test_a_number_spelt_too_long_is_refused(spelt: str) -> None:
    with pytest.raises(MalformedError, match=r"(kid|counter) \d+ in \d bytes"):
        parse_header(bytes.fromhex(spelt) + bytes(16))


@pytest.mark.parametrize("size", [0, 1, 16])
def test_a_ciphertext_without_room_for_its_tag_is_refused(size: int) -> None:
    with pytest.raises(MalformedError, match="expected at least 17 bytes"):
        parse_header(bytes(size))


def test_a_key_seals_through_one_sealer_only() -> None:
    sealers = Sealers()
    sealers.take(KEY, 4)

    with pytest.raises(KeyReuseError, match="key 4 already has a sealer"):
        sealers.take(KEY, 4)


def test_another_key_under_the_same_number_is_another_key() -> None:
    sealers = Sealers()
    first, second = sealers.take(KEY, 4), sealers.take(bytes(32), 4)

    assert first.seal(b"a", METADATA) != second.seal(b"a", METADATA)


def test_equal_frames_are_sealed_to_different_bytes() -> None:
    sealer = Sealer(KEY, 0)

    assert sealer.seal(b"a", METADATA)[1:] != sealer.seal(b"a", METADATA)[1:]


def test_a_frame_that_comes_again_is_refused() -> None:
    sealer, opener = Sealer(KEY, 0), Opener(KEY, 0)
    sealed = sealer.seal(b"a", METADATA)
    opened(opener, sealed)

    with pytest.raises(MalformedError, match="frame 0 came before or is late"):
        opened(opener, sealed)


def test_frames_may_overtake_each_other() -> None:
    sealer, opener = Sealer(KEY, 0), Opener(KEY, 0)
    first, second, third = (sealer.seal(b"%d" % n, METADATA) for n in range(3))
    opened(opener, third)

    assert (opened(opener, first), opened(opener, second)) == (b"0", b"1")


def test_the_last_frame_inside_the_window_opens() -> None:
    sealer, opener = Sealer(KEY, 0), Opener(KEY, 0)
    frames = [sealer.seal(b"", METADATA) for _ in range(WINDOW + 1)]
    opened(opener, frames[WINDOW])

    assert opened(opener, frames[1]) == b""


def test_a_frame_behind_the_window_is_refused() -> None:
    sealer, opener = Sealer(KEY, 0), Opener(KEY, 0)
    frames = [sealer.seal(b"", METADATA) for _ in range(WINDOW + 1)]
    opened(opener, frames[WINDOW])

    with pytest.raises(MalformedError, match="frame 0 came before or is late"):
        opened(opener, frames[0])


def test_a_leap_forgets_what_came_before_it() -> None:
    sealer, opener = Sealer(KEY, 0), Opener(KEY, 0)
    opened(opener, sealer.seal(b"", METADATA))
    sealer.sealed = 2**40
    frames = [sealer.seal(b"%d" % n, METADATA) for n in range(2)]
    opened(opener, frames[1])

    assert opened(opener, frames[0]) == b"0"


def test_a_forged_counter_does_not_move_the_window() -> None:
    sealer, opener = Sealer(KEY, 0), Opener(KEY, 0)
    honest = sealer.seal(b"a", METADATA)
    forged = format_header(0, 2**40) + honest[1:]
    with pytest.raises(MalformedError, match="does not open with key 0"):
        opened(opener, forged)

    assert opened(opener, honest) == b"a"


def test_every_flipped_bit_is_noticed() -> None:
    sealed = Sealer(KEY, 0).seal(b"frame", METADATA)
    for bit in range(len(sealed) * 8):
        changed = bytearray(sealed)
        changed[bit // 8] ^= 1 << bit % 8

        with pytest.raises(MalformedError):
            opened(Opener(KEY, 0), bytes(changed))


def test_other_metadata_are_noticed() -> None:
    sealed = Sealer(KEY, 0).seal(b"frame", b"\x01")

    with pytest.raises(MalformedError, match="does not open"):
        opened(Opener(KEY, 0), sealed, b"\x02")


def test_the_number_of_a_key_is_part_of_the_key() -> None:
    sealed = Sealer(KEY, 0).seal(b"frame", METADATA)

    with pytest.raises(MalformedError, match="does not open with key 1"):
        opened(Opener(KEY, 1), sealed)
