"""TOML of strangers: plain values, or one error, soon."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reproducible.inputs.toml import MAX_DOTS, parse_toml
from updater.errors import MalformedError
from updater.jcs import MAX_INTEGER

_MOST = 10_000


def test_tables_arrays_text_numbers_and_flags_are_read() -> None:
    found = parse_toml(b'a = [1, "x", true]\n[b]\nc.d = 2\n', most=_MOST)

    assert found == {"a": [1, "x", True], "b": {"c": {"d": 2}}}


@pytest.mark.parametrize(
    ("written", "given"),
    [
        (b"1.50", "1.5"),
        (b"inf", "inf"),
        (b"2026-11-22T01:02:03Z", "2026-11-22 01:02:03+00:00"),
        (b"2026-11-22", "2026-11-22"),
        (b"01:02:03", "01:02:03"),
    ],
    ids=["fraction", "infinite", "moment", "day", "time"],
)
def test_what_has_no_place_is_given_as_text(written: bytes, given: str) -> None:
    assert parse_toml(b"a = " + written, most=_MOST) == {"a": given}


def test_the_largest_integer_is_read() -> None:
    assert parse_toml(b"a = %d" % MAX_INTEGER, most=_MOST) == {"a": MAX_INTEGER}


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"#" * (_MOST + 1), "expected at most 10000 bytes, came 10001"),
        (b"a" + b".a" * (MAX_DOTS + 1) + b" = 1", "expected at most 200 dots in a"),
        (b"a = \xff", "expected UTF-8"),
        (b"a = ", "Invalid value"),
        (b"a = 1\na = 2", "TOML"),
        (b"a = -%d" % (MAX_INTEGER + 1), "expected integers within 2"),
        (b"a = " + b"1" * 5000, "TOML"),
        (b"a = " + b"[" * 5000, "nested too deep"),
        (b"a = " + b"[" * 32 + b"]" * 32, "nested too deep"),
        (b".".join([b"a"] * 33) + b" = 1", "nested too deep"),
    ],
    ids=[
        "large", "dots", "bytes", "half", "twins", "integer", "digits", "stack",
        "arrays", "tables",
    ],
)  # fmt: skip
def test_anything_else_is_malformed(data: bytes, sentence: str) -> None:
    with pytest.raises(MalformedError, match=sentence):
        parse_toml(data, most=_MOST)


def test_thirty_one_arrays_in_a_table_are_not_too_deep() -> None:
    data = b"a = " + b"[" * 31 + b"]" * 31

    assert parse_toml(data, most=_MOST)


@given(st.binary(max_size=200) | st.text("ab.=[]{}'\"\n1", max_size=60))
def test_any_bytes_give_values_or_one_error(data: bytes | str) -> None:
    try:
        found = parse_toml(data if isinstance(data, bytes) else data.encode(), most=200)
    except MalformedError:
        return

    assert isinstance(found, dict)
