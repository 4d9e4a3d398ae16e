"""A state as a file has one spelling and contradicts nothing."""

from dataclasses import replace

import pytest

from tests.updater.transparency.mangled import assert_one_spelling
from tests.updater.transparency.memories import memory, state
from updater import jcs
from updater.errors import MalformedError
from updater.jcs import Json
from updater.transparency.merkle import EMPTY_ROOT
from updater.transparency.state import Memory, Seen, State
from updater.transparency.statefile import format_state, parse_state

ROOT = b"\x01" * 32


def test_a_state_is_read_as_it_was_written() -> None:
    assert parse_state(format_state(state())) == state()


def test_an_empty_state_is_read_as_it_was_written() -> None:
    fresh = State(salt=bytes(32), logs=(Memory("a/b", floor=Seen(0, EMPTY_ROOT)),))

    assert parse_state(format_state(fresh)) == fresh


def test_a_damaged_state_is_malformed_or_another() -> None:
    bare = replace(memory(), note=None, history=(), next_entry=0, learned=())
    small = State(salt=bytes(32), logs=(bare,))

    assert_one_spelling(parse_state, format_state, format_state(small))


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (replace(memory(), history=()), "note with a history"),
        (replace(memory(), note=None), "note with a history"),
        (replace(memory(), history=memory().history[:1], next_entry=0), "last head"),
        (replace(memory(), history=memory().history[::-1]), "rising order"),
        (replace(memory(), next_entry=3), "beyond the head"),
        (
            replace(memory(), origin="a/b", note=None, history=(), next_entry=0),
            "this log",
        ),
        (replace(memory(), floor=Seen(0, ROOT)), "the empty root"),
        (replace(memory(), note=b"a\n\nb\n"), "signature line"),
    ],
)
def test_a_contradiction_is_malformed(wrong: Memory, why: str) -> None:
    data = format_state(State(salt=bytes(32), logs=(wrong,)))

    with pytest.raises(MalformedError, match=why):
        parse_state(data)


def test_a_log_stands_there_once() -> None:
    data = format_state(replace(state(), logs=(memory(), memory())))

    with pytest.raises(MalformedError, match="rising order"):
        parse_state(data)


@pytest.mark.parametrize(
    "changes",
    [
        {"schema": "ringfence-bt-state/2"},
        {"salt": "AAAA"},
        {"rev": -1},
        {"installed": {}},
        {"agreed": [["x", 1, "a/b", 1]]},
        {"evidence": [["f0" * 32, "rumour", False]]},
        {"evidence": [["f0" * 32, "fork", 0]]},
        {"more": 1},
    ],
)
def test_another_shape_is_malformed(changes: dict[str, Json]) -> None:
    value = jcs.parse(format_state(state()), most=100_000)
    assert isinstance(value, dict)

    with pytest.raises(MalformedError):
        parse_state(jcs.write({**value, **changes}))
