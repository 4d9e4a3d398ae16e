"""Modules that are imported before a backend, and change what the library does.

Rules. They come in a wheel that is added to the toolchain, so a build needs no way in
but the one that its tools have: a file of a known hash.
"""

import hashlib
from dataclasses import replace
from typing import Final

from reproducible.builds.plan import LockFile, Plan
from reproducible.inputs.lock import LockedPackage, LockedWheel, format_lock
from updater.archive.packing import pure_wheel

OTHER_ORDER: Final = "ringfence_other_order"
OTHER_DEFLATE: Final = "ringfence_other_deflate"

_FORGET: Final = """\
# The source is laid out later; that it was not there is not to be remembered.
sys.path_importer_cache.clear()
"""

# A file system can be mounted that shuffles names. This needs no privilege, and reaches
# all that a backend in Python asks.
_ORDER: Final = (
    '''\
"""Folders are listed in an order of no meaning."""

import os
import sys
import zlib

_scandir, _listdir = os.scandir, os.listdir


def _key(name):
    return zlib.crc32(os.fsencode(name)), name


class _Listed:
    def __init__(self, path="."):
        with _scandir(path) as found:
            self._left = iter(sorted(found, key=lambda entry: _key(entry.name)))

    def __iter__(self):
        return self

    def __next__(self):
        return next(self._left)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def close(self):
        pass


def _listed(path="."):
    return sorted(_listdir(path), key=_key)


os.scandir, os.listdir = _Listed, _listed
'''
    + _FORGET
)

# What another zlib writes cannot be had from this one, but other bytes can.
_DEFLATE: Final = (
    '''\
"""Deflate gives other bytes, that unpack to the same."""

import sys
import zlib

_compressobj = zlib.compressobj
_SAMPLE = b"ringfence " * 64


def compressobj(level=-1, method=8, wbits=15, memLevel=8, strategy=0, *more):
    return _compressobj(level, method, wbits, memLevel, zlib.Z_HUFFMAN_ONLY, *more)


def compress(data, level=-1, wbits=15):
    packer = compressobj(level, zlib.DEFLATED, wbits)
    return packer.compress(data) + packer.flush()


_before = zlib.compress(_SAMPLE)
zlib.compressobj, zlib.compress = compressobj, compress
if zlib.compress(_SAMPLE) != _before:
    # So the facts of a build show that it worked.
    zlib.ZLIB_RUNTIME_VERSION += ".other"
'''
    + _FORGET
)

_EPOCH: Final = 315_532_800  # 1980: nobody sees it
_PROJECT: Final = "ringfence_shims"

SHIMS: Final = pure_wheel(
    _PROJECT,
    "1",
    {f"{OTHER_ORDER}.py": _ORDER.encode(), f"{OTHER_DEFLATE}.py": _DEFLATE.encode()},
    epoch=_EPOCH,
)
"""File name and bytes of the wheel."""

SHIMS_SHA256: Final = hashlib.sha256(SHIMS[1]).hexdigest()


def with_shims(plan: Plan) -> Plan:
    """Add the wheel to the toolchain of a plan; whoever builds has to have it."""
    name, data = SHIMS
    package = LockedPackage(
        _PROJECT.replace("_", "-"),
        "1",
        wheel=LockedWheel(name, len(data), sha256=SHIMS_SHA256),
    )
    packages = sorted((*plan.tools.lock.packages, package), key=lambda each: each.name)
    lock = replace(plan.tools.lock, packages=tuple(packages))
    sha256 = hashlib.sha256(format_lock(lock)).hexdigest()
    return replace(plan, tools=LockFile(lock, sha256))
