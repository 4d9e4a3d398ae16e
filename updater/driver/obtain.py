"""Getting the artifact: by a patch, by parts of it, or whole.

Carrier. However it comes, it counts only with the size and the SHA-256 of the TUF
target; a patch is another way to the same bytes, and any trouble with it means the file
itself.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from updater.archive.bundle import Manifest, check_bundle, expect_wheel, open_bundle
from updater.archive.delta import Piece, apply_patch
from updater.archive.extent import Extent
from updater.archive.opened import opened
from updater.errors import (
    FetchError,
    MalformedError,
    MissingError,
    PatchError,
    RefusedError,
)
from updater.fetch.fetch import PART
from updater.files import Files
from updater.findings import Failed, failed
from updater.gates.evidence import Stored
from updater.install.root import Root
from updater.install.stage import read_tree
from updater.installed.slots import version_of
from updater.offer.channel import Channel
from updater.offer.version import check_version
from updater.tuf.layout import Target
from updater.tuf.repository import Repository

PATCHED: Final = ".patched"
"""Ends the name of a bundle that a patch is being made into."""
_DIGITS: Final = 12  # of the old bundle's SHA-256 in a patch's name

Progress = Callable[[str, int, int], None]


class Obtaining:
    """Brings artifacts into the store of a managed folder."""

    def __init__(
        self,
        root: Root,
        repository: Repository,
        *,
        product: str,
        deltas: bool,
        progress: Progress,
    ) -> None:
        self._root = root
        self._repository = repository
        self._product = product
        self._deltas = deltas
        self._progress = progress

    def obtain(self, target: Target, channel: Channel) -> Path:
        """Bring a bundle here, and say where it lies.

        Raises:
            FetchError: no site had it, or none the right one.
            RepositoryError: a role does not hold any more.
            StoreError: the disk refuses.
        """
        self._root.files.make_folder(self._root.store)
        path = self._root.store / target.sha256
        if path.is_file() or not self._patched(target, channel, path):
            self._repository.download(
                target, path, lambda done, total: self._progress("fetch", done, total)
            )
        return path

    def _patched(self, target: Target, channel: Channel, path: Path) -> bool:
        """Try a patch; False if there is none for us or it is no good."""
        slot = self._root.current()
        whole = path.with_name(path.name + PART)
        # A download that was begun is gone on with: whatever the patch was, it failed.
        if not self._deltas or slot is None or whole.exists():
            return False
        if version_of(slot) not in channel.delta_from:
            return False
        try:
            self._apply(target, slot, path)
        except (RefusedError, MissingError, FetchError):
            return False
        return True

    def _apply(self, target: Target, slot: str, path: Path) -> None:
        """Make the bundle from the one that is installed.

        Raises:
            PatchError, MalformedError: the patch or the old bundle is no good.
            FetchError, RefusedError: there is no patch, or it is not to be had.
            MissingError: zstd is not installed.
            StoreError: the disk refuses.
        """
        root = self._root
        files, old = root.files, read_tree(root.files, root.slot(slot)).bundle
        listed = self._repository.find(f"{target.path}.from-{old[:_DIGITS]}.patch")
        if listed is None or not (root.store / old).is_file():
            raise PatchError("there is no patch from what is installed")
        if 2 * listed.size > target.size:  # it is refused when read: why fetch it
            raise PatchError(
                f"patch: expected at most half of {target.size} bytes,"
                f" {listed.size} are listed"
            )
        patch = root.store / listed.sha256
        made = path.with_name(path.name + PATCHED)
        for each in (made, patch):
            files.remove(each)
        self._repository.download(
            listed, patch, lambda done, total: self._progress("patch", done, total)
        )
        try:
            with ExitStack() as held:
                before = held.enter_context(opened(files, root.store / old))
                changes = held.enter_context(opened(files, patch))
                pieces = apply_patch(
                    open_bundle(before, product=self._product),
                    changes,
                    sha256=old,
                    new=target.sha256,
                    size=target.size,
                )
                self._write(made, target, pieces)
            files.rename(made, path)
        finally:
            for each in (made, patch):
                files.remove(each)

    def _write(self, made: Path, target: Target, pieces: Iterator[Piece]) -> None:
        """Write the pieces, and expect the hash of the whole."""
        whole = hashlib.sha256()
        with self._root.files.appending(made) as file:
            for piece in pieces:
                for chunk in self._chunks(target, piece):
                    whole.update(chunk)
                    file.write(chunk)
                self._progress("assemble", file.size, target.size)
            file.sync()
        if whole.hexdigest() != target.sha256:
            raise PatchError(
                f"patch: expected {target.sha256}, it gave {whole.hexdigest()}"
            )

    def _chunks(self, target: Target, piece: Piece) -> Iterator[bytes]:
        """Give the bytes of a piece; a wheel that the patch fails on is fetched."""
        if piece.wheel is None:
            yield from piece.chunks
            return
        try:
            # Whole, before any of it counts: a patch may fail in the middle of a wheel.
            data = b"".join(piece.chunks)
        except PatchError:
            data = self._repository.read_range(target, piece.offset, piece.size)
            data = b"".join(expect_wheel(piece.wheel, [data]))
        yield data


def read_artifact(
    files: Files, path: Path, *, product: str
) -> tuple[Stored | Failed, Manifest | Failed]:
    """Read a bundle from end to end; whatever is wrong with it is said by both."""
    try:
        with opened(files, path) as extent:
            try:
                bundle = open_bundle(extent, product=product)
                sha256, manifest = check_bundle(bundle), bundle.manifest
                # A bundle may be of any build; an offer has a version with an order.
                check_version(manifest.version, "manifest: version")
            except MalformedError as error:
                return Stored(str(path), extent.size, sha256=_hash(extent)), failed(
                    error, "manifest"
                )
            return Stored(str(path), extent.size, sha256=sha256), manifest
    except Exception as error:  # noqa: BLE001 - whatever it was, there is no artifact
        return failed(error, "not-fetched"), failed(error, "manifest")


def _hash(extent: Extent) -> str:
    found = hashlib.sha256()
    for chunk in extent.chunks():
        found.update(chunk)
    return found.hexdigest()
