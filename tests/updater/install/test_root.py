"""The managed folder: its state, its audit file, its locks."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.updater.places import place
from updater.errors import BusyError, StoreError
from updater.install.root import Root
from updater.installed.audit import MAX_FILE_BYTES, START, Head, read_chain


@pytest.fixture
def root(tmp_path: Path) -> Root:
    """Give a managed folder in which nothing is installed."""
    root = place(tmp_path / "root")
    root.create()
    return root


def _chain(root: Root, *, age: int = 0, before: Head | None = START) -> list[str]:
    lines, _ = read_chain(root.audit_file(age).read_bytes(), before)
    return [line.event for line in lines]


def test_a_folder_is_made_for_its_owner_alone(root: Root) -> None:
    assert {path.stat().st_mode & 0o077 for path in root.folder.rglob("*")} == {0}


def test_making_it_again_changes_nothing(root: Root) -> None:
    before = root.state_file.read_bytes()
    root.create()

    assert root.state_file.read_bytes() == before


def test_the_seed_is_new_for_each_folder(tmp_path: Path) -> None:
    roots = [place(tmp_path / name) for name in ("one", "two")]
    for root in roots:
        root.create()

    assert roots[0].read().seed != roots[1].read().seed


def test_each_change_has_a_number(root: Root) -> None:
    before = root.read().rev
    with root.changing() as change:
        change.write(replace(change.state, channel="beta"))
        change.write(replace(change.state, skip=("1.0",)))

    assert (root.read().rev, root.read().channel) == (before + 2, "beta")


def test_two_that_change_wait_for_each_other(root: Root) -> None:
    with root.changing(), pytest.raises(BusyError), place(root.folder).changing():
        pass


def test_the_head_of_the_audit_is_remembered(root: Root) -> None:
    root.note("check", {"version": "1.0"})
    _, head = read_chain(root.audit_file().read_bytes(), START)

    assert root.read().audit == head


def test_a_line_that_was_written_and_not_remembered_stays(root: Root) -> None:
    before = root.state_file.read_bytes()
    root.note("check", {})
    root.state_file.write_bytes(before)  # killed in between
    root.note("decide", {})

    assert _chain(root) == ["repair", "check", "decide"]


def test_a_torn_line_is_cut_and_told(root: Root) -> None:
    with root.audit_file().open("ab") as file:
        file.write(b'{"at":"20')
    root.note("check", {})
    lines, _ = read_chain(root.audit_file().read_bytes(), START)

    assert [line.event for line in lines] == ["repair", "repair", "check"]
    assert lines[1].data == {"lost": False, "torn": 9}


def test_lines_that_are_gone_are_told(root: Root) -> None:
    root.note("check", {})
    before = root.read().audit
    root.audit_file().unlink()
    root.note("decide", {})
    lines, _ = read_chain(root.audit_file().read_bytes(), before)

    assert lines[0].data == {"lost": True, "torn": 0}


def _fill(root: Root) -> None:
    """Make the file so long that no line fits any more; its end is as it was."""
    data = root.audit_file().read_bytes()
    root.audit_file().write_bytes(b"x" * MAX_FILE_BYTES + b"\n" + data)


def test_a_long_file_is_put_aside_and_the_chain_goes_on(root: Root) -> None:
    before = root.read().audit
    _fill(root)
    root.note("decide", {})

    assert _chain(root, before=before) == ["decide"]
    assert root.audit_file(1).stat().st_size > MAX_FILE_BYTES


def test_a_kill_between_putting_aside_and_the_next_line_loses_nothing(
    root: Root,
) -> None:
    root.note("check", {})
    before = root.read().audit
    root.audit_file().rename(root.audit_file(1))
    root.note("decide", {})

    assert _chain(root, before=before) == ["decide"]


def test_four_files_are_kept(root: Root) -> None:
    for age in (3, 2, 1):
        root.audit_file(age).write_text(f"{age}")
    _fill(root)
    root.note("check", {})

    assert [root.audit_file(age).read_text() for age in (3, 2)] == ["2", "1"]
    assert not root.audit_file(4).exists()


def test_a_state_that_cannot_be_read_is_made_anew_when_asked(root: Root) -> None:
    root.note("check", {})
    root.state_file.write_bytes(b"")
    with pytest.raises(StoreError):
        root.read()
    root.renew()

    assert _chain(root) == ["repair", "check", "repair"]


def test_what_is_no_slot_is_not_listed(root: Root) -> None:
    for name in ("1.0-0123456789ab", "x", "1.0-0123456789ab.lock"):
        (root.folder / "versions" / name).mkdir()
        if name != "1.0-0123456789ab":
            (root.folder / "versions" / name / "tree.json").touch()

    assert root.complete() == []


@pytest.mark.parametrize("text", ["/etc", "versions/..", "1.0-0123456789ab"])
def test_a_link_to_anything_else_is_none(root: Root, text: str) -> None:
    (root.folder / "current").symlink_to(text)

    assert root.current() is None


def test_the_state_is_json_that_others_can_read(root: Root) -> None:
    assert json.loads(root.state_file.read_bytes())["schema"] == "ringfence-install/1"
