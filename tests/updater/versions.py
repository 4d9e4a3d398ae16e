"""Two versions of a bundle, between which each kind of patch row has its reason."""

import hashlib
import zlib

from tests.updater.wheels import (
    EPOCH,
    Raw,
    bundle_of,
    deflated,
    deflated_wheel,
    manifest_of,
    raw_wheel,
    sha256,
    zipped,
)
from updater.archive.bundle import Bundle, open_bundle
from updater.archive.extent import in_memory
from updater.archive.packing import pure_wheel

APP_OLD, APP_NEW = "app-1.0-py3-none-any.whl", "app-2.0-py3-none-any.whl"
LIB_OLD, LIB_NEW = "lib-1.0-py3-none-any.whl", "lib-1.1-py3-none-any.whl"
FOREIGN_NEW = "far-1.1-py3-none-any.whl"
FRESH = "new-1.0-py3-none-any.whl"
SAME = "same-1.0-py3-none-any.whl"


def noise(seed: str, size: int) -> bytes:
    """Give bytes that do not compress, the same each time."""
    return b"".join(
        hashlib.sha256(f"{seed} {block}".encode()).digest()
        for block in range(size // 32 + 1)
    )[:size]


CODE = noise("code", 3_000).hex().encode()
LONG = noise("long", 150_000).hex().encode()
LIBRARY = noise("library", 20_000)


def _app(version: str, line: bytes) -> tuple[str, bytes]:
    files = {"app/__init__.py": b"", "app/main.py": CODE + line}
    return pure_wheel("app", version, files, epoch=EPOCH + len(version))


def _lib(version: str, change: bytes, library: str) -> tuple[str, bytes]:
    files = {
        "lib/__init__.py": b"",
        "lib/code.py": CODE[:2_000] + change + CODE[2_000:],
        "lib/kept.py": CODE[::-1],
        library: LIBRARY + change,
    }
    return deflated_wheel(files, version=version)


def _far(version: str, change: bytes) -> tuple[str, bytes]:
    """Make a wheel with a stored member and one that no zlib level gives."""
    stream = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zlib.Z_HUFFMAN_ONLY)
    about = f"far-{version}.dist-info"
    odd, long = CODE + change, LONG + change
    packed = stream.compress(odd) + stream.flush()
    entries = [
        Raw(name="far/odd.py", data=odd, packed=packed),
        Raw(name="far/data.bin", data=LIBRARY + change, method=0),
        Raw(name="far/long.py", data=long, packed=deflated(long, 1)),
        Raw(name=f"far/only{version[-1]}.py", data=b"x = 1\n", flags=8),
        Raw(name="far/", method=0, mode=0o40755),
    ]
    return f"far-{version}-py3-none-any.whl", zipped(raw_wheel(entries, about=about))


OLD_WHEELS = dict(
    [
        _app("1.0", b"print(1)\n"),
        _lib("1.0", b"", "lib.libs/libx-0a1b2c3d.so.1.2"),
        _far("1.0", b""),
        deflated_wheel({"same/a.py": CODE}, project="same"),
    ]
)
NEW_WHEELS = dict(
    [
        _app("2.0", b"print(2)\n"),
        _lib("1.1", b"changed\n", "lib.libs/libx-deadbeef.so.1.3"),
        _far("1.1", b"changed\n"),
        deflated_wheel({"same/a.py": CODE}, project="same"),
        deflated_wheel({"new/a.py": b"NEW = 1\n"}, project="new"),
    ]
)
OLD_DATA = bundle_of(manifest_of(OLD_WHEELS), OLD_WHEELS)
NEW_MANIFEST = manifest_of(NEW_WHEELS, version="2.0")
NEW_DATA = bundle_of(NEW_MANIFEST, NEW_WHEELS)
OLD_SHA256, NEW_SHA256 = sha256(OLD_DATA), sha256(NEW_DATA)


def old_bundle() -> Bundle:
    return open_bundle(in_memory(OLD_DATA))


def new_bundle() -> Bundle:
    return open_bundle(in_memory(NEW_DATA))
