"""What lies in an archive, by the names that differences use.

Read for explaining alone, after the verdict: less is checked than when comparing, and
an archive that cannot be read has no members here, and no excerpts.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Final

from reproducible.archive.sdists import open_sdist
from reproducible.compare.directory import read_rows
from updater.archive.bundle import MAX_WHEELS
from updater.archive.extent import Extent
from updater.archive.ustar import read_members
from updater.archive.zips import Archive, Entry, contents, open_archive
from updater.errors import MalformedError

UNIX: Final = 3
"""The system Unix (APPNOTE.TXT 4.4.2.2); tars know no other."""

_MOST_OPENED = 50  # wheels of a bundle: as many members as excerpts are made of

MAX_PACKED_BYTES: Final = 512 * 1024 * 1024
"""Of a source archive, which is read whole; as when it was compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A file in an archive.

    Attributes:
        size: in bytes, unpacked.
        stamp: its time as the archive says it; only good to be compared.
        mode: the nine bits of permission.
        owner: user and group, where the archive says; only good to be compared.
        system: what made the entry, as zip counts: 0 DOS or Windows, 3 Unix.
        read: unpacks it; raises MalformedError.
    """

    size: int
    stamp: int | Decimal
    mode: int
    system: int
    owner: str = ""
    read: Callable[[], bytes] = field(repr=False)


Members = Mapping[str, Member]
"""By path; a member of a wheel in a bundle is `WHEEL!MEMBER`."""


def open_members(
    name: str, archive: Extent | None, wanted: Collection[str] = ()
) -> Members:
    """List the files of a wheel, an sdist or a bundle; what it is, its name says.

    Of a bundle, those wheels are opened that an entry in `wanted` lies in, at most 50.
    """
    if archive is None:
        return {}
    try:
        if name.endswith(".whl"):
            return dict(_of_wheel(archive))
        if name.endswith((".tar.gz", ".tgz")):
            return dict(_of_sdist(archive))
        if name.endswith(".tar"):
            return dict(_of_bundle(archive, wanted))
    except MalformedError:
        # The comparison has said so, with the rule that is broken.
        return {}
    return {}


def _of_wheel(archive: Extent) -> Iterator[tuple[str, Member]]:
    opened = open_archive(archive)
    for row in read_rows(opened):
        if not row.entry.is_folder:
            yield (
                row.entry.name,
                Member(
                    size=row.entry.size,
                    stamp=row.date << 16 | row.time,
                    mode=row.external >> 16 & 0o777,
                    system=row.made_by >> 8,
                    read=partial(_unpacked, opened, row.entry),
                ),
            )


def _of_sdist(archive: Extent) -> Iterator[tuple[str, Member]]:
    if archive.size > MAX_PACKED_BYTES:
        return
    sdist = open_sdist(archive.read(0, archive.size))
    for entry in sdist.entries:
        if entry.kind == "file":
            yield (
                entry.name,
                Member(
                    size=entry.size,
                    stamp=entry.mtime,
                    mode=entry.mode,
                    system=UNIX,
                    owner=f"{entry.owner}",
                    read=partial(sdist.data, entry),
                ),
            )


def _of_bundle(
    archive: Extent, wanted: Collection[str]
) -> Iterator[tuple[str, Member]]:
    opened = dict.fromkeys(entry.partition("!")[0] for entry in wanted if "!" in entry)
    inside = set(list(opened)[:_MOST_OPENED])
    for found, extent in read_members(archive, most=MAX_WHEELS + 1):
        wheel = found.name.rpartition("/")[2]
        yield (
            found.name,
            Member(
                size=found.size,
                stamp=found.mtime,
                mode=0o755 if found.executable else 0o644,
                system=UNIX,
                read=partial(extent.read, 0, found.size),
            ),
        )
        if wheel in inside:
            for path, member in open_members(wheel, extent).items():
                yield f"{wheel}!{path}", member


def _unpacked(archive: Archive, entry: Entry) -> bytes:
    return b"".join(contents(archive, entry))
