"""Classes of difference between two wheels."""

from dataclasses import replace

import pytest

from reproducible.archive.wheels import open_wheel
from reproducible.compare.verdict import KINDS, Difference
from reproducible.compare.wheels import classify_wheels
from tests.reproducible.tampered_wheels import (
    ABOUT,
    CASES,
    FILES,
    GOOD,
    MODULE,
    NAME,
    RECORD,
    wheel,
)
from tests.updater.wheels import Raw, deflated, raw_wheel, zipped

BY_NAME = {case.about.removeprefix("wheel-"): case for case in CASES}
LATER = "2024-09-01 12:00:00"
OPENED = [about for about, case in BY_NAME.items() if case.kind != "malformed"]


def _classify(published: bytes, rebuilt: bytes = GOOD) -> list[Difference]:
    return classify_wheels(open_wheel(NAME, published), open_wheel(NAME, rebuilt))


def _case(about: str) -> list[Difference]:
    return _classify(BY_NAME[about].tampered)


def test_a_wheel_does_not_differ_from_itself() -> None:
    assert _classify(GOOD) == []


@pytest.mark.parametrize("about", OPENED)
def test_each_way_of_tampering_has_its_class(about: str) -> None:
    expected = BY_NAME[about].kind or "header"

    assert _case(about)[0].kind == expected


@pytest.mark.parametrize("about", OPENED)
def test_classes_come_in_one_order(about: str) -> None:
    places = [KINDS.index(each.kind) for each in _case(about)]

    assert places == sorted(places)


@pytest.mark.parametrize(
    ("about", "expected"),
    [
        ("code-byte", [("code", "pkg/__init__.py", "1 line")]),
        ("code-line-endings", [("code", "pkg/__init__.py", "line endings")]),
        ("native-byte", [("native", "pkg/fast.so", "ELF, 1 byte from 0x403 on")]),
        ("dependency-added", [("dist-info", f"{ABOUT}/METADATA", "1 line")]),
        ("record-order", [("record", f"{ABOUT}/RECORD", "lines in another order")]),
        ("record-line-endings", [("record", f"{ABOUT}/RECORD", "line endings")]),
        ("pth-added", [("file-set", "pkg.pth", "")]),
        ("order", [("order", "pkg/run.sh", "2 of 7 members stand elsewhere")]),
        (
            "stored",
            [("container", "pkg/__init__.py", "method published 0, rebuilt 8")],
        ),
        (
            "extra-field",
            [
                (
                    "container",
                    "pkg/__init__.py",
                    "extra published 0+555405000100000000, rebuilt 0+0",
                )
            ],
        ),
        (
            "executable",
            [
                (
                    "header",
                    "pkg/__init__.py",
                    "external_attr published 0o100755+0x0, rebuilt 0o100644+0x0",
                )
            ],
        ),
        (
            "time-and-code",
            [
                ("code", "pkg/__init__.py", "20 lines"),
                (
                    "header",
                    "pkg/__init__.py",
                    f"date_time published {LATER}, rebuilt 1980-01-01 00:00:00",
                ),
            ],
        ),
        (
            "system-and-code",
            [
                ("code", "pkg/__init__.py", "20 lines"),
                (
                    "header",
                    "pkg/__init__.py",
                    "create published 0x0014, rebuilt 0x0314",
                ),
            ],
        ),
    ],
)
def test_a_difference_is_said_in_words(
    about: str, expected: list[tuple[str, str, str]]
) -> None:
    assert [(each.kind, each.entry, each.detail) for each in _case(about)] == expected


def test_compressed_sizes_are_said_of_another_compression() -> None:
    sizes = [len(deflated(MODULE.data, level)) for level in (0, 6)]

    assert _case("level") == [
        Difference(
            "deflate",
            "both",
            "pkg/__init__.py",
            f"{sizes[0]} bytes published, {sizes[1]} rebuilt",
        )
    ]


def test_another_compression_of_record_is_no_other_record() -> None:
    packed = replace(RECORD, packed=deflated(RECORD.data, 0))

    assert [each.kind for each in _classify(zipped([*FILES, packed]))] == ["deflate"]


def _turned(record: bytes) -> bytes:
    return b"".join(reversed(record.splitlines(keepends=True)))


def test_another_order_of_rows_is_said_beside_a_changed_file() -> None:
    changed = replace(MODULE, data=b"evil")
    entries = raw_wheel([changed, *FILES[1:]], about=ABOUT)
    entries[-1] = replace(entries[-1], data=_turned(entries[-1].data))
    found = _classify(zipped(entries))

    assert [each.kind for each in found] == ["code", "record"]


def test_another_dist_info_folder_is_other_files_and_no_other_record() -> None:
    name = "PKG-1.0-py3-none-any.whl"
    about = "PKG-1.0.dist-info"
    files = [replace(f, name=str(f.name).replace(ABOUT, about)) for f in FILES]
    other = open_wheel(name, zipped(raw_wheel(files, about=about)))
    found = classify_wheels(open_wheel(NAME, GOOD), other)

    assert {each.kind for each in found} == {"file-set"}


def test_a_folder_in_the_place_of_a_file_is_said() -> None:
    empty = Raw(name="pkg/data", method=0)
    folder = Raw(name="pkg/data/", method=0, mode=0o40755)
    found = _classify(wheel([*FILES, folder]), wheel([*FILES, empty]))

    assert "folder published True, rebuilt False" in found[-2].detail
