"""Words: the published ones, and decoys that give nothing away."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.voip.identity.people import luck
from voip.errors import TrustError
from voip.identity.words import WORDS, decimal, word_choices, words

SAS = bytes.fromhex("deb7ff4ca0ad0607")


def test_words_are_the_published_check_value() -> None:
    assert words(SAS) == ("team", "say", "spring")


def test_digits_are_the_published_check_value() -> None:
    assert decimal(SAS) == "7473200793"


def test_digits_are_always_ten() -> None:
    assert decimal(bytes(8)) == "0000000000"


def test_words_and_digits_tell_the_same_33_bits() -> None:
    first, second, third = (WORDS.index(word) for word in words(SAS))

    assert first << 22 | second << 11 | third == int(decimal(SAS))


def test_words_are_told_apart_by_four_letters() -> None:
    assert len({word[:4] for word in WORDS}) == 2048


@given(st.binary(min_size=8, max_size=8), st.integers())
def test_decoys_share_no_word_with_the_call_or_each_other(
    sas: bytes, seed: int
) -> None:
    options = word_choices(sas, luck(seed)).options
    decoys = [word for option in options if option != words(sas) for word in option]

    assert len(set(decoys)) == 9
    assert not set(decoys) & set(words(sas))


@given(st.binary(min_size=8, max_size=8), st.integers())
def test_only_the_words_of_the_call_pass(sas: bytes, seed: int) -> None:
    choices = word_choices(sas, luck(seed))
    choices.check(choices.options.index(words(sas)))
    for index in (*(i for i in range(4) if choices.options[i] != words(sas)), None):
        with pytest.raises(TrustError, match="reads other words"):
            choices.check(index)


def test_the_right_place_depends_on_luck_alone() -> None:
    places = {
        word_choices(SAS, luck(seed)).options.index(words(SAS)) for seed in range(50)
    }

    assert places == {0, 1, 2, 3}


def test_a_shown_choice_does_not_give_the_answer_away() -> None:
    assert "correct" not in repr(word_choices(SAS, luck()))


def test_a_source_without_luck_still_gives_four_different_options() -> None:
    assert len(set(word_choices(SAS, bytes).options)) == 4
