import random
import sys
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voip.errors import MalformedError, MissingError, RefusedError
from voip.identity.card import Card
from voip.identity.keys import Entropy
from voip.signalling.envelope import seal_blob
from voip.signalling.spoken import (
    CardExchange,
    Code,
    Side,
    code_fetches,
    create_code,
    format_code,
    parse_code,
)

CODE = Code(7, "crater", second="velvet")
ALICE = Card(
    "alice",
    b"\x58" + b"\x66" * 31,
    board=b"\x58" + b"\x66" * 31,
    key=bytes(32),
    relay=None,
)
BOB = replace(ALICE, alias="bob")
NOW = 20000 * 86400


def exchange(side: Side, code: Code = CODE, seed: int = 1) -> CardExchange:
    return CardExchange(code, side, entropy=random.Random(seed + side).randbytes)


def finished(code: Code = CODE) -> tuple[CardExchange, CardExchange]:
    creator, joiner = exchange(Side.CREATOR), exchange(Side.JOINER, code)
    creator.finish(joiner.message)
    joiner.finish(creator.message)
    return creator, joiner


def test_two_who_know_the_code_swap_their_cards() -> None:
    creator, joiner = finished()
    cards = (
        joiner.open_card(creator.seal_card(ALICE)),
        creator.open_card(joiner.seal_card(BOB)),
    )

    assert cards == (ALICE, BOB)


def test_other_words_do_not_open_the_card() -> None:
    creator, guesser = finished(Code(7, "crater", second="tunnel"))
    sealed = creator.seal_card(ALICE)

    with pytest.raises(RefusedError, match="code: the words do not match"):
        guesser.open_card(sealed)


def test_a_card_is_not_reflected() -> None:
    creator, _ = finished()
    sealed = creator.seal_card(ALICE)

    with pytest.raises(RefusedError, match="the words do not match"):
        creator.open_card(sealed)


def test_a_code_is_good_for_one_run() -> None:
    creator, joiner = finished()

    with pytest.raises(RefusedError, match="it was used already; make a new one"):
        creator.finish(joiner.message)


def test_a_run_that_failed_is_over() -> None:
    creator = exchange(Side.CREATOR)
    with pytest.raises(MalformedError):
        creator.finish(bytes(4095))

    with pytest.raises(RefusedError, match="it was used already"):
        creator.finish(exchange(Side.JOINER).message)


def test_without_a_finished_run_no_card_is_sealed() -> None:
    with pytest.raises(RefusedError, match="no run of it has finished"):
        exchange(Side.CREATOR).seal_card(ALICE)


@pytest.mark.parametrize("size", [0, 4095, 4097])
def test_a_message_of_another_size_is_malformed(size: int) -> None:
    with pytest.raises(MalformedError, match=f"expected 4096 bytes, came {size}"):
        exchange(Side.CREATOR).finish(bytes(size))


@pytest.mark.parametrize("element", [b"\x01" + bytes(31), b"\x02" + bytes(31)])
def test_a_message_that_is_no_element_is_malformed(element: bytes) -> None:
    with pytest.raises(MalformedError, match="expected a message of spake2"):
        exchange(Side.CREATOR).finish(element + bytes(4064))


def test_our_own_message_is_not_taken_for_theirs() -> None:
    creator = exchange(Side.CREATOR)

    with pytest.raises(MalformedError, match="expected a message of spake2"):
        creator.finish(creator.message)


def test_a_sealed_thing_that_is_not_text_is_malformed() -> None:
    creator, joiner = finished()
    sealed = seal_blob(joiner._card_key(Side.JOINER), b"\xff", entropy=bytes)

    with pytest.raises(MalformedError, match="card: expected utf-8"):
        creator.open_card(sealed)


def test_messages_look_like_any_blob() -> None:
    assert len(exchange(Side.CREATOR).message) == 4096


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "spake2", None)

    with pytest.raises(MissingError, match=r"install ringfence\[code\]"):
        exchange(Side.CREATOR)


def test_a_code_is_spelled_number_word_word() -> None:
    assert format_code(CODE) == "7-crater-velvet"


def test_a_code_is_read_back() -> None:
    assert parse_code("7-crater-velvet") == CODE


@pytest.mark.parametrize(
    "text",
    [
        "",
        "7",
        "7-crater",
        "7-crater-",
        "0-crater-velvet",
        "10000-crater-velvet",
        "07-crater-velvet",
        "\u0667-crater-velvet",
        "x-crater-velvet",
        "7-crater-velvets",
        "7-crater-velvet-",
        "7-Crater-velvet",
        " 7-crater-velvet",
    ],
)
def test_another_spelling_is_malformed(text: str) -> None:
    with pytest.raises(MalformedError, match="code: expected"):
        parse_code(text)


@given(st.text(max_size=30))
def test_any_text_is_a_code_or_malformed(text: str) -> None:
    try:
        code = parse_code(text)
    except MalformedError:
        return

    assert text == format_code(code)


@given(st.randoms(use_true_random=False))
def test_a_new_code_can_be_spelled(luck: random.Random) -> None:
    code = create_code(luck.randbytes)

    assert code == parse_code(format_code(code))


def test_the_words_are_not_shown() -> None:
    assert repr(CODE) == "Code(number=7)"


@pytest.mark.parametrize("skew", [-86400, 0, 86400])
def test_clocks_a_day_apart_still_meet(skew: int) -> None:
    written = code_fetches(CODE, Side.JOINER, now=NOW)[1]

    assert written in code_fetches(CODE, Side.JOINER, now=NOW + skew)


def test_each_side_has_its_own_mailbox() -> None:
    mine = set(code_fetches(CODE, Side.CREATOR, now=NOW))

    assert mine.isdisjoint(code_fetches(CODE, Side.CREATOR.other, now=NOW))


def test_the_words_do_not_name_the_mailbox(entropy: Entropy) -> None:
    other = replace(create_code(entropy), number=7)

    assert code_fetches(CODE, Side.JOINER, now=NOW) == code_fetches(
        other, Side.JOINER, now=NOW
    )
