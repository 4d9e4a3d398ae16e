"""Wheels, read strictly: one spelling of every entry, or refused.

A wheel is a zip of the strict form of `archive.zips` whose RECORD (PyPA, "Recording
installed projects") names every file with its SHA-256 and size. Beyond that, what an
installer would have to move, rewrite or run has no place: `*.data` folders, `.pth`
files, compiled code. So installing is writing the files where they already are.
"""

import csv
import hashlib
import io
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from updater.archive.extent import Extent
from updater.archive.names import check_path, folded
from updater.archive.zips import (
    MAX_ENTRIES,
    Archive,
    Entry,
    contents,
    open_archive,
    walk,
)
from updater.errors import MalformedError
from updater.shape import unbase64

MAX_RECORD_BYTES = 4 * 1024 * 1024
"""20,000 rows of 200 bytes."""

_FILE_NAME = re.compile(
    r"(?P<project>[A-Za-z0-9_.]+)-(?P<version>[A-Za-z0-9_.+!]+)"
    r"(-[0-9][A-Za-z0-9_.]*)?-[A-Za-z0-9_.]+-[A-Za-z0-9_.]+-[A-Za-z0-9_.]+\.whl"
)
DIST_INFO = ".dist-info"
"""Ends the name of the folder with what a wheel says about itself."""

_SHA256_ROW = re.compile(r"sha256=([A-Za-z0-9_-]{43})")
_SIZE_ROW = re.compile(r"0|[1-9][0-9]{0,9}")


@dataclass(frozen=True, slots=True)
class WheelFile:
    """A file that a wheel becomes: at `path`, with these bytes."""

    path: str
    size: int
    sha256: str = field(kw_only=True)
    """Lower hexadecimal."""
    executable: bool = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel of which everything but the contents of its files is checked."""

    name: str
    archive: Archive = field(repr=False)
    files: tuple[WheelFile, ...] = field(repr=False)
    """In the order of the archive, RECORD among them."""

    def unpack(
        self, seen: Callable[[bytes], object]
    ) -> Iterator[tuple[WheelFile, Iterator[bytes]]]:
        """Give each file with its bytes, showing every byte of the wheel to `seen`.

        A file is right once its bytes have come to an end without an error, and the
        wheel is once the files have. Bytes not asked for are read all the same.

        Raises:
            MalformedError: a file is not what RECORD says, or the archive is damaged.
        """
        files = {file.path: file for file in self.files}
        for entry, chunks in walk(self.archive, seen):
            if not entry.is_folder:
                checked = _check_contents(files[entry.name], chunks)
                yield files[entry.name], checked
                for _ in checked:
                    pass


def open_wheel(name: str, extent: Extent) -> Wheel:
    """Read the directory and RECORD of the wheel with this file name.

    Raises:
        MalformedError: the archive is not of the strict form, RECORD does not name
            exactly its files, or one of them may not be in a wheel of ours.
    """
    archive = open_archive(extent)
    folder = dist_info(name, archive)
    files = {each.name: each for each in archive.entries if not each.is_folder}
    for path in files:
        _check_kind(path)
    own = f"{folder}/RECORD"
    record = read_record(archive, files, own)
    rows = _parse_record(record, own)
    rows[own] = (hashlib.sha256(record).hexdigest(), len(record))
    if rows.keys() != files.keys():
        odd = min(rows.keys() ^ files.keys())
        raise MalformedError(f"{name}: {odd!r} is not in both RECORD and the archive")
    return Wheel(
        name,
        archive,
        tuple(_file(entry, *rows[path]) for path, entry in files.items()),
    )


def project_of(name: str) -> str:
    """Give the normalised project of a wheel's file name (PEP 503, with `_`).

    Raises:
        MalformedError: it is no wheel's file name.
    """
    return _parse_name(name)[0]


def dist_info(name: str, archive: Archive) -> str:
    """Find the one `*.dist-info` folder; it fits the file name.

    Raises:
        MalformedError: there is none, more than one, or that of another wheel.
    """
    tops = {
        entry.name.partition("/")[0]
        for entry in archive.entries
        if entry.is_folder or "/" in entry.name
    }
    found = sorted(top for top in tops if folded(top).endswith(DIST_INFO))
    if len(found) != 1:
        raise MalformedError(
            f"{name}: expected one folder *{DIST_INFO}, came {len(found)}"
        )
    project, dash, version = found[0].removesuffix(DIST_INFO).rpartition("-")
    if not dash or (_normal(project), _normal(version)) != _parse_name(name):
        raise MalformedError(f"{name}: {found[0]!r} is of another wheel")
    return found[0]


def read_record(archive: Archive, files: Mapping[str, Entry], own: str) -> bytes:
    """Unpack the RECORD that lies at `own`.

    Raises:
        MalformedError: it is not there, is damaged or has more than 4 MiB.
    """
    if own not in files:
        raise MalformedError(f"{own!r} is missing")
    if files[own].size > MAX_RECORD_BYTES:
        raise MalformedError(
            f"{own!r}: expected at most {MAX_RECORD_BYTES} bytes,"
            f" came {files[own].size}"
        )
    return b"".join(contents(archive, files[own]))


def record_rows(record: bytes) -> dict[str, tuple[str, str]]:
    """Give the rows of a RECORD by path: hash and size, as they are written.

    Raises:
        MalformedError: it is not CSV in UTF-8 with three columns, a path stands
            twice, or there are more rows than an archive has entries.
    """
    rows: dict[str, tuple[str, str]] = {}
    try:
        text = io.StringIO(record.decode(), newline="")
        for count, row in enumerate(csv.reader(text, strict=True), 1):
            if count > MAX_ENTRIES or len(row) != 3:
                raise MalformedError(
                    f"RECORD: expected {MAX_ENTRIES} rows of three at most"
                )
            path, digest, size = row
            if path in rows:
                raise MalformedError(f"RECORD: {path[:80]!r} stands twice")
            rows[path] = digest, size
    except (UnicodeDecodeError, csv.Error):
        raise MalformedError("RECORD: expected rows of CSV in UTF-8") from None
    return rows


def _parse_name(name: str) -> tuple[str, str]:
    found = _FILE_NAME.fullmatch(name)
    if found is None:
        raise MalformedError(f"{name[:80]!r}: expected the file name of a wheel")
    return _normal(found["project"]), _normal(found["version"])


def _normal(text: str) -> str:
    return re.sub(r"[-_.]+", "_", text).lower()


def _check_kind(path: str) -> None:
    """Refuse what an installer would have to move, run or not write at all."""
    parts = folded(path).split("/")
    if len(parts) > 1 and parts[0].endswith(".data"):
        raise MalformedError(f"{path!r}: expected no *.data folder")
    if len(parts) == 1 and parts[0].endswith(".pth"):
        # Python runs lines of such a file at every start.
        raise MalformedError(f"{path!r}: expected no .pth file")
    if "__pycache__" in parts:
        # It would be run in the place of the source that people read.
        raise MalformedError(f"{path!r}: expected no compiled code")


def _parse_record(record: bytes, own: str) -> dict[str, tuple[str, int]]:
    """Give SHA-256 and size by path, without RECORD's own row."""
    rows = record_rows(record)
    # A file cannot hold its own hash.
    _check_own(*rows.pop(own, ("", "")))
    for path in rows:
        check_path(path)
    return {path: _parse_row(path, *said) for path, said in rows.items()}


def _check_own(digest: str, size: str) -> None:
    if digest or size:
        raise MalformedError("RECORD: expected no hash and size of itself")


def _parse_row(path: str, digest: str, size: str) -> tuple[str, int]:
    hashed = _SHA256_ROW.fullmatch(digest)
    if hashed is None or not _SIZE_ROW.fullmatch(size):
        raise MalformedError(f"RECORD: {path!r}: expected sha256=… and a size")
    plain = hashed[1].translate(str.maketrans("-_", "+/")) + "="
    return unbase64(plain, f"RECORD: {path!r}", size=32).hex(), int(size)


def _file(entry: Entry, sha256: str, size: int) -> WheelFile:
    if entry.size != size:
        raise MalformedError(
            f"{entry.name!r}: RECORD says {size} bytes, the archive {entry.size}"
        )
    return WheelFile(entry.name, size, sha256=sha256, executable=entry.executable)


def _check_contents(file: WheelFile, chunks: Iterator[bytes]) -> Iterator[bytes]:
    found = hashlib.sha256()
    for chunk in chunks:
        found.update(chunk)
        yield chunk
    if found.hexdigest() != file.sha256:
        raise MalformedError(
            f"{file.path!r}: RECORD says SHA-256 {file.sha256},"
            f" came {found.hexdigest()}"
        )
