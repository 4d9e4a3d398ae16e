import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reproducible.errors import RecipeError
from reproducible.pypi.expected import (
    MAX_BYTES,
    format_expected,
    parse_expected,
    worse_than,
)


def test_what_was_printed_is_what_is_expected() -> None:
    line = format_expected("different", "a-1-py3-none-any.whl", "python 3.11")
    text = f"# a comment\n\n{line}\nidentical b-1-py3-none-any.whl\n"

    assert parse_expected(text.encode()) == {
        "a-1-py3-none-any.whl": "different",
        "b-1-py3-none-any.whl": "identical",
    }


def test_a_line_has_no_blanks_at_its_end() -> None:
    assert (
        format_expected("identical", "a.whl", "") == "identical                 a.whl"
    )


@pytest.mark.parametrize(
    "data",
    [
        b"good a",
        b"identical",
        b"identical a\nidentical a",
        b"\xff",
        b"#" * (MAX_BYTES + 1),
    ],
    ids=["word", "alone", "twice", "latin", "long"],
)
def test_other_texts_are_refused(data: bytes) -> None:
    with pytest.raises(RecipeError, match=r"^expectations: "):
        parse_expected(data)


@given(st.binary())
def test_any_bytes_raise_one_error(data: bytes) -> None:
    with contextlib.suppress(RecipeError):
        parse_expected(data)


def test_what_is_as_expected_or_better_is_not_worse() -> None:
    found = worse_than({"a": "unsupported"}, [("a", "unsupported"), ("a", "identical")])

    assert found == []


def test_what_is_not_expected_at_all_has_to_be_identical() -> None:
    found = worse_than({}, [("a", "identical"), ("b", "identical-with-exceptions")])

    assert found == [("b", "identical-with-exceptions")]


def test_different_is_worse_than_nothing_built() -> None:
    assert worse_than({"a": "build-failed"}, [("a", "different")])
