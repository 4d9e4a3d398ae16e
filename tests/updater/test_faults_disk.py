"""The whole updater on disks that are full, broken, read-only or laid with traps.

Whatever happens, the version that was installed starts, nothing but a refusal or an
error of ours comes of it, and on a good disk the next run installs.
"""

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.updater.clients import Client
from tests.updater.world import DAY, World, ready
from updater.driver.back import roll_back
from updater.errors import UpdateError
from updater.files import Files, Step
from updater.gates.evidence import Wish
from updater.testing.faults import FailingDisk, FullDisk, RecordingFiles, out_of_order

SIZES = [0, 1, 100, *(1 << each for each in range(9, 18)), 3_000, 20_000, 50_000]
"""Bytes of room; an installation takes somewhat more than the largest but one."""


class ReadOnly(Files):
    """Files on a disk that is mounted for reading only."""

    def about_to(self, step: Step) -> None:
        """Refuse every change."""
        super().about_to(step)
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))


@pytest.fixture(scope="module")
def world() -> World:
    """A project whose 1.1 may be installed."""
    made = ready()
    made.release("1.1")
    made.wait(8 * DAY)
    return made


@pytest.fixture(scope="module")
def installed(world: World, tmp_path_factory: pytest.TempPathFactory) -> Client:
    """A machine with 1.0, which is about to learn of 1.1."""
    client = Client(ready(), tmp_path_factory.mktemp("installed"))
    client.apply(ready())
    return client.see(world)


@pytest.fixture
def client(installed: Client, tmp_path: Path) -> Client:
    return installed.copy(tmp_path / "client")


def try_on(client: Client, files: Files) -> str:
    """Apply on a bad disk, and give what came of it."""
    client.files = files
    try:
        return client.updater.apply(Wish()).kind
    except UpdateError as error:
        return type(error).__name__
    finally:
        client.files = None


def assert_unharmed(client: Client) -> None:
    """Start what is there, and let a good disk finish."""
    assert client.start() in {"1.0 runs", "1.1 runs"}
    assert client.apply().kind in {"installed", "current"}
    assert client.start() == "1.1 runs"


def steps_of(client: Client) -> list[Step]:
    """Apply, and give every change of the disk."""
    recording = RecordingFiles(client.root.folder)
    assert try_on(client, recording) == "installed"
    return recording.steps


@pytest.mark.parametrize("room", SIZES)
def test_a_full_disk_leaves_what_runs(room: int, client: Client) -> None:
    came = try_on(client, FullDisk(room, client.root.folder))

    assert came in {"StoreError", "unreachable", "refused", "installed"}
    assert_unharmed(client)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_disk_that_is_full_at_any_size_leaves_what_runs(
    installed: Client, tmp_path: Path
) -> None:
    takes = sum(each.size for each in steps_of(installed.copy(tmp_path / "whole")))
    for room in range(0, takes, takes // 100):
        client = installed.copy(tmp_path / str(room))
        try_on(client, FullDisk(room, client.root.folder))
        assert_unharmed(client)


@pytest.mark.parametrize("at", [1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144])
def test_a_disk_that_breaks_leaves_what_runs(at: int, client: Client) -> None:
    came = try_on(client, FailingDisk(at, client.root.folder))

    assert came in {"StoreError", "unreachable", "refused", "installed"}
    assert_unharmed(client)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_disk_that_breaks_at_any_change_leaves_what_runs(
    installed: Client, tmp_path: Path
) -> None:
    count = len(steps_of(installed.copy(tmp_path / "whole")))
    for at in range(1, count + 1):
        client = installed.copy(tmp_path / str(at))
        try_on(client, FailingDisk(at, client.root.folder))
        assert_unharmed(client)


def test_a_read_only_disk_leaves_what_runs(client: Client) -> None:
    came = try_on(client, ReadOnly(client.root.folder))

    assert came == "StoreError"
    assert client.start() == "1.0 runs"


def test_no_name_leads_to_what_a_power_cut_would_take(client: Client) -> None:
    assert out_of_order(steps_of(client)) == []


# Traps


def link_to(elsewhere: Path, name: str) -> Callable[[Path], None]:
    def plant(root: Path) -> None:
        place = root / name
        if place.is_dir() and not place.is_symlink():
            place.rename(root.parent / f"old-{place.name}")
        else:
            place.unlink(missing_ok=True)
        place.symlink_to(elsewhere)

    return plant


@pytest.mark.parametrize(
    "name", ["stage", "store", "versions", "log", "tuf", "kept", "lock", "run.lock"]
)
def test_a_link_in_our_place_is_not_followed(
    name: str, client: Client, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    link_to(elsewhere, name)(client.root.folder)

    came = try_on(client, Files(client.root.folder))

    assert came in {"StoreError", "unreachable"}
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize("name", ["state.json", "audit.jsonl", "verdict.json"])
def test_a_file_of_somebody_else_is_not_written_through_a_link(
    name: str, client: Client, tmp_path: Path
) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"mine")
    link_to(victim, name)(client.root.folder)

    try_on(client, Files(client.root.folder))

    assert victim.read_bytes() == b"mine"


@pytest.mark.parametrize("name", ["audit.jsonl", "lock", "run.lock"])
def test_a_file_with_a_second_name_is_not_written(
    name: str, client: Client, tmp_path: Path
) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"mine")
    place = client.root.folder / name
    place.unlink(missing_ok=True)
    place.hardlink_to(victim)

    came = try_on(client, Files(client.root.folder))

    assert came == "StoreError"
    assert victim.read_bytes() == b"mine"


def test_a_link_that_waits_for_the_switch_is_removed(
    client: Client, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (client.root.folder / "current.new").symlink_to(elsewhere)
    client.apply()

    assert client.start() == "1.1 runs"
    assert list(elsewhere.iterdir()) == []


def test_a_folder_that_everybody_may_write_is_not_used(client: Client) -> None:
    client.root.folder.chmod(0o777)

    assert try_on(client, Files(client.root.folder)) == "StoreError"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_somebody_else_is_not_used(client: Client) -> None:
    os.chown(client.root.folder, 1_234, -1)

    assert try_on(client, Files(client.root.folder)) == "StoreError"


def test_a_version_that_was_tampered_with_is_not_gone_back_to(client: Client) -> None:
    client.apply()
    before = client.root.read().previous
    assert before is not None
    file = next(client.root.slot(before).rglob("main.py"))
    file.chmod(stat.S_IWUSR | stat.S_IRUSR)
    file.write_bytes(b"def run(): return 0\n")

    with pytest.raises(UpdateError):
        roll_back(client.root, client.anchor)

    assert client.start() == "1.1 runs"
