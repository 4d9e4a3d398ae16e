"""One wheel for each package: the one that an installer would take."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reproducible.errors import RecipeError, UnsupportedError
from reproducible.inputs.lock import Lock, LockedPackage, LockedWheel
from reproducible.release.resolved import (
    best_first,
    changes,
    minor_and_machine,
    read_resolved,
)

PLATFORM = "cp312-linux-x86_64"


def _resolution(*files: str, name: str = "pkg") -> bytes:
    rows = "".join(
        f'{{ url = "https://index.example/x/{file}", size = 7,'
        f' hashes = {{ sha256 = "{number:064x}" }} }},'
        for number, file in enumerate(files)
    )
    head = 'lock-version = "1.0"\ncreated-by = "x"\n'
    return (
        head + f'[[packages]]\nname = "{name}"\nversion = "1"\nwheels = [{rows}]\n'
    ).encode()


def _chosen(*files: str) -> str:
    (package,) = read_resolved(_resolution(*files), PLATFORM).packages
    return package.wheel.file


def test_a_wheel_for_the_interpreter_goes_before_a_pure_one() -> None:
    native = "pkg-1-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"

    assert _chosen("pkg-1-py3-none-any.whl", native) == native


def test_a_wheel_for_the_newer_glibc_goes_before_that_for_an_older_one() -> None:
    newer = "pkg-1-cp312-abi3-manylinux_2_28_x86_64.whl"

    assert _chosen("pkg-1-cp312-abi3-manylinux_2_17_x86_64.whl", newer) == newer


def test_wheels_for_others_are_passed_over() -> None:
    others = (
        "pkg-1-cp311-cp311-manylinux_2_17_x86_64.whl",
        "pkg-1-cp312-cp312-win32.whl",
    )

    assert _chosen(*others, "pkg-1-py3-none-any.whl") == "pkg-1-py3-none-any.whl"


def test_a_package_without_a_wheel_for_the_platform_is_unsupported() -> None:
    with pytest.raises(
        UnsupportedError, match="pkg: expected a wheel for the platform"
    ):
        _chosen("pkg-1-cp312-cp312-win32.whl")


def test_a_package_without_wheels_is_unsupported() -> None:
    data = b'lock-version = "1.0"\n[[packages]]\nname = "pkg"\nversion = "1"\n'

    with pytest.raises(UnsupportedError, match="came 0 for others"):
        read_resolved(data, PLATFORM)


def test_packages_are_sorted() -> None:
    data = (
        _resolution("b-1-py3-none-any.whl", name="b")
        + _resolution("a-1-py3-none-any.whl", name="a").partition(b'"x"\n')[2]
    )

    assert [each.name for each in read_resolved(data, PLATFORM).packages] == ["a", "b"]


def test_nothing_resolved_is_an_empty_lock() -> None:
    assert read_resolved(b'lock-version = "1.0"\n', PLATFORM) == Lock(())


@pytest.mark.parametrize(
    "file", ["pkg-1.whl", "pkg-1-py3-none.whl", "a/../b"], ids=["short", "four", "path"]
)
def test_what_is_no_wheels_name_is_refused(file: str) -> None:
    with pytest.raises(RecipeError, match="resolution: "):
        _chosen(file)


def test_a_resolution_has_a_limit() -> None:
    with pytest.raises(RecipeError, match="expected at most 1048576 bytes"):
        read_resolved(b"#" * ((1 << 20) + 1), PLATFORM)


def test_a_platform_has_one_form() -> None:
    with pytest.raises(RecipeError, match="expected one like cp312-linux-x86_64"):
        minor_and_machine("win32")


def test_old_names_of_systems_stand_where_they_belong() -> None:
    names = [str(tag) for tag in best_first(PLATFORM)]

    assert names.index("cp312-cp312-manylinux_2_17_x86_64") + 1 == names.index(
        "cp312-cp312-manylinux2014_x86_64"
    )


@given(st.binary())
def test_bytes_that_are_no_resolution_are_refused(data: bytes) -> None:
    with pytest.raises(RecipeError):
        read_resolved(data, PLATFORM)


def _package(name: str, version: str, digit: str) -> LockedPackage:
    file = f"{name}-{version}-py3-none-any.whl"
    return LockedPackage(name, version, wheel=LockedWheel(file, 7, sha256=digit * 64))


def test_a_change_of_a_lock_is_said_by_package() -> None:
    old = Lock(
        (_package("a", "1", "1"), _package("b", "1", "2"), _package("d", "1", "5"))
    )
    new = Lock(
        (_package("b", "2", "3"), _package("c", "1", "4"), _package("d", "1", "5"))
    )

    assert [line.split(" sha256")[0] for line in changes(old, new)] == [
        "removed  a 1",
        "changed  b 1 -> 2",
        "added    c 1",
    ]


def test_a_first_lock_is_all_added() -> None:
    assert list(changes(None, Lock((_package("a", "1", "1"),)))) == [
        f"added    a 1 sha256:{'1' * 64}"
    ]
