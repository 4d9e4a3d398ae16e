"""Bytes that are read where they lie."""

import pytest

from updater.archive.extent import CHUNK_BYTES, Extent, in_memory
from updater.errors import MalformedError


def test_a_part_of_a_part_is_read_from_its_own_start() -> None:
    part = in_memory(b"0123456789").part(2, 6).part(1, 4)

    assert part.read(1, 2) == b"45"


def test_chunks_are_all_bytes_in_order() -> None:
    data = bytes(range(256)) * (CHUNK_BYTES // 128)

    assert list(in_memory(data + b"!").chunks()) == [
        data[:CHUNK_BYTES],
        data[CHUNK_BYTES:],
        b"!",
    ]


@pytest.mark.parametrize(("offset", "size"), [(-1, 1), (0, -1), (0, 5), (4, 1), (5, 0)])
def test_nothing_is_read_beyond_it(offset: int, size: int) -> None:
    extent = in_memory(b"a bcd").part(1, 4)

    with pytest.raises(MalformedError, match="within 4 bytes"):
        extent.read(offset, size)
    with pytest.raises(MalformedError, match="within 4 bytes"):
        extent.part(offset, size)


def test_a_file_that_ends_early_is_cut_short() -> None:
    extent = Extent(lambda _, size: bytes(size - 1), 10)

    with pytest.raises(
        MalformedError, match="cut short: expected 3 bytes at 2, came 2"
    ):
        extent.read(2, 3)
