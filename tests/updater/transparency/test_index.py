"""What is remembered of entries can be found, written and read again."""

from dataclasses import replace

import pytest

from tests.updater.transparency.memories import FILE, INDEX, place
from updater.errors import MalformedError
from updater.jcs import Json
from updater.transparency.index import (
    Index,
    LoggedRebuild,
    index_json,
    join,
    read_index,
)

ORIGIN = place(0).origin


def test_an_index_is_read_as_it_was_written() -> None:
    assert read_index(index_json(INDEX), ORIGIN) == INDEX


def test_a_file_is_found_by_version_and_platform() -> None:
    assert INDEX.files_of("1.0.0", "cp312-linux-x86_64") == INDEX.files
    assert INDEX.files_of("1.0.0", "cp311-linux-x86_64") == ()
    assert INDEX.files_of("1.0.1", "cp312-linux-x86_64") == ()


def test_what_is_said_of_a_file_is_found_by_its_hash() -> None:
    assert INDEX.yanks_of(FILE) == INDEX.yanks
    assert INDEX.yanks_of("00" * 32) == ()
    assert INDEX.rebuilds_of(FILE) == (place(3),)
    assert INDEX.rebuilds_of("00" * 32) == ()


def test_several_logs_are_one_index() -> None:
    joined = join([INDEX, Index(garbage=5), INDEX])

    assert joined.files == 2 * INDEX.files
    assert (joined.garbage, joined.unknown, joined.repeated) == (7, 4, 6)


@pytest.mark.parametrize(
    ("key", "rows"),
    [
        ("files", [[0, "x", "1.0.0", "any", "stable", FILE]]),
        ("files", [[0, FILE, "v1", "any", "stable", FILE]]),
        ("files", [[0, FILE, "1.0.0", "Any", "stable", FILE]]),
        ("files", [[0, FILE, "1.0.0", "any", "Stable", FILE]]),
        ("files", [[-1, FILE, "1.0.0", "any", "stable", FILE]]),
        ("files", [[0, FILE, "1.0.0", "any", "stable"]]),
        ("yanks", [[0, FILE, FILE, [], None, None, None, None]]),
        ("yanks", [[0, FILE, FILE, [FILE], "hm", None, None, None]]),
        ("yanks", [[0, FILE, FILE, [FILE], None, "hm", None, None]]),
        ("yanks", [[0, FILE, FILE, [FILE], None, None, "v1", None]]),
        ("yanks", [[0, FILE, FILE, [FILE], None, None, None, "no"]]),
        ("rebuilds", [[0, FILE, "x", FILE]]),
        ("rebuilds", [[0, FILE, FILE, "x"]]),
        ("rebuilds", [[0, FILE, FILE]]),
        ("policies", [[0]]),
        ("successors", {}),
        ("garbage", -1),
        ("more", 1),
    ],
)
def test_another_shape_is_malformed(key: str, rows: Json) -> None:
    with pytest.raises(MalformedError):
        read_index({**index_json(INDEX), key: rows}, ORIGIN)


def test_an_empty_index_says_nothing() -> None:
    assert read_index(index_json(Index()), ORIGIN) == replace(Index())


def test_one_key_does_not_fill_the_list_for_the_others() -> None:
    flood = [LoggedRebuild(place(at), FILE, signer="f0" * 32) for at in range(1, 300)]
    other = LoggedRebuild(place(0), FILE, signer="f1" * 32)
    index = Index(rebuilds=(other, *flood))

    assert index.rebuilds_of(FILE) == (place(0), *(each.place for each in flood[-16:]))
