"""How a log grows: entries in, files out, and the same again from what the disk says.

The right end of a tree, its `Edge`, is all that must be known to go on: entries that do
not fill a bundle yet, and hashes that do not fill a tile. The files are those of C2SP
tlog-tiles v0.1.0; partial ones are written again in full, never changed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from updater.errors import MalformedError, ProofError
from updater.transparency.merkle import hash_leaf, hash_tree, root_at
from updater.transparency.tiles import (
    MAX_BUNDLE,
    MAX_TILE,
    WIDTH,
    Read,
    TileFile,
    TileReader,
    bundle_path,
    format_bundle,
    parse_bundle,
    parse_tile,
    partials,
    tile_path,
)

_BITS = 8  # levels of the tree in one level of tiles
_STRIDE = 64  # bundles that are hashed at once when reading back: at most 1 GiB / 16


class File(NamedTuple):
    """A file of the public folder: its path in it, and its bytes."""

    path: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Edge:
    """The right end of a tree."""

    size: int = 0
    entries: tuple[bytes, ...] = field(default=(), kw_only=True)
    """Of the bundle that is not full, at most 255."""
    rows: tuple[tuple[bytes, ...], ...] = field(default=(), kw_only=True)
    """Hashes of the tile that is not full, a row for each level, lowest first."""

    @property
    def root(self) -> bytes:
        """The root of the whole tree."""
        return root_at(self.size, self._node)

    def _node(self, level: int, index: int) -> bytes:
        row, high = divmod(level, _BITS)
        at = (index << high) % WIDTH
        return hash_tree(self.rows[row][at : at + (1 << high)])


class Growth(NamedTuple):
    """What new entries make of a tree."""

    edge: Edge
    files: list[File]
    """The files that became full; those of the new end are `partial_files`."""
    leaf_hashes: list[bytes]


def read_edge(size: int, root: bytes, read: Read) -> Edge:
    """Take the right end of a tree from its own files, and no others.

    Raises:
        ProofError: a file is not there, or they do not lead to the root.
        MalformedError: a file has another length than it must have.
    """
    rows: list[tuple[bytes, ...]] = [()] * _rows(size)
    for tile in partials(size):
        assert tile.level is not None
        rows[tile.level] = parse_tile(_content(tile.path, read), tile.width)
    entries: tuple[bytes, ...] = ()
    if width := size % WIDTH:
        path = bundle_path(size // WIDTH, width)
        entries = parse_bundle(_content(path, read), width)
        if tuple(map(hash_leaf, entries)) != rows[0]:
            raise ProofError(f"{path}: its entries are not those of the tree")
    edge = Edge(size, entries=entries, rows=tuple(rows))
    if edge.root != root:
        raise ProofError(f"the right end is not of the root at {size}")
    return edge


def grow(edge: Edge, entries: Sequence[bytes]) -> Growth:
    """Add entries to a tree.

    Of the files, bundles come first and tiles upwards, so that a folder never has a
    hash without what it is of.
    """
    pending = (*edge.entries, *entries)
    full = len(pending) - len(pending) % WIDTH
    first = edge.size // WIDTH
    files = [
        File(bundle_path(first + number), format_bundle(pending[at : at + WIDTH]))
        for number, at in enumerate(range(0, full, WIDTH))
    ]
    rows: list[tuple[bytes, ...]] = []
    added = leaf_hashes = list(map(hash_leaf, entries))
    while added or len(rows) < len(edge.rows):
        level = len(rows)
        row = [*(edge.rows[level] if level < len(edge.rows) else ()), *added]
        first = edge.size >> _BITS * level + _BITS
        added = []
        for number in range(len(row) // WIDTH):
            tile = row[number * WIDTH : (number + 1) * WIDTH]
            files.append(File(tile_path(level, first + number), b"".join(tile)))
            added.append(hash_tree(tile))
        rows.append(tuple(row[len(row) - len(row) % WIDTH :]))
    new = Edge(edge.size + len(entries), entries=pending[full:], rows=tuple(rows))
    return Growth(new, files, leaf_hashes)


def partial_files(edge: Edge, since: Edge | None = None) -> list[File]:
    """Give the files of a right end that were not those of an earlier one already.

    The bundle comes first, then tiles upwards. The same path means the same bytes.
    """
    old = set(partials(since.size)) if since else set()
    files = []
    if edge.entries and (since is None or since.size != edge.size):
        path = bundle_path(edge.size // WIDTH, len(edge.entries))
        files.append(File(path, format_bundle(edge.entries)))
    for tile in partials(edge.size):
        assert tile.level is not None
        if tile not in old:
            files.append(File(tile.path, b"".join(edge.rows[tile.level])))
    return files


def file_data(reader: TileReader, file: TileFile) -> bytes:
    """Give the bytes of a file of a tree, as they follow from its root.

    Raises:
        ProofError: what is read does not lead to the root.
        UnreachableError: a file is not there.
    """
    if file.level is None:
        return format_bundle(reader.entries(file.index)[: file.width])
    level, first = _BITS * file.level, file.index * WIDTH
    return b"".join(reader.node(level, first + at) for at in range(file.width))


def read_back(edge: Edge, size: int, read: Read) -> tuple[Edge, list[bytes]]:
    """Hash everything that was added since `edge` again, from what `read` gives.

    Every bundle is read, every tile recomputed and compared. A bit that flipped on its
    way to the disk shows here, before the root is signed.

    Returns:
        The right end at `size`, and the leaf hashes since `edge`.

    Raises:
        ProofError: a file is missing, or is not what the entries give.
    """
    leaf_hashes: list[bytes] = []
    pending: list[bytes] = []
    old = edge
    skip = len(edge.entries)
    for index, entries in _bundles(edge, size, read):
        pending.extend(entries[skip:])
        skip = 0
        if index % _STRIDE == _STRIDE - 1:
            edge, added = _compared(edge, pending, read)
            leaf_hashes.extend(added)
            pending = []
    edge, added = _compared(edge, pending, read)
    _compare(partial_files(edge, old), read)
    return edge, leaf_hashes + added


def _bundles(
    edge: Edge, size: int, read: Read
) -> Iterator[tuple[int, tuple[bytes, ...]]]:
    """Read the bundles that changed since `edge`; the first begins with its entries."""
    for index in range(edge.size // WIDTH, -(-size // WIDTH)):
        width = min(WIDTH, size - index * WIDTH)
        path = bundle_path(index, width)
        try:
            entries = parse_bundle(_content(path, read), width)
        except MalformedError as error:
            raise ProofError(f"{path}: {error}") from error
        if index == edge.size // WIDTH and entries[: len(edge.entries)] != edge.entries:
            raise ProofError(f"{path}: does not begin with the entries before")
        yield index, entries


def _compared(
    edge: Edge, entries: Sequence[bytes], read: Read
) -> tuple[Edge, list[bytes]]:
    edge, files, leaf_hashes = grow(edge, entries)
    # The bundles were just read; what remains to be compared is the tiles.
    _compare(
        [each for each in files if not each.path.startswith("tile/entries/")], read
    )
    return edge, leaf_hashes


def _rows(size: int) -> int:
    """Count the levels of tiles that a tree has hashes on."""
    return -(-size.bit_length() // _BITS)


def _content(path: str, read: Read) -> bytes:
    data = read(path, MAX_BUNDLE)
    if data is None:
        raise ProofError(f"{path}: is missing")
    return data


def _compare(files: list[File], read: Read) -> None:
    for path, data in files:
        if read(path, max(MAX_TILE, len(data))) != data:
            raise ProofError(f"{path}: is not what the entries give")
