import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

from reproducible.errors import InputError
from reproducible.inputs.rootlock import RootLock
from reproducible.sandbox.choose import choose
from reproducible.sandbox.levels import Level
from reproducible.sandbox.roots import make_root, unpack_root
from tests.reproducible.sandbox.yard import WHEEL, Yard

GOOD = f"open(os.path.join(folder, {WHEEL!r}), 'w').write('built')"
EPOCH = 1750000000


def _root(folder: Path) -> tuple[Path, RootLock]:
    """Pack a small tree as if it were a root."""
    tree = folder / "tree"
    for name in ("usr/bin", "etc", "dev"):
        (tree / name).mkdir(parents=True)
    (tree / "usr/bin/su").write_text("x")
    (tree / "usr/bin/su").chmod(0o4755)
    tar = folder / "root.tar"
    subprocess.run(["tar", "-C", str(tree), "-cf", str(tar), "."], check=True)
    digest = hashlib.sha256(tar.read_bytes()).hexdigest()
    lock = RootLock(
        suite="bookworm",
        arch="amd64",
        epoch=0,
        tool="x 1",
        tar_sha256=digest,
        packages=(),
    )
    return tar, lock


def test_usr_and_etc_of_a_root_are_unpacked_and_nothing_else(tmp_path: Path) -> None:
    into = tmp_path / "into"
    into.mkdir()
    unpack_root(*_root(tmp_path), into)

    assert sorted(x.name for x in into.iterdir()) == ["etc", "usr"]


def test_no_program_of_a_root_runs_as_another_user(tmp_path: Path) -> None:
    into = tmp_path / "into"
    into.mkdir()
    unpack_root(*_root(tmp_path), into)

    assert (into / "usr/bin/su").stat().st_mode & 0o7000 == 0


def test_a_root_that_is_not_the_locked_one_is_not_unpacked(tmp_path: Path) -> None:
    tar, lock = _root(tmp_path)
    tar.write_bytes(tar.read_bytes()[:-1] + b"\1")
    into = tmp_path / "into"
    into.mkdir()

    with pytest.raises(InputError, match="expected SHA-256"):
        unpack_root(tar, lock, into)

    assert list(into.iterdir()) == []


def test_a_root_that_is_not_there_is_an_input_error(tmp_path: Path) -> None:
    _, lock = _root(tmp_path)

    with pytest.raises(InputError, match="No such file"):
        unpack_root(tmp_path / "none", lock, tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_root_is_made_the_same_twice_and_builds(
    tmp_path: Path, lacking: dict[Level, str]
) -> None:
    if lacking or not shutil.which("mmdebstrap"):
        pytest.skip("no mmdebstrap, or no walls")
    tar = tmp_path / "root.tar"
    try:
        lock = make_root("bookworm", epoch=EPOCH, tar=tar)
    except InputError as error:
        pytest.skip(f"no packages here: {error}")
    root = tmp_path / "unpacked"
    root.mkdir()
    unpack_root(tar, lock, root)
    (tmp_path / "yard").mkdir()
    yard = Yard(tmp_path / "yard", 2)
    choice = choose(None, yard.site(root=root))
    built = choice.sandbox.run("wheel", yard.order(GOOD), out=yard.folder / "out")

    assert (choice.sandbox.level, built.facts.os) == (
        2,
        "Debian GNU/Linux 12 (bookworm)",
    )
    assert "python3" in [package.name for package in lock.packages]
