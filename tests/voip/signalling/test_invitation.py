import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voip.errors import MalformedError
from voip.identity.card import Card, format_card
from voip.identity.signer import NativeSigner
from voip.signalling.board import DeviceEntry, format_entry
from voip.signalling.invitation import (
    Introduction,
    Pasted,
    Step,
    _format,
    format_introduction,
    format_pasted,
    parse_introduction,
    parse_pasted,
)
from voip.wire import lp16

INVITE = Pasted(Step.INVITE, (bytes(range(256)) * 16,))
ANSWER = Pasted(Step.ANSWER, (b"\x01" * 4096, b"\x02" * 4096))
SELECT = Pasted(Step.SELECT, (b"\x03" * 4096, b"\x04" * 4096))
STEPS = [INVITE, ANSWER, SELECT]
TEXT = format_pasted(INVITE)


@pytest.mark.parametrize("pasted", STEPS, ids=lambda pasted: pasted.step.name)
def test_a_step_is_read_back(pasted: Pasted) -> None:
    assert pasted == parse_pasted(format_pasted(pasted), pasted.step)


def test_a_text_says_what_it_is_and_ends_in_a_check() -> None:
    lines = TEXT.splitlines()

    assert (lines[0], lines[1], lines[-1]) == (
        "ringfence call 1 step 1 of 3",
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4v",
        "check qjjw7ibx",
    )


@pytest.mark.parametrize("width", [20, 61, 76, 20_000])
def test_lines_may_be_wrapped_otherwise(width: int) -> None:
    wrapped = textwrap.fill(TEXT.replace("\n", " "), width)

    assert parse_pasted(wrapped, Step.INVITE) == INVITE


@pytest.mark.parametrize("around", ["{}", "\n\n  {}  \n", "\r\n{}\r\n"], ids=repr)
def test_spaces_around_do_not_matter(around: str) -> None:
    text = around.format(TEXT.replace("\n", "\r\n"))

    assert parse_pasted(text, Step.INVITE) == INVITE


@given(st.integers(0, len(TEXT) - 2))
def test_a_prefix_is_malformed(size: int) -> None:
    with pytest.raises(MalformedError):
        parse_pasted(TEXT[:size], Step.INVITE)


@given(st.integers(0, len(TEXT) - 2), st.sampled_from("aZ9+/=>?-é\x00"))
def test_a_changed_letter_is_malformed(at: int, letter: str) -> None:
    changed = TEXT[:at] + letter + TEXT[at + 1 :]
    if changed == TEXT or TEXT[at].isspace():
        changed += "x"

    with pytest.raises(MalformedError):
        parse_pasted(changed, Step.INVITE)


@given(st.text(max_size=100))
def test_any_text_is_malformed(text: str) -> None:
    with pytest.raises(MalformedError, match="expected a whole ringfence call text"):
        parse_pasted(text, Step.INVITE)


def test_another_step_is_refused_by_name() -> None:
    with pytest.raises(MalformedError, match="expected step 2 of 3, came step 1"):
        parse_pasted(TEXT, Step.ANSWER)


def test_a_text_that_was_changed_on_the_way_says_so() -> None:
    with pytest.raises(MalformedError, match="check does not fit; copy it again"):
        parse_pasted(TEXT.replace("AAECAw", "BAECAw"), Step.INVITE)


def test_a_second_spelling_of_base64_is_malformed() -> None:
    # the last letter of 4096 bytes holds 4 unused bits
    spelled = TEXT.replace("/w==", "/x==")

    with pytest.raises(MalformedError, match="a second spelling of base64"):
        parse_pasted(spelled, Step.INVITE)


def test_base64_of_a_wrong_length_is_malformed() -> None:
    with pytest.raises(MalformedError, match="expected base64"):
        parse_pasted(TEXT.replace("/w==", "/w="), Step.INVITE)


def test_a_huge_text_is_refused_before_it_is_looked_at() -> None:
    with pytest.raises(MalformedError, match="20001 characters are too many"):
        parse_pasted(" " * 20_001, Step.INVITE)


@pytest.mark.parametrize(
    ("step", "sizes"),
    [(Step.INVITE, [4095]), (Step.INVITE, [4096] * 2), (Step.ANSWER, [4096])],
)
def test_a_step_has_its_number_of_blobs(step: Step, sizes: list[int]) -> None:
    with pytest.raises(MalformedError, match=f"step {step}: expected"):
        Pasted(step, tuple(bytes(size) for size in sizes))


CARD = Card(
    "alice",
    NativeSigner(b"\x01" * 32).public_key(),
    board=NativeSigner(b"\x02" * 32).public_key(),
    key=bytes(32),
    relay=None,
)
ENTRY = format_entry(DeviceEntry(b"\x03" * 1381, b"\x04" * 16))
INTRODUCTION = Introduction(CARD, ENTRY)
INTRODUCED = format_introduction(INTRODUCTION)


@pytest.mark.parametrize("width", [20, 64, 20_000])
def test_an_introduction_is_read_back_however_it_was_wrapped(width: int) -> None:
    wrapped = textwrap.fill(INTRODUCED.replace("\n", " "), width)

    assert parse_introduction(wrapped) == INTRODUCTION


def test_the_introduction_is_frozen() -> None:
    assert INTRODUCED.splitlines()[-1] == "check nsiq4kxk"


def test_an_introduction_does_not_show_what_opens_the_board() -> None:
    assert repr(ENTRY) not in repr(INTRODUCTION)


def test_a_step_of_a_call_is_no_introduction() -> None:
    with pytest.raises(MalformedError, match="expected a whole ringfence introduction"):
        parse_introduction(TEXT)


@pytest.mark.parametrize(
    "data",
    [
        b"\x00",
        b"\x00\x02\xff\xff" + ENTRY,
        b"\x00\x02ab" + ENTRY,
        lp16(format_card(CARD).encode()) + ENTRY[:-1],
        lp16(format_card(CARD).encode()) + ENTRY + b"\0",
    ],
    ids=["cut", "no text", "no card", "cut entry", "long entry"],
)
def test_an_introduction_of_something_else_is_malformed(data: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_introduction(_format("ringfence introduction 1", 0, data))


@given(st.integers(0, len(INTRODUCED) - 2), st.sampled_from("aZ9+/=>?-é\x00"))
def test_a_changed_letter_of_an_introduction_is_malformed(at: int, letter: str) -> None:
    changed = INTRODUCED[:at] + letter + INTRODUCED[at + 1 :]
    if changed == INTRODUCED or INTRODUCED[at].isspace():
        changed += "x"

    with pytest.raises(MalformedError):
        parse_introduction(changed)
