from collections.abc import Iterator
from pathlib import Path

import pytest

from reproducible.errors import InputError
from reproducible.fetch.installer import find_installer
from reproducible.inputs.lock import Lock
from reproducible.inputs.recipe import Toolchain
from reproducible.pypi.resolve import Resolver
from tests.reproducible.pypi.shops import WHEEL, Shelf, shelf

DAY_S = 86_400
UPLOADED = 1_750_004_800


@pytest.fixture
def offered(tmp_path: Path) -> Iterator[Shelf]:
    (tmp_path / "index").mkdir()
    with shelf(tmp_path / "index") as one:
        yield one


def resolved(offered: Shelf, folder: Path, newest: int, *requires: str) -> Lock | None:
    resolver = Resolver(
        find_installer(), offered.index, machine="x86_64", kept=folder / "uv"
    )
    toolchain = Toolchain(backend="b", requires=requires, exclude_newer=newest)
    return resolver.resolve(toolchain, (3, 11))


def test_a_tool_is_locked_by_its_hash(tmp_path: Path, offered: Shelf) -> None:
    lock = resolved(offered, tmp_path, UPLOADED + DAY_S, "pebble")

    assert lock is not None
    assert [each.wheel.file for each in lock.packages] == [WHEEL]


def test_what_was_uploaded_later_does_not_exist(tmp_path: Path, offered: Shelf) -> None:
    assert resolved(offered, tmp_path, UPLOADED - DAY_S, "pebble") is None


def test_what_fits_nothing_is_no_lock(tmp_path: Path, offered: Shelf) -> None:
    assert resolved(offered, tmp_path, UPLOADED + DAY_S, "pebble==2.0") is None


def test_nothing_is_asked_for_nothing(tmp_path: Path, offered: Shelf) -> None:
    assert resolved(offered, tmp_path, UPLOADED) == Lock(())
    assert offered.server.asked == []


@pytest.mark.slow
def test_an_index_that_is_not_there_is_no_answer(tmp_path: Path) -> None:
    nowhere = "http://127.0.0.1:9/simple/"
    resolver = Resolver(
        find_installer(), nowhere, machine="x86_64", kept=tmp_path / "uv"
    )
    toolchain = Toolchain(backend="b", requires=("pebble",))

    with pytest.raises(InputError, match="uv: exit 2"):
        resolver.resolve(toolchain, (3, 11))
