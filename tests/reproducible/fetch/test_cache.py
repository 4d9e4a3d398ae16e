"""Files by hash: had once, hashed at each use, never believed."""

import hashlib
import os
from pathlib import Path

import pytest

from reproducible.archive.sdists import write_tar
from reproducible.errors import InputError
from reproducible.fetch.cache import (
    Cache,
    FolderSupply,
    Progress,
    TarSupply,
    Wanted,
    locked,
)
from reproducible.inputs.lock import LockedWheel
from tests.reproducible.projects import EPOCH, write
from updater.archive.packing import NewEntry
from updater.files import Files

_DATA = b"a wheel\n" * 100
_SHA256 = hashlib.sha256(_DATA).hexdigest()
_WANTED = Wanted(file="a-1-py3-none-any.whl", size=len(_DATA), sha256=_SHA256)


class _Answers:
    """A supply that gives one answer after the other; None is a fault of its own."""

    def __init__(self, *answers: bytes | None) -> None:
        self.answers = list(answers)

    def fetch(self, wanted: Wanted, path: Path, progress: Progress) -> bool:
        answer = self.answers.pop(0)
        if answer is None:
            raise InputError("the line is dead")
        path.write_bytes(answer)
        progress(wanted.file, len(answer), wanted.size)
        return True


class _Nothing:
    def fetch(self, wanted: Wanted, path: Path, progress: Progress) -> bool:  # noqa: ARG002 - as a supply
        return False


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache", Files())


def test_what_was_put_is_there(cache: Cache) -> None:
    path = cache.put(_SHA256, _DATA)

    assert (cache.get(_SHA256), path.read_bytes()) == (path, _DATA)


def test_what_has_another_hash_is_not_put(cache: Cache) -> None:
    with pytest.raises(InputError, match=f"expected SHA-256 {_SHA256}, came "):
        cache.put(_SHA256, b"another")


def test_what_was_changed_on_disk_is_gone(cache: Cache) -> None:
    cache.put(_SHA256, _DATA).write_bytes(b"changed")

    assert cache.get(_SHA256) is None


def test_a_file_is_fetched_once(cache: Cache) -> None:
    supply = _Answers(_DATA)
    paths = {cache.obtain(_WANTED, [supply]), cache.obtain(_WANTED, [supply])}

    assert [path.read_bytes() for path in paths] == [_DATA]


def test_what_was_fetched_leaves_nothing_else_behind(
    cache: Cache, tmp_path: Path
) -> None:
    cache.obtain(_WANTED, [_Answers(_DATA)])

    assert [*os.walk(tmp_path / "cache")] == [
        (str(tmp_path / "cache"), ["incoming"], [_SHA256]),
        (str(tmp_path / "cache/incoming"), [], []),
    ]


def test_the_next_supply_is_asked(cache: Cache) -> None:
    supplies = (_Nothing(), _Answers(None, None), _Answers(_DATA))

    assert cache.obtain(_WANTED, supplies).read_bytes() == _DATA


@pytest.mark.parametrize("first", [b"wrong", None], ids=["wrong hash", "no line"])
def test_a_supply_is_asked_twice(cache: Cache, first: bytes | None) -> None:
    assert cache.obtain(_WANTED, [_Answers(first, _DATA)]).read_bytes() == _DATA


def test_a_wrong_hash_twice_is_an_input_that_is_not_to_be_had(cache: Cache) -> None:
    with pytest.raises(InputError, match=f"expected SHA-256 {_SHA256}, came"):
        cache.obtain(_WANTED, [_Answers(b"wrong", b"wrong again", _DATA)])


def test_nothing_of_a_wrong_file_is_kept(cache: Cache, tmp_path: Path) -> None:
    with pytest.raises(InputError):
        cache.obtain(_WANTED, [_Answers(b"wrong", b"wrong again")])

    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_what_nobody_has_is_an_input_that_is_not_to_be_had(cache: Cache) -> None:
    with pytest.raises(InputError, match=r"^a-1-py3.*nobody who was asked has it$"):
        cache.obtain(_WANTED, [_Nothing()])


def test_what_somebody_else_is_fetching_is_fetched_apart(
    cache: Cache, tmp_path: Path
) -> None:
    incoming = tmp_path / "cache/incoming"
    incoming.mkdir(parents=True)
    with Files().lock(incoming / f"{_SHA256}.lock"):
        path = cache.obtain(_WANTED, [_Answers(_DATA)])

    assert path.read_bytes() == _DATA


def test_a_folder_gives_the_file_of_that_name(cache: Cache, tmp_path: Path) -> None:
    folder = write(tmp_path / "wheels", {_WANTED.file: _DATA})

    assert cache.obtain(_WANTED, [FolderSupply(folder, Files())]).read_bytes() == _DATA


@pytest.mark.parametrize(
    "files",
    [{}, {_WANTED.file: b"short"}, {"b.whl": _DATA}],
    ids=["empty", "another size", "another name"],
)
def test_a_folder_does_not_have_everything(
    cache: Cache, tmp_path: Path, files: dict[str, bytes]
) -> None:
    folder = write(tmp_path / "wheels", files)

    with pytest.raises(InputError, match="nobody who was asked has it"):
        cache.obtain(_WANTED, [FolderSupply(folder, Files())])


def test_a_folder_is_not_left(cache: Cache, tmp_path: Path) -> None:
    write(tmp_path, {"secret": _DATA, "wheels/x": b""})
    wanted = Wanted(file="../secret", size=len(_DATA), sha256=_SHA256)

    with pytest.raises(InputError, match="nobody who was asked has it"):
        cache.obtain(wanted, [FolderSupply(tmp_path / "wheels", Files())])


def test_a_file_of_a_folder_that_was_tampered_with_is_refused(
    cache: Cache, tmp_path: Path
) -> None:
    folder = write(tmp_path / "wheels", {_WANTED.file: _DATA[:-1] + b"!"})

    with pytest.raises(InputError, match="expected SHA-256"):
        cache.obtain(_WANTED, [FolderSupply(folder, Files())])


def test_a_tar_gives_the_file_of_that_name(cache: Cache, tmp_path: Path) -> None:
    tar = tmp_path / "toolchain.tar"
    entries = [NewEntry("b", b"x"), NewEntry(f"wheels/{_WANTED.file}", _DATA)]
    tar.write_bytes(write_tar(entries, EPOCH))

    assert cache.obtain(_WANTED, [TarSupply(tar, Files())]).read_bytes() == _DATA


def test_a_tar_does_not_have_everything(cache: Cache, tmp_path: Path) -> None:
    tar = tmp_path / "toolchain.tar"
    tar.write_bytes(write_tar([NewEntry("b", b"x")], EPOCH))

    with pytest.raises(InputError, match="nobody who was asked has it"):
        cache.obtain(_WANTED, [TarSupply(tar, Files())])


def test_a_tar_that_is_none_is_an_input_that_is_not_to_be_had(
    cache: Cache, tmp_path: Path
) -> None:
    tar = tmp_path / "toolchain.tar"
    tar.write_bytes(b"x" * 1024)

    with pytest.raises(InputError, match=r"toolchain\.tar: "):
        cache.obtain(_WANTED, [TarSupply(tar, Files())])


def test_progress_is_told(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    cache = Cache(tmp_path / "cache", Files(), progress=lambda *step: told.append(step))
    folder = write(tmp_path / "wheels", {_WANTED.file: _DATA})
    cache.obtain(_WANTED, [FolderSupply(folder, Files())])

    assert told == [(_WANTED.file, len(_DATA), len(_DATA))]


def test_a_locked_wheel_is_asked_for_by_name_size_and_hash() -> None:
    wheel = LockedWheel(_WANTED.file, len(_DATA), sha256=_SHA256)

    assert locked(wheel) == _WANTED
