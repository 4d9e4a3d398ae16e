"""Tiles: where files stand, and a reader that no folder can fool."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.updater.transparency.logs import Folder, leaves, nodes_of
from tests.updater.transparency.mangled import assert_one_spelling
from updater.errors import MalformedError, ProofError, UnreachableError
from updater.transparency.merkle import (
    EMPTY_ROOT,
    check_consistency,
    check_inclusion,
    prove_inclusion,
    root_at,
)
from updater.transparency.tiles import (
    MAX_BUNDLE,
    MAX_ENTRY,
    MAX_TILE,
    TileFile,
    TileReader,
    bundle_path,
    files_of,
    format_bundle,
    parse_bundle,
    parse_tile,
    partials,
    tile_path,
)

_FOLDERS = {size: Folder(size) for size in (1, 255, 256, 257, 511, 512, 513, 70_000)}


@pytest.mark.parametrize(
    ("index", "path"),
    [
        (0, "000"),
        (999, "999"),
        (1000, "x001/000"),
        (1_234_067, "x001/x234/067"),
        (10**9, "x001/x000/x000/000"),
    ],
)
def test_an_index_is_cut_into_groups_of_three(index: int, path: str) -> None:
    assert tile_path(0, index) == f"tile/0/{path}"
    assert tile_path(63, index, 7) == f"tile/63/{path}.p/7"
    assert bundle_path(index) == f"tile/entries/{path}"
    assert bundle_path(index, 255) == f"tile/entries/{path}.p/255"


@pytest.mark.parametrize(
    ("size", "edge"),
    [
        (0, []),
        (1, ["tile/0/000.p/1"]),
        (256, ["tile/1/000.p/1"]),
        (70_000, ["tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1"]),
    ],
)
def test_the_right_edge_is_its_partial_tiles(size: int, edge: list[str]) -> None:
    assert [each.path for each in partials(size)] == edge


def test_a_log_of_a_million_has_so_many_files() -> None:
    files = list(files_of(1_000_000))
    tiles = [each for each in files if each.level is not None]

    assert len(files) - len(tiles) == 3_907
    assert len([each for each in tiles if each.width == 256]) == 3_921
    assert len(partials(1_000_000)) == 3


@given(st.lists(st.binary(max_size=30), max_size=20))
def test_a_bundle_is_read_as_it_was_written(entries: list[bytes]) -> None:
    data = format_bundle(entries)

    assert parse_bundle(data, len(entries)) == tuple(entries)


def test_the_bundle_of_the_worked_example_is_as_stated() -> None:
    assert format_bundle([b"a", b"b", b"c"]).hex() == "000161000162000163"


def test_a_bundle_has_one_spelling() -> None:
    assert_one_spelling(
        lambda data: parse_bundle(data, 3),
        format_bundle,
        format_bundle([b"a", b"", b"c"]),
    )


@pytest.mark.parametrize("data", [b"", b"\0", b"\0\1", b"\0\1a", b"\0\1a\0"])
def test_a_bundle_of_fewer_entries_is_malformed(data: bytes) -> None:
    with pytest.raises(MalformedError, match="expected 2 entries, came"):
        parse_bundle(data, 2)


def test_bytes_after_the_last_entry_are_malformed() -> None:
    with pytest.raises(MalformedError, match="1 bytes after the last entry"):
        parse_bundle(b"\0\1ab", 1)


def test_a_tile_of_another_length_is_malformed() -> None:
    with pytest.raises(MalformedError, match="expected 64 bytes, came 63"):
        parse_tile(bytes(63), 2)


@pytest.mark.parametrize("size", _FOLDERS)
def test_the_reader_gives_what_the_tree_in_memory_has(size: int) -> None:
    folder = _FOLDERS[size]
    reader = TileReader(size, folder.root, folder.read)
    hashes = leaves(size)
    places = {0, size // 3, size - 1}

    assert all(reader.leaf_hash(index) == hashes[index] for index in places)
    for index in places:
        proof = reader.prove_inclusion(index)
        check_inclusion(hashes[index], index, size, folder.root, proof)
    for old in {1, size // 2 + 1, size}:
        proof = reader.prove_consistency(old)
        check_consistency(old, size, reader.root_at(old), folder.root, proof)
    assert reader.entries((size - 1) // 256)[-1] == folder.entries[-1]
    assert set(folder.asked) <= set(folder.files)


@pytest.mark.parametrize("size", [65_535, 65_536, 65_537])
def test_a_third_level_of_tiles_begins_at_65536(size: int) -> None:
    folder = Folder(size)
    reader = TileReader(size, folder.root, folder.read)
    proof = reader.prove_inclusion(size - 1)

    check_inclusion(leaves(size)[-1], size - 1, size, folder.root, proof)
    assert any(path.startswith("tile/2/") for path in folder.files) == (size > 65_535)


def test_an_older_tree_is_proved_from_the_same_tiles() -> None:
    folder = _FOLDERS[513]
    nodes = nodes_of(leaves(513))
    reader = TileReader(513, folder.root, folder.read)

    assert reader.root_at(300) == root_at(300, nodes)
    assert reader.prove_inclusion(7, 300) == prove_inclusion(7, 300, nodes)
    assert len(reader.prove_consistency(255, 300)) > 0


def test_an_empty_tree_has_nothing_to_read() -> None:
    reader = TileReader(0, EMPTY_ROOT, lambda *_: None)

    assert reader.root_at(0) == EMPTY_ROOT
    with pytest.raises(ProofError, match="the right edge"):
        TileReader(0, bytes(32), lambda *_: None)


def test_a_proof_from_cold_tiles_takes_a_few_files() -> None:
    folder = Folder(70_000)
    reader = TileReader(70_000, folder.root, folder.read)
    reader.prove_inclusion(12_345)

    assert len(folder.asked) <= 6


def test_a_wrong_edge_is_refused_before_anything_else() -> None:
    folder = Folder(300)
    _flip(folder, "tile/0/001.p/44")

    with pytest.raises(ProofError, match="right edge does not give the root at 300"):
        TileReader(300, folder.root, folder.read)


def test_a_wrong_full_tile_is_refused() -> None:
    folder = Folder(600)
    reader = TileReader(600, folder.root, folder.read)
    _flip(folder, "tile/0/001")

    assert reader.leaf_hash(0) == leaves(1)[0]
    with pytest.raises(ProofError, match="tile/0/001 is not of this tree"):
        reader.leaf_hash(256)


def test_a_tile_of_another_place_is_refused() -> None:
    folder = Folder(600)
    reader = TileReader(600, folder.root, folder.read)
    folder.files["tile/0/001"] = folder.files["tile/0/000"]

    with pytest.raises(ProofError, match="tile/0/001 is not of this tree"):
        reader.leaf_hash(256)


@pytest.mark.parametrize(
    "answer", [None, b"<html>not found</html>", bytes(44 * 32 + 1)]
)
def test_a_partial_tile_that_is_gone_comes_out_of_the_full_one(
    answer: bytes | None,
) -> None:
    old, new = Folder(300), Folder(600)
    _replace(new, "tile/0/001.p/44", answer)
    new.files["tile/1/000.p/1"] = old.files["tile/1/000.p/1"]
    reader = TileReader(300, old.root, new.read)

    assert reader.leaf_hash(299) == leaves(300)[299]


@pytest.mark.parametrize("answer", [None, b"<html>not found</html>"])
def test_a_partial_bundle_that_is_gone_comes_out_of_the_full_one(
    answer: bytes | None,
) -> None:
    old, new = Folder(300), Folder(600)
    for path in ("tile/0/001.p/44", "tile/1/000.p/1"):
        new.files[path] = old.files[path]
    _replace(new, "tile/entries/001.p/44", answer)
    reader = TileReader(300, old.root, new.read)

    assert reader.entries(1) == tuple(old.entries[256:])


@pytest.mark.parametrize("answer", [None, b"<html>", bytes(MAX_TILE + 1)])
def test_a_tile_that_is_gone_was_not_to_be_had(answer: bytes | None) -> None:
    folder = Folder(600)
    reader = TileReader(600, folder.root, folder.read)
    _replace(folder, "tile/0/001", answer)

    with pytest.raises(UnreachableError, match="tile/0/001 is missing"):
        reader.leaf_hash(256)


@pytest.mark.parametrize("answer", [None, b"<html>", bytes(MAX_BUNDLE + 1)])
def test_a_bundle_that_is_gone_was_not_to_be_had(answer: bytes | None) -> None:
    folder = Folder(600)
    reader = TileReader(600, folder.root, folder.read)
    _replace(folder, "tile/entries/001", answer)

    with pytest.raises(UnreachableError, match="tile/entries/001 is missing"):
        reader.entries(1)


def test_a_swapped_entry_is_refused() -> None:
    folder = Folder(300)
    reader = TileReader(300, folder.root, folder.read)
    folder.entries[257] = b"other"
    folder.files["tile/entries/001.p/44"] = format_bundle(folder.entries[256:])

    with pytest.raises(ProofError, match="entry 257 differs"):
        reader.entries(1)


def test_bytes_after_a_bundle_make_it_missing() -> None:
    folder = Folder(300)
    reader = TileReader(300, folder.root, folder.read)
    folder.files["tile/entries/001.p/44"] += b"\0"

    with pytest.raises(UnreachableError, match=r"001\.p/44 is missing"):
        reader.entries(1)


def test_what_the_tree_has_not_is_not_asked_for() -> None:
    folder = Folder(300)
    reader = TileReader(300, folder.root, folder.read)
    folder.asked.clear()
    for ask in (
        lambda: reader.leaf_hash(300),
        lambda: reader.leaf_hash(-1),
        lambda: reader.node(8, 1),
        lambda: reader.entries(2),
        lambda: reader.entries(-1),
        lambda: reader.root_at(301),
        lambda: reader.prove_inclusion(0, 301),
        lambda: reader.prove_consistency(1, 301),
    ):
        with pytest.raises(ProofError):
            ask()

    assert folder.asked == []


def test_the_longest_entry_fits_a_bundle() -> None:
    entry = bytes(MAX_ENTRY)

    assert parse_bundle(format_bundle([entry] * 256), 256)[255] == entry
    assert len(format_bundle([entry] * 256)) == MAX_BUNDLE == 16_777_472


def test_the_oldest_of_many_tiles_is_forgotten() -> None:
    folder = _FOLDERS[70_000]
    reader = TileReader(70_000, folder.root, folder.read)
    for index in range(0, 70_000, 256):
        reader.leaf_hash(index)
    folder.asked.clear()
    reader.leaf_hash(69_800)  # the newest is known
    reader.leaf_hash(0)

    assert folder.asked[0] == "tile/0/000"


def test_a_file_knows_its_path() -> None:
    assert TileFile(None, 1).path == "tile/entries/001"
    assert TileFile(0, 1, 2).path == "tile/0/001.p/2"


def _flip(folder: Folder, path: str) -> None:
    data = folder.files[path]
    folder.files[path] = bytes([data[0] ^ 1]) + data[1:]


def _replace(folder: Folder, path: str, answer: bytes | None) -> None:
    folder.files.pop(path, None)
    if answer is not None:
        folder.files[path] = answer


@pytest.mark.parametrize(
    ("file", "end"),
    [
        (TileFile(None, 0, 3), 3),
        (TileFile(None, 2), 768),
        (TileFile(0, 1, 7), 263),
        (TileFile(1, 0, 2), 512),
        (TileFile(2, 1), 2 * 256**3),
    ],
)
def test_a_file_ends_where_its_last_entry_does(file: TileFile, end: int) -> None:
    assert file.ends_at == end
