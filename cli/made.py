"""What a build left in a folder, for whoever publishes it."""

import hashlib
from pathlib import Path
from typing import Final

from reproducible.builds.building import BUILDINFO
from reproducible.record.buildinfo import MAX_BYTES, parse_buildinfo
from updater.errors import RefusedError
from updater.files import Files
from updater.offer.product import Product

TOOLS: Final = "pylock.build.toml"
"""The lock of what built it, where it lies beside."""


def read_made(
    folder: Path, product: Product, *, lock: Path | None
) -> tuple[list[Path], str]:
    """Find the bundles of a product that a build wrote to a folder.

    Gives with them the SHA-256 of the lock of what built them: of the file `lock`, or
    of the one in the folder. A release that named another would be one that everybody
    finds to be different.

    Raises:
        RefusedError: there are none, one has changed since, or no lock is there.
        MalformedError, StoreError: there is no buildinfo, or none that can be read.
    """
    files = Files()
    info = parse_buildinfo(files.read(folder / BUILDINFO, most=MAX_BYTES))
    found = []
    for each in info.outputs:
        if each.kind != "bundle" or not each.name.startswith(f"{product.name}-"):
            continue
        path = folder / each.name
        with files.open(path) as file:
            came = hashlib.file_digest(file, "sha256").hexdigest()
        if came != each.sha256:
            raise RefusedError(f"{path}: expected {each.sha256} as built, came {came}")
        found.append(path)
    if not found:
        raise RefusedError(f"{folder}: expected a bundle of {product.name}, found none")
    tools = files.read_if_there(lock or folder / TOOLS, most=MAX_BYTES)
    if tools is None:
        raise RefusedError(
            f"{folder}: expected {TOOLS} there, or else --toolchain-lock, found none"
        )
    return found, hashlib.sha256(tools).hexdigest()
