"""The files that stand beside the outputs of a release.

Rules. Whoever rebuilds in ten years has no index to ask: recipe, locks and every wheel
of the toolchain are published with what they made. Format: docs/formats/release.md.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Final

from reproducible.archive.sdists import write_tar
from reproducible.builds.plan import Plan
from reproducible.compare.verdict import FileId
from reproducible.errors import RecipeError
from updater.archive.packing import NewEntry

SUMS: Final = "SHA256SUMS"

_EPOCH: Final = 315_532_800  # 1980: the tar follows from the lock and nothing else


def toolchain_name(plan: Plan) -> str:
    """Name the tar of the toolchain by the hash of its lock."""
    return f"toolchain-{plan.tools.sha256}.tar"


def toolchain_tar(wheels: Mapping[str, bytes]) -> bytes:
    """Write the wheels of a toolchain, by file name, as a canonical tar."""
    return write_tar([NewEntry(name, data) for name, data in wheels.items()], _EPOCH)


def inputs_of(plan: Plan, recipe: str) -> dict[str, bytes]:
    """Give what decided over the bytes besides the source, by file name.

    `recipe` is its path in the tree. These are its bytes, those of its locks, and that
    of its root.

    Raises:
        RecipeError: two of them have the same name.
    """
    toolchain = plan.recipe.toolchain
    paths = [recipe, toolchain.lock, toolchain.root]
    paths += (each.lock for each in plan.recipe.outputs)
    found: dict[str, bytes] = {}
    for path in dict.fromkeys(path for path in paths if path is not None):
        name = path.rpartition("/")[2]
        if name in found:
            raise RecipeError(
                f"recipe: expected locks of different names, came {name!r}"
            )
        found[name] = plan.tree.read(path)
    return found


def format_sums(files: Iterable[FileId]) -> bytes:
    """Write SHA256SUMS as sha256sum(1) reads it, sorted by name."""
    rows = sorted((file.name, file.sha256) for file in files)
    return "".join(f"{sha256}  {name}\n" for name, sha256 in rows).encode()


def file_id(name: str, data: bytes) -> FileId:
    """Name a file by its bytes."""
    return FileId(name, len(data), sha256=hashlib.sha256(data).hexdigest())
