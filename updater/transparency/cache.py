"""The files of a log that were fetched, kept beside the state.

Carrier. A copy of the log's public folder, as far as it was read: what is here need not
be fetched again, so proofs are made and entries are found without asking anybody, and
nobody learns which. Nothing here is believed: every reader checks it against a root.
"""

from pathlib import Path
from typing import Protocol

from updater.errors import FetchError, StoreError
from updater.files import Files
from updater.transparency.tiles import WIDTH, TileFile, bundle_path, partials

_ABSENT = ("status", "too-long", "cut")
"""What a host answers for a file that is not there: 404, or a page of its own."""


class Source(Protocol):
    """The public folder of a log."""

    def get(self, path: str, max_bytes: int) -> bytes:
        """Fetch a file of at most so many bytes.

        Raises:
            FetchError: it could not be had.
        """


class Cache:
    """Reads the files of a log, those that are kept without asking."""

    def __init__(self, folder: Path, files: Files, source: Source) -> None:
        self._folder = folder
        self._files = files
        self._source = source
        self._fetched: dict[str, bytes] = {}
        self._is_trusted = True
        self.has_read_kept = False
        """Whether something came from the folder: if it then does not fit, it may be
        the folder that is wrong and not the log."""
        self.fetched_bytes = 0
        """How much came from the source."""

    def read(self, path: str, most: int) -> bytes | None:
        """Give a file, as `tiles.Read`: kept, or fetched now.

        Raises:
            FetchError: the source does not answer.
        """
        if (data := self._fetched.get(path)) is not None:
            return data
        if self._is_trusted and (data := self.read_kept(path, most)) is not None:
            self.has_read_kept = True
            return data
        try:
            data = self._source.get(path, most)
        except FetchError as error:
            if error.kind in _ABSENT:
                return None
            raise
        self._fetched[path] = data
        self.fetched_bytes += len(data)
        return data

    def read_kept(self, path: str, most: int) -> bytes | None:
        """Give a file that is kept, as `tiles.Read`, and ask nobody."""
        try:
            return self._files.read_if_there(self._folder / path, most=most)
        except StoreError:
            return None  # a missing folder, or too long: as good as not there

    def distrust(self) -> None:
        """Fetch everything anew from now on."""
        self._is_trusted = False
        self._fetched.clear()

    def keep(self) -> None:
        """Keep what was fetched and has been checked by now.

        Raises:
            StoreError: the disk refuses.
        """
        for path, data in self._fetched.items():
            place = self._folder / path
            self._files.make_folder(place.parent)
            self._files.replace(place, data)
        self._fetched.clear()

    def tidy(self, size: int) -> None:
        """Remove what a tree of this size no longer needs: smaller partial files."""
        edge = [TileFile(None, size // WIDTH, size % WIDTH), *partials(size)]
        for file in edge:
            full = self._folder / TileFile(file.level, file.index).path
            self._only(full.with_name(f"{full.name}.p"), str(file.width))
            if file.index:
                before = self._folder / TileFile(file.level, file.index - 1).path
                self._files.remove_tree(before.with_name(f"{before.name}.p"))

    def _only(self, folder: Path, name: str) -> None:
        try:
            others = [each for each in self._files.names(folder) if each != name]
        except StoreError:
            return  # there is no such folder, so nothing in it
        for each in others:
            self._files.remove(folder / each)


def bundle_of(index: int, size: int) -> tuple[str, int]:
    """Give the path and the width of the bundle that holds an entry at a size."""
    number = index // WIDTH
    width = min(WIDTH, size - number * WIDTH)
    return bundle_path(number, width), width
