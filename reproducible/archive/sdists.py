"""Source archives: `canonical-tar/1` of files, `canonical-sdist/1` of any sdist.

Names, contents and executable bits are kept; times, owners, folders and compression
are replaced. `docs/formats/canonical.md` has both forms to the byte.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from reproducible.archive.gzips import Gzip, format_gzip, parse_gzip
from reproducible.archive.tars import TarEntry, read_tar
from updater.archive.names import check_path, check_together
from updater.archive.packing import NewEntry
from updater.archive.ustar import Member, ending, format_header, padding
from updater.errors import MalformedError

MAX_UNPACKED_BYTES = 512 * 1024 * 1024
"""Of a source archive, which is unpacked in memory; the largest in use have 200 MB."""

MAX_EPOCH = 8**11 - 1
"""What eleven octal digits can say, in POSIX seconds: the year 2242."""


@dataclass(frozen=True, slots=True)
class Sdist:
    """A source archive that was read whole."""

    gzip: Gzip
    entries: tuple[TarEntry, ...]
    top: str = field(kw_only=True)
    """The one folder that all of it lies in."""

    def data(self, entry: TarEntry) -> bytes:
        """Give the bytes of one of its members."""
        return entry.data(self.gzip.data)


def open_sdist(data: bytes) -> Sdist:
    """Read a `.tar.gz` with one top folder (PyPA, "Source distribution format").

    Raises:
        MalformedError: gzip or tar is not of the strict form, it unpacks to more
            than 512 MiB, or there is not exactly one top folder.
    """
    gzip = parse_gzip(data, most=MAX_UNPACKED_BYTES)
    entries = read_tar(gzip.data)
    tops = {entry.name.partition("/")[0] for entry in entries}
    outside = [e for e in entries if "/" not in e.name and e.kind != "folder"]
    if len(tops) != 1 or outside:
        raise MalformedError(
            f"sdist: expected one top folder, came {len(tops)}"
            f" with {len(outside)} files beside them"
        )
    return Sdist(gzip, entries, top=tops.pop())


def write_tar(files: Iterable[NewEntry], epoch: int) -> bytes:
    """Write `canonical-tar/1` of some files, in any order; `epoch` in POSIX seconds.

    Raises:
        MalformedError: two of them cannot lie in one folder, a path is not a plain
            relative one, or the epoch is not within 1970 and 2242.
    """
    if not 0 <= epoch <= MAX_EPOCH:
        raise MalformedError(
            f"tar: expected an epoch within 0 and {MAX_EPOCH}, came {epoch}"
        )
    ordered = sorted(files, key=lambda each: each.name.encode(errors="replace"))
    for entry in ordered:
        check_path(entry.name)
    check_together([each.name for each in ordered])
    body = bytearray()
    for entry in ordered:
        size = len(entry.data)
        member = Member(entry.name, size, mtime=epoch, executable=entry.executable)
        body += format_header(member)
        body += entry.data
        body += padding(size)
    return bytes(body + ending(len(body)))


def canonical_sdist(raw: bytes, epoch: int) -> bytes:
    """Write `canonical-sdist/1` of what a backend made; `epoch` in POSIX seconds.

    Raises:
        MalformedError: it is not of the strict form, or holds a link, which could
            only be kept or lost in silence.
    """
    sdist = open_sdist(raw)
    for entry in sdist.entries:
        if entry.kind == "link":
            raise MalformedError(f"sdist: {entry.name!r}: expected no link")
    files = (
        NewEntry(entry.name, sdist.data(entry), executable=entry.executable)
        for entry in sdist.entries
        if entry.kind == "file"
    )
    return format_gzip(write_tar(files, epoch))
