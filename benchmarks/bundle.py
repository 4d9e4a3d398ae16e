"""Reading, unpacking and patching a bundle, against the tools that check nothing.

The bundle is made of what is installed here, deflated as build backends do it, and of
our own packages as the application's wheel: tens of megabytes of real libraries.
"""

import functools
import hashlib
import importlib.metadata
import io
import os
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figure import Figure, figure, ratios, turns
from updater.archive.bundle import (
    Bundle,
    Manifest,
    check_bundle,
    list_wheel,
    open_bundle,
    unpack,
    write_bundle,
)
from updater.archive.delta import apply_patch
from updater.archive.diff import make_patch
from updater.archive.extent import Extent
from updater.archive.packing import NewEntry, format_record, pure_wheel

ROUNDS = 3
_turns = functools.partial(turns, rounds=ROUNDS, clock=time.process_time)
"""CPU seconds: the machine has other users."""
EPOCH = 1_750_000_000
MOST_BYTES = 32 * 1024 * 1024  # of wheels; more of the same would change no ratio
CHECKOUT = Path(__file__).parents[1]
PEAK = r"""
import os, re, sys
from pathlib import Path
from updater.archive.bundle import check_bundle, open_bundle, unpack
from updater.archive.extent import Extent
from updater.archive.tree import plan_tree
fd = os.open(sys.argv[1], os.O_RDONLY)
bundle = open_bundle(Extent(lambda at, n: os.pread(fd, n, at), os.fstat(fd).st_size))
sha256 = check_bundle(bundle)
plan_tree(bundle, sha256)
for _, chunks in unpack(bundle, sha256):
    for _ in chunks:
        pass
# What getrusage tells began before the exec, with the memory of the benchmark.
print(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1])
"""


def figures() -> list[Figure]:
    """Make two versions of a bundle, and time what is done with them."""
    with tempfile.TemporaryDirectory() as folder:
        wheels = _installed()
        old = _bundle(Path(folder, "old"), wheels | dict([_app("1.0", b"")]))
        new = _bundle(Path(folder, "new"), wheels | dict([_app("1.1", b"# a line\n")]))
        touched = _bundle(
            Path(folder, "touched"), _touched(wheels) | dict([_app("1.0", b"")])
        )
        return [
            *_reading(Path(folder), old, wheels),
            _memory(Path(folder)),
            _one_line(old, new),
            *_applying(old, touched),
        ]


def _reading(folder: Path, bundle: Bundle, wheels: dict[str, bytes]) -> list[Figure]:
    file = folder / "old"
    sha256 = check_bundle(bundle)
    manifest = bundle.manifest
    kept = {each.name: bundle.wheel(each) for each in manifest.wheels}

    def write() -> None:
        with (folder / "written").open("wb") as out:
            out.writelines(write_bundle(manifest, lambda w: kept[w.name].chunks()))

    def stage() -> None:
        with tempfile.TemporaryDirectory(dir=folder) as lib:
            for each, chunks in unpack(bundle, sha256):
                path = Path(lib, each.path)
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("wb") as out:
                    out.writelines(chunks)

    def extract() -> None:
        with tempfile.TemporaryDirectory(dir=folder) as lib:
            for data in wheels.values():
                with zipfile.ZipFile(io.BytesIO(data)) as theirs:
                    theirs.extractall(lib)

    def digest() -> None:
        with file.open("rb") as opened:
            hashlib.file_digest(opened, "sha256")

    checked, written, hashed = _turns(lambda: check_bundle(bundle), write, digest)
    staged, extracted = _turns(stage, extract)
    size = f"{bundle.extent.size / 1e6:.0f} MB, {len(kept)} wheels"
    return [
        figure("strict read / sha256 of the file", ratios(checked, hashed), bar=2,
               note=f"{size}; {statistics.median(checked) * 1e3:.0f} ms"),
        figure("write / sha256 of the file", ratios(written, hashed), bar=5),
        figure("unpack, every hash checked / zipfile", ratios(staged, extracted),
               bar=1.5, note=f"{statistics.median(staged):.2f} s, without syncing"),
    ]  # fmt: skip


def _memory(folder: Path) -> Figure:
    """Read a bundle of several hundred megabytes in a process of its own."""
    entries = [
        NewEntry(f"big/{number}.bin", os.urandom(1 << 20) * 30) for number in range(12)
    ]
    data = _deflated("big-1.0", entries, level=0)
    _bundle(folder / "large", {"big-1.0-py3-none-any.whl": data})
    size = (folder / "large").stat().st_size
    done = subprocess.run(
        [sys.executable, "-c", PEAK, str(folder / "large")],
        check=True, capture_output=True, text=True, cwd=CHECKOUT,
    )  # fmt: skip
    return figure(
        "peak memory of reading and unpacking", [int(done.stdout) / 1024], unit="MiB",
        bar=150, note=f"a bundle of {size / 1e6:.0f} MB",
    )  # fmt: skip


def _one_line(old: Bundle, new: Bundle) -> Figure:
    patch = make_patch((old, check_bundle(old)), (new, check_bundle(new)))
    return figure(
        "patch of a one-line change / bundle", [len(patch) / new.extent.size],
        bar=0.005, note=f"{len(patch)} bytes, of which the manifest and its rows most",
    )  # fmt: skip


def _applying(old: Bundle, new: Bundle) -> list[Figure]:
    hashes = check_bundle(old), check_bundle(new)
    patch = make_patch((old, hashes[0]), (new, hashes[1]), level=3)
    extent = Extent(lambda at, n: patch[at : at + n], len(patch))
    contents = [
        theirs.read(info)
        for each in new.manifest.wheels
        if each.sha256 not in {listed.sha256 for listed in old.manifest.wheels}
        for theirs in [zipfile.ZipFile(io.BytesIO(new.wheel(each).read(0, each.size)))]
        for info in theirs.infolist()
    ]

    def apply() -> None:
        size = new.extent.size
        for piece in apply_patch(
            old, extent, sha256=hashes[0], new=hashes[1], size=size
        ):
            for _ in piece.chunks:
                pass

    def bare() -> None:
        for content in contents:
            packed = _deflate(content, 6)
            zlib.decompress(packed, -15)

    applied, redone = _turns(apply, bare)
    return [
        figure(
            "apply a patch / inflate and deflate", ratios(applied, redone), bar=1.3,
            note=f"every member of {len(contents)} changed, or its wheel's RECORD",
        )
    ]  # fmt: skip


def _bundle(path: Path, wheels: dict[str, bytes]) -> Bundle:
    listed = [list_wheel(name, (data,)) for name, data in wheels.items()]
    manifest = Manifest(
        name="ringfence", version="1.0", platform="cp312-linux-x86_64", epoch=EPOCH,
        commit="a" * 40, tree_sha256="b" * 64, recipe_sha256="c" * 64,
        lock_sha256="d" * 64, app=listed[-1].name,
        wheels=tuple(sorted(listed, key=lambda each: each.name)),
    )  # fmt: skip
    with path.open("wb") as out:
        out.writelines(write_bundle(manifest, lambda each: (wheels[each.file],)))
    # Read until the process ends; benchmarks are short.
    opened = os.open(path, os.O_RDONLY)
    return open_bundle(
        Extent(lambda at, size: os.pread(opened, size, at), path.stat().st_size)
    )


def _installed() -> dict[str, bytes]:
    """Make wheels of the distributions around us, as far as the size goes."""
    wheels: dict[str, bytes] = {}
    total = 0
    for each in sorted(importlib.metadata.distributions(), key=lambda d: d.name):
        entries = [
            NewEntry(str(path), Path(str(path.locate())).read_bytes())
            for path in each.files or ()
            if ".." not in path.parts
            and "__pycache__" not in path.parts
            and path.suffix != ".pth"
            and path.name not in {"RECORD", "INSTALLER", "direct_url.json"}
        ]
        about = f"{each.name.replace('-', '_')}-{each.version}"
        tops = {str(entry.name).partition("/")[0] for entry in entries}
        if f"{about}.dist-info" not in tops or total > MOST_BYTES:
            continue
        data = _deflated(about, entries, level=6)
        wheels[f"{about}-py3-none-any.whl"] = data
        total += len(data)
    return wheels


def _deflated(about: str, entries: list[NewEntry], *, level: int) -> bytes:
    own = f"{about}.dist-info/RECORD"
    record = NewEntry(own, format_record(entries, own))
    made = io.BytesIO()
    with zipfile.ZipFile(
        made, "w", zipfile.ZIP_DEFLATED, compresslevel=level
    ) as theirs:
        for entry in [*entries, record]:
            theirs.writestr(zipfile.ZipInfo(entry.name), entry.data, 8, level)
    return made.getvalue()


def _touched(wheels: dict[str, bytes]) -> dict[str, bytes]:
    """Change the first bytes of each member of the first half of the wheels."""
    changed = dict(wheels)
    for name in list(wheels)[: len(wheels) // 2]:
        about = "-".join(name.split("-")[:2])
        with zipfile.ZipFile(io.BytesIO(wheels[name])) as theirs:
            entries = [
                NewEntry(info.filename, b"#" + theirs.read(info))
                for info in theirs.infolist()
                if not info.filename.endswith("/RECORD")
            ]
        changed[name] = _deflated(about, entries, level=6)
    return changed


def _app(version: str, line: bytes) -> tuple[str, bytes]:
    """Make a wheel of our own packages, with a line more or less."""
    files = {
        path.relative_to(CHECKOUT).as_posix(): path.read_bytes() for path in _sources()
    }
    files["cli/main.py"] += line
    return pure_wheel("ringfence_app", version, files, epoch=EPOCH + len(line))


def _sources() -> Iterator[Path]:
    for package in ("cli", "updater", "voip"):
        yield from sorted((CHECKOUT / package).rglob("*.py"))


def _deflate(content: bytes, level: int) -> bytes:
    deflate = zlib.compressobj(level, zlib.DEFLATED, -15, 8)
    return deflate.compress(content) + deflate.flush()
