"""Tools from locked wheels."""

import hashlib
from pathlib import Path

import pytest

from reproducible.builds.toolchain import unpack_toolchain
from reproducible.errors import InputError
from reproducible.fetch.cache import Cache, FolderSupply
from reproducible.inputs.lock import Lock, parse_lock
from tests.reproducible.projects import WORDS, lock, wheels_folder, write
from updater.errors import MalformedError, StoreError
from updater.files import Files

_LOCK = parse_lock(lock(dict([WORDS])))


class _Kitchen:
    def __init__(self, folder: Path) -> None:
        self.cache = Cache(folder / "cache", Files())
        self.tools = folder / "tools"
        self.wheels = wheels_folder(folder / "wheels")

    def unpack(self, wanted: Lock = _LOCK) -> None:
        supplies = [FolderSupply(self.wheels, Files())]
        unpack_toolchain(wanted, self.cache, supplies, self.tools)


@pytest.fixture
def kitchen(tmp_path: Path) -> _Kitchen:
    return _Kitchen(tmp_path)


def test_wheels_are_unpacked_into_one_folder(kitchen: _Kitchen) -> None:
    kitchen.unpack()

    assert (kitchen.tools / "words/__init__.py").read_bytes() == (
        b"WORDS = ('one', 'two')\n"
    )


def test_a_lock_may_be_empty(kitchen: _Kitchen) -> None:
    kitchen.unpack(Lock(()))

    assert [*kitchen.tools.iterdir()] == []


def test_a_second_time_nothing_is_asked_for(kitchen: _Kitchen) -> None:
    kitchen.cache.put(hashlib.sha256(WORDS[1]).hexdigest(), WORDS[1])
    (kitchen.wheels / WORDS[0]).unlink()
    kitchen.unpack()

    assert (kitchen.tools / "words").is_dir()


def test_a_tool_with_another_hash_is_never_unpacked(kitchen: _Kitchen) -> None:
    write(kitchen.wheels, {WORDS[0]: WORDS[1][:-1] + b"!"})
    with pytest.raises(InputError, match="expected SHA-256"):
        kitchen.unpack()

    assert not kitchen.tools.exists()


def test_a_tool_that_is_no_wheel_is_never_unpacked(kitchen: _Kitchen) -> None:
    write(kitchen.wheels, {WORDS[0]: b"x" * 100})
    with pytest.raises(MalformedError):
        kitchen.unpack(parse_lock(lock({WORDS[0]: b"x" * 100})))

    assert not kitchen.tools.exists()


def test_a_folder_that_is_there_is_not_used(kitchen: _Kitchen) -> None:
    kitchen.tools.mkdir()

    with pytest.raises(StoreError, match="File exists"):
        kitchen.unpack()
