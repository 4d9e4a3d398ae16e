"""Asks a package index: what a project's files are, and for one of them.

Carrier. Nothing that comes counts before its size and SHA-256 are right.
"""

from pathlib import Path
from typing import Final

from reproducible.errors import InputError
from reproducible.fetch.cache import Progress, Wanted
from reproducible.fetch.simple import (
    MAX_FILE_BYTES,
    MAX_LISTING_BYTES,
    MEDIA_TYPE,
    Offered,
    normal_name,
    parse_listing,
)
from updater.errors import FetchError, MalformedError
from updater.fetch.fetch import REDIRECTS, Fetcher

DEFAULT: Final = "https://pypi.org/simple/"
"""The index that is asked unless another one is named."""


class Index:
    """An index by its address, where files may be had; a project is asked for once.

    Not to be used by two threads at once, as its fetcher.
    """

    def __init__(self, fetcher: Fetcher, base: str = DEFAULT) -> None:
        self.base = base.rstrip("/") + "/"
        self._fetcher = fetcher
        self._known: dict[str, tuple[Offered, ...]] = {}

    def project(self, name: str) -> tuple[Offered, ...]:
        """List the wheels and source archives of a project.

        Raises:
            InputError: the index does not know it, does not answer, or answers with
                something that is no listing.
            MalformedError: `name` is no project's name.
        """
        project = normal_name(name)
        if project not in self._known:
            url = f"{self.base}{project}/"
            try:
                data = self._fetcher.get(
                    url,
                    max_bytes=MAX_LISTING_BYTES,
                    redirects=REDIRECTS,
                    gzip=True,
                    accept=MEDIA_TYPE,
                )
                self._known[project] = parse_listing(data, url)
            except FetchError as error:
                raise InputError(str(error)) from error
            except MalformedError as error:
                raise InputError(f"{url}: {error}") from error
        return self._known[project]

    def fetch(self, wanted: Wanted, path: Path, progress: Progress) -> bool:
        """Fetch the file of that name; False where the project has none.

        Raises:
            InputError: it is too large or cannot be had, or the index has another
                file under this name.
            MalformedError: its name is no file name of a wheel or source archive.
            StoreError: it cannot be written.
        """
        offered = {each.name: each for each in self.project(_project_of(wanted.file))}
        found = offered.get(wanted.file)
        if found is None:
            return False
        if (found.sha256, found.size) != (wanted.sha256, wanted.size):
            raise InputError(
                f"{wanted.file}: expected SHA-256 {wanted.sha256}, the index has"
                f" {found.sha256}"
            )
        if found.size > MAX_FILE_BYTES:
            raise InputError(
                f"{wanted.file}: expected at most {MAX_FILE_BYTES} bytes, came"
                f" {found.size}"
            )
        try:
            self._fetcher.download(
                found.url,
                path,
                size=found.size,
                sha256=found.sha256,
                progress=lambda done, size: progress(wanted.file, done, size),
            )
        except FetchError as error:
            raise InputError(str(error)) from error
        return True


def _project_of(file: str) -> str:
    """Give the project that a file belongs to (PyPA, "File name convention")."""
    if file.endswith(".whl"):
        return file.partition("-")[0]
    return file.removesuffix(".tar.gz").rpartition("-")[0]
