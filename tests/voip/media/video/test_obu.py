import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.voip.media.video.mangling import assert_only_malformed
from voip.errors import MalformedError
from voip.media.video.obu import (
    Obu,
    format_number,
    format_obu,
    parse_number,
    parse_obu,
    parse_obus,
)

FRAME = 0x30  # type 6, no extension, no size


@given(st.integers(0, (1 << 32) - 1))
def test_a_number_is_read_as_it_was_written(number: int) -> None:
    written = format_number(number)

    assert parse_number(b"?" + written + b"?", 1) == (number, 1 + len(written))


def test_numbers_have_seven_bits_a_byte_lowest_first() -> None:
    written = [format_number(number).hex() for number in (0, 127, 128, 2500)]

    assert written == ["00", "7f", "8001", "c413"]


def test_a_number_may_have_more_bytes_than_it_needs() -> None:
    assert parse_number(bytes.fromhex("83808000"), 0) == (3, 4)


@pytest.mark.parametrize("data", ["", "80", "8080808080808080", "808080808080808000"])
def test_a_number_that_does_not_end_is_refused(data: str) -> None:
    with pytest.raises(MalformedError, match="a number that ends"):
        parse_number(bytes.fromhex(data), 0)


def test_a_number_of_33_bits_is_refused() -> None:
    with pytest.raises(MalformedError, match="less than"):
        parse_number(bytes.fromhex("8080808010"), 0)


def test_units_are_read_one_after_the_other() -> None:
    data = bytes.fromhex("1200 0a02aabb 3203 010203")

    assert list(parse_obus(data)) == [
        Obu(b"\x10", b""),
        Obu(b"\x08", b"\xaa\xbb"),
        Obu(b"\x30", b"\x01\x02\x03"),
    ]


def test_a_unit_may_have_an_extension() -> None:
    obu = Obu(bytes((FRAME | 0x04, 0x28)), b"data")

    assert format_obu(obu) == b"\x36\x28\x04data"
    assert list(parse_obus(b"\x36\x28\x04data")) == [obu]


@pytest.mark.parametrize("data", ["30 64617461", "32 04 64617461"])
def test_a_unit_alone_may_have_its_size(data: str) -> None:
    assert parse_obu(bytes.fromhex(data)) == Obu(b"\x30", b"data")


def test_a_unit_alone_of_another_size_is_refused() -> None:
    with pytest.raises(MalformedError, match="expected a unit of 4 bytes, says 3"):
        parse_obu(b"\x32\x03data")


def test_the_type_of_a_unit_is_in_its_header() -> None:
    assert Obu(b"\x30", b"").type == 6


def test_a_unit_without_its_size_is_refused_in_a_sequence() -> None:
    with pytest.raises(MalformedError, match="came one without"):
        list(parse_obus(b"\x30data"))


@pytest.mark.parametrize("data", [b"", b"\xb2\x00"])
def test_what_is_no_header_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedError, match="the header of a unit"):
        parse_obu(data)


@pytest.mark.parametrize("data", ["36", "3203 0102"])
def test_a_unit_cut_short_is_refused(data: str) -> None:
    with pytest.raises(MalformedError, match=r"expected \d bytes"):
        list(parse_obus(bytes.fromhex(data)))


def test_mangled_units_raise_one_error_only() -> None:
    data = bytes.fromhex("1200 0e28 02aabb 3203 010203")

    assert_only_malformed(lambda case: list(parse_obus(case)), data)
    assert_only_malformed(parse_obu, bytes.fromhex("3203 010203"))


@given(st.binary(max_size=64))
def test_any_bytes_raise_one_error_only(data: bytes) -> None:
    with contextlib.suppress(MalformedError):
        written = b"".join(map(format_obu, parse_obus(data)))

        assert list(parse_obus(written)) == list(parse_obus(data))
