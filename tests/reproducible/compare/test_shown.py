"""Foreign text is what it looks like, once it is shown."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reproducible.compare.shown import shortened, shown


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("Zoë 日本 🙂", "Zoë 日本 🙂"),
        ("a\x1b[2Jb", r"a\x1b[2Jb"),
        ("cut\r\nthere", r"cut\r\nthere"),
        ("evil\u202etxt", r"evil\u202etxt"),
        ("zero\u200bwidth", r"zero\u200bwidth"),
        ("blank\u3164", r"blank\u3164"),
        ("space\u2003", r"space\u2003"),
        ("lone\udcff", r"lone\udcff"),
        ("unassigned\u0378", r"unassigned\u0378"),
        ("private\ue000", r"private\ue000"),
        ("tag\U000e0041", r"tag\U000e0041"),
        ("Việt", "Việt"),
        ("z" + 4 * "\u0301", "z" + 3 * "\u0301" + r"\u0301"),
    ],
    ids=lambda text: ascii(text)[:20],
)
def test_only_characters_with_a_picture_are_shown_as_they_are(
    text: str, expected: str
) -> None:
    assert shown(text) == expected


@given(st.text(alphabet=st.characters()))
def test_nothing_that_is_shown_can_act(text: str) -> None:
    acting = {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"}

    assert not acting & {unicodedata.category(char) for char in shown(text)}


def test_a_long_text_is_cut_and_says_so() -> None:
    assert shortened("abcdef", 4) == "abcd… (2 more)"


def test_a_cut_is_made_before_an_escape() -> None:
    assert shortened("abc\u202edef", 4) == r"abc\u202e… (3 more)"


def test_a_short_text_is_shown_whole() -> None:
    assert shortened("abcd", 4) == "abcd"
