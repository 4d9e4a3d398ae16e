"""Comparing files, against bare hashing and against diffoscope.

The bundles have fifty megabytes, most of it one library that does not compress, as ours
have. diffoscope is measured where it is installed.
"""

import hashlib
import io
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from benchmarks.figure import Figure, figure, left_out, ratios, turns
from reproducible.compare.comparing import compare
from reproducible.explain.explaining import explain
from updater.archive.bundle import Manifest, list_wheel, write_bundle
from updater.archive.extent import Extent
from updater.archive.packing import NewEntry, format_record

CHECKOUT = Path(__file__).parents[1]
BUNDLE, WHEEL = "ringfence-1.0-cp312-linux-x86_64.tar", "app-1.0-py3-none-any.whl"
NATIVE = "av-1.0-cp312-cp312-manylinux_2_28_x86_64.whl"
ALONE = r"""
import os, re, sys
from pathlib import Path
from reproducible.compare.comparing import compare
from updater.archive.extent import Extent
def extent(path):
    fd = os.open(path, os.O_RDONLY)
    return Extent(lambda at, n: os.pread(fd, n, at), os.fstat(fd).st_size)
found = compare(extent(sys.argv[1]), extent(sys.argv[2]), name=sys.argv[3])
print(found.verdict, len(found.differences))
# What getrusage tells began before the exec, with the memory of the benchmark.
print(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1])
"""


def figures() -> list[Figure]:
    """Make bundles and wheels that are the same, and some that are not."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wheels = {NATIVE: _native(b""), "b-1.0-py3-none-any.whl": _random("b-1.0", 14)}
        old, new = _app(b""), _app(b"# one line more\n")
        (folder / "old.whl").write_bytes(old)
        (folder / "new.whl").write_bytes(new)
        _bundle(folder / "old.tar", wheels | {WHEEL: old})
        _bundle(folder / "same.tar", wheels | {WHEEL: old})
        _bundle(folder / "new.tar", wheels | {NATIVE: _native(b"!"), WHEEL: new})
        return [_equal(folder), _memory(folder), *_explained(folder)]


def _equal(folder: Path) -> Figure:
    paths = folder / "old.tar", folder / "same.tar"

    def digest() -> None:
        for path in paths:
            with path.open("rb") as opened:
                hashlib.file_digest(opened, "sha256")

    def ours() -> None:
        if _compare(*paths, BUNDLE) != "identical":
            raise AssertionError("equal bundles are not identical")

    compared, hashed = turns(ours, digest)
    note = f"{paths[0].stat().st_size / 1e6:.0f} MB each"
    return figure(
        "compare equal bundles / sha256 of both", ratios(compared, hashed), bar=2.0,
        note=f"{note}; {statistics.median(compared) * 1e3:.0f} ms",
    )  # fmt: skip


def _memory(folder: Path) -> Figure:
    """Compare bundles that differ in their largest wheel, in a process of its own."""
    said = _alone(folder / "old.tar", folder / "new.tar", BUNDLE)
    return figure(
        "peak memory of comparing bundles", [int(said[-1]) / 1024], unit="MiB", bar=190,
        note=f"{said[0]} in {said[1]} members, one of 35 MB",
    )  # fmt: skip


def _explained(folder: Path) -> list[Figure]:
    """Explain a wheel with one more line in one file."""
    if shutil.which("diffoscope") is None:
        return left_out("explain", "diffoscope is not installed")
    paths = folder / "old.whl", folder / "new.whl"

    def theirs() -> None:
        command = ["diffoscope", "--json", os.devnull, *map(str, paths)]
        subprocess.run(command, check=False, capture_output=True)

    found, explained, alone, diffoscope = turns(
        lambda: _compare(*paths, WHEEL),
        lambda: _explain(*paths, WHEEL),
        lambda: _alone(*paths, WHEEL),
        theirs,
    )
    note = f"{statistics.median(found) * 1e3:.0f} ms"
    note += f", diffoscope {statistics.median(diffoscope):.2f} s"
    return [
        figure("classify a wheel / diffoscope", ratios(found, diffoscope), bar=0.05,
               note=f"{note}, {paths[0].stat().st_size / 1e6:.1f} MB"),
        figure("explain it, with excerpts / diffoscope", ratios(explained, diffoscope),
               bar=0.2, note=f"{statistics.median(explained) * 1e3:.0f} ms"),
        figure("classify in a process of its own", ratios(alone, diffoscope), bar=0.2),
    ]  # fmt: skip


def _compare(published: Path, rebuilt: Path, name: str) -> str:
    with published.open("rb") as old, rebuilt.open("rb") as new:
        extents = _extent(old.fileno()), _extent(new.fileno())
        return compare(*extents, name=name, own=True).verdict


def _explain(published: Path, rebuilt: Path, name: str) -> None:
    with published.open("rb") as old, rebuilt.open("rb") as new:
        extents = _extent(old.fileno()), _extent(new.fileno())
        explain(compare(*extents, name=name, own=True), *extents)


def _extent(fd: int) -> Extent:
    return Extent(lambda at, size: os.pread(fd, size, at), os.fstat(fd).st_size)


def _alone(published: Path, rebuilt: Path, name: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", ALONE, str(published), str(rebuilt), name],
        check=True, capture_output=True, text=True, cwd=CHECKOUT,
    )  # fmt: skip
    return done.stdout.split()


def _bundle(path: Path, wheels: Mapping[str, bytes]) -> None:
    listed = [list_wheel(name, (data,)) for name, data in wheels.items()]
    manifest = Manifest(
        name="ringfence", version="1.0", platform="cp312-linux-x86_64",
        epoch=1_750_000_000, commit="a" * 40, tree_sha256="b" * 64,
        recipe_sha256="c" * 64, lock_sha256="d" * 64, app=f"wheels/{WHEEL}",
        wheels=tuple(sorted(listed, key=lambda each: each.name)),
    )  # fmt: skip
    with path.open("wb") as out:
        out.writelines(write_bundle(manifest, lambda each: (wheels[each.file],)))


def _native(end: bytes) -> bytes:
    library = b"\x7fELF" + hashlib.shake_128(b"av").digest(35 << 20) + end
    return _deflated("av-1.0", [NewEntry("av/libav.so", library)], level=0)


def _random(about: str, megabytes: int) -> bytes:
    data = hashlib.shake_128(about.encode()).digest(megabytes << 20)
    return _deflated(about, [NewEntry("b/data.bin", data)], level=0)


def _app(line: bytes) -> bytes:
    """Make a wheel of our own packages, as a build backend does."""
    entries = [
        NewEntry(path.relative_to(CHECKOUT).as_posix(), path.read_bytes())
        for package in ("cli", "reproducible", "updater", "voip")
        for path in sorted((CHECKOUT / package).rglob("*.py"))
    ]
    entries[0] = NewEntry(entries[0].name, entries[0].data + line)
    return _deflated("app-1.0", entries, level=6)


def _deflated(about: str, entries: list[NewEntry], *, level: int) -> bytes:
    own = f"{about}.dist-info/RECORD"
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as out:
        for entry in [*entries, NewEntry(own, format_record(entries, own))]:
            out.writestr(zipfile.ZipInfo(entry.name), entry.data, 8, level)
    return made.getvalue()
