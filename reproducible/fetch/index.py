"""Asks a package index: what a project's files are, and for one of them.

Carrier. Nothing that comes counts before its size and SHA-256 are right.
"""

from pathlib import Path
from typing import Final

from reproducible.errors import InputError
from reproducible.fetch.simple import (
    MAX_FILE_BYTES,
    MAX_LISTING_BYTES,
    MEDIA_TYPE,
    Offered,
    normal_name,
    parse_listing,
)
from updater.errors import FetchError, MalformedError
from updater.fetch.fetch import REDIRECTS, Fetcher, Progress

DEFAULT: Final = "https://pypi.org/simple/"
"""The index that is asked unless another one is named."""


class Index:
    """An index by its address; each project is asked for once.

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
            except (FetchError, MalformedError) as error:
                raise InputError(f"{url}: {error}") from error
        return self._known[project]

    def find(self, project: str, file: str, sha256: str) -> Offered:
        """Find the one file of a project with this name and hash.

        Raises:
            InputError: the index does not have it, has another under this name, or
                cannot be asked.
        """
        for each in self.project(project):
            if each.name == file:
                if each.sha256 != sha256:
                    raise InputError(
                        f"{file}: expected SHA-256 {sha256}, the index has"
                        f" {each.sha256}"
                    )
                return each
        raise InputError(f"{file}: not at {self.base}")

    def download(
        self, file: Offered, path: Path, *, progress: Progress | None = None
    ) -> None:
        """Fetch a file to `path`, or go on where a former try was cut off.

        Raises:
            InputError: it is too large, could not be had, or has another hash.
            StoreError: it cannot be written.
        """
        if file.size > MAX_FILE_BYTES:
            raise InputError(
                f"{file.name}: expected at most {MAX_FILE_BYTES} bytes, came"
                f" {file.size}"
            )
        try:
            self._fetcher.download(
                file.url, path, size=file.size, sha256=file.sha256, progress=progress
            )
        except FetchError as error:
            raise InputError(str(error)) from error
