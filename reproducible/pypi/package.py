"""One package of an index: its files fetched, its stages rebuilt.

Carrier. A stage is one step of the way from source to file: from the source archive to
the wheel always, and with a repository from there to both. Each has its own verdict.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from reproducible.compare.verdict import FileId
from reproducible.errors import InputError, RecipeError, UnsupportedError
from reproducible.explain.explaining import Explained
from reproducible.fetch.cache import Wanted
from reproducible.fetch.simple import MAX_FILE_BYTES, Offered
from reproducible.inputs.lock import Lock
from reproducible.inputs.recipe import Recipe, Source
from reproducible.pypi.choice import Pair, Release, choose, files_of, passed_over
from reproducible.pypi.facts import (
    SdistFacts,
    WheelFacts,
    read_packed,
    read_sdist,
    read_wheel,
)
from reproducible.pypi.infer import Candidate, Known, candidates, tag_names
from reproducible.pypi.results import Rebuilt, StageResult
from reproducible.pypi.trying import Material, Workshop, search
from reproducible.record.attest import unbuilt
from reproducible.record.buildinfo import BuiltFrom
from reproducible.source.git import Exported, export, resolve
from reproducible.source.sdist import sdist_tree
from updater.errors import MalformedError
from updater.files import Files
from updater.transparency.claims.rebuild import Stage


@dataclass(frozen=True, slots=True)
class Origin:
    """The repository that a release is said to come from.

    `tag` may be any name that git knows; without one, the usual names are tried.
    """

    repository: Path | str
    tag: str | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """A recipe that is tried instead of what would be found out, with its lock."""

    recipe: Recipe
    lock: Lock | None = None


@dataclass(frozen=True, slots=True)
class _Commit:
    """A commit that is here, and where it is from."""

    exported: Exported
    repository: Path | str

    @property
    def source(self) -> Source:
        """As a recipe names it."""
        where = self.repository
        return Source(
            kind="git",
            url=where.resolve().as_uri() if isinstance(where, Path) else where,
            commit=self.exported.commit,
            tag=self.exported.tag,
        )


def parse_origin(text: str) -> Origin:
    """Read `PATH`, `URL`, `PATH@TAG` or `URL@TAG`.

    An `@` before the last `/` is of an address, as in `ssh://git@host/project`.
    """
    head, slash, last = text.rpartition("/")
    name, at, tag = last.rpartition("@")
    where = f"{head}{slash}{name}" if at else text
    return Origin(where if "://" in where else Path(where), tag if at else None)


def rebuild_package(
    release: Release,
    shop: Workshop,
    *,
    wheel: str | None = None,
    origin: Origin | None = None,
    given: Given | None = None,
) -> Rebuilt:
    """Rebuild a release's wheel of pure Python, and with `origin` its source archive.

    `wheel` is the name of the one that is meant, where there are several. `given`
    stands for the recipe of the first stage. Whatever is found out is a verdict; what
    was not found out is an error.

    Raises:
        InputError: the index or the repository cannot be asked, or does not have it.
        IsolationError, MissingError: this machine cannot build it.
        RecipeError: the recipe that was given cannot be used.
        StoreError: the disk refuses.
    """
    files = files_of(shop.index.project(release.project), release)
    try:
        pair = choose(files, wheel)
    except UnsupportedError as error:
        # The file that the verdict is about: a wheel, where there is one.
        meant = min(files, key=lambda each: (each.name != wheel, not each.is_wheel))
        return Rebuilt(release, stages=(_unsupported(meant, error, "sdist-to-wheel"),))
    package = _Package(release, pair, shop)
    first = package.stage("sdist-to-wheel", lambda: package.from_sdist(given))
    if wheel is None and (others := passed_over(files, pair.wheel)):
        first = first.warned(others)
    if origin is None:
        return Rebuilt(release, stages=(first,))
    commit = _commit(release, origin)
    best = first.best.recipe if first.best else None
    return Rebuilt(
        release,
        stages=(
            first,
            package.stage("git-to-sdist", lambda: package.to_sdist(commit)),
            package.stage("git-to-wheel", lambda: package.to_wheel(commit, best)),
        ),
    )


class _Package:
    """A release whose files are here."""

    def __init__(self, release: Release, pair: Pair, shop: Workshop) -> None:
        uploaded = shop.newest or pair.uploaded
        if uploaded is None:
            raise InputError(
                f"{release}: the index does not say when it was uploaded;"
                " name the time with --exclude-newer"
            )
        self._uploaded = uploaded
        self._pair, self._shop = pair, shop
        self._wheel = self._fetched(pair.wheel)
        self._sdist = self._fetched(pair.sdist)
        self._facts = read_wheel(self._wheel)

    def stage(self, stage: Stage, material: Callable[[], Material]) -> StageResult:
        """Search one stage; what is not rebuilt by design is a verdict as well."""
        published = self._pair.sdist if stage == "git-to-sdist" else self._pair.wheel
        try:
            return search(material(), stage, self._shop)
        except UnsupportedError as error:
            return _unsupported(published, error, stage)
        except MalformedError as error:
            # Of what it is to be built from; the file itself is for the comparison.
            unfit = UnsupportedError("source-form", str(error))
            return _unsupported(published, unfit, stage)

    def from_sdist(self, given: Given | None) -> Material:
        """Take the source archive; the wheel should come out."""
        tree = sdist_tree(self._sdist)
        facts, offered = read_sdist(tree), self._pair.sdist
        if given is not None and given.recipe.source.sha256 != offered.sha256:
            raise RecipeError(
                f"recipe: expected one for {offered.name} with SHA-256"
                f" {offered.sha256}, came {given.recipe.source.sha256}"
            )
        source = Source(kind="sdist", url=offered.url, sha256=offered.sha256)
        found = (
            candidates(self._known(source, facts, self._facts))
            if given is None
            else iter([Candidate(given.recipe, "as given")])
        )
        return Material(
            tree=tree,
            source=BuiltFrom(kind="sdist", sdist_sha256=offered.sha256),
            asks=facts.asks,
            published=self._wheel,
            name=self._pair.wheel.name,
            candidates=found,
            lock=given.lock if given else None,
        )

    def to_sdist(self, commit: _Commit) -> Material:
        """Take a commit; the source archive should come out."""
        facts = read_sdist(commit.exported.tree)
        packed = read_packed(self._sdist)
        like = replace(self._facts, times=packed.times, group_source=packed.group_write)
        known = replace(
            self._known(commit.source, facts, like),
            # The moment of packing, where members have their own.
            otherwise=packed.written or "commit",
        )
        return self._of(commit, facts, self._sdist, candidates(known, "sdist"))

    def to_wheel(self, commit: _Commit, best: Recipe | None) -> Material:
        """Take a commit; the wheel should come out, at `best` as from the archive."""
        facts, source = read_sdist(commit.exported.tree), commit.source
        found = candidates(self._known(source, facts, self._facts))
        if best is not None:
            same = Candidate(replace(best, source=source), "as from the source archive")
            found = chain([same], found)
        return self._of(commit, facts, self._wheel, found)

    def _of(
        self,
        commit: _Commit,
        facts: SdistFacts,
        published: bytes,
        found: Iterator[Candidate],
    ) -> Material:
        is_wheel = published is self._wheel
        return Material(
            tree=commit.exported.tree,
            source=BuiltFrom(
                kind="git", commit=commit.exported.commit, tag=commit.exported.tag
            ),
            committed=commit.exported.epoch,
            asks=facts.asks,
            published=published,
            name=(self._pair.wheel if is_wheel else self._pair.sdist).name,
            candidates=found,
        )

    def _known(self, source: Source, sdist: SdistFacts, wheel: WheelFacts) -> Known:
        return Known(
            wheel=wheel,
            sdist=sdist,
            source=source,
            uploaded=self._uploaded,
            requires_python=self._pair.wheel.requires_python,
            pythons=[each.version for each in self._shop.pythons],
        )

    def _fetched(self, file: Offered) -> bytes:
        wanted = Wanted(file=file.name, size=file.size, sha256=file.sha256)
        path = self._shop.cache.obtain(wanted, (self._shop.index,))
        data = Files().read(path, most=MAX_FILE_BYTES)
        if hashlib.sha256(data).hexdigest() != file.sha256:
            raise InputError(f"{file.name}: changed while it was read")
        return data


def _unsupported(
    published: Offered, error: UnsupportedError, stage: Stage
) -> StageResult:
    file = FileId(published.name, published.size, sha256=published.sha256)
    return StageResult(stage=stage, explained=Explained(unbuilt(file, error, stage)))


def _commit(release: Release, origin: Origin) -> _Commit:
    """Fetch the commit that the release's tag names.

    Raises:
        InputError: the repository cannot be asked, or has no such tag.
    """
    names = tag_names(release) if origin.tag is None else (origin.tag,)
    refused: list[str] = []
    for name in names:
        try:
            found = resolve(origin.repository, name)
        except InputError as error:
            refused.append(str(error))
        else:
            exported = export(origin.repository, found.commit, tag=found.tag)
            return _Commit(exported, origin.repository)
    raise InputError("; ".join(refused))
