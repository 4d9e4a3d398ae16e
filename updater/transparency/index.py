"""What is taken out of a log's entries: files, yanks, rebuilds and policy changes.

A client reads every entry once (`reading`) and remembers only this. Its form is part of
a client's state: docs/formats/log-client.md.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import KW_ONLY, dataclass, field
from typing import TypeVar

from updater import shape
from updater.jcs import Json
from updater.statement import MAX_SUBJECTS
from updater.transparency.claims import parts
from updater.transparency.claims.yank import NOTICES, REASONS

MOST_OF_A_KEY = 16
"""Rebuild entries of one key about one file that are looked at, the newest: whoever
has more to say of it must not fill the list for everybody else."""
MAX_ROWS = 1_000_000
"""Of a kind in one log: ten times what a client reads in one run."""

_PLATFORM = re.compile("[a-z0-9_.-]{1,64}")  # as in a release claim
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Place:
    """Where an entry stands: in which log, at which index from 0, with which leaf."""

    origin: str
    index: int
    leaf_hash: bytes = field(kw_only=True)
    """32 bytes."""


@dataclass(frozen=True, slots=True)
class LoggedFile:
    """A file that a release entry names; its digest in lower hexadecimal."""

    place: Place
    version: str
    _: KW_ONLY
    platform: str
    channel: str
    sha256: str


@dataclass(frozen=True, slots=True)
class LoggedYank:
    """Files that must not be installed any more; None where nothing legible is said."""

    place: Place
    release: bytes
    """The leaf hash of the release that is meant, 32 bytes."""
    _: KW_ONLY
    files: tuple[str, ...]
    """SHA-256 of each, lower hexadecimal."""
    reason: str | None
    notice: str | None
    replacement: str | None
    advisory: str | None


@dataclass(frozen=True, slots=True)
class LoggedRebuild:
    """Somebody's word on a file (its SHA-256); what it says is in the leaf."""

    place: Place
    sha256: str
    signer: str = field(kw_only=True)
    """SHA-256 of the key that signed it, lower hexadecimal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """What is known of all entries that were read, in the order of their log."""

    files: tuple[LoggedFile, ...] = ()
    yanks: tuple[LoggedYank, ...] = ()
    rebuilds: tuple[LoggedRebuild, ...] = ()
    policies: tuple[Place, ...] = ()
    """Well-formed policy entries; who may have signed them is judged by `honour`."""
    successors: tuple[Place, ...] = ()
    """Likewise, of successor entries."""
    garbage: int = 0
    """Entries that are no claim, or that nobody entitled has signed."""
    unknown: int = 0
    """Entries of a kind that is not known here."""
    repeated: int = 0
    """Entries that stand in the log a second time, byte for byte."""

    def files_of(self, version: str, platform: str) -> tuple[LoggedFile, ...]:
        """Give the entries of one version for one platform, on whatever channel."""
        wanted = (version, platform)
        return tuple(
            each for each in self.files if (each.version, each.platform) == wanted
        )

    def yanks_of(self, sha256: str) -> tuple[LoggedYank, ...]:
        """Give what says that a file must not be installed."""
        return tuple(each for each in self.yanks if sha256 in each.files)

    def rebuilds_of(self, sha256: str) -> tuple[Place, ...]:
        """Give where somebody says to have rebuilt a file, the newest of each key."""
        of_key: dict[str, list[Place]] = {}
        for each in self.rebuilds:
            if each.sha256 == sha256:
                of_key.setdefault(each.signer, []).append(each.place)
        return tuple(
            place for several in of_key.values() for place in several[-MOST_OF_A_KEY:]
        )


def join(indexes: Iterable[Index]) -> Index:
    """Give what several logs of one project say together."""
    several = tuple(indexes)
    return Index(
        files=tuple(row for each in several for row in each.files),
        yanks=tuple(row for each in several for row in each.yanks),
        rebuilds=tuple(row for each in several for row in each.rebuilds),
        policies=tuple(row for each in several for row in each.policies),
        successors=tuple(row for each in several for row in each.successors),
        garbage=sum(each.garbage for each in several),
        unknown=sum(each.unknown for each in several),
        repeated=sum(each.repeated for each in several),
    )


# Rows are arrays: ten thousand entries make a state of two megabytes, not of four.


def index_json(index: Index) -> dict[str, Json]:
    """Write an index as `read_index` reads it."""
    return {
        "files": [
            [
                *_where(each.place),
                each.version,
                each.platform,
                each.channel,
                each.sha256,
            ]
            for each in index.files
        ],
        "garbage": index.garbage,
        "policies": [_where(each) for each in index.policies],
        "rebuilds": [
            [*_where(each.place), each.sha256, each.signer] for each in index.rebuilds
        ],
        "repeated": index.repeated,
        "successors": [_where(each) for each in index.successors],
        "unknown": index.unknown,
        "yanks": [
            [
                *_where(each.place),
                each.release.hex(),
                list(each.files),
                each.reason,
                each.notice,
                each.replacement,
                each.advisory,
            ]
            for each in index.yanks
        ],
    }


def read_index(value: Json, origin: str) -> Index:
    """Read the index of a log out of a state.

    Raises:
        MalformedError: a field is missing, wrong or one too many.
    """
    found = shape.record(value, "index", _KEYS)
    return Index(
        files=_rows(found["files"], "files", 6, lambda row: _file(row, origin)),
        yanks=_rows(found["yanks"], "yanks", 8, lambda row: _yank(row, origin)),
        rebuilds=_rows(
            found["rebuilds"],
            "rebuilds",
            4,
            lambda row: _rebuild(row, origin),
        ),
        policies=_rows(
            found["policies"], "policies", 2, lambda row: _place(row, origin)
        ),
        successors=_rows(
            found["successors"], "successors", 2, lambda row: _place(row, origin)
        ),
        garbage=shape.integer(found["garbage"], "garbage"),
        unknown=shape.integer(found["unknown"], "unknown"),
        repeated=shape.integer(found["repeated"], "repeated"),
    )


_KEYS = (
    "files",
    "garbage",
    "policies",
    "rebuilds",
    "repeated",
    "successors",
    "unknown",
    "yanks",
)


def _rows(
    value: Json, where: str, width: int, read: Callable[[list[Json]], _T]
) -> tuple[_T, ...]:
    return tuple(
        read(shape.items(row, where, least=width, most=width))
        for row in shape.items(value, where, most=MAX_ROWS)
    )


def _where(place: Place) -> list[Json]:
    return [place.index, place.leaf_hash.hex()]


def _place(row: list[Json], origin: str) -> Place:
    leaf_hash = bytes.fromhex(_sha256(row[1], "leaf hash"))
    return Place(origin, shape.integer(row[0], "index"), leaf_hash=leaf_hash)


def _file(row: list[Json], origin: str) -> LoggedFile:
    return LoggedFile(
        _place(row, origin),
        shape.text(row[2], "version", parts.VERSION),
        platform=shape.text(row[3], "platform", _PLATFORM),
        channel=shape.text(row[4], "channel", parts.WORD),
        sha256=_sha256(row[5], "file"),
    )


def _rebuild(row: list[Json], origin: str) -> LoggedRebuild:
    return LoggedRebuild(
        _place(row, origin),
        _sha256(row[2], "rebuild"),
        signer=_sha256(row[3], "signer"),
    )


def _yank(row: list[Json], origin: str) -> LoggedYank:
    files = shape.items(row[3], "yanked files", least=1, most=MAX_SUBJECTS)
    reason, notice, replacement, advisory = row[4:]
    return LoggedYank(
        _place(row, origin),
        bytes.fromhex(_sha256(row[2], "release")),
        files=tuple(_sha256(each, "yanked file") for each in files),
        reason=None if reason is None else shape.one_of(reason, "reason", *REASONS),
        notice=None if notice is None else shape.one_of(notice, "notice", *NOTICES),
        replacement=(
            None
            if replacement is None
            else shape.text(replacement, "replacement", parts.VERSION)
        ),
        advisory=(
            None if advisory is None else shape.text(advisory, "advisory", parts.URI)
        ),
    )


def _sha256(value: Json, where: str) -> str:
    return shape.text(value, where, shape.SHA256)
