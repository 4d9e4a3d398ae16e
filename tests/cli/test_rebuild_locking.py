"""The lock of a Debian root that is there says at which time the root is made again."""

from pathlib import Path

import pytest

from cli.rebuilds.locking import read_lock
from tests.io_map import CHECKOUT
from updater.errors import MalformedError


def test_the_lock_of_our_root_is_read() -> None:
    lock = read_lock(CHECKOUT / "requirements" / "root-bookworm.json")

    assert lock is not None
    assert (lock.suite, lock.epoch) == ("bookworm", 1_790_000_000)


def test_without_a_lock_there_is_none(tmp_path: Path) -> None:
    assert read_lock(tmp_path / "root-trixie.json") is None


def test_what_is_no_lock_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "root.json"
    path.write_text("{}")

    with pytest.raises(MalformedError):
        read_lock(path)
