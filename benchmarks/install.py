"""Installing a bundle and starting through the launcher, against bare tools.

The bundle is the one of `benchmarks.bundle`. Bare means `zipfile`, a sync of every file
and folder, and `compileall`, in a folder on the same disk: nothing hashed or checked.
"""

import hashlib
import io
import os
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

from benchmarks import bundle as bundles
from benchmarks.figure import Figure, figure, ratios, turns
from updater.archive.packing import pure_wheel
from updater.decision import VerifiedRelease
from updater.files import Files
from updater.install.install import Installer
from updater.install.root import Root
from updater.install.stage import check_slot
from updater.installed.slots import slot_name
from updater.offer.product import Product

ROUNDS = 3
STARTS = 15
PRODUCT = Product(
    "ringfence",
    "pkg:pypi/ringfence",
    module="speed.main",
    launcher_name="speed",
    confirms=False,  # so that starts are those of what has proved itself
)
CODE = b"def run():\n    print('ringfence 1.0')\n"
PEAK = r"""
import sys
from pathlib import Path
from benchmarks.install import install
install(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
print(next(line for line in open("/proc/self/status") if "VmHWM" in line).split()[1])
"""


def figures() -> list[Figure]:
    """Install a bundle of tens of megabytes a few times, and start what it holds."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wheels = bundles._installed()
        files = {"speed/__init__.py": b"", "speed/main.py": CODE}
        wheels |= dict([pure_wheel("speed", "1.0", files, epoch=bundles.EPOCH)])
        path = folder / "bundle.tar"
        opened = bundles._bundle(path, wheels)
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        places = (folder / f"root-{number}" for number in range(ROUNDS + 1))
        targets = (folder / f"bare-{number}" for number in range(ROUNDS))

        installed, bare = turns(
            lambda: install(next(places), path, sha256),
            lambda: _bare(next(targets), wheels),
            rounds=ROUNDS,
        )
        slot = folder / "root-0" / "versions" / slot_name("1.0", sha256)
        checked, hashed = turns(
            lambda: check_slot(Files(), slot),
            lambda: _hash(slot / "lib"),
            rounds=ROUNDS,
        )
        count = sum(1 for each in (slot / "lib").rglob("*") if each.is_file())
        size = f"{opened.extent.size / 1e6:.0f} MB, {count} files"
        peak = subprocess.run(
            [sys.executable, "-c", PEAK, str(next(places)), str(path), sha256],
            check=True, capture_output=True, text=True, cwd=bundles.CHECKOUT,
        )  # fmt: skip
        return [
            figure("install / unpack, compile and sync", ratios(installed, bare), bar=2,
                   note=f"{size}; {statistics.median(installed):.1f} s with probes"),
            figure("check a slot / hash its files", ratios(checked, hashed), bar=1.5),
            figure("peak memory of an installation", [int(peak.stdout) / 1024],
                   unit="MiB", bar=150),
            *_starts(folder / "root-0" / "speed", slot / "lib"),
        ]  # fmt: skip


def install(root: Path, path: Path, sha256: str) -> None:
    """Install a bundle into a new folder."""
    release = object.__new__(VerifiedRelease)  # without the decision
    facts = {"version": "1.0", "platform": "cp312-linux-x86_64", "sha256": sha256}
    for name, value in (facts | {"path": str(path)}).items():
        object.__setattr__(release, name, value)
    object.__setattr__(release, "size", path.stat().st_size)
    place = Root(root, now=time.time, entropy=os.urandom)
    python = Path(sys.executable).resolve()
    Installer(place, PRODUCT, python=python).install(release, {})


def _bare(lib: Path, wheels: dict[str, bytes]) -> None:
    for data in wheels.values():
        with zipfile.ZipFile(io.BytesIO(data)) as theirs:
            theirs.extractall(lib)
    command = [sys.executable, "-m", "compileall", "-qq", "-j", "0", str(lib)]
    subprocess.run(command, check=False)
    for folder, _, names in os.walk(lib, topdown=False):
        for each in (*(Path(folder, name) for name in names), Path(folder)):
            opened = os.open(each, os.O_RDONLY)
            os.fsync(opened)
            os.close(opened)


def _hash(lib: Path) -> None:
    for each in lib.rglob("*"):
        if each.is_file():
            with each.open("rb") as file:
                hashlib.file_digest(file, "sha256")


def _starts(launcher: Path, lib: Path) -> list[Figure]:
    python = str(Path(sys.executable).resolve())
    code = f"import sys;sys.path.append({str(lib)!r});import speed.main as m;m.run()"
    rounds = [
        (
            _seconds(python, "-I", "-S", str(launcher)),
            _seconds(python, "-I", "-S", "-B", "-c", code),
            _seconds(python, "-I", "-S", "-c", "pass"),
        )
        for _ in range(STARTS)
    ]
    launched, direct, nothing = (min(times) for times in zip(*rounds, strict=True))
    return [
        figure("launcher, on top of a direct start / python -I -S -c pass",
               [(launched - direct) / nothing], bar=2,
               note=f"{(launched - direct) * 1e3:.1f} ms"),
    ]  # fmt: skip


def _seconds(*command: str) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began
