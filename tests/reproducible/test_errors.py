"""The family of errors: which end in a verdict, and which never do."""

import pytest

from reproducible import errors
from reproducible.errors import (
    BuildFailedError,
    IsolationError,
    NoWallError,
    RebuildError,
    UnsupportedError,
)
from tests.families import drawn, family


def test_the_tree_in_the_docstring_is_the_family() -> None:
    assert [each for each in drawn(errors) if each[0] != "MalformedError"] == family(
        errors
    )


def test_what_is_unsupported_says_why_in_a_word() -> None:
    error = UnsupportedError("no-sdist", "no source archive")

    assert (error.reason, str(error)) == ("no-sdist", "no source archive")


def test_a_failed_build_hands_on_what_it_said() -> None:
    error = BuildFailedError("exit", "exit 1", b"no such file")

    assert (error.reason, str(error), error.log) == ("exit", "exit 1", b"no such file")


def test_no_wall_of_one_height_is_a_reason_to_try_a_lower_one() -> None:
    with pytest.raises(IsolationError):
        raise NoWallError("bwrap is not there")


def test_nothing_of_ours_is_an_error_of_python() -> None:
    assert RebuildError.__bases__ == (Exception,)
