"""Where the files of a wheel go."""

import pytest

from reproducible.builds.placing import Placed, merge, place
from reproducible.inputs.lock import LockedWheel
from tests.reproducible.projects import EPOCH, WORDS
from updater.archive.packing import NewEntry, format_record, write_wheel
from updater.errors import MalformedError

_NAME = "tool-1.0-py3-none-any.whl"


def _placed(*entries: NewEntry) -> dict[str, bool]:
    """Give paths and executable bits of a wheel with these files and its RECORD."""
    about = "tool-1.0.dist-info"
    files = [*entries, NewEntry(f"{about}/METADATA", b"")]
    files.append(NewEntry(f"{about}/RECORD", format_record(files, f"{about}/RECORD")))
    data = write_wheel(files, EPOCH)
    placed = place(LockedWheel(_NAME, len(data), sha256=""), data)
    return {each.path: each.executable for each in placed if about not in each.path}


def test_files_stay_where_they_are() -> None:
    assert _placed(
        NewEntry("tool/a.py", b""), NewEntry("t.sh", b"", executable=True)
    ) == {
        "tool/a.py": False,
        "t.sh": True,
    }


def test_code_of_either_kind_goes_to_the_top_and_programs_to_bin() -> None:
    apart = "tool-1.0.data"
    entries = [
        NewEntry(f"{apart}/purelib/pure.py", b""),
        NewEntry(f"{apart}/platlib/native.so", b""),
        NewEntry(f"{apart}/scripts/run", b""),
    ]

    assert _placed(*entries) == {"pure.py": False, "native.so": False, "bin/run": True}


def test_headers_and_data_files_are_left_out() -> None:
    apart = "tool-1.0.data"
    entries = [
        NewEntry(f"{apart}/headers/a.h", b""),
        NewEntry(f"{apart}/data/etc/a", b""),
        NewEntry(f"{apart}/purelib", b""),
    ]

    assert _placed(*entries) == {}


def test_a_wheel_that_is_none_is_malformed() -> None:
    with pytest.raises(MalformedError, match="zip"):
        place(LockedWheel(_NAME, 1, sha256=""), b"x" * 100)


def test_folders_are_made_when_they_are_needed() -> None:
    files = place(LockedWheel(WORDS[0], len(WORDS[1]), sha256=""), WORDS[1])

    assert {each.path for each in files} == {
        "words/__init__.py",
        "words-2.1.dist-info/METADATA",
        "words-2.1.dist-info/RECORD",
        "words-2.1.dist-info/WHEEL",
    }


def test_the_same_file_in_two_wheels_is_one() -> None:
    file = Placed("space/__init__.py", b"", executable=False)

    assert merge({"a.whl": (file,), "b.whl": (file,)}) == (file,)


def test_another_file_of_the_same_name_is_refused() -> None:
    one = Placed("a.py", b"1", executable=False)
    two = Placed("a.py", b"2", executable=False)

    with pytest.raises(MalformedError, match=r"'a\.py' of b\.whl is another one than"):
        merge({"a.whl": (one,), "b.whl": (two,)})
