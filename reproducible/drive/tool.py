"""This program, as statements name it.

Carrier.
"""

import hashlib
from importlib.metadata import version
from pathlib import Path
from typing import Final

from updater.files import Files
from updater.transparency.claims.parts import Resource

_PACKAGES: Final = ("reproducible", "updater")
"""What decides over a verdict; the command line and calls have no part in it."""
_MAX_BYTES: Final = 1 << 20  # of a module


def this_program() -> Resource:
    """Name what rebuilds and compares, by one hash over its own source.

    It is the SHA-256 of what ``sha256sum`` prints for all `.py` files of two packages,
    sorted by path: two rebuilders who share a fault can be told from their statements.

    Raises:
        StoreError: a file cannot be read.
    """
    files, top = Files(), Path(__file__).parents[2]
    paths = sorted(
        path.relative_to(top).as_posix()
        for package in _PACKAGES
        for path in (top / package).rglob("*.py")
    )
    rows = [
        f"{hashlib.sha256(files.read(top / each, most=_MAX_BYTES)).hexdigest()}  {each}"
        for each in paths
    ]
    listed = "".join(f"{row}\n" for row in rows).encode()
    return Resource(
        name=f"ringfence-{version('ringfence')}",
        sha256=hashlib.sha256(listed).hexdigest(),
    )
