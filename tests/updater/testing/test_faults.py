import os
import subprocess
from pathlib import Path

import pytest

from updater.errors import MissingError, StoreError
from updater.files import Files
from updater.testing.faults import small_disk, sweep


def write_two(folder: Path) -> None:
    """Leave a state that is not good if it is cut off."""
    (folder / "a").write_bytes(b"")
    (folder / "b").write_bytes(b"")


def fail(folder: Path) -> None:
    """Fail by itself."""
    raise ZeroDivisionError(folder)


def change_often(folder: Path) -> None:
    """Change more than a sweep has patience for."""
    for _ in range(10_000):
        (folder / "a").touch()


def test_a_state_that_is_not_good_is_found(tmp_path: Path) -> None:
    figures = sweep(
        "tests.updater.testing.test_faults:write_two",
        tmp_path,
        prepare=lambda _: None,
        judge=lambda folder: "" if len(list(folder.iterdir())) != 1 else "half",
    )

    assert figures.bad == ("event 2, killed: half",)
    assert figures.killed == 2


def test_a_task_that_fails_by_itself_is_told(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(RuntimeError, match="test_faults:fail: failed"):
        sweep(
            "tests.updater.testing.test_faults:fail",
            tmp_path,
            prepare=lambda _: None,
            judge=lambda _: "",
        )
    assert "ZeroDivisionError" in capfd.readouterr().err


def test_a_task_that_is_too_long_is_told(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="more than 5000 changes"):
        sweep(
            "tests.updater.testing.test_faults:change_often",
            tmp_path,
            prepare=lambda _: None,
            judge=lambda _: "",
            every=4_999,
        )


def test_a_small_disk_is_full_soon(tmp_path: Path) -> None:
    try:
        with small_disk(tmp_path, 64 << 10):
            Files().replace(tmp_path / "a", b"old")
            with pytest.raises(StoreError, match="the disk is full"):
                Files().replace(tmp_path / "a", bytes(128 << 10))

            assert (tmp_path / "a").read_bytes() == b"old"
            assert os.listdir(tmp_path) == ["a"]  # noqa: PTH208
    except MissingError as error:
        pytest.skip(str(error))
    assert str(tmp_path) not in subprocess.check_output(["mount"], text=True)
