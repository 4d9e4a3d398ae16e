"""Gzip: one member, and the bytes that are written for one."""

import gzip
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reproducible.archive.gzips import format_gzip, parse_gzip
from tests.updater.wheels import deflated
from updater.errors import MalformedError

MOST = 64 * 1024 * 1024


def member(  # every field of a member, right or wrong
    data: bytes = b"abc",
    *,
    flags: int = 0,
    between: bytes = b"",
    packed: bytes | None = None,
    crc: int | None = None,
    size: int | None = None,
) -> bytes:
    """Write a member as tools do, with some of its parts replaced."""
    sums = struct.pack(
        "<2L",
        zlib.crc32(data) if crc is None else crc,
        len(data) if size is None else size,
    )
    head = struct.pack("<3sBLBB", b"\x1f\x8b\x08", flags, 1_750_000_000, 2, 3)
    return head + between + (deflated(data) if packed is None else packed) + sums


def test_a_member_is_read_with_all_that_its_header_says() -> None:
    found = parse_gzip(member(flags=8, between=b"a.tar\0"), most=MOST)

    assert (found.mtime, found.xfl, found.os, found.name, found.packed, found.data) == (
        1_750_000_000,
        2,
        3,
        b"a.tar",
        deflated(b"abc"),
        b"abc",
    )


def test_a_member_without_a_name_has_none() -> None:
    assert parse_gzip(member(), most=MOST).name is None


def test_an_empty_name_is_not_none() -> None:
    assert parse_gzip(member(flags=8, between=b"\0"), most=MOST).name == b""


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "whole member, came 0 bytes"),
        (member()[:17], "whole member, came 17 bytes"),
        (b"PK" + member()[2:], "its mark and deflate"),
        (member()[:2] + b"\x07" + member()[3:], "its mark and deflate"),
        (member(flags=1), "flags 0 or 8, came 1"),
        (member(flags=2, between=b"\0\0"), "flags 0 or 8, came 2"),
        (member(flags=4, between=b"\0\0"), "flags 0 or 8, came 4"),
        (member(flags=16, between=b"comment\0"), "flags 0 or 8, came 16"),
        (member(flags=8, between=b"x" * 513 + b"\0"), "name of at most 512 bytes"),
        (member(packed=b"\xff"), "expected deflate"),
        (member(packed=deflated(b"abc")[:-1]), "one deflate stream"),
        (member(packed=deflated(b"abc") + b"\0"), "one deflate stream"),
        (member() + member(), "one deflate stream"),
        (member() + b"\0", "one deflate stream"),
        (member(crc=0), "the CRC and the size"),
        (member(size=4), "the CRC and the size"),
    ],
    ids=range(16),
)
def test_anything_but_one_plain_member_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(MalformedError, match=why):
        parse_gzip(data, most=MOST)


def test_a_name_may_have_512_bytes() -> None:
    found = parse_gzip(member(flags=8, between=b"x" * 512 + b"\0"), most=MOST)

    assert found.name == b"x" * 512


def test_more_than_asked_for_is_not_unpacked() -> None:
    with pytest.raises(MalformedError, match="may become 2 at most"):
        parse_gzip(member(b"abc"), most=2)


def test_as_much_as_asked_for_is_unpacked() -> None:
    assert parse_gzip(member(b"abc"), most=3).data == b"abc"


def test_a_bomb_is_refused_by_what_it_would_become() -> None:
    zeros = bytes(11 * 1024 * 1024)

    with pytest.raises(MalformedError, match="may become 10485760 at most"):
        parse_gzip(member(zeros), most=MOST)


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 200_000])
def test_the_canonical_form_is_stored_and_everybody_reads_it(size: int) -> None:
    data = (b"0123456789abcdef" * (size // 16 + 1))[:size]
    written = format_gzip(data)
    blocks = max(1, -(-size // 65_535))

    assert gzip.decompress(written) == data
    assert len(written) == size + 18 + 5 * blocks


def test_the_canonical_form_of_abc_is_this() -> None:
    assert format_gzip(b"abc").hex() == (
        "1f8b08000000000000ff010300fcff616263c241243503000000"
    )


@given(st.binary(max_size=300))
def test_what_is_written_is_read(data: bytes) -> None:
    found = parse_gzip(format_gzip(data), most=MOST)

    assert (found.data, found.mtime, found.xfl, found.os) == (data, 0, 0, 255)


@given(st.binary(max_size=100), st.integers(0, 117), st.integers(1, 255))
def test_any_bytes_give_a_value_or_one_error(
    data: bytes, position: int, change: int
) -> None:
    mangled = bytearray(member(data))
    mangled[position % len(mangled)] ^= change
    for candidate in (data, bytes(mangled), member(packed=data)):
        try:
            parse_gzip(candidate, most=MOST)
        except MalformedError:
            continue


@given(st.integers(0, len(member()) - 1))
def test_no_part_of_a_member_is_one(length: int) -> None:
    with pytest.raises(MalformedError):
        parse_gzip(member()[:length], most=MOST)
