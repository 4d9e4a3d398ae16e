"""Files are read anywhere, and in order."""

from pathlib import Path

import pytest

from updater.archive.opened import chunks_of, opened
from updater.errors import MalformedError, StoreError
from updater.files import Files


def test_a_file_is_read_anywhere(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abcdef")
    with opened(Files(), path) as extent:
        read = (extent.size, extent.read(4, 2), extent.read(0, 1))

    assert read == (6, b"ef", b"a")


def test_a_file_is_read_in_order(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(range(256)) * 2048)

    assert b"".join(chunks_of(Files(), path)) == path.read_bytes()


def test_a_file_that_became_shorter_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(512 << 10))
    chunks = chunks_of(Files(), path)
    next(chunks)
    path.write_bytes(b"")

    with pytest.raises(MalformedError, match="cut short"):
        next(chunks)


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "file").touch()

    with pytest.raises(StoreError), opened(Files(), tmp_path / "link"):
        pass
