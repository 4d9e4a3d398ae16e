"""Files of this machine as extents. Carrier."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from updater.archive.extent import Extent
from updater.files import Files


@contextmanager
def opened(files: Files, path: Path) -> Iterator[Extent]:
    """Open a file to read it anywhere.

    Raises:
        StoreError: it is not there, or no file of ours.
    """
    with files.open(path) as file:
        number = file.fileno()
        yield Extent(
            lambda offset, size: os.pread(number, size, offset),
            os.fstat(number).st_size,
        )


def chunks_of(files: Files, path: Path) -> Iterator[bytes]:
    """Read all of a file in order.

    Raises:
        MalformedError: it became shorter meanwhile.
        StoreError: it is not there, or no file of ours.
    """
    with opened(files, path) as extent:
        yield from extent.chunks()
