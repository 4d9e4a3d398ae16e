"""Entries become an index: which of them count, and where they contradict each other.

Whether a signature counts is judged by the trust files that were ever honoured here; an
entry that nobody entitled has signed is garbage: counted, shown, without effect. One
version has one file for each platform, for ever: a second one is a `Conflict`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import assert_never

from updater.errors import RefusedError
from updater.transparency.claims.policy import PolicyClaim
from updater.transparency.claims.rebuild import Objection, RebuildClaim
from updater.transparency.claims.release import ReleaseClaim
from updater.transparency.claims.successor import SuccessorClaim
from updater.transparency.claims.yank import YankClaim
from updater.transparency.entry import Entry, Garbage, Unknown, read_entry
from updater.transparency.index import (
    Index,
    LoggedFile,
    LoggedRebuild,
    LoggedYank,
    Place,
    join,
)
from updater.transparency.trust import Trust, check_entry

MAX_UNJUDGED = 256
"""Policy entries, and likewise successors, that are kept though no trust file honoured
here entitles their signers. The log's key alone suffices to flood with those. Further
ones are garbage and following goes on; what such a one would have made count does not,
until its signers are entitled and all is read again."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two release entries that name one version and platform with two files."""

    first: Place
    second: Place
    version: str = field(kw_only=True)
    platform: str = field(kw_only=True)


class Reader:
    """Reads the entries of one log, in order, into its index.

    `index` is what was read of that log before, `others` what other logs of the project
    say. `judges` are the trust files that were ever honoured here: what one of them
    lets through counts.
    """

    def __init__(
        self,
        origin: str,
        index: Index,
        *,
        others: Sequence[Index] = (),
        judges: Sequence[Trust],
    ) -> None:
        self._origin = origin
        self._judges = judges
        self._counts = {
            "garbage": index.garbage,
            "unknown": index.unknown,
            "repeated": index.repeated,
        }
        self._files = list(index.files)
        self._yanks = list(index.yanks)
        self._rebuilds = list(index.rebuilds)
        self._policies = list(index.policies)
        self._successors = list(index.successors)
        everything = join([*others, index])
        self._file_of: dict[tuple[str, str], LoggedFile] = {}
        self._release_files: dict[bytes, set[str]] = {}
        for each in everything.files:
            self._remember(each)
        self._seen = {place.leaf_hash for place in _places(index)}
        self.conflicts: list[Conflict] = []
        """What contradicts, in the entries read by this reader."""

    @property
    def index(self) -> Index:
        """What is known now."""
        return Index(
            files=tuple(self._files),
            yanks=tuple(self._yanks),
            rebuilds=tuple(self._rebuilds),
            policies=tuple(self._policies),
            successors=tuple(self._successors),
            **self._counts,
        )

    def read(self, index: int, leaf: bytes) -> None:
        """Take in the entry at an index; it was checked against the log's tree."""
        entry = read_entry(leaf)
        if entry.leaf_hash in self._seen:
            self._counts["repeated"] += 1
            return
        match entry:
            case Garbage():
                self._counts["garbage"] += 1
            case Unknown():
                self._counts["unknown"] += 1
            case Entry():
                place = Place(self._origin, index, leaf_hash=entry.leaf_hash)
                if self._take(place, entry):
                    self._seen.add(entry.leaf_hash)
                else:
                    self._counts["garbage"] += 1
            case _:
                assert_never(entry)

    def _take(self, place: Place, entry: Entry) -> bool:
        """Keep what an entry says; tell whether it says anything."""
        claim = entry.claim
        match claim:
            # The set that entitles the signers of these may itself wait in this log.
            case PolicyClaim():
                return self._wait(self._policies, place, entry)
            case SuccessorClaim():
                return self._wait(self._successors, place, entry)
            case _ if not self._is_entitled(entry):
                return False
            case ReleaseClaim():
                self._release(place, claim)
            case YankClaim():
                return self._yank(place, claim)
            case RebuildClaim() | Objection():
                signer = entry.envelope.signatures[0].keyid  # the only one
                sha256 = claim.subject.sha256
                self._rebuilds.append(LoggedRebuild(place, sha256, signer=signer))
            case _:
                assert_never(claim)
        return True

    def _wait(self, rows: list[Place], place: Place, entry: Entry) -> bool:
        if len(rows) >= MAX_UNJUDGED and not self._is_entitled(entry):
            return False
        rows.append(place)
        return True

    def _is_entitled(self, entry: Entry) -> bool:
        for trust in self._judges:
            try:
                check_entry(trust, entry)
            except RefusedError:
                continue
            return True
        return False

    def _release(self, place: Place, claim: ReleaseClaim) -> None:
        for artifact in claim.artifacts:
            file = LoggedFile(
                place,
                claim.version,
                platform=artifact.platform,
                channel=claim.channel,
                sha256=artifact.sha256,
            )
            self._files.append(file)
            first = self._remember(file)
            if first.sha256 != file.sha256:
                self.conflicts.append(
                    Conflict(
                        first.place,
                        place,
                        version=file.version,
                        platform=file.platform,
                    )
                )

    def _remember(self, file: LoggedFile) -> LoggedFile:
        """Give the first file that bore this version for this platform."""
        self._release_files.setdefault(file.place.leaf_hash, set()).add(file.sha256)
        return self._file_of.setdefault((file.version, file.platform), file)

    def _yank(self, place: Place, claim: YankClaim) -> bool:
        meant = self._release_files.get(claim.release.leaf_hash)
        files = tuple(dict.fromkeys(each.sha256 for each in claim.subject))
        # One that names no file of its release says nothing; of a release that is not
        # known here it may say something, and then it restricts.
        if meant is not None and meant.isdisjoint(files):
            return False
        self._yanks.append(
            LoggedYank(
                place,
                claim.release.leaf_hash,
                files=files,
                reason=claim.reason,
                notice=claim.notice,
                replacement=claim.replacement,
                advisory=claim.advisory,
            )
        )
        return True


def _places(index: Index) -> list[Place]:
    return [
        *(each.place for each in index.files),
        *(each.place for each in index.yanks),
        *(each.place for each in index.rebuilds),
        *index.policies,
        *index.successors,
    ]
