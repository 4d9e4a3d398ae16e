"""Writes lock files from what an installer resolves.

Carrier. Drift happens here, on somebody's wish and for everybody to see, and nowhere
else: a build takes what is locked or nothing.
"""

import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from reproducible.errors import InputError, RecipeError
from reproducible.fetch.installer import find_installer
from reproducible.inputs.lock import MAX_BYTES, Lock, format_lock, parse_lock
from reproducible.inputs.recipe import Recipe
from reproducible.inputs.recipefile import MAX_BYTES as MAX_RECIPE
from reproducible.inputs.recipefile import parse_recipe
from reproducible.release.resolved import (
    OLDEST_GLIBC,
    changes,
    minor_and_machine,
    read_resolved,
)
from updater.files import Files

_TIMEOUT_S: Final = 300.0  # an index that hangs
_PROJECT: Final = "pyproject.toml"
_CONSTRAINTS: Final = "requirements/run.txt"
_SHOWN: Final = 2_000  # bytes of what the installer said


@dataclass(frozen=True, slots=True)
class Relocked:
    """A lock file that was written, and how it changed."""

    path: str
    changes: tuple[str, ...]
    packages: int = field(kw_only=True)


def relock(
    project: Path,
    *,
    recipe: str,
    extras: Sequence[str],
    constraints: str | None = None,
    index: str | None = None,
) -> Iterator[Relocked]:
    """Write every lock that a recipe names, one after the other.

    Args:
        project: folder of the project.
        recipe: path of the recipe in it.
        extras: of the project, that a bundle holds.
        constraints: path of a requirements file in it, whose versions are taken;
            without it, requirements/run.txt if the project has that.
        index: asked instead of the installer's usual one.

    Raises:
        MissingError: the installer is not there.
        RecipeError: the recipe or a lock that is there cannot be read.
        UnsupportedError: a package has no wheel for a platform.
        InputError: the installer could not resolve.
    """
    files = Files()
    plan = parse_recipe(files.read(project / recipe, most=MAX_RECIPE))
    asked = ("--index-url", index) if index else ()
    if constraints is None and (project / _CONSTRAINTS).is_file():
        constraints = _CONSTRAINTS
    pins = () if constraints is None else (f"--constraints={constraints}",)
    if plan.toolchain.lock is not None:
        wanted = "\n".join(_build_requires(project, files)).encode()
        yield _write(
            files,
            project / plan.toolchain.lock,
            plan.toolchain.lock,
            _resolve(project, _any_platform(plan), ("-", *asked), wanted),
        )
    for each in plan.outputs:
        if each.platform is not None and each.lock is not None:
            parts = [f"--extra={extra}" for extra in extras]
            args = (_PROJECT, *parts, *pins, *asked)
            lock = _resolve(project, each.platform, args)
            yield _write(files, project / each.lock, each.lock, lock)


def _any_platform(recipe: Recipe) -> str:
    """Name a platform to resolve the build tools for; they are pure Python."""
    platforms = [each.platform for each in recipe.outputs if each.platform is not None]
    if not platforms:
        raise RecipeError("recipe: expected a bundle among the outputs, came none")
    return min(platforms)


def _build_requires(project: Path, files: Files) -> Iterable[str]:
    data = files.read(project / _PROJECT, most=MAX_BYTES)
    try:
        return [
            str(each)
            for each in tomllib.loads(data.decode())["build-system"]["requires"]
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise RecipeError(
            f"{_PROJECT}: expected build-system.requires: {error}"
        ) from None


def _resolve(
    project: Path, platform: str, args: Sequence[str], stdin: bytes = b""
) -> Lock:
    minor, machine = minor_and_machine(platform)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "pylock.lock.toml")
        command = (
            find_installer(), "pip", "compile", "--quiet", "--no-progress",
            "--no-config", "--format=pylock.toml", "--only-binary=:all:",
            # Else uv looks for a Python of that version, and downloads one.
            f"--python={sys.executable}", "--no-python-downloads",
            f"--python-version=3.{minor}",
            f"--python-platform={machine}-manylinux_2_{OLDEST_GLIBC}",
            f"--output-file={out}", *args,
        )  # fmt: skip
        try:
            done = subprocess.run(  # noqa: S603 - uv's own path, and our words
                command,
                cwd=project,
                input=stdin,
                capture_output=True,
                timeout=_TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise InputError(f"uv: no answer in {_TIMEOUT_S:.0f} s") from None
        if done.returncode:
            said = " ".join(done.stderr[-_SHOWN:].decode(errors="replace").split())
            raise InputError(f"uv: exit {done.returncode}: {said}")
        return read_resolved(out.read_bytes(), platform)


def _write(files: Files, path: Path, name: str, lock: Lock) -> Relocked:
    before = files.read_if_there(path, most=MAX_BYTES)
    old = None if before is None else parse_lock(before)
    files.replace(path, format_lock(lock), 0o644)
    return Relocked(name, tuple(changes(old, lock)), packages=len(lock.packages))
