"""An sdist becomes a tree."""

import io
import tarfile

import pytest

from reproducible.errors import UnsupportedError
from reproducible.inputs.tree import SourceFile
from reproducible.source.sdist import sdist_tree
from updater.errors import MalformedError


def _sdist(*members: tuple[str, bytes, int, str]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz", format=tarfile.PAX_FORMAT) as tar:
        for name, data, mode, link in members:
            info = tarfile.TarInfo(name)
            info.size, info.mode, info.mtime = len(data), mode, 1_750_000_000
            if link:
                info.type, info.linkname = tarfile.SYMTYPE, link
            tar.addfile(info, io.BytesIO(data))
    return file.getvalue()


def test_the_top_folder_is_left_away_and_modes_and_times_are_kept() -> None:
    tree = sdist_tree(
        _sdist(
            ("p-1/b.sh", b"#!/bin/sh\n", 0o775, ""),
            ("p-1/a/x.py", b"pass\n", 0o664, ""),
            ("p-1/c", b"", 0o777, "b.sh"),
        )
    )

    assert tree.files == (
        SourceFile("a/x.py", b"pass\n", mode=0o664, mtime=1_750_000_000),
        SourceFile(
            "b.sh", b"#!/bin/sh\n", executable=True, mode=0o775, mtime=1_750_000_000
        ),
        SourceFile("c", b"", link="b.sh", mode=0o777, mtime=1_750_000_000),
    )


def test_a_link_that_leaves_the_archive_is_refused() -> None:
    with pytest.raises((UnsupportedError, MalformedError)):
        sdist_tree(_sdist(("p-1/a", b"", 0o777, "../../etc/passwd")))
