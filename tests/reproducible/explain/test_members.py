"""What lies in an archive is found by the names that differences use."""

import io
import zipfile

import pytest

from reproducible.explain.members import UNIX, open_members
from tests.reproducible.explain.packages import (
    ABOUT,
    EPOCH,
    NAME,
    bundle,
    sdist,
    wheel,
)
from updater.archive.extent import Extent, in_memory


def test_the_files_of_a_wheel_are_listed() -> None:
    members = open_members(NAME, in_memory(wheel({"tally.py": "x = 1\n"})))

    assert list(members) == [
        "tally.py",
        f"{ABOUT}/METADATA",
        f"{ABOUT}/WHEEL",
        f"{ABOUT}/RECORD",
    ]


def test_a_member_of_a_wheel_is_what_its_header_says() -> None:
    member = open_members(NAME, in_memory(wheel({"tally.py": "x = 1\n"})))["tally.py"]

    assert (member.size, member.mode, member.system, member.read()) == (
        6,
        0o644,
        UNIX,
        b"x = 1\n",
    )


def test_folders_of_a_wheel_are_no_members() -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.mkdir("tally")
        archive.writestr("tally/a.py", "")

    assert list(open_members(NAME, in_memory(data.getvalue()))) == ["tally/a.py"]


def test_a_member_of_an_sdist_has_an_owner() -> None:
    data = sdist({"a.py": b"x"}, uname="alice", mode=0o664)
    member = open_members("tally-1.0.tar.gz", in_memory(data))["tally-1.0/a.py"]

    assert (member.stamp, member.mode, "alice" in member.owner, member.read()) == (
        EPOCH,
        0o664,
        True,
        b"x",
    )


def test_folders_of_an_sdist_are_no_members() -> None:
    data = sdist({"sub": b""}, type=b"5")

    assert open_members("tally-1.0.tgz", in_memory(data)) == {}


def test_of_a_bundle_only_the_wheels_that_are_wanted_are_opened() -> None:
    data = bundle(wheel({"tally.py": "x"}), wheel({"tally.py": "y"}))
    members = open_members("tally.tar", in_memory(data), [f"{NAME}!tally.py"])

    assert list(members) == [
        "manifest.json",
        "wheels/dep1-1.0-py3-none-any.whl",
        f"wheels/{NAME}",
        f"{NAME}!tally.py",
        f"{NAME}!{ABOUT}/METADATA",
        f"{NAME}!{ABOUT}/WHEEL",
        f"{NAME}!{ABOUT}/RECORD",
    ]


def test_members_of_a_bundle_can_be_read() -> None:
    members = open_members("tally.tar", in_memory(bundle(wheel({}))))

    assert members["manifest.json"].read().startswith(b'{"app"')


@pytest.mark.parametrize(
    "name", [NAME, "tally.tar.gz", "tally.tar", "tally.txt"], ids=str
)
def test_what_cannot_be_read_has_no_members(name: str) -> None:
    assert open_members(name, in_memory(b"no archive")) == {}


def test_what_is_not_there_has_no_members() -> None:
    assert open_members(NAME, None) == {}


def test_an_sdist_that_is_too_large_is_not_read() -> None:
    def read(offset: int, size: int) -> bytes:
        raise AssertionError(f"read {size} at {offset}")

    assert open_members("tally.tar.gz", Extent(read, 2**30)) == {}
