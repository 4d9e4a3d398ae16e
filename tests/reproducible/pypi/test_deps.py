import hashlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from reproducible.errors import InputError
from reproducible.inputs.lock import Lock, LockedPackage, LockedWheel
from reproducible.pypi.deps import Found, Kept, rebuild_lock
from reproducible.pypi.trying import Workshop
from tests.reproducible.pypi.shops import WHEEL, Shelf, shelf, workshop


class Town:
    """An index with one package, and everything to rebuild a lock of it."""

    def __init__(self, folder: Path, offered: Shelf) -> None:
        self.folder, self.offered = folder, offered
        self.index = offered.index
        self.kept = Kept(folder / "results", "1.0")

    def shop(self) -> AbstractContextManager[Workshop]:
        return workshop(self.folder / "shop", self.index)

    def lock(self, file: str = WHEEL, sha256: str | None = None) -> Lock:
        data = self.offered.files[WHEEL]
        found = sha256 or hashlib.sha256(data).hexdigest()
        wheel = LockedWheel(file, len(data), sha256=found)
        return Lock((LockedPackage("pebble", "1.0", wheel=wheel),))

    def rebuild(self, lock: Lock, kept: Kept | None = None) -> Found:
        (found,) = rebuild_lock(lock, self.shop, kept or self.kept)
        return found


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    (tmp_path / "index").mkdir()
    with shelf(tmp_path / "index") as offered:
        yield Town(tmp_path, offered)


def test_every_wheel_of_a_lock_gets_a_verdict(town: Town) -> None:
    found = town.rebuild(town.lock())

    assert (found.wheel, found.verdict, found.is_new) == (WHEEL, "identical", True)


def test_what_is_known_is_not_done_again(town: Town) -> None:
    first = town.rebuild(town.lock())
    town.offered.server.behaviour.clear()

    again = town.rebuild(town.lock())

    assert not again.is_new
    assert again.row == first.row


def test_what_was_kept_and_is_damaged_is_found_out_anew(town: Town) -> None:
    town.rebuild(town.lock())
    (file,) = town.kept.folder.iterdir()
    file.write_bytes(b"{}")

    assert town.rebuild(town.lock()).is_new


def test_what_another_index_led_to_is_not_believed(town: Town) -> None:
    town.rebuild(town.lock())
    town.offered.server.behaviour["/mirror/pebble/"] = town.offered.server.behaviour[
        "/simple/pebble/"
    ]
    town.index = town.offered.index.replace("/simple/", "/mirror/")

    assert town.rebuild(town.lock()).is_new


def test_all_can_be_done_anew(town: Town) -> None:
    town.rebuild(town.lock())

    assert town.rebuild(town.lock(), Kept(town.kept.folder, "1.0", again=True)).is_new


def test_nobody_is_asked_about_machine_code(town: Town) -> None:
    native = "pebble-1.0-cp311-cp311-linux_x86_64.whl"
    found = town.rebuild(town.lock(native))

    assert (found.verdict, found.row.note) == ("unsupported", "platform-wheel")
    assert town.offered.server.asked == []


def test_another_file_than_the_lock_says_is_no_verdict(town: Town) -> None:
    with pytest.raises(InputError, match="the lock says SHA-256 abab"):
        town.rebuild(town.lock(sha256="ab" * 32))
