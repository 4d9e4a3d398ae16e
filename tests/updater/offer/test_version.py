"""Versions: one spelling of each, in the order of PEP 440."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from updater.errors import MalformedError
from updater.offer.version import MOST_CHARACTERS, check_version, order

_NUMBERS = st.integers(0, 12).map(str)
_VERSIONS = st.builds(
    "".join,
    st.tuples(
        st.lists(_NUMBERS, min_size=1, max_size=4).map(".".join),
        st.one_of(
            st.just(""),
            st.tuples(st.sampled_from(["a", "b", "rc"]), _NUMBERS).map("".join),
        ),
        st.one_of(st.just(""), _NUMBERS.map(".post{}".format)),
        st.one_of(st.just(""), _NUMBERS.map(".dev{}".format)),
    ),
)


@given(_VERSIONS, _VERSIONS)
def test_versions_sort_as_in_packaging(one: str, other: str) -> None:
    ours = (order(one) > order(other)) - (order(one) < order(other))
    theirs = (Version(one) > Version(other)) - (Version(one) < Version(other))

    assert ours == theirs


@given(_VERSIONS)
def test_every_normal_form_is_taken(version: str) -> None:
    assert check_version(version, "here") == version == str(Version(version))


@given(st.text("0123456789.abcrdevpostl!+-v_", max_size=12))
def test_what_is_taken_is_the_normal_form_of_packaging(text: str) -> None:
    try:
        check_version(text, "here")
    except MalformedError:
        return
    parsed = Version(text)

    assert str(parsed) == text
    assert parsed.epoch == 0
    assert parsed.local is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1.",
        "01",
        "v1",
        "1.0-1",
        "1.0RC1",
        "1!1",
        "1+local",
        "1.0\n",
        "1.a",
        "1.dev01",
    ],
)
def test_other_spellings_are_refused(text: str) -> None:
    with pytest.raises(MalformedError):
        check_version(text, "here")


def test_a_version_is_no_longer_than_a_name_of_a_folder_may_be() -> None:
    long = ".".join(itertools.repeat("1", MOST_CHARACTERS // 2)) + "0"
    assert check_version(long, "here")

    with pytest.raises(MalformedError):
        check_version(long + "0", "here")
