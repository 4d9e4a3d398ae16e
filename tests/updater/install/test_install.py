"""Installing: what runs afterwards, whatever the release, the disk and the user do."""

import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from tests.updater.places import (
    APP,
    BROKEN,
    CONFIRMING,
    GOOD,
    PYTHON,
    app_bundle,
    installer,
    offer,
    place,
    release_of,
)
from updater.archive.tree import format_tree
from updater.errors import (
    BusyError,
    MalformedError,
    MissingError,
    RefusedError,
    StoreError,
    UnhealthyError,
)
from updater.install import launcher
from updater.install.install import Installer
from updater.install.root import TREE, Root
from updater.install.stage import check_slot, read_tree
from updater.installed.audit import START, read_chain
from updater.installed.slots import slot_name, version_of
from updater.testing.faults import FailingDisk, FullDisk, RecordingFiles, out_of_order

HANGS = "import time\ndef run():\n    time.sleep(60)\n"
LIES = GOOD.replace('"app", "{version}"', '"app", "9.9"')
LAUNCHED_ONLY = GOOD.replace(
    'if sys.argv[1:] == ["--probe"]:',
    'if "stage" not in __file__: raise SystemExit("not here")\n    if True:',
)
"""Passes its first probe and fails the one through the launcher."""


def _start(root: Root, *args: str) -> str:
    command = [str(PYTHON), "-I", "-S", str(root.folder / "app"), *args]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def _events(root: Root) -> list[str]:
    lines, _ = read_chain(root.audit_file().read_bytes(), START)
    return [line.event for line in lines]


@pytest.fixture
def root(tmp_path: Path) -> Root:
    """Give a managed folder in which 1.0 is installed."""
    root = place(tmp_path / "root")
    installer(root).install(offer(tmp_path, "1.0"), {"verdict.json": b"{}"})
    return root


# What a release becomes


def test_what_is_installed_starts(root: Root) -> None:
    assert _start(root, "a", "b") == "1.0 runs a b\n"


def test_a_newer_release_takes_the_place_of_the_older(
    root: Root, tmp_path: Path
) -> None:
    slot = installer(root).install(offer(tmp_path, "1.1"), {})

    assert _start(root) == "1.1 runs\n"
    assert root.current() == slot
    assert root.read().floor == "1.1"


def test_the_older_one_is_kept_and_those_before_are_not(
    root: Root, tmp_path: Path
) -> None:
    for version in ("1.1", "1.2"):
        installer(root).install(offer(tmp_path, version), {})

    assert [version_of(slot) for slot in root.complete()] == ["1.2", "1.1"]
    assert len(list((root.folder / "versions").glob("*.lock"))) == 2


def test_evidence_is_kept_beside_the_version(root: Root) -> None:
    slot = root.current()
    assert slot is not None

    assert (root.slot(slot) / "evidence/verdict.json").read_bytes() == b"{}"


def test_a_version_is_compiled_and_nobody_may_change_it(root: Root) -> None:
    slot = root.current()
    assert slot is not None
    tree = check_slot(root.files, root.slot(slot))
    compiled = [each.path for each in tree.files if each.origin == "compiled"]
    modes = {
        path.stat().st_mode & 0o222 for path in (root.slot(slot) / "lib").rglob("*")
    }

    assert len(compiled) == 2
    assert modes == {0}


def test_the_place_of_staging_is_in_no_byte(root: Root) -> None:
    slot = root.current()
    assert slot is not None
    code = b"".join(path.read_bytes() for path in root.slot(slot).rglob("*.pyc"))

    assert b"lib/app/main.py" in code
    assert b"stage" not in code


def test_every_step_is_in_the_audit(root: Root, tmp_path: Path) -> None:
    installer(root).install(offer(tmp_path, "1.1"), {})
    installer(root).rollback()

    assert _events(root) == [
        "repair",
        *("stage", "switch", "confirm"),
        *("stage", "switch", "confirm"),
        "rollback",
    ]


def test_what_is_current_is_not_installed_again(root: Root, tmp_path: Path) -> None:
    before = _events(root)
    installer(root).install(release_of(tmp_path / "app-1.0.tar", "1.0"), {})

    assert _events(root) == before


def test_a_current_version_that_is_damaged_is_made_anew(
    root: Root, tmp_path: Path
) -> None:
    slot = root.current()
    assert slot is not None
    main = root.slot(slot) / "lib/app/main.py"
    main.chmod(0o644)
    main.write_text("")
    installer(root).install(release_of(tmp_path / "app-1.0.tar", "1.0"), {})

    assert check_slot(root.files, root.slot(slot)).files
    assert _start(root) == "1.0 runs\n"


def test_a_slot_of_another_bundle_is_made_anew(root: Root, tmp_path: Path) -> None:
    slot = root.current()
    assert slot is not None
    release, listed = (
        release_of(tmp_path / "app-1.0.tar", "1.0"),
        root.slot(slot) / TREE,
    )
    tree = read_tree(root.files, root.slot(slot))
    listed.chmod(0o644)
    # With the same twelve digits in its name.
    listed.write_bytes(format_tree(replace(tree, bundle=tree.bundle[:12] + "0" * 52)))
    installer(root).install(release, {})

    assert read_tree(root.files, root.slot(slot)).bundle == release.sha256


def test_the_bundle_of_what_runs_is_kept(root: Root, tmp_path: Path) -> None:
    hashes = []
    for version in ("1.1", "1.2"):
        release = offer(tmp_path, version)
        hashes.append(release.sha256)
        stored = root.store / release.sha256
        Path(release.path).rename(stored)
        installer(root).install(release_of(stored, version), {})
    (root.store / f"{'0' * 64}.part").touch()
    installer(root).collect()

    assert [path.name for path in root.store.iterdir()] == hashes[1:]


def test_a_version_that_runs_is_not_removed(root: Root, tmp_path: Path) -> None:
    slot = root.current()
    assert slot is not None
    with root.files.lock(root.slot_lock(slot), shared=True):
        for version in ("1.1", "1.2"):
            installer(root).install(offer(tmp_path, version), {})

        assert slot in root.complete()
    installer(root).collect()

    assert slot not in root.complete()


# Releases that do not work


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (BROKEN, "the probe ended with 1 and said '1.1 is broken'"),
        (LIES, "the probe: expected 'app 1.1', came 'app 9.9'"),
        (HANGS, "the probe took more than 0.2 s"),
        (LAUNCHED_ONLY, "the probe ended with 1 and said 'not here'"),
    ],
    ids=["crashes", "lies", "hangs", "only staged"],
)
def test_a_release_that_fails_its_probe_never_stays(
    root: Root, tmp_path: Path, code: str, sentence: str
) -> None:
    slow = Installer(root, APP, probe_s=0.2 if code == HANGS else 30, python=PYTHON)
    with pytest.raises(UnhealthyError, match=sentence):
        slow.install(offer(tmp_path, "1.1", code), {})

    assert _start(root) == "1.0 runs\n"
    assert [version_of(each.slot) for each in root.read().bad] == ["1.1"]
    assert root.read().floor == "1.0"


@pytest.mark.parametrize("code", [BROKEN, LAUNCHED_ONLY], ids=["staged", "switched"])
def test_the_audit_says_what_runs_in_the_place_of_a_bad_release(
    root: Root, tmp_path: Path, code: str
) -> None:
    release = offer(tmp_path, "1.1", code)
    with pytest.raises(UnhealthyError):
        installer(root).install(release, {})
    lines, _ = read_chain(root.audit_file().read_bytes(), START)

    assert lines[-1].data == {
        "from": slot_name("1.1", release.sha256),
        "to": root.current(),
        "why": "probe",
    }


def test_a_first_release_that_fails_leaves_nothing_current(tmp_path: Path) -> None:
    root = place(tmp_path / "root")
    with pytest.raises(UnhealthyError):
        installer(root).install(offer(tmp_path, "1.0", LAUNCHED_ONLY), {})

    assert root.current() is None


def test_a_release_that_dies_at_its_first_real_starts_is_given_up(
    root: Root, tmp_path: Path
) -> None:
    dies = GOOD.replace('print("{version} runs"', 'raise SystemExit(70)\n    print("x"')
    Installer(root, CONFIRMING, python=PYTHON).install(offer(tmp_path, "1.1", dies), {})
    runs = [_start(root) for _ in range(3)]
    installer(root).repair()

    assert runs == ["", "", "1.0 runs\n"]
    assert _events(root)[-1] == "rollback"
    assert root.read().attempts == ()


def test_a_bundle_that_changed_since_the_decision_is_refused(
    root: Root, tmp_path: Path
) -> None:
    path = tmp_path / "app-1.1.tar"
    path.write_bytes(app_bundle("1.1"))
    decided = release_of(path, "1.1")
    path.write_bytes(app_bundle("1.1", GOOD + "# more\n"))
    with pytest.raises(MalformedError, match="expected SHA-256"):
        installer(root).install(decided, {})

    assert _start(root) == "1.0 runs\n"


def test_without_interpreter_nothing_is_installed(root: Root, tmp_path: Path) -> None:
    release = offer(tmp_path, "1.1")
    other = release_of(Path(release.path), "1.1", platform="cp399-linux-x86_64")
    with pytest.raises(MissingError, match=r"expected Python 3\.99, found none"):
        Installer(root, APP).install(other, {})

    assert _start(root) == "1.0 runs\n"


def test_an_interpreter_in_an_unusual_place_is_remembered(
    root: Root, tmp_path: Path
) -> None:
    path, platform = tmp_path / "other.tar", "cp399-linux-x86_64"
    path.write_bytes(app_bundle("1.1", GOOD, platform))
    installer(root).install(release_of(path, "1.1", platform=platform), {})

    assert _start(root) == "1.1 runs\n"
    assert root.read().pythons == {"cp399": str(PYTHON)}


# Going back


def test_the_user_goes_back(root: Root, tmp_path: Path) -> None:
    installer(root).install(offer(tmp_path, "1.1"), {})
    installer(root).rollback()
    state = root.read()

    assert _start(root) == "1.0 runs\n"
    assert (state.skip, state.floor) == (("1.1",), "1.1")


def test_without_an_older_version_there_is_no_way_back(root: Root) -> None:
    with pytest.raises(RefusedError, match="expected a version to go back to"):
        installer(root).rollback()


def test_a_version_that_was_changed_is_no_way_back(root: Root, tmp_path: Path) -> None:
    old = root.current()
    assert old is not None
    installer(root).install(offer(tmp_path, "1.1"), {})
    (root.slot(old) / "lib/app/main.py").chmod(0o644)
    (root.slot(old) / "lib/app/main.py").write_text("")
    with pytest.raises(MalformedError, match=r"'app/main\.py'"):
        installer(root).rollback()

    assert _start(root) == "1.1 runs\n"


# Repairs


def test_what_a_killed_run_left_is_removed(root: Root) -> None:
    (root.stage / "abc/lib").mkdir(parents=True)
    (root.stage / "abc/lib/file").touch()
    (root.stage / "link").symlink_to("/tmp")
    installer(root).repair()

    assert list(root.stage.iterdir()) == []


def test_a_link_that_is_gone_is_made_again(root: Root) -> None:
    slot = root.current()
    (root.folder / "current").unlink()
    installer(root).repair()

    assert root.current() == slot


def test_starts_that_nobody_confirmed_are_judged_without_the_launcher_too(
    root: Root, tmp_path: Path
) -> None:
    Installer(root, CONFIRMING, python=PYTHON).install(offer(tmp_path, "1.1"), {})
    for _ in range(2):
        _start(root)
    installer(root).repair()

    assert _start(root) == "1.0 runs\n"


def test_a_missing_state_is_made_anew(root: Root) -> None:
    root.state_file.unlink()
    installer(root).repair()

    assert root.read().floor == "1.0"
    assert _events(root)[-1] == "repair"


def test_a_state_that_cannot_be_read_stops_installing(
    root: Root, tmp_path: Path
) -> None:
    root.state_file.write_bytes(b"{}")
    with pytest.raises(StoreError, match=r"state\.json: state: 'attempts' is missing"):
        installer(root).install(offer(tmp_path, "1.1"), {})

    assert _start(root) == "1.0 runs\n"


def test_an_older_launcher_is_replaced_and_kept(root: Root) -> None:
    path = root.folder / "app"
    path.write_bytes(b"VERSION = 0\n")
    installer(root).repair()

    assert path.read_bytes() == Path(launcher.__file__).read_bytes()
    assert (root.folder / "app.old").read_bytes() == b"VERSION = 0\n"


def test_a_newer_launcher_stays(root: Root) -> None:
    newer = f"VERSION = {launcher.VERSION + 1}\n".encode()
    (root.folder / "app").write_bytes(newer)
    installer(root).repair()

    assert (root.folder / "app").read_bytes() == newer


# Disks and neighbours


def test_a_disk_with_too_little_room_is_told_before_anything(tmp_path: Path) -> None:
    root = place(tmp_path / "root", files=_Tight())
    with pytest.raises(StoreError, match="the disk is full: 1000 bytes are free"):
        installer(root).install(offer(tmp_path, "1.0"), {})


class _Tight(RecordingFiles):
    def free_space(self, folder: Path) -> int:  # noqa: ARG002 - as the one above
        return 1000


@pytest.mark.parametrize("room", range(0, 2_750, 250))
def test_a_disk_that_fills_up_leaves_the_old_version(
    root: Root, tmp_path: Path, room: int
) -> None:
    full = place(root.folder, files=FullDisk(room))
    with pytest.raises(StoreError, match="the disk is full"):
        installer(full).install(offer(tmp_path, "1.1"), {})

    assert _start(root) == "1.0 runs\n"
    installer(root).install(release_of(tmp_path / "app-1.1.tar", "1.1"), {})

    assert _start(root) == "1.1 runs\n"


@pytest.mark.parametrize("at", range(1, 60, 7))
def test_a_disk_that_breaks_leaves_a_version_that_runs(
    root: Root, tmp_path: Path, at: int
) -> None:
    broken = place(root.folder, files=FailingDisk(at))
    release = offer(tmp_path, "1.1")
    with pytest.raises(StoreError, match="Input/output error"):
        installer(broken).install(release, {})

    assert _start(root) in {"1.0 runs\n", "1.1 runs\n"}
    installer(root).install(release, {})

    assert _start(root) == "1.1 runs\n"


def test_nothing_is_renamed_before_it_is_synced(tmp_path: Path) -> None:
    files = RecordingFiles()
    root = place(tmp_path / "root", files=files)
    for version in ("1.0", "1.1", "1.2"):
        installer(root).install(offer(tmp_path, version), {})
    installer(root).rollback()

    assert out_of_order(files.steps) == []


def test_only_one_updater_is_at_work(root: Root) -> None:
    with root.running(), pytest.raises(BusyError), place(root.folder).running():
        pass


@pytest.mark.parametrize("name", ["stage", "store", "versions", "state.json", "lock"])
def test_a_link_that_somebody_planted_is_refused(
    root: Root, tmp_path: Path, name: str
) -> None:
    target = tmp_path / "target"
    (root.folder / name).rename(target)
    (root.folder / name).symlink_to(target)
    before = sorted(path.name for path in tmp_path.rglob("*"))
    with pytest.raises(StoreError):
        installer(root).install(release_of(tmp_path / "app-1.0.tar", "1.1"), {})

    assert sorted(path.name for path in tmp_path.rglob("*")) == before


def test_a_folder_that_others_may_write_is_refused(root: Root) -> None:
    root.folder.chmod(0o777)

    with pytest.raises(StoreError, match="others may write it"):
        installer(root).repair()


def test_starts_find_a_version_while_another_one_is_installed(
    root: Root, tmp_path: Path
) -> None:
    release = offer(tmp_path, "1.1")
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(installer(root).install, release, {})
        found = {_start(root) for _ in range(12)}
        done.result()

    assert found <= {"1.0 runs\n", "1.1 runs\n"}
    assert _start(root) == "1.1 runs\n"
