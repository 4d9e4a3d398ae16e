"""Build tools, unpacked from locked wheels into one folder.

Carrier. No installer has a part in it, and nothing of a wheel is run: its files are
written where an installer would put them, for an interpreter that has this one folder
on its path.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from reproducible.builds.placing import merge, place
from reproducible.errors import InputError
from reproducible.fetch.cache import Cache, Supply, locked
from reproducible.inputs.lock import Lock, LockedWheel
from updater.archive.bundle import MAX_BUNDLE_BYTES
from updater.errors import StoreError
from updater.files import Files


def fetch_locked(lock: Lock, cache: Cache, supplies: Sequence[Supply]) -> list[Path]:
    """Have all wheels of a lock, in its order; this is where a network is used.

    Raises:
        InputError: one is not to be had, or not with its hash.
    """
    return [cache.obtain(locked(each.wheel), supplies) for each in lock.packages]


def unpack_toolchain(
    lock: Lock, cache: Cache, supplies: Sequence[Supply], into: Path
) -> None:
    """Unpack all wheels of a lock into a new folder, for any backend, ours or not.

    Programs are in its folder `bin`.

    Raises:
        InputError: a wheel is not to be had, or not with its hash.
        MalformedError: a wheel is not of the strict form, or two have another file of
            the same name.
        StoreError: the disk refuses.
    """
    paths = fetch_locked(lock, cache, supplies)
    wheels = {
        package.wheel.file: place(package.wheel, _read(package.wheel, path))
        for package, path in zip(lock.packages, paths, strict=True)
    }
    try:
        into.mkdir(mode=0o755)
        for file in merge(wheels):
            path = into / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as opened:
                opened.write(file.data)
            path.chmod(0o755 if file.executable else 0o644)
    except OSError as error:
        raise StoreError(f"{into}: {error.strerror}") from error


def _read(wheel: LockedWheel, path: Path) -> bytes:
    """Read a wheel once: what was hashed is what is unpacked."""
    data = Files().read(path, most=MAX_BUNDLE_BYTES)
    if hashlib.sha256(data).hexdigest() != wheel.sha256:
        raise InputError(f"{wheel.file}: has changed in the cache")
    return data
