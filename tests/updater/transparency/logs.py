"""A log of three entries, its keys and trees in memory: the worked example."""

from collections.abc import Sequence
from functools import cache

from updater.transparency.checkpoint import (
    Checkpoint,
    cosign,
    format_checkpoint,
    merge_lines,
    sign_checkpoint,
)
from updater.transparency.key import Kind, SigningKey
from updater.transparency.merkle import Nodes, hash_leaf, hash_tree, root_at
from updater.transparency.tiles import (
    WIDTH,
    TileFile,
    files_of,
    format_bundle,
)

ORIGIN = "bt.example/ringfence/1"
LOG = SigningKey(ORIGIN, Kind.LOG, seed=bytes([1]) * 32)
WITNESS = SigningKey("w1.example/bt", Kind.WITNESS, seed=bytes([2]) * 32)
TIME = 1_700_000_000


def witness(number: int, name: str = "", kind: Kind = Kind.WITNESS) -> SigningKey:
    """Make the key of a witness of an operator of its own."""
    name = name or f"w{number}.example/bt"
    return SigningKey(name, kind, seed=bytes([100 + number]) * 32)


def leaves(size: int) -> list[bytes]:
    """Give the leaf hashes of entries that are their own numbers."""
    return [hash_leaf(entry) for entry in entries(size)]


def entries(size: int) -> list[bytes]:
    """Give entries that are their own numbers."""
    return [str(number).encode() for number in range(size)]


def nodes_of(leaf_hashes: Sequence[bytes]) -> Nodes:
    """Look complete subtrees up in a tree that is only leaves."""

    @cache
    def node(level: int, index: int) -> bytes:
        return hash_tree(leaf_hashes[index << level : (index + 1) << level])

    return node


def checkpoint(size: int = 3) -> Checkpoint:
    """Give the unsigned checkpoint of a tree of `leaves`."""
    hashes = leaves(size)
    return Checkpoint(ORIGIN, size, root=root_at(size, nodes_of(hashes)))


def signed(*cosigners: tuple[SigningKey, int], size: int = 3) -> bytes:
    """Sign that checkpoint as the log, and by these witnesses at these times."""
    head = checkpoint(size)
    note = sign_checkpoint(head, LOG)
    for key, time in cosigners:
        line = cosign(format_checkpoint(head), key, time)
        note = merge_lines(note, str(line).encode())
    return note


class Folder:
    """The files of a log of `entries`, as any web server would give them."""

    def __init__(self, size: int) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.entries = entries(size)
        rows = [[hash_leaf(entry) for entry in self.entries]]
        while len(rows[-1]) >= WIDTH:
            full = len(rows[-1]) // WIDTH * WIDTH
            above = [
                hash_tree(rows[-1][at : at + WIDTH]) for at in range(0, full, WIDTH)
            ]
            rows.append(above)
        for file in files_of(size):
            self.files[file.path] = self._content(file, rows)
        self.root = hash_tree(rows[0])

    def read(self, path: str, most: int) -> bytes | None:
        self.asked.append(path)
        data = self.files.get(path)
        return None if data is None else data[: most + 1]

    def _content(self, file: TileFile, rows: list[list[bytes]]) -> bytes:
        part = slice(file.index * WIDTH, file.index * WIDTH + file.width)
        if file.level is None:
            return format_bundle(self.entries[part])
        return b"".join(rows[file.level][part])
