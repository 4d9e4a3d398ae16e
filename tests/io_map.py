"""The map of I/O, read from where ruff reads it: `per-file-ignores` in pyproject.toml.

A module freed from TID251 there is a carrier. Every other module is rules.
"""

import itertools
import re
import tomllib
from fnmatch import fnmatch
from pathlib import Path

CHECKOUT = Path(__file__).parent.parent
PACKAGES = ("voip", "updater", "reproducible", "cli")


def carrier_patterns() -> list[str]:
    """List the paths that ruff frees from the ban on the outside world."""
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
    ignores = project["tool"]["ruff"]["lint"]["per-file-ignores"]
    freed = [pattern for pattern, codes in ignores.items() if "TID251" in codes]
    return list(itertools.chain.from_iterable(map(_expand, freed)))


def _expand(pattern: str) -> list[str]:
    """Write out ``a/{b,c}.py`` as its two paths."""
    match = re.fullmatch(r"(.*)\{(.*)\}(.*)", pattern)
    if match is None:
        return [pattern]
    before, choices, after = match.groups()
    return [before + choice + after for choice in choices.split(",")]


def module_name(path: Path) -> str:
    """Give the dotted name of a source file of this checkout."""
    parts = path.relative_to(CHECKOUT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def sources(*, carriers: bool) -> list[Path]:
    """List the source files that are carriers, or those that are rules."""
    patterns = carrier_patterns()
    paths = sorted(
        path for package in PACKAGES for path in (CHECKOUT / package).rglob("*.py")
    )
    return [
        path
        for path in paths
        if carriers
        == any(fnmatch(str(path.relative_to(CHECKOUT)), each) for each in patterns)
    ]
