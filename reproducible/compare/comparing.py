"""Two files compared: hash first, then proof, then classes.

`identical` is said when the SHA-256 of both files is equal, and never else: no archive
is normalised before it is hashed. Files that differ are read again, and refused if they
are no longer what was hashed, so the bytes that are taken apart are those that the
comparison names.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from reproducible.archive.sdists import open_sdist
from reproducible.archive.wheels import open_wheel
from reproducible.compare.bundles import compare_bundles, is_bundle
from reproducible.compare.members import in_order
from reproducible.compare.opening import open_both, unopened
from reproducible.compare.proof import prove_sdist, prove_wheel
from reproducible.compare.sdists import classify_sdists
from reproducible.compare.verdict import Comparison, Difference, FileId
from reproducible.compare.wheels import classify_wheels
from reproducible.errors import InputError
from updater.archive.extent import Extent
from updater.errors import MalformedError
from updater.transparency.claims.rebuild import Exemption

MAX_BYTES = 512 * 1024 * 1024
"""Ten times our bundle; wheels and sdists that differ are held in memory."""

_WHEEL, _SDIST, _TAR = ".whl", (".tar.gz", ".tgz"), ".tar"

_Reasons = Mapping[str, str] | None
"""Of the fields that may be excepted; None if none may."""

_Found = tuple[tuple[Exemption, ...], list[Difference]]
"""Exceptions if these are all that differs, else differences."""


@dataclass(frozen=True, slots=True)
class _File:
    """A file and what it was when it was hashed."""

    extent: Extent
    id: FileId

    def hold(self) -> bytes:
        """Read all of it.

        Raises:
            MalformedError: there is too much of it.
            InputError: it is no longer what was hashed.
        """
        if self.id.size > MAX_BYTES:
            raise MalformedError(
                f"expected at most {MAX_BYTES} bytes, came {self.id.size}"
            )
        try:
            data = self.extent.read(0, self.id.size)
        except MalformedError as error:
            raise InputError(f"{self.id.name}: {error}") from error
        self.check((data,))
        return data

    def chunks(self) -> Iterator[bytes]:
        """Read it in step.

        Raises:
            InputError: it has become shorter.
        """
        return _chunks(self.extent, self.id.name)

    def check(self, chunks: Iterable[bytes]) -> None:
        """Expect the bytes that were hashed.

        Raises:
            InputError: they are others.
        """
        if _sha256(chunks) != self.id.sha256:
            raise InputError(f"{self.id.name}: changed while it was compared")


def compare(  # noqa: PLR0913 - two files, their names, and what may be excepted
    published: Extent,
    rebuilt: Extent,
    *,
    name: str,
    rebuilt_name: str | None = None,
    own: bool = False,
    reasons: Mapping[str, str] | None = None,
) -> Comparison:
    """Say whether two files are the same, and if not, how they differ.

    Args:
        published: what is distributed.
        rebuilt: what came out of the build.
        name: the published file's, without a folder; its ending says what it is:
            `.whl`, `.tar.gz` or `.tgz` (an sdist), `.tar` (a bundle). Files of another
            ending, and tars that are no bundles, are compared byte by byte alone.
        rebuilt_name: likewise; the same name if it is not given.
        own: whether it is ours to reproduce, so that no header field is excepted.
            Always so for bundles.
        reasons: by header field, why an exception was expected there; one that was
            found without it has the reason `unlisted`.

    Raises:
        InputError: a file changed while it was read.
    """
    theirs = _identify(published, name)
    ours = _identify(rebuilt, rebuilt_name or name)
    said = Comparison(
        verdict="different", method="sha256", published=theirs.id, rebuilt=ours.id
    )
    renamed = theirs.id.name != ours.id.name
    if theirs.id.sha256 == ours.id.sha256:
        warnings = ("the two files have different names",) if renamed else ()
        return replace(said, verdict="identical", warnings=warnings)
    exceptions, differences = _look(
        theirs, ours, None if own or renamed else reasons or {}
    )
    if exceptions:
        return replace(
            said,
            verdict="identical-with-exceptions",
            method="patch-proof/1",
            exceptions=exceptions,
        )
    if renamed:
        words = f"published {theirs.id.name!r}, rebuilt {ours.id.name!r}"
        differences.append(Difference("name", "both", theirs.id.name, words))
    return replace(said, differences=tuple(in_order(differences)))


def _look(theirs: _File, ours: _File, reasons: _Reasons) -> _Found:
    """Find what differs in files that are known to, by what their names say they are.

    Raises:
        InputError: a file is no longer what was hashed.
    """
    names = theirs.id.name, ours.id.name
    if all(name.endswith(_WHEEL) for name in names):
        return _wheels(theirs, ours, reasons)
    if all(name.endswith(_SDIST) for name in names):
        return _sdists(theirs, ours, reasons)
    if all(name.endswith(_TAR) for name in names) and any(
        is_bundle(next(each.chunks(), b"")) for each in (theirs, ours)
    ):
        found = compare_bundles(theirs.extent, ours.extent, name=names[0])
    else:
        found = _unopened(theirs, ours)
    # These were read in step, and so a second time.
    theirs.check(theirs.chunks())
    ours.check(ours.chunks())
    return (), found


def _wheels(theirs: _File, ours: _File, reasons: _Reasons) -> _Found:
    opened = open_both(
        lambda: open_wheel(theirs.id.name, theirs.hold()),
        lambda: open_wheel(ours.id.name, ours.hold()),
        entry=theirs.id.name,
    )
    if isinstance(opened, list):
        return (), opened
    if reasons is not None:
        archives = opened[0].archive, opened[1].archive
        proven = prove_wheel(*archives, sha256=theirs.id.sha256, reasons=reasons)
        if proven:
            return proven, []
    return (), classify_wheels(*opened) or _unopened(theirs, ours)


def _sdists(theirs: _File, ours: _File, reasons: _Reasons) -> _Found:
    name = theirs.id.name
    opened = open_both(
        lambda: open_sdist(theirs.hold()), lambda: open_sdist(ours.hold()), entry=name
    )
    if isinstance(opened, list):
        return (), opened
    if reasons is not None:
        proven = prove_sdist(*opened, name=name, reasons=reasons)
        if proven:
            return proven, []
    return (), classify_sdists(*opened, name=name) or _unopened(theirs, ours)


def _unopened(theirs: _File, ours: _File) -> list[Difference]:
    return unopened(theirs.chunks(), ours.chunks(), entry=theirs.id.name)


def _identify(extent: Extent, name: str) -> _File:
    sha256 = _sha256(_chunks(extent, name))
    return _File(extent, FileId(name, extent.size, sha256=sha256))


def _chunks(extent: Extent, name: str) -> Iterator[bytes]:
    try:
        yield from extent.chunks()
    except MalformedError as error:
        # Its size was known: a bad disk must not look like a bad release.
        raise InputError(f"{name}: {error}") from error


def _sha256(chunks: Iterable[bytes]) -> str:
    whole = hashlib.sha256()
    for chunk in chunks:
        whole.update(chunk)
    return whole.hexdigest()
