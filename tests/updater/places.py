"""A managed folder for tests, and releases of a small program to be installed there."""

import hashlib
import random
import sys
from collections.abc import Callable
from pathlib import Path

from tests.updater.wheels import EPOCH, bundle_of, manifest_of
from updater.archive.packing import pure_wheel
from updater.decision import VerifiedRelease
from updater.files import Files
from updater.install.install import Installer
from updater.install.root import Root
from updater.offer.product import Product

NOW = 1_790_000_000
MINOR = sys.version_info.minor
PLATFORM = f"cp3{MINOR}-linux-x86_64"
PYTHON = Path(sys.executable).resolve()

APP = Product(
    "app",
    "pkg:pypi/app",
    module="app.main",
    probe=("--probe",),
    launcher_name="app",
    confirms=False,
)
"""Does not confirm its starts: what it does at a start is the whole of the test."""

CONFIRMING = Product(
    "app", "pkg:pypi/app", module="app.main", probe=("--probe",), launcher_name="app"
)

GOOD = """\
import sys

def run():
    if sys.argv[1:] == ["--probe"]:
        print("app", "{version}")
        return 0
    print("{version} runs", *sys.argv[1:])
    return 0
"""
"""A program that passes its probe and prints its version and arguments."""

BROKEN = "def run():\n    raise SystemExit('{version} is broken')\n"
"""A program that ends with 1 whatever is asked of it."""


def app_bundle(version: str, code: str = GOOD, platform: str = PLATFORM) -> bytes:
    """Make a bundle of a program of one module."""
    source = code.replace("{version}", version).encode()
    files = {"app/__init__.py": b"", "app/main.py": source}
    wheels = dict([pure_wheel("app", version, files, epoch=EPOCH)])
    manifest = manifest_of(wheels, version=version, product="app", platform=platform)
    return bundle_of(manifest, wheels)


def release_of(
    path: Path, version: str, *, platform: str = PLATFORM, sha256: str | None = None
) -> VerifiedRelease:
    """Make a release without a decision, which only tests may."""
    data = path.read_bytes()
    made = object.__new__(VerifiedRelease)
    facts = {
        "version": version,
        "platform": platform,
        "sha256": sha256 or hashlib.sha256(data).hexdigest(),
        "size": len(data),
        "path": str(path),
        "leaf_hash": bytes(32),
        "results": (),
    }
    for name, value in facts.items():
        object.__setattr__(made, name, value)
    return made


def offer(folder: Path, version: str, code: str = GOOD) -> VerifiedRelease:
    """Write a release of the small program to a folder."""
    path = folder / f"app-{version}.tar"
    path.write_bytes(app_bundle(version, code))
    return release_of(path, version)


def place(
    folder: Path,
    *,
    now: Callable[[], float] = lambda: NOW,
    files: Files | None = None,
    lock_wait_s: float = 0.0,
) -> Root:
    """Give a managed folder that is not made yet."""
    entropy = random.Random(str(folder)).randbytes
    return Root(folder, now=now, entropy=entropy, files=files, lock_wait_s=lock_wait_s)


def installer(root: Root, product: Product = APP) -> Installer:
    """Give what installs there."""
    return Installer(root, product, python=PYTHON)
