import pytest

from reproducible.errors import NoWallError
from reproducible.sandbox.levels import Level, Programs, check_programs, no_wall

ALL = Programs(
    unshare="/usr/bin/unshare", setpriv="/usr/bin/setpriv", bwrap="/usr/bin/bwrap"
)
NONE = Programs(unshare=None, setpriv=None, bwrap=None)


@pytest.mark.parametrize("level", [0, 1, 2])
def test_a_level_whose_programs_are_there_is_tried(level: Level) -> None:
    check_programs(level, ALL)


@pytest.mark.parametrize(
    ("level", "package"), [(0, "util-linux"), (1, "bubblewrap"), (2, "bubblewrap")]
)
def test_what_to_install_is_said(level: Level, package: str) -> None:
    with pytest.raises(NoWallError, match=f"level {level}: .* the package {package}$"):
        check_programs(level, NONE)


def test_level_0_does_without_bubblewrap() -> None:
    check_programs(
        0, Programs(unshare="/bin/unshare", setpriv="/bin/setpriv", bwrap=None)
    )


def test_what_the_maker_of_a_wall_said_last_is_quoted_escaped() -> None:
    error = no_wall(1, b"first\nbwrap: \x1b[31mno permissions\n")

    assert r"level 1: no wall could be made: 'bwrap: \x1b[31mno permissions'" in str(
        error
    )


def test_a_maker_that_says_nothing_leaves_the_switches_to_look_at() -> None:
    assert "nothing was said" in str(no_wall(0, b""))
    assert "user.max_user_namespaces" in str(no_wall(0, b""))
