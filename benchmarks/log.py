"""Writing a log: reopening a large one to append one entry, and filling one at once."""

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks.figure import (
    ROUNDS,
    Figure,
    figure,
    microseconds,
    race,
    ratios,
    repeated,
)
from updater.files import Files
from updater.transparency.checkpoint import Checkpoint, sign_checkpoint
from updater.transparency.folder import LogFolder
from updater.transparency.growth import (
    Edge,
    grow,
    partial_files,
    read_back,
    read_edge,
)
from updater.transparency.key import Kind, SigningKey
from updater.transparency.merkle import hash_leaf, hash_tree

SIZE = 1_000_000
BATCH = 50_000
BULK = 200_000  # the ratio is that of a million, in a fifth of the time
ORIGIN = "bt.example/ringfence/1"
SEED = bytes(range(32))


def figures() -> list[Figure]:
    """Time appending one entry to a log of a million, and very many to an empty one."""
    return [*_append_one(), _bulk()]


_MEMORY = Path("/dev/shm")
"""A folder that no disk stands behind: some file systems flush on a rename."""


class _Unsynced(Files):
    """Files without the wait for the disk, whose speed is no merit of ours."""

    def _sync(self, opened: int, path: Path) -> None:
        pass


def _append_one() -> list[Figure]:
    key = SigningKey(ORIGIN, Kind.LOG, seed=SEED)
    bare = Ed25519PrivateKey.from_private_bytes(SEED)
    with _folder() as folder:
        root = _fill(folder, SIZE).root

        def append() -> Edge:
            edge = read_edge(SIZE, root, folder.read)
            growth = grow(edge, [b"one more"])
            folder.write([*growth.files, *partial_files(growth.edge, edge)])
            tree = Checkpoint(ORIGIN, SIZE + 1, root=growth.edge.root)
            sign_checkpoint(tree, key)
            return edge

        def append_safely() -> None:
            read_back(append(), SIZE + 1, folder.read)

        mine, safe, peer = race(
            repeated(append), repeated(append_safely), repeated(lambda: bare.sign(SEED))
        )
    return [
        figure(
            "reopen a log of 1e6, append one, sign / Ed25519 signatures",
            ratios(mine, peer),
            bar=25.0,
            note=microseconds(mine),
        ),
        figure(
            "the same, and read back before the signature",
            ratios(safe, peer),
            note=microseconds(safe),
        ),
    ]


def _bulk() -> Figure:
    values = []
    entries = _entries(BULK)
    for _ in range(ROUNDS):
        began = time.perf_counter()
        hash_tree([hash_leaf(entry) for entry in entries])
        hashed = time.perf_counter()
        with _folder() as folder:
            started = time.perf_counter()
            _fill(folder, BULK)
            ended = time.perf_counter()
        values.append((ended - started) / (hashed - began))
    return figure("fill a log, read back / hashing its tree", values, bar=6.0)


def _fill(folder: LogFolder, size: int) -> Edge:
    """Write a log in large batches, each read back as before a signature."""
    entries = _entries(size)
    edge = Edge()
    for at in range(0, size, BATCH):
        growth = grow(edge, entries[at : at + BATCH])
        folder.write([*growth.files, *partial_files(growth.edge, edge)])
        read_back(edge, growth.edge.size, folder.read)
        edge = growth.edge
    return edge


def _entries(size: int) -> Sequence[bytes]:
    return [number.to_bytes(4, "big") + bytes(86) for number in range(size)]


@contextmanager
def _folder() -> Iterator[LogFolder]:
    place = _MEMORY if _MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(dir=place) as name:
        yield LogFolder(Path(name, "public"), Path(name, "private"), _Unsynced())
