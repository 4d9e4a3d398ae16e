import os
import threading
from pathlib import Path

import pytest

from updater.errors import BusyError, StoreError
from updater.files import Files
from updater.testing.faults import (
    FailingDisk,
    FullDisk,
    RecordingFiles,
    out_of_order,
    sweep,
)

OLD, NEW = b"old" * 50_000, b"new" * 60_000


def test_what_is_written_is_read(tmp_path: Path) -> None:
    files = Files()
    files.create(tmp_path / "a", b"one")
    files.replace(tmp_path / "a", b"two", mode=0o644)

    assert files.read(tmp_path / "a", most=3) == b"two"
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o644
    assert files.names(tmp_path) == ["a"]


def test_a_file_that_is_not_there_is_none_or_an_error(tmp_path: Path) -> None:
    assert Files().read_if_there(tmp_path / "a", most=3) is None
    with pytest.raises(StoreError, match=r"/a: No such file or directory$"):
        Files().read(tmp_path / "a", most=3)


def test_a_longer_file_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"four")

    with pytest.raises(StoreError, match="expected at most 3 bytes"):
        Files().read_if_there(tmp_path / "a", most=3)


def test_what_is_created_was_not_there(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("nowhere")

    with pytest.raises(StoreError, match="File exists"):
        Files().create(tmp_path / "a", b"")
    assert Files().names(tmp_path) == ["a"]


def test_appending_adds_and_makes(tmp_path: Path) -> None:
    files = Files()
    files.append(tmp_path / "a", b"one")
    files.append(tmp_path / "a", b"two")

    assert (tmp_path / "a").read_bytes() == b"onetwo"
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600


def test_a_part_knows_its_size_and_is_cut(tmp_path: Path) -> None:
    with Files().appending(tmp_path / "a") as part:
        part.write(b"one")
        part.cut(1)
        part.write(b"two")

        assert part.size == 4
    assert (tmp_path / "a").read_bytes() == b"otwo"


def test_a_link_points_elsewhere_from_one_moment_to_the_next(tmp_path: Path) -> None:
    files = Files()
    (tmp_path / "current.new").symlink_to("left by a kill")
    files.point(tmp_path / "current", "one")
    files.point(tmp_path / "current", "two")
    files.point(tmp_path / "current", "two")

    assert files.link_text(tmp_path / "current") == "two"
    assert files.link_text(tmp_path / "none") is None
    assert files.names(tmp_path) == ["current"]


def test_folders_are_made_down_to_the_last(tmp_path: Path) -> None:
    umask = os.umask(0o077)
    try:
        Files(tmp_path).make_folder(tmp_path / "a" / "b", 0o755)
        Files(tmp_path).make_folder(tmp_path / "a" / "b", 0o755)
    finally:
        os.umask(umask)

    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o755


def test_a_tree_is_removed_and_what_its_links_point_at_is_not(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").write_bytes(b"")
    tree = tmp_path / "tree"
    (tree / "below").mkdir(parents=True)
    (tree / "below" / "file").write_bytes(b"")
    (tree / "below" / "link").symlink_to(tmp_path / "kept")
    (tree / "below").chmod(0o555)
    Files().remove_tree(tree)
    Files().remove_tree(tree)

    assert Files().names(tmp_path) == ["kept"]
    assert Files().names(tmp_path / "kept") == ["file"]


def test_removing_what_is_not_there_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")
    Files().remove(tmp_path / "a")
    Files().remove(tmp_path / "a")

    assert Files().names(tmp_path) == []


def test_there_is_space_on_the_disk(tmp_path: Path) -> None:
    assert Files().free_space(tmp_path) > 0


# What somebody may have planted


@pytest.mark.parametrize("how", ["link", "twin", "fifo", "folder"])
@pytest.mark.parametrize("what", ["append", "replace", "lock"])
def test_a_planted_name_is_refused_before_writing(
    tmp_path: Path, how: str, what: str
) -> None:
    (tmp_path / "theirs").write_bytes(b"theirs")
    named = tmp_path / ("a.new" if what == "replace" else "a")
    _plant(how, named, tmp_path / "theirs")

    with pytest.raises(StoreError):
        _write(what, tmp_path / "a")
    assert (tmp_path / "theirs").read_bytes() == b"theirs"


@pytest.mark.parametrize("how", ["link", "fifo", "folder"])
def test_a_planted_name_is_not_read(tmp_path: Path, how: str) -> None:
    (tmp_path / "theirs").write_bytes(b"theirs")
    _plant(how, tmp_path / "a", tmp_path / "theirs")

    with pytest.raises(StoreError):
        Files().read_if_there(tmp_path / "a", most=9)


def test_no_path_leads_through_a_link_below_the_folder(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (root / "stage").symlink_to(outside)

    with pytest.raises(StoreError, match="Not a directory"):
        Files(root).create(root / "stage" / "a", b"")
    with pytest.raises(StoreError, match="Not a directory"):
        Files(root).make_folder(root / "stage" / "a")
    assert Files().names(outside) == []


def test_the_folder_itself_may_be_reached_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    root = tmp_path / "root"
    root.symlink_to("real")
    Files(root).create(root / "a", b"one")

    assert Files(root).read(root / "a", most=3) == b"one"


@pytest.mark.parametrize(
    ("mode", "reason"), [(0o777, "others may write it"), (0o720, "mode 0720")]
)
def test_what_others_may_write_is_not_private(
    tmp_path: Path, mode: int, reason: str
) -> None:
    tmp_path.chmod(mode)

    with pytest.raises(StoreError, match=reason):
        Files().check_private(tmp_path)


def test_a_private_folder_is_private_and_a_link_to_it_is_not(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    (tmp_path / "link").symlink_to(tmp_path)
    Files().check_private(tmp_path)

    with pytest.raises(StoreError, match="symbolic link"):
        Files().check_private(tmp_path / "link")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_what_belongs_to_others_is_not_private(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")
    os.chown(tmp_path / "a", 12_345, -1)

    with pytest.raises(StoreError, match="belongs to user 12345"):
        Files().check_private(tmp_path / "a")


# Locks


def test_a_lock_is_held_by_one(tmp_path: Path) -> None:
    with (
        Files().lock(tmp_path / "lock"),
        pytest.raises(BusyError, match="another process holds it"),
        Files().lock(tmp_path / "lock"),
    ):
        pass


def test_a_shared_lock_is_held_by_several_and_keeps_a_writer_out(
    tmp_path: Path,
) -> None:
    with (
        Files().lock(tmp_path / "lock", shared=True),
        Files().lock(tmp_path / "lock", shared=True),
        pytest.raises(BusyError),
        Files().lock(tmp_path / "lock"),
    ):
        pass


def test_a_lock_is_free_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), Files().lock(tmp_path / "lock"):
        raise ZeroDivisionError

    with Files().lock(tmp_path / "lock"):
        pass


def test_two_writers_of_one_file_do_not_mix(tmp_path: Path) -> None:
    writers = [
        threading.Thread(target=_write_often, args=(tmp_path / "a", each * 70_000))
        for each in (b"1", b"2", b"3")
    ]
    for each in writers:
        each.start()
    for each in writers:
        each.join()

    assert len(set((tmp_path / "a").read_bytes())) == 1
    assert Files().names(tmp_path) == ["a"]


# Kills, full and broken disks, power cuts


def change_everything(folder: Path) -> None:
    """Use every way to change a file once; the task of a sweep."""
    files = Files(folder)
    files.replace(folder / "file", NEW)
    files.make_folder(folder / "stage" / "lib")
    files.stage(folder / "stage" / "lib" / "one", [b"1", b"2"], 0o444)
    files.sync_tree(folder / "stage")
    files.rename(folder / "stage", folder / "slot")
    files.point(folder / "current", "slot")
    files.append(folder / "journal", b"line\n")
    files.remove_tree(folder / "slot-before")
    files.create(folder / "done", b"")


def test_a_kill_at_any_change_leaves_old_or_new_and_the_next_run_finishes(
    tmp_path: Path,
) -> None:
    figures = sweep(
        "tests.updater.test_files:change_everything",
        tmp_path,
        prepare=_lay_out,
        judge=_judge,
    )

    assert figures.bad == ()
    assert figures.killed > 30


@pytest.mark.parametrize("room", [0, 1, 65_536, 100_000, len(NEW) - 1])
def test_a_full_disk_leaves_the_old_file(tmp_path: Path, room: int) -> None:
    (tmp_path / "a").write_bytes(OLD)

    with pytest.raises(StoreError, match="/a: the disk is full"):
        FullDisk(room).replace(tmp_path / "a", NEW)
    assert (tmp_path / "a").read_bytes() == OLD
    assert Files().names(tmp_path) == ["a"]


@pytest.mark.parametrize("at", range(1, 6))
def test_a_disk_that_breaks_leaves_old_or_new(tmp_path: Path, at: int) -> None:
    (tmp_path / "a").write_bytes(OLD)

    with pytest.raises(StoreError, match="/a: Input/output error"):
        FailingDisk(at).replace(tmp_path / "a", NEW)
    assert (tmp_path / "a").read_bytes() in {OLD, NEW}


def test_nothing_is_renamed_before_it_is_synced(tmp_path: Path) -> None:
    _lay_out(tmp_path)
    files = RecordingFiles(tmp_path)
    files.replace(tmp_path / "file", NEW)
    files.make_folder(tmp_path / "stage" / "lib")
    files.stage(tmp_path / "stage" / "lib" / "one", [b"1"])
    files.sync_tree(tmp_path / "stage")
    files.rename(tmp_path / "stage", tmp_path / "elsewhere")
    files.point(tmp_path / "current", "elsewhere")
    files.append(tmp_path / "journal", b"line\n")
    files.remove_tree(tmp_path / "slot-before")

    assert out_of_order(files.steps) == []


def test_a_tree_that_is_renamed_unsynced_is_found(tmp_path: Path) -> None:
    files = RecordingFiles(tmp_path)
    files.make_folder(tmp_path / "stage")
    files.stage(tmp_path / "stage" / "one", [b"1"])
    files.rename(tmp_path / "stage", tmp_path / "slot")

    assert len(out_of_order(files.steps)) == 4


def _plant(how: str, name: Path, theirs: Path) -> None:
    match how:
        case "link":
            name.symlink_to(theirs)
        case "twin":
            name.hardlink_to(theirs)
        case "fifo":
            os.mkfifo(name)
        case _:
            name.mkdir()


def _write(what: str, path: Path) -> None:
    match what:
        case "append":
            Files().append(path, b"ours")
        case "replace":
            Files().replace(path, b"ours")
        case _:
            with Files().lock(path):
                pass


def _write_often(path: Path, data: bytes) -> None:
    written = 0
    while written < 20:
        try:
            Files().replace(path, data)
        except BusyError:
            continue
        written += 1


def _lay_out(folder: Path) -> None:
    (folder / "file").write_bytes(OLD)
    (folder / "slot-before").mkdir()
    (folder / "slot-before" / "file").write_bytes(b"")


def _judge(folder: Path) -> str:
    if (folder / "file").read_bytes() not in {OLD, NEW}:
        return "the file is neither old nor new"
    if (folder / "slot").exists() and (folder / "slot/lib/one").read_bytes() != b"12":
        return "the slot is not whole"
    files = Files(folder)
    if not (folder / "done").exists():  # what the next run does
        for name in ("stage", "slot"):
            files.remove_tree(folder / name)
        change_everything(folder)
    leftovers = [name for name in files.names(folder) if name.endswith(".new")]
    return f"left over: {leftovers}" if leftovers else ""
