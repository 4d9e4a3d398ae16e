"""The directory of a zip, row by row."""

import pytest

from reproducible.compare.directory import Row, read_rows
from tests.updater.wheels import Raw, zipped
from updater.archive.extent import in_memory
from updater.archive.zips import open_archive


def _rows(*entries: Raw) -> list[Row]:
    return list(read_rows(open_archive(in_memory(zipped(entries)))))


def test_a_row_says_what_stands_there() -> None:
    fields = {1: 0x0314, 2: 45, 5: 7, 6: 34, 14: 1}
    row = _rows(Raw(name="a", local={1: 45, 4: 7, 5: 34}, central=fields))[0]

    assert (row.made_by, row.needed, row.time, row.date, row.internal) == (
        0x0314, 45, 7, 34, 1,
    )  # fmt: skip


def test_rows_lie_where_they_say() -> None:
    extra = b"UT\x01\x00\x00"
    entries = [Raw(name="a", extra=extra), Raw(name="bb", local_extra=extra)]
    rows = _rows(*entries)
    data = zipped(entries)

    assert [data[row.at : row.at + 46] for row in rows] == [row.raw for row in rows]


def test_extra_fields_of_both_headers_are_told_apart() -> None:
    row = _rows(Raw(name="a", extra=b"UT\0\0", local_extra=b"ut\0\0"))[0]

    assert row.extras == (b"ut\0\0", b"UT\0\0")


@pytest.mark.parametrize(
    "other",
    [
        Raw(name="a", central={1: 0x0014}),
        Raw(name="a", local={1: 45}, central={2: 45}),
        Raw(name="a", flags=2),
        Raw(name="a", method=0),
        Raw(name="a", local={4: 1}, central={5: 1}),
        Raw(name="a", local={5: 34}, central={6: 34}),
        Raw(name="a", central={14: 1}),
        Raw(name="a", mode=0o100600),
        Raw(name="a", extra=b"UT\0\0"),
        Raw(name="a/", mode=0o40755),
    ],
    ids=[
        "made-by", "needed", "flags", "method", "time", "date", "internal",
        "external", "extra", "folder",
    ],
)  # fmt: skip
def test_each_fact_is_one(other: Raw) -> None:
    assert _rows(other)[0].facts != _rows(Raw(name="a"))[0].facts


def test_name_place_and_contents_are_no_facts() -> None:
    rows = _rows(Raw(name="a"), Raw(name="bb", data=b"x"))

    assert rows[0].facts == rows[1].facts


def _installed_as(mode: int, made_by: int = 0x0314, low: int = 0) -> object:
    external = mode << 16 | low
    return _rows(Raw(name="a", central={1: made_by, 15: external}))[0].installed_as


@pytest.mark.parametrize(
    ("mode", "made_by", "low"),
    [
        (0o100664, 0x0314, 0),
        (0o100600, 0x0014, 0),
        (0o000644, 0x0314, 0),
        (0, 0x000A, 0x20),
    ],
)
def test_what_nobody_makes_executable_is_all_one(
    mode: int, made_by: int, low: int
) -> None:
    assert _installed_as(mode, made_by, low) == _installed_as(0o100644)


@pytest.mark.parametrize(
    ("mode", "made_by", "low"),
    [
        (0o100644, 0x0314, 0),
        (0o000755, 0x0314, 0),
        (0o100755, 0x0014, 0),
        (0o100755, 0x0314, 0x10),
    ],
    ids=["not", "no-type", "made-by-dos", "folder"],
)
def test_what_some_installer_takes_otherwise_is_not_the_same(
    mode: int, made_by: int, low: int
) -> None:
    assert _installed_as(mode, made_by, low) != _installed_as(0o100755)


def test_other_permissions_of_what_is_executable_are_all_one() -> None:
    assert _installed_as(0o100775, 0x0315) == _installed_as(0o100755)
