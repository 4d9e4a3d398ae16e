"""A recipe that was found out, kept for the next time: a file, its lock beside it.

Carrier.
"""

import re
from dataclasses import replace
from pathlib import Path

from reproducible.errors import RecipeError
from reproducible.inputs.lock import MAX_BYTES as MAX_LOCK
from reproducible.inputs.lock import format_lock, parse_lock
from reproducible.inputs.recipefile import MAX_BYTES, format_recipe, parse_recipe
from reproducible.pypi.package import Given
from reproducible.pypi.results import Rebuilt
from updater.files import Files


def save_recipe(rebuilt: Rebuilt, path: Path) -> tuple[Path, ...]:
    """Write the recipe that made the wheel best from its source archive, and its lock.

    Gives what was written: nothing if nothing was built.

    Raises:
        StoreError: a file is there already, or the disk refuses.
    """
    best = rebuilt.stages[0].best
    if best is None or best.lock is None:
        return ()
    # PEP 751: there is no dot in the middle of a lock's name.
    lock = path.with_name(f"pylock.{re.sub(r'[^A-Za-z0-9]+', '-', path.stem)}.toml")
    toolchain = replace(
        best.recipe.toolchain, lock=lock.name, requires=(), exclude_newer=None
    )
    files = Files()
    files.create(path, format_recipe(replace(best.recipe, toolchain=toolchain)), 0o644)
    files.create(lock, format_lock(best.lock), 0o644)
    return path, lock


def load_recipe(path: Path) -> Given:
    """Read a recipe with the lock that it names, if it names one.

    Raises:
        RecipeError: either cannot be used.
        StoreError: either cannot be read.
    """
    files = Files()
    recipe = parse_recipe(files.read(path, most=MAX_BYTES))
    if recipe.source.kind != "sdist" or len(recipe.outputs) != 1:
        raise RecipeError(
            f"{path}: expected a recipe for one file from a source archive"
        )
    name = recipe.toolchain.lock
    if name is None:
        return Given(recipe)
    return Given(recipe, parse_lock(files.read(path.parent / name, most=MAX_LOCK)))
