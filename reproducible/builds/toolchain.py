"""Build tools, unpacked from locked wheels into one folder.

Carrier. No installer has a part in it, and nothing of a wheel is run: its files are
written where an installer would put them, for an interpreter that has this one folder
on its path.
"""

from collections.abc import Sequence
from pathlib import Path

from reproducible.fetch.cache import Cache, Supply
from reproducible.inputs.lock import Lock
from updater.files import Files


def fetch_locked(lock: Lock, cache: Cache, supplies: Sequence[Supply]) -> list[Path]:
    """Have all wheels of a lock, in its order; this is where a network is used.

    Raises:
        InputError: one is not to be had, or not with its hash.
    """
    raise NotImplementedError


def unpack_toolchain(
    lock: Lock,
    cache: Cache,
    supplies: Sequence[Supply],
    into: Path,
    *,
    files: Files | None = None,
) -> None:
    """Unpack all wheels of a lock into a new folder, for any backend, ours or not.

    Programs are in its folder `bin`. What is written has been hashed on the way.

    Raises:
        InputError: a wheel is not to be had, or not with its hash.
        MalformedError: a wheel is not of the strict form.
        StoreError: two wheels have a file of the same name, or the disk refuses.
    """
    raise NotImplementedError
