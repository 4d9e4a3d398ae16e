import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from reproducible.errors import InputError
from reproducible.fetch import simple
from reproducible.fetch.cache import Wanted
from reproducible.fetch.index import Index
from tests.reproducible.pypi.shops import WHEEL, Shelf, shelf
from updater.errors import MalformedError
from updater.fetch.fetch import Fetcher, Network
from updater.files import Files
from updater.testing.hostile import page


@pytest.fixture
def offered(tmp_path: Path) -> Iterator[Shelf]:
    with shelf(tmp_path) as one:
        yield one


@pytest.fixture
def index(offered: Shelf) -> Iterator[Index]:
    with Fetcher(Files(), Network(loopback=True)) as fetcher:
        yield Index(fetcher, offered.index.rstrip("/"))


def wanted(offered: Shelf, file: str = WHEEL) -> Wanted:
    data = offered.files[WHEEL]
    return Wanted(file=file, size=len(data), sha256=hashlib.sha256(data).hexdigest())


def nobody(_: str, __: int, ___: int) -> None:
    """Take the progress."""


def test_an_index_is_asked_for_json_once(offered: Shelf, index: Index) -> None:
    index.project("Pebble")
    index.project("pebble")

    (asked,) = offered.server.asked
    assert asked.path == "/simple/pebble/"
    assert asked.headers["accept"] == simple.MEDIA_TYPE


def test_a_file_is_fetched(tmp_path: Path, offered: Shelf, index: Index) -> None:
    told: list[tuple[str, int, int]] = []
    path = tmp_path / "wheel"

    assert index.fetch(wanted(offered), path, lambda *step: told.append(step))
    assert path.read_bytes() == offered.files[WHEEL]
    assert told[-1][0] == WHEEL


def test_a_file_that_is_not_there_may_be_elsewhere(
    tmp_path: Path, offered: Shelf, index: Index
) -> None:
    other = wanted(offered, "pebble-2.0-py3-none-any.whl")

    assert not index.fetch(other, tmp_path / "wheel", nobody)


def test_another_file_under_the_name_is_refused(
    tmp_path: Path, offered: Shelf, index: Index
) -> None:
    known = wanted(offered)
    offered.offer(hashes={"sha256": "ab" * 32})

    with pytest.raises(InputError, match="the index has abab"):
        index.fetch(known, tmp_path / "wheel", nobody)


def test_a_file_without_end_is_not_begun(
    tmp_path: Path, offered: Shelf, index: Index
) -> None:
    offered.offer(size=simple.MAX_FILE_BYTES + 1)
    huge = Wanted(
        file=WHEEL,
        size=simple.MAX_FILE_BYTES + 1,
        sha256=wanted(offered).sha256,
    )

    with pytest.raises(InputError, match="expected at most"):
        index.fetch(huge, tmp_path / "wheel", nobody)


def test_other_bytes_than_were_offered_are_refused(
    tmp_path: Path, offered: Shelf, index: Index
) -> None:
    path = f"/files/{WHEEL}"
    offered.server.behaviour[path] = page(bytes(len(offered.files[WHEEL])))

    with pytest.raises(InputError, match=WHEEL):
        index.fetch(wanted(offered), tmp_path / "wheel", nobody)


def test_a_page_that_is_no_listing_is_no_verdict(offered: Shelf, index: Index) -> None:
    offered.server.behaviour["/simple/pebble/"] = page(b"<!DOCTYPE html>")

    with pytest.raises(InputError, match="/simple/pebble/: JSON: not JSON"):
        index.project("pebble")


def test_a_project_that_is_not_there_is_no_verdict(index: Index) -> None:
    with pytest.raises(InputError, match="404"):
        index.project("boulder")


def test_what_is_no_name_is_not_asked_for(offered: Shelf, index: Index) -> None:
    with pytest.raises(MalformedError):
        index.project("../boulder")

    assert offered.server.asked == []
