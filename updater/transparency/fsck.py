"""Recomputing a log folder from nothing.

Carrier. Only the log's key is believed: every tile, root, entry, proof and claim is
recomputed from it and compared. Each disagreement is named, instead of stopping at one,
since whoever asks wants to know how bad it is.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from updater.errors import (
    ProofError,
    QuorumError,
    RefusedError,
    SignatureError,
    StoreError,
    UnreachableError,
)
from updater.files import Files
from updater.transparency.admission import Register
from updater.transparency.checkpoint import open_checkpoint
from updater.transparency.growth import file_data
from updater.transparency.key import VerifierKey
from updater.transparency.merkle import hash_leaf
from updater.transparency.note import MAX_NOTE
from updater.transparency.policy import Policy
from updater.transparency.proof import MAX_FILE, check_proof, parse_proof
from updater.transparency.tiles import (
    MAX_BUNDLE,
    MAX_ENTRY,
    WIDTH,
    TileFile,
    TileReader,
    files_of,
)
from updater.transparency.trust import Trust
from updater.transparency.witnessed import check_quorum

Level = Literal["error", "warning"]


class Finding(NamedTuple):
    """One thing that is not as it must be (error), or not as one expects."""

    level: Level
    where: str
    """A path in the folder, or ``entry <index>``."""
    text: str


class Fsck:
    """Looks over the public folder of a log, or a copy of it."""

    def __init__(
        self,
        folder: Path,
        key: VerifierKey,
        *,
        policy: Policy,
        trust: Trust,
        files: Files | None = None,
    ) -> None:
        """Look at this folder.

        Args:
            folder: the one with ``checkpoint`` in it.
            key: the log's own.
            policy: whose witnesses must have signed.
            trust: who may claim what.
            files: reads.
        """
        self._folder = folder
        self._key = key
        self._policy = policy
        self._trust = trust
        self._files = files or Files()

    def findings(self, now: float) -> Iterator[Finding]:
        """Find everything that disagrees; `now`, POSIX seconds, judges cosignatures.

        Raises:
            RefusedError: there is no checkpoint that this log signed.
        """
        data = self._read("checkpoint", MAX_NOTE)
        if data is None:
            raise RefusedError(f"{self._folder}: expected a checkpoint")
        opened = open_checkpoint(data, [self._key], self._policy.witness_keys)
        try:
            check_quorum(self._policy, opened, now)
        except QuorumError as error:
            yield Finding("error", "checkpoint", str(error))
        try:
            tree = opened.checkpoint
            reader = TileReader(tree.size, tree.root, self._read)
        except (ProofError, UnreachableError) as error:
            yield Finding("error", "tile", str(error))
            return
        yield from self._files_of(reader)
        yield from self._strays(reader)
        yield from self._entries(reader)
        yield from self._proofs(reader)

    def _files_of(self, reader: TileReader) -> Iterator[Finding]:
        """Lead every file of the tree to the root, and compare its very bytes."""
        for file in files_of(reader.size):
            yield from self._compare(reader, file)

    def _compare(self, reader: TileReader, file: TileFile) -> Iterator[Finding]:
        try:
            expected = file_data(reader, file)
        except (ProofError, UnreachableError) as error:
            yield Finding("error", file.path, str(error))
        else:
            found = self._read(file.path, MAX_BUNDLE)
            if found is None:
                yield Finding("error", file.path, "is missing")
            elif found != expected:
                yield Finding("error", file.path, "is not what the tree has there")

    def _strays(self, reader: TileReader) -> Iterator[Finding]:
        """Expect nothing below ``tile`` but this tree, and its older right ends."""
        wanted = {each.path: each for each in files_of(reader.size)}
        widest = {path.partition(".p/")[0]: each for path, each in wanted.items()}
        for path in self._names("tile"):
            if path in wanted:
                continue
            whole, _, width = path.partition(".p/")
            file = widest.get(whole)
            if file is None or not width.isdecimal() or int(width) > file.width:
                yield Finding("warning", path, "is in no tree of this log")
            else:
                yield from self._compare(
                    reader, TileFile(file.level, file.index, int(width))
                )

    def _entries(self, reader: TileReader) -> Iterator[Finding]:
        """Judge every entry as if it were appended now, after those before it."""
        register = Register()
        for index, leaf in _leaves(reader):
            where = f"entry {index}"
            try:
                register.admit(leaf, self._trust)
            except (SignatureError, QuorumError) as error:
                # Keys change, and the entries of former ones stay.
                yield Finding("warning", where, str(error))
                register.read(leaf)
            except RefusedError as error:
                yield Finding("error", where, str(error))
                register.read(leaf)
            name = hash_leaf(leaf).hex()
            for path in (f"proofs/{name}.tlog-proof", f"claims/{name}.json"):
                if self._read(path, MAX_FILE) is None:
                    yield Finding("error", path, f"is missing, of entry {index}")

    def _proofs(self, reader: TileReader) -> Iterator[Finding]:
        """Check each proof with its claim, and that its tree is a beginning of ours."""
        for path in self._names("proofs"):
            name = path.removeprefix("proofs/").removesuffix(".tlog-proof")
            leaf = self._read(f"claims/{name}.json", MAX_ENTRY)
            if leaf is None:
                yield Finding("error", f"claims/{name}.json", "is missing")
                continue
            try:
                proof = parse_proof(self._read(path, MAX_FILE) or b"")
                opened = open_checkpoint(proof.checkpoint, [self._key])
                check_proof(proof, hash_leaf(leaf), opened)
                if reader.root_at(opened.checkpoint.size) != opened.checkpoint.root:
                    raise ProofError("its tree is no beginning of this one")
            except (RefusedError, UnreachableError) as error:
                yield Finding("error", path, str(error))

    def _names(self, top: str) -> list[str]:
        """List the files below a folder, as paths in the log's."""
        found = (self._folder / top).rglob("*")
        return sorted(
            each.relative_to(self._folder).as_posix()
            for each in found
            if each.is_file()
        )

    def _read(self, path: str, most: int) -> bytes | None:
        target = self._folder / path
        if not target.parent.is_dir():
            return None
        try:
            return self._files.read_if_there(target, most=most)
        except StoreError:
            return None  # too long, or no file: not what belongs there


def _leaves(reader: TileReader) -> Iterator[tuple[int, bytes]]:
    """Give the entries that lead to the root; the others were named before."""
    for bundle in range(-(-reader.size // WIDTH)):
        try:
            entries = reader.entries(bundle)
        except (ProofError, UnreachableError):
            continue
        yield from enumerate(entries, bundle * WIDTH)
