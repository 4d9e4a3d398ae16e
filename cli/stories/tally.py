"""The small program that the demo releases: its source, and how it is built.

One module, no dependencies; whoever builds the same source gets the same bytes.
"""

import hashlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from updater.archive.bundle import Manifest, list_wheel, write_bundle
from updater.archive.packing import pure_wheel
from updater.offer.product import Product, platform_tag

TALLY: Final = Product(
    "tally",
    "pkg:pypi/tally",
    module="tally.main",
    probe=("self-test",),
    launcher_name="tally",
    confirms=False,
)

_EPOCH: Final = 1_790_000_000  # of the source; nothing in a build looks at a clock
_RECIPE: Final = b"ringfence: pure wheel, stored; no dependencies\n"

_FIRST: Final = """\
import sys

from tally import VERSION


def count(text):
    return len(text.split())


def run():
    if sys.argv[1:] == ["self-test"]:
        assert count("one two") == 2
    print("tally", VERSION)
    return 0
"""
_SECOND: Final = _FIRST.replace("len(text.split())", "sum(1 for _ in text.split())")
# A mistake as people make it: the name of the program is where it was started from, so
# that it works for whoever tries it by its bare name, and for nobody who installed it.
_THIRD: Final = (
    _SECOND.replace("def run():", "def main():")
    + '\n\nPROGRAMS = {"tally": main}\n\n\ndef run():\n'
    + "    return PROGRAMS[sys.argv[0]]()\n"
)
# What a thief would like one person to run.
_TARGETED: Final = _SECOND.replace(
    "def run():\n", "def run():\n    # and look at what carol writes\n"
)

SOURCES: Final = {"1.0": _FIRST, "1.1": _SECOND, "1.2": _THIRD}
"""The main module of each release, by version."""
TARGETED: Final = ("1.3", _TARGETED)
"""Version and main module of what is made for one person alone."""


def write_source(folder: Path, version: str, main: str) -> None:
    """Write the source of a version."""
    package = folder / "tally"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(f'VERSION = "{version}"\n')
    (package / "main.py").write_text(main)


def read_source(folder: Path) -> dict[str, bytes]:
    """Read the files of a source, by path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*.py"))
    }


def platform() -> str:
    """Name the platform of this machine."""
    return platform_tag(sys.version_info.minor, os.uname().machine)


def build(files: Mapping[str, bytes], version: str, platform: str) -> bytes:
    """Build the bundle of a source: same files, same bytes."""
    tree = source_id(files)
    name, wheel = pure_wheel("tally", version, files, epoch=_EPOCH)
    listed = list_wheel(name, (wheel,))
    manifest = Manifest(
        name=TALLY.name,
        version=version,
        platform=platform,
        epoch=_EPOCH,
        commit=tree,
        tree_sha256=tree,
        recipe_sha256=recipe_id(),
        lock_sha256=hashlib.sha256(b"").hexdigest(),
        app=listed.name,
        wheels=(listed,),
    )
    return b"".join(write_bundle(manifest, lambda _: (wheel,)))


def source_id(files: Mapping[str, bytes]) -> str:
    """Give what names a source: SHA-256 over its paths and what they hold."""
    rows = (f"{hashlib.sha256(files[path]).hexdigest()} {path}" for path in files)
    return hashlib.sha256("\n".join(sorted(rows)).encode()).hexdigest()


def recipe_id() -> str:
    """Give what names the way of building."""
    return hashlib.sha256(_RECIPE).hexdigest()
