"""Values from outside are what their format says, or a sentence says what came."""

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from updater import shape
from updater.errors import MalformedError
from updater.jcs import Json

_WORD = re.compile("[a-z]{1,50}")


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (None, "null"),
        (True, "a boolean"),
        (3, "an integer"),
        ("x", "a string"),
        ([], "an array"),
    ],
)
def test_a_record_is_an_object(value: Json, kind: str) -> None:
    with pytest.raises(MalformedError, match=f"claim: expected an object, came {kind}"):
        shape.record(value, "claim", ())


def test_a_record_has_what_it_must_and_may_have() -> None:
    value: Json = {"a": 1, "b": 2}

    assert shape.record(value, "claim", ("a",), ("b", "c")) == value


def test_a_record_lacks_nothing() -> None:
    with pytest.raises(MalformedError, match="claim: 'b' is missing"):
        shape.record({"a": 1}, "claim", ("a", "b"))


def test_a_record_has_no_key_of_its_own() -> None:
    with pytest.raises(MalformedError, match="claim: 'z' has no place there"):
        shape.record({"a": 1, "z": 1}, "claim", ("a",))


def test_fields_may_stand_among_others() -> None:
    value: Json = {"a": 1, "z": 1}

    assert shape.fields(value, "claim", ("a",)) == value


@pytest.mark.parametrize(("count", "least"), [(0, 0), (2, 0), (2, 2)])
def test_items_are_an_array_within_bounds(count: int, least: int) -> None:
    assert shape.items([1] * count, "list", least=least, most=2) == [1] * count


@pytest.mark.parametrize("count", [0, 3])
def test_items_are_refused_beyond_bounds(count: int) -> None:
    with pytest.raises(MalformedError, match=f"expected 1 to 2 items, came {count}"):
        shape.items([1] * count, "list", least=1, most=2)


def test_items_are_no_object() -> None:
    with pytest.raises(MalformedError, match="expected an array, came an object"):
        shape.items({}, "list", most=2)


def test_text_matches_as_a_whole() -> None:
    assert shape.text("abc", "name", _WORD) == "abc"


@pytest.mark.parametrize("value", ["abc\n", "a b", ""])
def test_text_that_matches_only_in_part_is_refused(value: str) -> None:
    with pytest.raises(MalformedError, match=r"name: .* does not match"):
        shape.text(value, "name", _WORD)


def test_text_is_quoted_only_in_part() -> None:
    with pytest.raises(MalformedError) as caught:
        shape.text("A" * 5_000, "name", _WORD)

    assert len(str(caught.value)) < 100


def test_text_is_a_string() -> None:
    with pytest.raises(MalformedError, match="expected a string, came an integer"):
        shape.text(7, "name", _WORD)


def test_one_of_a_few_words_is_given_back() -> None:
    assert shape.one_of("b", "verdict", "a", "b") == "b"


@pytest.mark.parametrize(
    ("value", "came"), [("c", "'c'"), (None, "null"), (["a"], "an array")]
)
def test_another_word_is_refused(value: Json, came: str) -> None:
    with pytest.raises(MalformedError, match=f"verdict: expected a or b, came {came}"):
        shape.one_of(value, "verdict", "a", "b")


@pytest.mark.parametrize("value", [1, 2, 3])
def test_an_integer_within_bounds_is_given_back(value: int) -> None:
    assert shape.integer(value, "level", least=1, most=3) == value


@pytest.mark.parametrize("value", [0, 4])
def test_an_integer_beyond_bounds_is_refused(value: int) -> None:
    with pytest.raises(MalformedError, match=f"level: expected 1 to 3, came {value}"):
        shape.integer(value, "level", least=1, most=3)


@pytest.mark.parametrize("value", [True, "1", None])
def test_true_is_no_integer(value: Json) -> None:
    with pytest.raises(MalformedError, match="level: expected an integer"):
        shape.integer(value, "level", most=3)


def test_a_flag_is_true_or_false() -> None:
    assert shape.flag(value=True, where="paused")
    assert not shape.flag(value=False, where="paused")


@pytest.mark.parametrize("value", [0, 1, "true", None])
def test_nothing_else_is_a_flag(value: Json) -> None:
    with pytest.raises(MalformedError, match="expected true or false"):
        shape.flag(value, "paused")


@given(st.binary(max_size=50))
def test_base64_is_read_back(data: bytes) -> None:
    assert shape.unbase64(shape.base64_text(data), "key", size=len(data)) == data


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (None, "expected a string, came null"),
        ("QQ", "expected base64"),
        ("Q===", "expected base64"),
        ("QQ=Q", "expected base64"),
        ("Q Q=", "expected base64"),
        ("QQ==\n", "expected base64"),
        ("Q-==", "expected base64"),
        ("\u00e9Q==", "expected base64"),
        ("QR==", "expected canonical base64"),  # bits after the end are not zero
        ("QQ==", "expected 32 bytes, came 1"),
    ],
)
def test_another_spelling_of_base64_is_refused(value: Json, sentence: str) -> None:
    with pytest.raises(MalformedError, match=f"key: {sentence}"):
        shape.unbase64(value, "key", size=32)


@given(st.text(max_size=12))
def test_any_text_is_base64_or_malformed(value: str) -> None:
    try:
        data = shape.unbase64(value, "key")
    except MalformedError:
        return

    assert shape.base64_text(data) == value


@given(st.integers(946_684_800, 4_102_444_799))
def test_a_time_of_this_century_is_read_back(seconds: int) -> None:
    assert shape.moment(shape.moment_text(seconds), "at") == seconds


def test_a_time_is_written_in_utc() -> None:
    assert shape.moment_text(1_795_309_323) == "2026-11-22T01:02:03Z"


@pytest.mark.parametrize(
    "value",
    [
        "2026-11-22T01:02:03+00:00",
        "2026-11-22 01:02:03Z",
        "2026-11-22T01:02:03z",
        "2026-11-22T01:02:03.0Z",
        "2026-11-22T01:02:60Z",
        "2026-11-22T24:00:00Z",
        "1999-12-31T23:59:59Z",
        "2026-11-22T01:02:03Z\n",
    ],
)
def test_a_time_has_one_spelling(value: str) -> None:
    with pytest.raises(MalformedError, match=r"at: .* does not match"):
        shape.moment(value, "at")


@pytest.mark.parametrize(
    "value",
    ["2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-00T00:00:00Z"],
)
def test_a_day_that_no_calendar_has_is_refused(value: str) -> None:
    with pytest.raises(MalformedError, match=r"at: .* is no time"):
        shape.moment(value, "at")


_CHECKS: dict[str, Callable[[Json], object]] = {
    "record": lambda value: shape.record(value, "w", ("a",)),
    "items": lambda value: shape.items(value, "w", most=1),
    "text": lambda value: shape.text(value, "w", _WORD),
    "integer": lambda value: shape.integer(value, "w"),
    "one_of": lambda value: shape.one_of(value, "w", "a"),
    "flag": lambda value: shape.flag(value, "w"),
    "moment": lambda value: shape.moment(value, "w"),
    "unbase64": lambda value: shape.unbase64(value, "w"),
}


@pytest.mark.parametrize("name", _CHECKS)
def test_every_sentence_begins_with_where_it_stands(name: str) -> None:
    with pytest.raises(MalformedError, match=r"^w: "):
        _CHECKS[name](None)
