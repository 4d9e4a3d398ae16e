"""Making bundles of wheels, and patches from the bundles before them.

Carrier. What is built here is a file that the publisher, and whoever rebuilds it, gets
byte for byte from the same wheels. Format: docs/formats/bundle.md.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from updater.archive.bundle import (
    BundledWheel,
    Manifest,
    list_wheel,
    open_bundle,
    write_bundle,
)
from updater.archive.diff import make_patch
from updater.archive.opened import chunks_of, opened
from updater.errors import LimitError
from updater.files import Files
from updater.offer.product import Product
from updater.offer.version import check_version, order
from updater.publish import metadata
from updater.publish.draft import Built, Patch, read_bundle
from updater.publish.folder import PublisherFolder
from updater.tuf import layout

PATCHED: Final = 3
"""Versions from which there is a patch: with more, a patch would tell who asks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where wheels come from: hashes are SHA-256, `epoch` is in POSIX seconds."""

    platform: str
    commit: str
    epoch: int
    tree: str
    recipe: str
    lock: str


def build_bundle(
    wheels: Sequence[Path], product: Product, origin: Origin, out: Path
) -> Path:
    """Write the bundle of some wheels, the first of which is the program itself.

    Gives the file, in the folder `out`.

    Raises:
        MalformedError: a wheel's name says no version, or a field is not of its form.
        StoreError: a wheel cannot be read.
    """
    version = check_version((*wheels[0].name.split("-"), "")[1], wheels[0].name)
    files = Files()
    rows = [list_wheel(each.name, chunks_of(files, each)) for each in wheels]
    manifest = Manifest(
        name=product.name,
        version=version,
        platform=origin.platform,
        epoch=origin.epoch,
        commit=origin.commit,
        tree_sha256=origin.tree,
        recipe_sha256=origin.recipe,
        lock_sha256=origin.lock,
        app=rows[0].name,
        wheels=tuple(sorted(rows, key=lambda each: each.name)),
    )
    paths = {each.name: each for each in wheels}

    def read(wheel: BundledWheel) -> Iterator[bytes]:
        return chunks_of(files, paths[wheel.file])

    path = out / product.artifact(version, origin.platform)
    files.make_folder(out)
    files.remove(path)
    with files.appending(path) as part:
        for chunk in write_bundle(manifest, read):
            part.write(chunk)
        part.sync()
    return path


def make_patches(
    folder: PublisherFolder, product: Product, built: Sequence[Built]
) -> list[Patch]:
    """Make patches from the last versions that are public.

    One that would be larger than half of the bundle is left out.
    """
    public = folder.role(layout.RELEASES.name, staged=False)
    listed = {} if public is None else metadata.read(public).files
    versions = sorted({path.split("/")[1] for path in listed}, key=order)
    found = []
    for new in built:
        for version in versions[-PATCHED:]:
            path = product.target(version, new.manifest.platform)
            if path not in listed or order(version) >= order(new.manifest.version):
                continue
            old = read_bundle(folder.find(path, listed[path]), product)
            data = _patch(old, new, product)
            if data is not None:
                found.append(
                    Patch(
                        platform=new.manifest.platform,
                        old=old.listed.sha256,
                        version=version,
                        data=data,
                    )
                )
    return found


def _patch(old: Built, new: Built, product: Product) -> bytes | None:
    files = Files()
    with opened(files, old.path) as one, opened(files, new.path) as other:
        before = open_bundle(one, product=product.name)
        after = open_bundle(other, product=product.name)
        try:
            return make_patch((before, old.listed.sha256), (after, new.listed.sha256))
        except LimitError:
            return None
