"""Wheels of strangers, read strictly, and `canonical-wheel/1` of a backend's wheel.

The zip is of the strict form of `updater.archive.zips`, and RECORD names every file
with its right hash. Unlike in wheels that are installed without further ado, there may
be folders `*.data`, `.pth` files and compiled code: they are compared, not run.
"""

import hashlib
import re
from dataclasses import dataclass, field

from updater.archive.extent import in_memory
from updater.archive.packing import NewEntry, write_wheel
from updater.archive.wheel import dist_info, read_record, record_rows
from updater.archive.zips import Archive, Entry, contents, open_archive
from updater.errors import MalformedError
from updater.shape import unbase64

_HASHES = {"sha256": 32, "sha384": 48, "sha512": 64}
"""What a RECORD may use, with sizes in bytes; PEP 376's MD5 and SHA-1 can be forged."""

_SIZE = re.compile(r"0|[1-9][0-9]{0,9}")
_NOTHING = ("", "")
_SIGNATURES = ("RECORD.jws", "RECORD.p7s")  # PEP 427: made of RECORD, so not in it


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel of which every byte is accounted for."""

    name: str
    archive: Archive = field(repr=False)
    about: str = field(kw_only=True)
    """Its one folder `*.dist-info`."""

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Its files and folders, in the order of the archive."""
        return self.archive.entries

    def data(self, entry: Entry) -> bytes:
        """Unpack one of its files."""
        return b"".join(contents(self.archive, entry))


def open_wheel(name: str, data: bytes) -> Wheel:
    """Read the wheel with this file name, all of its contents included.

    Raises:
        MalformedError: the zip is not of the strict form, there is not exactly one
            folder `*.dist-info` that fits the name, or RECORD does not name every
            file once, with a SHA-2 and the size that it has.
    """
    archive = open_archive(in_memory(data))
    about = dist_info(name, archive)
    files = {each.name: each for each in archive.entries if not each.is_folder}
    own = f"{about}/RECORD"
    rows = record_rows(read_record(archive, files, own))
    exempt = {own, *(f"{about}/{signature}" for signature in _SIGNATURES)}
    odd = (rows.keys() ^ files.keys()) - exempt
    if odd:
        raise MalformedError(
            f"{name}: {min(odd)!r} is not in both RECORD and the archive"
        )
    for path, entry in files.items():
        said = rows.get(path, _NOTHING)
        if path in exempt and said == _NOTHING:
            for _ in contents(archive, entry):
                pass  # nothing says what it holds, but it has to unpack as the zip says
        else:
            _check_file(archive, entry, *said)
    return Wheel(name, archive, about=about)


def canonical_wheel(raw: bytes, name: str, epoch: int) -> bytes:
    """Write `canonical-wheel/1` of what a backend made; `epoch` in POSIX seconds.

    Raises:
        MalformedError: it is not the strict wheel of this file name, or has too many
            files.
    """
    wheel = open_wheel(name, raw)
    files = (
        NewEntry(entry.name, wheel.data(entry), executable=entry.executable)
        for entry in wheel.entries
        if not entry.is_folder
    )
    return write_wheel(files, epoch)


def _check_file(archive: Archive, entry: Entry, digest: str, size: str) -> None:
    """Unpack a file, and compare it with its row."""
    algorithm, _, encoded = digest.partition("=")
    length = _HASHES.get(algorithm)
    if length is None or not _SIZE.fullmatch(size):
        raise MalformedError(
            f"RECORD: {entry.name!r}: expected a SHA-2 and a size,"
            f" came {digest[:80]!r} and {size[:80]!r}"
        )
    padded = encoded.translate(str.maketrans("-_", "+/")) + "=" * (-len(encoded) % 4)
    expected = unbase64(padded, f"RECORD: {entry.name!r}", size=length)
    found = hashlib.new(algorithm)
    for chunk in contents(archive, entry):
        found.update(chunk)
    if entry.size != int(size):
        raise MalformedError(
            f"{entry.name!r}: RECORD says {size} bytes, the archive {entry.size}"
        )
    if found.digest() != expected:
        raise MalformedError(
            f"{entry.name!r}: RECORD says {algorithm} {expected.hex()},"
            f" came {found.hexdigest()}"
        )
