"""How a log grows, and what the disk says of it."""

from itertools import pairwise

import pytest

from tests.updater.transparency.logs import Folder, entries
from updater.errors import MalformedError, ProofError
from updater.transparency.growth import (
    Edge,
    file_data,
    grow,
    partial_files,
    read_back,
    read_edge,
)
from updater.transparency.merkle import hash_leaf
from updater.transparency.tiles import TileReader, files_of

BOUNDARIES = [0, 1, 2, 255, 256, 257, 511, 512, 513, 700]


def grown(*sizes: int) -> tuple[Edge, dict[str, bytes]]:
    """Grow a tree through these sizes; give its edge and all files written."""
    edge = Edge()
    files: dict[str, bytes] = {}
    for old, new in pairwise((0, *sizes)):
        growth = grow(edge, entries(new)[old:])
        edge = growth.edge
        files.update([*growth.files, *partial_files(edge)])
    return edge, files


@pytest.mark.parametrize("size", BOUNDARIES)
def test_a_tree_grown_at_once_has_the_files_of_a_tree(size: int) -> None:
    edge, files = grown(size)
    folder = Folder(size)

    assert (edge.root, files) == (folder.root, folder.files)


@pytest.mark.parametrize("old", BOUNDARIES)
@pytest.mark.parametrize("new", [700, 66_000])
def test_a_tree_grown_in_two_steps_has_those_of_both(old: int, new: int) -> None:
    edge, files = grown(old, new)
    folder = Folder(new)

    assert (edge.root, files) == (folder.root, Folder(old).files | folder.files)


def test_growth_gives_the_leaf_hashes() -> None:
    assert grow(Edge(), [b"a", b"b"]).leaf_hashes == [hash_leaf(b"a"), hash_leaf(b"b")]


@pytest.mark.parametrize("size", [*BOUNDARIES, 65_537])
def test_the_edge_is_read_as_it_was_left(size: int) -> None:
    edge, _ = grown(size)
    folder = Folder(size)

    assert read_edge(size, folder.root, folder.read) == edge


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("tile/0/001.p/44", None),
        ("tile/0/001.p/44", bytes(44 * 32)),
        ("tile/0/001.p/44", b"short"),
        ("tile/1/000.p/1", bytes(32)),
        ("tile/entries/001.p/44", None),
        ("tile/entries/001.p/44", b"short"),
    ],
    ids=range(6),
)
def test_a_damaged_edge_is_refused(path: str, data: bytes | None) -> None:
    folder = Folder(300)
    folder.files[path] = data or b""
    if data is None:
        del folder.files[path]

    with pytest.raises((ProofError, MalformedError)):
        read_edge(300, folder.root, folder.read)


def test_files_that_stay_are_not_written_again() -> None:
    old = grow(Edge(), entries(300)).edge
    new = grow(old, [b"one more"]).edge

    assert [file.path for file in partial_files(new, old)] == [
        "tile/entries/001.p/45",
        "tile/0/001.p/45",
    ]
    assert partial_files(new, new) == []


@pytest.mark.parametrize("old", [0, 1, 255, 256, 300])
@pytest.mark.parametrize("new", [301, 512, 17_000])
def test_what_was_written_reads_back_as_the_same_tree(old: int, new: int) -> None:
    edge, _ = grown(old)
    folder = Folder(new)

    end, leaf_hashes = read_back(edge, new, folder.read)

    assert end == grown(new)[0]
    assert leaf_hashes == [hash_leaf(entry) for entry in folder.entries[old:]]


@pytest.mark.parametrize(
    "path",
    ["tile/entries/000", "tile/entries/001.p/44", "tile/0/000", "tile/1/000.p/1"],
)
def test_a_flipped_bit_shows_when_read_back(path: str) -> None:
    folder = Folder(300)
    data = bytearray(folder.files[path])
    data[-1] ^= 1
    folder.files[path] = bytes(data)

    with pytest.raises(ProofError):
        read_back(Edge(), 300, folder.read)


def test_a_bundle_that_is_cut_shows_when_read_back() -> None:
    folder = Folder(300)
    folder.files["tile/entries/000"] = b"\0\1"

    with pytest.raises(ProofError, match="tile/entries/000: bundle"):
        read_back(Edge(), 300, folder.read)


def test_a_missing_file_shows_when_read_back() -> None:
    folder = Folder(300)
    del folder.files["tile/entries/001.p/44"]

    with pytest.raises(ProofError, match=r"tile/entries/001\.p/44"):
        read_back(Edge(), 300, folder.read)


def test_entries_before_may_not_have_changed() -> None:
    edge = grow(Edge(), [b"other"]).edge

    with pytest.raises(ProofError, match="does not begin with the entries before"):
        read_back(edge, 300, Folder(300).read)


@pytest.mark.parametrize("size", [3, 256, 300, 65_536])
def test_each_file_follows_from_the_root(size: int) -> None:
    folder = Folder(size)
    reader = TileReader(size, folder.root, folder.read)
    found = {file.path: file_data(reader, file) for file in files_of(size)}

    assert found == folder.files
