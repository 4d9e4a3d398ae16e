"""JSON with one spelling: what RFC 8785 says, and what no two readers may dispute."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from updater.errors import MalformedError
from updater.jcs import MAX_INTEGER, Json, parse, parse_canonical, write

_TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
_VALUES: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers(-MAX_INTEGER, MAX_INTEGER) | _TEXT,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(_TEXT, inner, max_size=4)
    ),
    max_leaves=20,
)


@given(_VALUES)
def test_what_is_written_is_read_back(value: Json) -> None:
    data = write(value)

    assert parse_canonical(data, most=len(data)) == value


@given(st.binary(max_size=60) | st.text(max_size=40).map(str.encode))
def test_any_bytes_are_a_value_or_malformed(data: bytes) -> None:
    try:
        value = parse(data, most=60)
    except MalformedError:
        return

    assert parse_canonical(write(value), most=10_000) == value


def test_keys_are_sorted_by_utf_16_units() -> None:
    # RFC 8785 section 3.2.3: U+1F600 is D83D DE00 in UTF-16, so it comes before U+FB33.
    value: Json = {
        "\u20ac": 1,
        "\r": 2,
        "\ufb33": 3,
        "1": 4,
        "\U0001f600": 5,
        "\u0080": 6,
    }

    assert write(value).decode() == (
        '{"\\r":2,"1":4,"\u0080":6,"\u20ac":1,"\U0001f600":5,"\ufb33":3}'
    )


@pytest.mark.parametrize(
    "data",
    [
        b'{"b":1,"a":2}',
        b'{"a": 1}',
        b'{"a":1}\n',
        b'"\\u0061"',
        b'"\\/"',
        "\ufeff1".encode(),
    ],
)
def test_a_second_spelling_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_canonical(data, most=100)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b'{"a":1,"a":1}', "a key stands twice"),
        (b'{"a":{"b":1,"b":2}}', "a key stands twice"),
        (b"1.0", "came another number"),
        (b"1e3", "came another number"),
        (b"NaN", "came another number"),
        (b"-Infinity", "came another number"),
        (b"-0", "within 2"),
        (b"9007199254740992", "within 2"),
        (b"-9007199254740992", "within 2"),
        (b"1" * 90, "within 2"),
        (b'"\\ud800"', "expected UTF-8"),
        (b'{"\\udfff":1}', "expected UTF-8"),
        (b'"\xff"', "expected UTF-8"),
        (b"[1,]", "not JSON at character"),
        (b"", "not JSON at character 0"),
        (b"1 2", "not JSON at character"),
        (b'"a\nb"', "not JSON at character"),
    ],
)
def test_what_two_readers_could_dispute_is_refused(data: bytes, sentence: str) -> None:
    with pytest.raises(MalformedError, match=sentence):
        parse(data, most=100)


@pytest.mark.parametrize("integer", [MAX_INTEGER, -MAX_INTEGER, 0])
def test_integers_within_2_to_the_53_are_read(integer: int) -> None:
    assert parse(str(integer).encode(), most=20) == integer


def test_a_byte_too_many_is_refused_before_it_is_read() -> None:
    with pytest.raises(MalformedError, match="at most 3 bytes, came 4"):
        parse(b"[[[[", most=3)


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_nesting_is_refused_past_its_depth(opening: bytes) -> None:
    closing = b"]" if opening == b"[" else b"}"
    inner = b"1"

    assert parse(opening * 3 + inner + closing * 3, most=100, depth=3)
    with pytest.raises(MalformedError, match="nested too deep"):
        parse(opening * 4 + inner + closing * 4, most=100, depth=3)


def test_nesting_that_exhausts_the_reader_is_refused() -> None:
    with pytest.raises(MalformedError, match="nested too deep"):
        parse(b"[" * 200_000, most=200_000)
