"""Pairs of files, opened or not."""

import pytest

from reproducible.compare.opening import open_both, unopened
from reproducible.compare.verdict import Difference
from reproducible.errors import InputError
from updater.errors import MalformedError


def _bad() -> int:
    raise MalformedError("zip: expected something else")


def test_files_that_are_well_formed_are_opened() -> None:
    assert open_both(lambda: 1, lambda: 2, entry="a.whl") == (1, 2)


def test_a_published_file_that_is_malformed_is_named_with_the_sentence() -> None:
    found = open_both(_bad, lambda: 2, entry="a.whl")

    assert found == [
        Difference("malformed", "published", "a.whl", "zip: expected something else")
    ]


def test_a_rebuilt_file_that_is_malformed_is_named() -> None:
    found = open_both(lambda: 1, _bad, entry="a.whl")

    assert [each.side for each in found if isinstance(each, Difference)] == ["rebuilt"]


def test_two_malformed_files_are_both_named() -> None:
    assert len(open_both(_bad, _bad, entry="a.whl")) == 2


def test_files_that_are_not_opened_differ_at_a_byte() -> None:
    found = unopened([b"\0a"], [b"\0b"], entry="a.bin")

    assert found == [Difference("container", "both", "a.bin", "1 byte from 0x1 on")]


def test_files_that_no_longer_differ_are_no_verdict() -> None:
    with pytest.raises(InputError, match=r"a\.bin: expected other bytes"):
        unopened([b"a"], [b"a"], entry="a.bin")
