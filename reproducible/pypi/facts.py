"""What a published wheel and its source archive tell of how they were made.

Rules. Nothing here is trusted: a fact is a guess that the comparison proves or does
not. So what cannot be read is unknown and no error; the comparison will say it.
"""

import re
from calendar import timegm
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from reproducible.archive.sdists import open_sdist
from reproducible.compare.directory import Row, read_rows
from reproducible.inputs.fields import BACKEND, folder, requirement
from reproducible.inputs.toml import parse_toml
from reproducible.inputs.tree import Tree
from updater import shape
from updater.archive.extent import in_memory
from updater.archive.wheel import DIST_INFO
from updater.archive.zips import Archive, contents, open_archive
from updater.errors import MalformedError

LEGACY: Final = "setuptools.build_meta:__legacy__"
"""The backend where none is named (PEP 517, "Source trees")."""

_MAX_TEXT_BYTES: Final = 1024 * 1024  # of WHEEL, METADATA and pyproject.toml
_MAX_REQUIRES: Final = 64
_GENERATOR: Final = re.compile(
    r"(?P<tool>[A-Za-z][A-Za-z0-9_.-]{0,63})"
    r" \(?(?P<version>[0-9][A-Za-z0-9.+!]{0,63})\)?"
)
_LEGACY_REQUIRES: Final = ("setuptools", "wheel")
_SETUP: Final = ("setup.py", "setup.cfg")
_GROUP_WRITE: Final = 0o020
_QUARTER_S: Final = 900  # time zones are multiples of a quarter of an hour
_WIDEST_S: Final = 14 * 3600


@dataclass(frozen=True, slots=True)
class Generator:
    """The tool that says it wrote a wheel (PyPA, "Binary distribution format")."""

    tool: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelFacts:
    """What a wheel tells.

    Attributes:
        generator: None where it does not say.
        times: when each entry was changed, as POSIX seconds if it was meant in UTC;
            they have steps of two seconds. None where no time can be meant.
        group_made: whether what the build wrote was writable for a group.
        group_source: whether what it took from the source was.
        old_platform: whether METADATA says `Platform: UNKNOWN`, as old tools do.
        old_requires: whether it has versions in parentheses, as the package `wheel`
            wrote them until 0.40.
    """

    generator: Generator | None = None
    times: Mapping[str, int | None] = field(default_factory=dict)
    group_made: bool = False
    group_source: bool = False
    old_platform: bool = False
    old_requires: bool = False

    @property
    def instant(self) -> int | None:
        """The one time of all entries, in POSIX seconds; None where there are more."""
        return (
            next(iter(self.times.values()))
            if len({*self.times.values()}) == 1
            else None
        )

    @property
    def written(self) -> int | None:
        """When its RECORD was, in POSIX seconds; None where it was no time of a build.

        A RECORD is written last. Where other entries are later, what it has is a date
        that the tool writes always, as 2016-01-01 by flit.
        """
        times = [when for when in self.times.values() if when is not None]
        for name, when in self.times.items():
            if name.endswith(f"{DIST_INFO}/RECORD") and when == max(times, default=0):
                return when
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class SdistFacts:
    """What a source archive tells of its build system (PEP 517, PEP 518).

    Attributes:
        requires: as written, without what is no requirement.
        times: when each file was changed, in POSIX seconds.
        asks: whether the backend has to be asked what else it needs, which
            configurations of old can only say by being run.
    """

    backend: str = LEGACY
    backend_path: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    times: Mapping[str, int] = field(default_factory=dict)
    asks: bool = False

    @property
    def family(self) -> str:
        """The first part of the backend's name, as `setuptools`."""
        return self.backend.partition(":")[0].partition(".")[0]

    @property
    def is_own_backend(self) -> bool:
        """Whether it brings its backend along."""
        return bool(self.backend_path)


def read_wheel(data: bytes) -> WheelFacts:
    """Take facts from a wheel; of one that is not of the strict form there are none."""
    try:
        archive = open_archive(in_memory(data))
        rows = list(read_rows(archive))
        wheel = _headers(archive, "WHEEL")
        metadata = _headers(archive, "METADATA")
    except MalformedError:
        return WheelFacts()
    said = _GENERATOR.fullmatch(wheel.get("generator", ""))
    files = [row for row in rows if not row.entry.is_folder]
    return WheelFacts(
        generator=Generator(said["tool"].lower(), said["version"]) if said else None,
        times={row.entry.name: _moment(row) for row in files},
        group_made=any(_is_made(row) and _is_for_group(row) for row in files),
        group_source=any(not _is_made(row) and _is_for_group(row) for row in files),
        old_platform=metadata.get("platform") == "UNKNOWN",
        old_requires=" (" in metadata.get("requires-dist", ""),
    )


def read_sdist(tree: Tree) -> SdistFacts:
    """Take facts from the tree of a source archive, or of a commit.

    Raises:
        MalformedError: its `pyproject.toml` names no usable build system.
    """
    times = {file.path: file.mtime for file in tree.files if file.mtime is not None}
    known = {file.path: file.data for file in tree.files if file.link is None}
    asks = any(b"setup_requires" in known.get(each, b"") for each in _SETUP)
    if "pyproject.toml" not in known:
        return SdistFacts(requires=_LEGACY_REQUIRES, times=times, asks=asks)
    top = parse_toml(known["pyproject.toml"], most=_MAX_TEXT_BYTES)
    where = "pyproject.toml: build-system"
    system = shape.fields(top.get("build-system", {}), where, ())
    requires = shape.items(
        system.get("requires", [*_LEGACY_REQUIRES]),
        f"{where}.requires",
        most=_MAX_REQUIRES,
    )
    folders = shape.items(
        system.get("backend-path", []), f"{where}.backend-path", most=8
    )
    backend = system.get("build-backend", LEGACY)
    return SdistFacts(
        backend=shape.text(backend, f"{where}.build-backend", BACKEND),
        backend_path=tuple(folder(each, f"{where}.backend-path") for each in folders),
        requires=tuple(requirement(each, f"{where}.requires") for each in requires),
        times=times,
        # A backend of its own says there what it is made of.
        asks=asks or bool(folders),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedFacts:
    """What a published source archive tells of how it was packed.

    Attributes:
        times: when each member was changed, in POSIX seconds, rounded down.
        written: when it was packed, in POSIX seconds; 0 where it does not say.
        group_write: whether its files were writable for a group.
    """

    times: Mapping[str, int | None] = field(default_factory=dict)
    written: int = 0
    group_write: bool = False


def read_packed(data: bytes) -> PackedFacts:
    """Take facts from a source archive.

    Raises:
        MalformedError: it is not of the strict form.
    """
    sdist = open_sdist(data)
    files = [each for each in sdist.entries if each.kind == "file"]
    return PackedFacts(
        times={each.name: int(each.mtime) for each in files},
        written=sdist.gzip.mtime,
        group_write=any(each.mode & _GROUP_WRITE for each in files),
    )


def zone_s(wheel: WheelFacts, sdist: SdistFacts) -> int:
    """Tell how far the clock of whoever made a wheel was ahead of UTC, in seconds.

    Some tools write local times. Where most files of the wheel are off from the source
    archive's by the same quarters of an hour, that was the time zone; else 0.
    """
    offsets = Counter(
        made - written // 2 * 2
        for path, made in wheel.times.items()
        if made is not None
        for written in _written(path, sdist.times)
    )
    if not offsets:
        return 0
    offset, count = offsets.most_common(1)[0]
    is_most = 2 * count > sum(offsets.values())
    is_zone = offset % _QUARTER_S == 0 and abs(offset) <= _WIDEST_S
    return offset if is_most and is_zone else 0


def _written(path: str, times: Mapping[str, int]) -> Iterable[int]:
    """Give the time of a wheel's file in the source, where packages are below `src`."""
    return [times[each] for each in (path, f"src/{path}") if each in times]


def _is_made(row: Row) -> bool:
    return row.entry.name.partition("/")[0].endswith(DIST_INFO)


def _is_for_group(row: Row) -> bool:
    # The package `wheel` gives RECORD the mode 0664 whatever the umask.
    is_record = row.entry.name.endswith("/RECORD")
    return not is_record and bool(row.external >> 16 & _GROUP_WRITE)


def _moment(row: Row) -> int | None:
    """Read a DOS time (APPNOTE.TXT 4.4.6)."""
    try:
        when = datetime(
            1980 + (row.date >> 9),
            row.date >> 5 & 15,
            row.date & 31,
            row.time >> 11,
            row.time >> 5 & 63,
            (row.time & 31) * 2,
            tzinfo=UTC,
        )
    except ValueError:
        return None
    return timegm(when.timetuple())


def _headers(archive: Archive, name: str) -> dict[str, str]:
    """Read the first of each header of WHEEL or METADATA, in lower case."""
    found: dict[str, str] = {}
    for entry in archive.entries:
        folder, _, file = entry.name.partition("/")
        is_it = file == name and folder.endswith(DIST_INFO)
        if is_it and entry.size <= _MAX_TEXT_BYTES:
            text = b"".join(contents(archive, entry)).decode(errors="replace")
            for line in text.partition("\n\n")[0].splitlines():
                key, _, value = line.partition(":")
                found.setdefault(key.lower(), value.strip())
    return found
