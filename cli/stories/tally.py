"""The small program that the demo releases: its source, and how it is built.

One module, no dependencies, and a build backend of its own that needs no download; its
recipe is in the source, and whoever builds it gets the same bytes.
"""

import os
import sys
from pathlib import Path
from typing import Final

from updater.archive.bundle import Manifest, list_wheel, open_bundle, write_bundle
from updater.archive.extent import in_memory
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

RECIPE: Final = "requirements/recipe.toml"
TOOLS: Final = "requirements/pylock.build.toml"
"""The lock of the toolchain, which is empty: the backend is in the source."""
_APP: Final = "requirements/pylock.app-{platform}.toml"
_EPOCH: Final = 1_790_000_000  # of 1.0
_LOCK: Final = 'lock-version = "1.0"\ncreated-by = "ringfence"\npackages = []\n'
_RECIPE: Final = """\
schema = "ringfence-recipe/1"
source = {{ type = "tree", subdir = "." }}
env = {{ python = ">=3.11", epoch = "commit" }}
toolchain = {{ lock = "{tools}", backend = "backend", backend_path = ["build"] }}

[[output]]
kind = "wheel"
post = "canonical-wheel/1"

[[output]]
kind = "bundle"
post = "bundle/1"
platform = "{platform}"
lock = "{app}"
"""
_BACKEND: Final = '''\
"""Builds the wheel (PEP 517), with the standard library alone."""

import base64
import hashlib
import zipfile

SOURCES = ("tally/__init__.py", "tally/main.py")
METADATA = "Metadata-Version: 2.1\\nName: tally\\nVersion: {}\\n"
WHEEL = "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"


def build_wheel(folder, config_settings=None, metadata_directory=None):
    files = {name: open(name).read() for name in SOURCES}
    version = files["tally/__init__.py"].split('"')[1]
    about = f"tally-{version}.dist-info"
    files[f"{about}/METADATA"] = METADATA.format(version)
    files[f"{about}/WHEEL"] = WHEEL
    rows = []
    for name, text in files.items():
        digest = hashlib.sha256(text.encode()).digest()
        hashed = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        rows.append(f"{name},sha256={hashed},{len(text.encode())}\\n")
    files[f"{about}/RECORD"] = "".join(rows) + f"{about}/RECORD,,\\n"
    wheel = f"tally-{version}-py3-none-any.whl"
    with zipfile.ZipFile(f"{folder}/{wheel}", "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return wheel
'''

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
NEXT: Final = ("1.3", _SECOND)
"""Version and main module of what the maintainer works on."""
TARGETED: Final = ("1.3", _TARGETED)
"""Version and main module of what is made for one person alone."""


def write_source(folder: Path, version: str, main: str) -> None:
    """Write the source of a version over that of the one before."""
    app = _APP.format(platform=platform())
    recipe = _RECIPE.format(tools=TOOLS, platform=platform(), app=app)
    for path, text in {
        "build/backend.py": _BACKEND,
        RECIPE: recipe,
        TOOLS: _LOCK,
        app: _LOCK,
        "tally/__init__.py": f'VERSION = "{version}"\n',
        "tally/main.py": main,
    }.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)


def committed_on(version: str) -> int:
    """Say when a version was committed, POSIX seconds: one a day."""
    return _EPOCH + 86_400 * int(version.partition(".")[2])


def platform() -> str:
    """Name the platform of this machine."""
    return platform_tag(sys.version_info.minor, os.uname().machine)


def build_here(folder: Path, version: str) -> bytes:
    """Build the bundle of a source without a sandbox, for where there can be none.

    It names no commit, and nobody else is asked to build it.
    """
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted((folder / "tally").rglob("*.py"))
    }
    name, wheel = pure_wheel("tally", version, files, epoch=_EPOCH)
    listed = list_wheel(name, (wheel,))
    manifest = Manifest(
        name=TALLY.name,
        version=version,
        platform=platform(),
        epoch=_EPOCH,
        commit="0" * 40,
        tree_sha256="0" * 64,
        recipe_sha256="0" * 64,
        lock_sha256="0" * 64,
        app=listed.name,
        wheels=(listed,),
    )
    return b"".join(write_bundle(manifest, lambda _: (wheel,)))


def disguise(bundle: bytes, honest: bytes) -> bytes:
    """Have a bundle say that it was built from what an honest one was built from."""
    theirs, ours = (
        open_bundle(in_memory(each), product=TALLY.name).manifest
        for each in (bundle, honest)
    )
    changed = bundle.replace(theirs.commit.encode(), ours.commit.encode())
    return changed.replace(theirs.tree_sha256.encode(), ours.tree_sha256.encode())
