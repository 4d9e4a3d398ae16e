"""Canonical JSON: one spelling, strictly read, nothing but MalformedError."""

from dataclasses import dataclass, field, replace
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.voip.identity.people import JUNK, assert_mangled_is_refused
from voip.errors import MalformedError
from voip.identity.canonical import (
    ADDED,
    Spelling,
    Spellings,
    format_canonical,
    parse_canonical,
)


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class Point:
    x: int
    y: int


@dataclass(frozen=True)
class Thing:
    name: str
    raw: bytes
    colour: Colour = Colour.RED
    flag: bool = False
    maybe: int | None = None
    points: tuple[Point, ...] = ()
    later: int = field(default=0, metadata=ADDED)


def _parse_point(text: str) -> Point:
    x, _, y = text.partition("/")
    return Point(int(x), int(y))


SPELLINGS: Spellings = {Point: Spelling(lambda p: f"{p.x}/{p.y}", _parse_point, str)}
THING = Thing("Zoë", b"\0\xff", Colour.BLUE, maybe=3, points=(Point(1, 2),))
WRITTEN = (
    '{"format":"thing 1","value":{"colour":"blue","flag":false,"maybe":3,'
    '"name":"Zoë","points":["1/2"],"raw":"AP8="}}'
).encode()


def _parse(raw: bytes) -> Thing:
    return parse_canonical(Thing, raw, "thing 1", SPELLINGS)


def _format(thing: Thing) -> bytes:
    return format_canonical(thing, "thing 1", SPELLINGS)


def test_a_value_has_this_spelling() -> None:
    assert _format(THING) == WRITTEN


def test_a_value_is_read_back() -> None:
    assert _parse(WRITTEN) == THING


def test_what_a_format_got_later_is_written_where_it_says_something() -> None:
    raw = WRITTEN.replace(b'"maybe"', b'"later":7,"maybe"')

    assert _parse(raw) == replace(THING, later=7)
    assert _format(replace(THING, later=7)) == raw


def test_without_a_spelling_a_dataclass_is_an_object() -> None:
    raw = format_canonical(THING, "thing 1", {})

    assert b'"points":[{"x":1,"y":2}]' in raw
    assert parse_canonical(Thing, raw, "thing 1", {}) == THING


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("thing 1", "thing 2"),
        ('"maybe":3', '"maybe":true'),
        ('"maybe":3', '"maybe":3.0'),
        ('"maybe":3', '"maybe": 3'),
        ('"flag":false', '"flag":0'),
        ('"flag":false,', ""),
        ('"flag":false', '"flag":false,"flag":false'),
        ('"flag":false', '"extra":1,"flag":false'),
        ('"flag":false', '"flag":false,"later":0'),
        ('"blue"', '"green"'),
        ('"1/2"', '"1/two"'),
        ('"1/2"', '"01/2"'),
        ('["1/2"]', '"1/2"'),
        ('"AP8="', '"AP8"'),
        ('"AP8="', '"AP9="'),
        ('"Zoë"', '"Zo\\u00eb"'),
        ('"Zoë"', '"\\ud800"'),
        ('"Zoë"', "[" * 100_000),
        ('"Zoë"', "9" * 5000),
        ('"format"', '"form"'),
    ],
)
def test_another_spelling_or_value_is_malformed(old: str, new: str) -> None:
    with pytest.raises(MalformedError, match="expected 'thing 1'"):
        _parse(WRITTEN.decode().replace(old, new).encode())


def test_an_error_does_not_repeat_what_may_be_secret() -> None:
    with pytest.raises(MalformedError) as caught:
        _parse(WRITTEN.replace(b"AP8=", b"secret"))

    assert "secret" not in str(caught.value)


def test_mangled_values_are_malformed() -> None:
    assert_mangled_is_refused(_parse, _format, WRITTEN)


@given(JUNK)
def test_any_bytes_are_malformed(raw: bytes) -> None:
    with pytest.raises(MalformedError):
        _parse(raw)


@given(st.builds(Thing, st.text(st.characters(codec="utf-8")), st.binary()))
def test_any_value_is_read_back(thing: Thing) -> None:
    assert _parse(_format(thing)) == thing
