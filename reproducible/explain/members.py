"""What lies in an archive, by the names that differences use.

Read for explaining alone, after the verdict: less is checked than when comparing, and
an archive that cannot be read has no members here, and no excerpts.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from updater.archive.extent import Extent


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A file in an archive.

    Attributes:
        size: in bytes, unpacked.
        stamp: its time as the archive says it; only good to be compared.
        mode: the nine bits of permission.
        system: what made the entry, as zip counts: 0 DOS or Windows, 3 Unix.
        read: unpacks it; raises MalformedError.
    """

    size: int
    stamp: int
    mode: int
    system: int
    read: Callable[[], bytes] = field(repr=False)


Members = Mapping[str, Member]
"""By path; a member of a wheel in a bundle is `WHEEL!MEMBER`."""


def open_members(
    name: str, archive: Extent | None, wanted: Collection[str] = ()
) -> Members:
    """List the files of a wheel, an sdist or a bundle; what it is, its name says.

    Of a bundle only the wheels are opened that an entry in `wanted` lies in.
    """
    raise NotImplementedError
