"""Tiles and entry bundles, and a reader that believes none (C2SP tlog-tiles v0.1.0).

A log is a folder of files that never change. A tile ``tile/<L>/<N>`` holds 256 hashes:
hash i of tile N on level L is the root over the 256^L entries from (256 N + i) 256^L.
A bundle ``tile/entries/<N>`` holds 256 entries. The last of each row may be partial:
``.p/<W>`` with W of 1 to 255. The format, to the byte: docs/formats/log.md.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from updater.errors import MalformedError, ProofError, UnreachableError
from updater.transparency.merkle import (
    HASH_SIZE,
    MAX_SIZE,
    hash_leaf,
    hash_tree,
    prove_consistency,
    prove_inclusion,
    root_at,
)

WIDTH = 256
"""Hashes of a full tile, entries of a full bundle."""
MAX_ENTRY = 65_535
"""Bytes of an entry: its length in a bundle has two bytes."""
MAX_TILE = WIDTH * HASH_SIZE
"""Bytes of a full tile."""
MAX_BUNDLE = WIDTH * (2 + MAX_ENTRY)
"""Bytes of the largest bundle."""
_BITS = 8  # levels of the tree in one level of tiles
_KEPT = 256  # full tiles a reader remembers: 2 MiB, and a walk needs fewer than ten

Read = Callable[[str, int], bytes | None]
"""Gives the file at a path, of at most so many bytes, or None without one.

A longer file may be given as None or as it is: it does not fit and counts as missing.
"""


@dataclass(frozen=True, slots=True)
class TileFile:
    """One file of a log's folder: where it stands, and how much it holds."""

    level: int | None
    """Level of a tile, 0 for leaf hashes; None for a bundle of entries."""
    index: int
    width: int = WIDTH

    @property
    def ends_at(self) -> int:
        """The first entry after those that it is of."""
        return (self.index * WIDTH + self.width) << _BITS * (self.level or 0)

    @property
    def path(self) -> str:
        """Its path inside the folder."""
        if self.level is None:
            return bundle_path(self.index, self.width)
        return tile_path(self.level, self.index, self.width)


def tile_path(level: int, index: int, width: int = WIDTH) -> str:
    """Write the path of a tile; a width below 256 is a partial one."""
    return f"tile/{level}/{_place(index, width)}"


def bundle_path(index: int, width: int = WIDTH) -> str:
    """Write the path of an entry bundle; a width below 256 is a partial one."""
    return f"tile/entries/{_place(index, width)}"


def partials(size: int) -> list[TileFile]:
    """Give the partial tiles at a size, lowest level first: its right edge."""
    found = []
    level = 0
    while count := size >> _BITS * level:
        if width := count % WIDTH:
            found.append(TileFile(level, count // WIDTH, width))
        level += 1
    return found


def files_of(size: int) -> Iterator[TileFile]:
    """Give the files of a log at a size.

    Bundles come first and tiles upwards, so that a folder written in this order never
    has a hash without what it is of.
    """
    yield from _row(None, size)
    level = 0
    while count := size >> _BITS * level:
        yield from _row(level, count)
        level += 1


def format_bundle(entries: Iterable[bytes]) -> bytes:
    """Write entries of at most 65,535 bytes, each after its length."""
    return b"".join(len(each).to_bytes(2, "big") + each for each in entries)


def parse_bundle(data: bytes, width: int) -> tuple[bytes, ...]:
    """Read exactly `width` entries, with nothing left over.

    Raises:
        MalformedError: there are fewer, or more bytes.
    """
    entries = []
    at = 0
    for number in range(width):
        start = at + 2
        at = start + int.from_bytes(data[at:start], "big")
        # Slices end silently at the end of the data, so the ends are compared.
        if start > len(data) or at > len(data):
            raise MalformedError(f"bundle: expected {width} entries, came {number}")
        entries.append(data[start:at])
    if at != len(data):
        raise MalformedError(f"bundle: {len(data) - at} bytes after the last entry")
    return tuple(entries)


def parse_tile(data: bytes, width: int) -> tuple[bytes, ...]:
    """Read exactly `width` hashes.

    Raises:
        MalformedError: the length is another.
    """
    if len(data) != width * HASH_SIZE:
        raise MalformedError(
            f"tile: expected {width * HASH_SIZE} bytes, came {len(data)}"
        )
    return tuple(data[at : at + HASH_SIZE] for at in range(0, len(data), HASH_SIZE))


class TileReader:
    """Reads the tiles of one tree; whatever it gives leads to the tree's root.

    It asks for no file that this tree does not have. Its right edge is fetched and
    compared with the root before anything else; from then on a full tile counts only
    if its own root is the hash that its parent holds.
    """

    def __init__(self, size: int, root: bytes, read: Read) -> None:
        """Fetch the right edge of the tree of a verified checkpoint.

        Raises:
            ProofError: the edge does not lead to the root.
            UnreachableError: a file of it is not there.
        """
        assert 0 <= size <= MAX_SIZE
        self.size = size
        self.root = root
        self._read = read
        self._edge = {
            (file.level or 0, file.index): self._fetch(file) for file in partials(size)
        }
        self._full: dict[tuple[int, int], tuple[bytes, ...]] = {}
        if root_at(size, self.node) != root:
            raise ProofError(f"tiles: the right edge does not give the root at {size}")

    def node(self, level: int, index: int) -> bytes:
        """Give the hash over a complete subtree of 2^level leaves, as `merkle.Nodes`.

        Raises:
            ProofError: it is not in this tree, or a tile on the way is wrong.
            UnreachableError: a tile on the way is not there.
        """
        if not 0 <= index < self.size >> level:
            raise ProofError(f"tiles: no subtree {index} of 2^{level} at {self.size}")
        row, high = divmod(level, _BITS)
        first = index << high
        hashes = self._tile(row, first // WIDTH)
        at = first % WIDTH
        return hash_tree(hashes[at : at + (1 << high)])

    def leaf_hash(self, index: int) -> bytes:
        """Give the hash of one entry; raises as `node`."""
        return self.node(0, index)

    def entries(self, index: int) -> tuple[bytes, ...]:
        """Give the entries of a bundle: 256, or those there are at the right edge.

        Raises:
            ProofError: one of them is not the entry of this tree, or the tree has no
                such bundle.
            UnreachableError: the bundle is not there.
        """
        width = min(WIDTH, self.size - index * WIDTH)
        if index < 0 or width <= 0:
            raise ProofError(f"tiles: no bundle {index} at size {self.size}")
        hashes = self._tile(0, index)
        entries = self._fetch_bundle(index, width)
        for at, (entry, expected) in enumerate(zip(entries, hashes, strict=True)):
            if hash_leaf(entry) != expected:
                raise ProofError(f"tiles: entry {index * WIDTH + at} differs")
        return entries

    def root_at(self, size: int) -> bytes:
        """Compute the root that this tree had at a size; raises as `node`."""
        self._expect(size)
        return root_at(size, self.node)

    def prove_inclusion(self, index: int, size: int | None = None) -> list[bytes]:
        """Prove an entry in the tree, or in what it was at a size; raises as `node`."""
        size = self.size if size is None else size
        self._expect(size)
        return prove_inclusion(index, size, self.node)

    def prove_consistency(self, old: int, new: int | None = None) -> list[bytes]:
        """Prove one size against a later one, or against this; raises as `node`."""
        new = self.size if new is None else new
        self._expect(new)
        return prove_consistency(old, new, self.node)

    def _expect(self, size: int) -> None:
        if not 0 <= size <= self.size:
            raise ProofError(f"tiles: size {size} is not in a tree of {self.size}")

    def _tile(self, level: int, index: int) -> tuple[bytes, ...]:
        """Give a tile that leads to the root."""
        place = (level, index)
        if (known := self._edge.get(place) or self._full.get(place)) is not None:
            return known
        hashes = self._fetch(TileFile(level, index))
        if hash_tree(hashes) != self._tile(level + 1, index // WIDTH)[index % WIDTH]:
            raise ProofError(f"tiles: {tile_path(*place)} is not of this tree")
        if len(self._full) >= _KEPT:
            del self._full[next(iter(self._full))]  # the oldest
        self._full[place] = hashes
        return hashes

    def _fetch(self, file: TileFile) -> tuple[bytes, ...]:
        """Give a tile as it comes; a partial one that is gone out of the full one."""
        for width in dict.fromkeys((file.width, WIDTH)):
            path = TileFile(file.level, file.index, width).path
            data = self._read(path, width * HASH_SIZE)
            # Hosts answer with a page of their own for what is missing.
            if data is not None and len(data) == width * HASH_SIZE:
                return parse_tile(data, width)[: file.width]
        raise UnreachableError(f"tiles: {file.path} is missing")

    def _fetch_bundle(self, index: int, width: int) -> tuple[bytes, ...]:
        for each in dict.fromkeys((width, WIDTH)):
            data = self._read(bundle_path(index, each), each * (2 + MAX_ENTRY))
            if data is None or len(data) > each * (2 + MAX_ENTRY):
                continue
            try:
                return parse_bundle(data, each)[:width]
            except MalformedError:
                continue  # a page of the host's, or another length: as if missing
        raise UnreachableError(f"tiles: {bundle_path(index, width)} is missing")


def _row(level: int | None, count: int) -> Iterator[TileFile]:
    """Give the files of one row that holds `count` entries or hashes."""
    for index in range(count // WIDTH):
        yield TileFile(level, index)
    if count % WIDTH:
        yield TileFile(level, count // WIDTH, count % WIDTH)


def _place(index: int, width: int) -> str:
    """Write an index in groups of three digits, so that no folder grows large."""
    digits = str(index)
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    *upper, last = (digits[at : at + 3] for at in range(0, len(digits), 3))
    path = "/".join([*(f"x{group}" for group in upper), last])
    return path if width == WIDTH else f"{path}.p/{width}"
