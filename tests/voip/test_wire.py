"""The binary notation: one spelling, one error."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voip.errors import MalformedError
from voip.wire import (
    Reader,
    be16,
    be32,
    be64,
    format_tlv,
    lp8,
    lp16,
    pad,
    parse_tlv,
    unpad,
)


def test_integers_are_big_endian() -> None:
    assert (be16(1), be32(1), be64(1)) == (b"\0\1", b"\0\0\0\1", bytes(7) + b"\1")


@given(st.binary(max_size=60))
def test_padding_hides_the_length_and_comes_off(body: bytes) -> None:
    padded = pad(body, 64)

    assert len(padded) == 64
    assert unpad(padded) == body


def test_a_body_that_does_not_fit_is_refused() -> None:
    with pytest.raises(MalformedError, match="at most 62 bytes, came 63"):
        pad(bytes(63), 64)


@pytest.mark.parametrize("padded", [b"", b"\0", b"\0\5abc", b"\0\1a\0\1"])
def test_bad_padding_is_refused(padded: bytes) -> None:
    with pytest.raises(MalformedError):
        unpad(padded)


@given(st.dictionaries(st.integers(1, 255), st.binary(max_size=255), max_size=5))
def test_tlv_round_trips(fields: dict[int, bytes]) -> None:
    assert parse_tlv(format_tlv(fields)) == fields


@pytest.mark.parametrize("area", [b"\1", b"\1\2a", b"\2\0\1\0", b"\1\0\1\0"], ids=repr)
def test_tlv_cut_short_repeated_or_disordered_is_refused(area: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_tlv(area)


@given(st.binary(max_size=80))
def test_any_bytes_as_tlv_give_a_value_or_the_one_error(area: bytes) -> None:
    try:
        fields = parse_tlv(area)
    except MalformedError:
        return

    assert format_tlv(fields) == area


def test_a_reader_takes_from_the_front() -> None:
    reader = Reader(
        b"\1" + be16(2) + be32(3) + be64(4) + lp8(b"five") + lp16(b"six") + b"rest"
    )

    assert (reader.u8(), reader.u16(), reader.u32(), reader.u64()) == (1, 2, 3, 4)
    assert (reader.lp8(), reader.lp16(), reader.rest()) == (b"five", b"six", b"rest")
    reader.end()


def test_what_remains_at_the_end_is_refused() -> None:
    with pytest.raises(MalformedError, match="2 bytes too many"):
        Reader(b"ab").end()
