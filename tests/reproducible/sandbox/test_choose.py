from pathlib import Path

import pytest

from reproducible.errors import IsolationError
from reproducible.sandbox.choose import choose
from reproducible.sandbox.levels import Level
from tests.reproducible.sandbox.yard import SHARED_NET, Yard, lying


def _only(folder: Path, *names: str) -> str:
    """Make a PATH on which there are these programs alone."""
    search = folder / "bin"
    search.mkdir()
    for name in names:
        if not Path("/usr/bin", name).exists():
            pytest.skip(f"/usr/bin/{name} is not here")
        (search / name).symlink_to(f"/usr/bin/{name}")
    return str(search)


def test_the_most_closed_wall_is_chosen(
    tmp_path: Path, lacking: dict[Level, str]
) -> None:
    if lacking:
        pytest.skip(str(lacking))
    choice = choose(None, Yard(tmp_path, 0).site())

    assert (choice.sandbox.level, choice.fallen) == (1, ())


def test_without_bubblewrap_the_level_falls_and_says_so(
    tmp_path: Path, lacking: dict[Level, str]
) -> None:
    if 0 in lacking:
        pytest.skip(lacking[0])
    search = _only(tmp_path, "unshare", "setpriv")
    choice = choose(None, Yard(tmp_path, 0, search=search).site())

    assert choice.sandbox.level == 0
    assert choice.fallen == (
        "level 1: expected bwrap, found none; install the package bubblewrap",
    )


def test_a_bubblewrap_that_does_not_work_is_as_none(
    tmp_path: Path, lacking: dict[Level, str]
) -> None:
    if 0 in lacking:
        pytest.skip(lacking[0])
    search = _only(tmp_path, "unshare", "setpriv")
    broken = Path(search, "bwrap")
    broken.write_text(
        "#!/bin/sh\necho 'bwrap: Creating new namespace failed' >&2; exit 1\n"
    )
    broken.chmod(0o755)
    choice = choose(None, Yard(tmp_path, 0, search=search).site())

    assert choice.sandbox.level == 0
    assert "no wall could be made: 'bwrap: Creating new" in choice.fallen[0]


def test_a_level_that_was_asked_for_is_not_replaced(tmp_path: Path) -> None:
    search = _only(tmp_path, "unshare", "setpriv")

    with pytest.raises(IsolationError, match="level 1: expected bwrap, found none"):
        choose(1, Yard(tmp_path, 1, search=search).site())


def test_level_2_without_a_root_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IsolationError, match="level 2: expected a Debian root"):
        choose(2, Yard(tmp_path, 2).site())


def test_without_any_wall_nothing_is_chosen(tmp_path: Path) -> None:
    with pytest.raises(IsolationError) as caught:
        choose(None, Yard(tmp_path, 0, search=_only(tmp_path)).site())

    assert "package bubblewrap" in str(caught.value)
    assert "package util-linux" in str(caught.value)


def test_a_hole_is_never_passed_over_for_a_lower_level(tmp_path: Path) -> None:
    search = lying(tmp_path, "bwrap", SHARED_NET)

    with pytest.raises(IsolationError, match="the wall has a hole"):
        choose(None, Yard(tmp_path, 0, search=search).site())
