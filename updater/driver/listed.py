"""Small files that a repository lists, kept from one run to the next.

Carrier. A check that finds nothing new shall ask for nothing but the newest metadata:
what is listed with the same hash as before is here already.
"""

import hashlib
from pathlib import Path

from updater.errors import RepositoryError
from updater.files import Files
from updater.tuf.layout import Target
from updater.tuf.repository import Repository


class Listed:
    """The small files of a repository, for one run."""

    def __init__(self, repository: Repository, folder: Path, files: Files) -> None:
        self._repository = repository
        self._folder = folder
        self._files = files
        self._used: set[str] = set()

    def find(self, path: str) -> Target:
        """Look up a file.

        Raises:
            RepositoryError: no role lists it, or one that may does not hold.
            FetchError: a role could not be had.
        """
        found = self._repository.find(path)
        if found is None:
            raise RepositoryError("missing", f"no role lists {path}")
        return found

    def read(self, path: str, *, most: int) -> bytes:
        """Give a file of at most `most` bytes, kept or fetched.

        Raises:
            RepositoryError: no role lists it, or with too many bytes.
            FetchError: it could not be had.
            StoreError: the disk refuses.
        """
        target = self.find(path)
        place = self._folder / target.sha256
        self._files.make_folder(self._folder)
        kept = self._files.read_if_there(place, most=most)
        self._used.add(target.sha256)
        if kept is not None and hashlib.sha256(kept).hexdigest() == target.sha256:
            return kept
        data = self._repository.read(target, most=most)
        self._files.replace(place, data)
        return data

    def tidy(self) -> None:
        """Forget what this run did not use.

        Raises:
            StoreError: the disk refuses.
        """
        self._files.make_folder(self._folder)
        for name in set(self._files.names(self._folder)) - self._used:
            self._files.remove(self._folder / name)
