"""Every wheel of a lock, rebuilt; what is known already is not done again.

Carrier. Each worker has a workshop of its own, and what it found is kept before it is
told, so a run that ends early is gone on with by the next.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from reproducible.compare.verdict import FileId
from reproducible.errors import InputError, UnsupportedError
from reproducible.explain.explaining import Explained
from reproducible.inputs.lock import Lock, LockedPackage
from reproducible.pypi.choice import Release, is_pure
from reproducible.pypi.package import rebuild_package
from reproducible.pypi.stored import (
    MAX_BYTES,
    Asked,
    Row,
    format_row,
    parse_row,
    row_of,
)
from reproducible.pypi.trying import Workshop
from reproducible.record.attest import unbuilt
from updater.errors import MalformedError
from updater.files import Files
from updater.transparency.claims.rebuild import Verdict


@dataclass(frozen=True, slots=True)
class Kept:
    """Where results are kept, and what else names them: a hash over this program.

    With `again`, what is there is replaced.
    """

    folder: Path
    tool: str
    again: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """A wheel of the lock, and what came of it; `is_new` if it was done just now."""

    wheel: str
    row: Row
    is_new: bool = field(kw_only=True)

    @property
    def verdict(self) -> Verdict:
        """The verdict."""
        return self.row.comparison.verdict

    @property
    def explained(self) -> Explained:
        """For reports; excerpts are not kept."""
        return Explained(self.row.comparison)


def rebuild_lock(
    lock: Lock,
    workshop: Callable[[], AbstractContextManager[Workshop]],
    kept: Kept,
    *,
    jobs: int = 1,
) -> Iterator[Found]:
    """Rebuild all wheels of a lock, `jobs` at a time; results come as they are ready.

    Wheels of one platform are `unsupported` and nobody is asked about them.

    Raises:
        InputError: an index did not answer, or has another file than the lock.
        IsolationError, MissingError: this machine cannot build.
        StoreError: the disk refuses.
    """
    Files().make_folder(kept.folder)
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        futures: list[Future[Found]] = [
            pool.submit(_find, package, workshop, kept) for package in lock.packages
        ]
        try:
            for future in as_completed(futures):
                yield future.result()
        finally:
            for future in futures:
                future.cancel()


def _find(
    package: LockedPackage,
    workshop: Callable[[], AbstractContextManager[Workshop]],
    kept: Kept,
) -> Found:
    wheel = package.wheel
    if not is_pure(wheel.file):
        error = UnsupportedError(
            "platform-wheel", f"{wheel.file}: holds machine code of one platform"
        )
        file = FileId(wheel.file, wheel.size, sha256=wheel.sha256)
        row = Row(unbuilt(file, error, "sdist-to-wheel"))
        return Found(wheel.file, row, is_new=False)
    files = Files()
    with workshop() as shop:
        asked = Asked(
            wheel=wheel.file,
            sha256=wheel.sha256,
            tool=kept.tool,
            index=shop.index.base,
            newest=shop.newest,
            pythons=tuple(each.full for each in shop.pythons),
            level=shop.level,
        )
        path = kept.folder / f"{asked.key}.json"
        data = None if kept.again else files.read_if_there(path, most=MAX_BYTES)
        known = None if data is None else _read(data)
        if known is not None:
            return Found(wheel.file, known, is_new=False)
        row = _rebuilt(package, shop)
        files.replace(path, format_row(row))
        return Found(wheel.file, row, is_new=True)


def _rebuilt(package: LockedPackage, shop: Workshop) -> Row:
    wheel = package.wheel
    release = Release(package.name, package.version)
    rebuilt = rebuild_package(release, shop, wheel=wheel.file)
    row = row_of(rebuilt.stages[0])
    published = row.comparison.published
    if published.sha256 != wheel.sha256:
        raise InputError(
            f"{wheel.file}: the lock says SHA-256 {wheel.sha256}, the index has"
            f" {published.sha256}"
        )
    return row


def _read(data: bytes) -> Row | None:
    """Read what was kept; what is damaged is found out anew."""
    try:
        return parse_row(data)
    except MalformedError:
        return None
