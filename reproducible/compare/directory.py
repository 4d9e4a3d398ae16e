"""What the directory of a zip says of each entry, and where it says so."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from stat import S_ISREG

from updater.archive.zips import CENTRAL, LOCAL, Archive, Entry

_DOS_FOLDER = 0x10  # of the external attributes (APPNOTE.TXT 4.4.15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of the directory (APPNOTE.TXT 4.3.12), as far as comparing needs it."""

    entry: Entry
    at: int
    """Where it stands in the file."""
    raw: bytes = field(repr=False)
    """Its 46 bytes, without name and extra field."""
    extras: tuple[bytes, bytes] = field(repr=False)
    """The extra fields of the entry's own header and of the row."""
    made_by: int
    needed: int
    flags: int
    method: int
    time: int
    date: int
    internal: int
    external: int

    @property
    def facts(self) -> tuple[object, ...]:
        """All that is said of it, but for its name, its place and its contents."""
        said = self.raw[4:16] + self.raw[34:42]
        return said, self.extras, self.entry.is_folder

    @property
    def installed_as(self) -> tuple[bool, bool, int]:
        """What becomes of the permissions, equal if it does for every installer.

        Some look at the type of the file before they make it executable, some at the
        system that is said to have made the archive, some at neither. So a mode with
        any bit of 0111 is the same only with the same type and system.
        """
        mode = self.external >> 16
        is_folder = bool(self.external & _DOS_FOLDER)
        if not mode & 0o111:
            return is_folder, False, 0
        return is_folder, S_ISREG(mode), (self.made_by >> 8) + 1


def read_rows(archive: Archive) -> Iterator[Row]:
    """Read the directory of an archive that was opened, in order."""
    start, at = archive.extent.size - len(archive.tail), 0
    for entry in archive.entries:
        (
            _, made_by, needed, flags, method, time, date, _, _, _,
            name_size, extra_size, _, _, internal, external, _,
        ) = CENTRAL.unpack_from(archive.tail, at)  # fmt: skip
        after = at + CENTRAL.size + name_size
        yield Row(
            entry=entry,
            at=start + at,
            raw=archive.tail[at : at + CENTRAL.size],
            extras=(
                entry.head[LOCAL.size + name_size :],
                archive.tail[after : after + extra_size],
            ),
            made_by=made_by,
            needed=needed,
            flags=flags,
            method=method,
            time=time,
            date=date,
            internal=internal,
            external=external,
        )
        at = after + extra_size
