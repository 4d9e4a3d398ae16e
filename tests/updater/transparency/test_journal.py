"""The log writer's memory of what it has signed."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from updater import jcs
from updater.errors import MalformedError, RefusedError
from updater.transparency.journal import (
    MAX_BATCH,
    Journal,
    format_journal,
    parse_journal,
    prepare,
    publish,
    refresh,
    sign,
    start,
)

ORIGIN = "bt.example/ringfence/1"
ROOT = b"\x01" * 32
LEAVES = (b"\x0a" * 32, b"\x0b" * 32)
EMPTY = start(ORIGIN)
PREPARED = prepare(EMPTY, LEAVES, ROOT)
NOTE = PREPARED.text + "\n— bt.example/ringfence/1 c2ln\n"
SIGNED = sign(PREPARED, NOTE)
PUBLISHED = publish(SIGNED)
REFRESHED = refresh(PUBLISHED, NOTE)
ALL = [EMPTY, PREPARED, SIGNED, PUBLISHED, REFRESHED]


@pytest.mark.parametrize("journal", ALL, ids=range(5))
def test_a_journal_reads_as_it_was_written(journal: Journal) -> None:
    assert parse_journal(format_journal(journal)) == journal


def test_the_written_form() -> None:
    assert format_journal(PREPARED) == (
        b'{"batch":["' + b"0a" * 32 + b'","' + b"0b" * 32 + b'"],"note":null,'
        b'"origin":"bt.example/ringfence/1",'
        b'"root":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=",'
        b'"schema":"ringfence-bt-journal/1","size":2,"state":"prepared"}'
    )


def test_an_append_goes_through_all_states() -> None:
    states = [journal.state for journal in (EMPTY, PREPARED, SIGNED, PUBLISHED)]

    assert states == ["published", "prepared", "signed", "published"]
    assert (PUBLISHED.old_size, PUBLISHED.size) == (0, 2)


def test_more_lines_are_kept_while_signed() -> None:
    more = NOTE + "— w1 c2ln\n"

    assert sign(SIGNED, more).note == more


def test_a_refresh_adds_no_entries() -> None:
    assert (REFRESHED.old_size, REFRESHED.size) == (2, 2)


@pytest.mark.parametrize(
    ("journal", "step"),
    [
        (PREPARED, lambda journal: prepare(journal, LEAVES, ROOT)),
        (SIGNED, lambda journal: prepare(journal, LEAVES, ROOT)),
        (PUBLISHED, lambda journal: sign(journal, NOTE)),
        (PREPARED, publish),
        (PUBLISHED, publish),
        (SIGNED, lambda journal: refresh(journal, NOTE)),
        (PREPARED, lambda journal: refresh(journal, NOTE)),
    ],
)
def test_no_step_out_of_order(
    journal: Journal, step: Callable[[Journal], Journal]
) -> None:
    with pytest.raises(RefusedError, match=f"that is {journal.state}"):
        step(journal)


@pytest.mark.parametrize("count", [0, MAX_BATCH + 1])
def test_a_batch_has_entries_and_not_too_many(count: int) -> None:
    with pytest.raises(RefusedError, match=f"came {count}"):
        prepare(EMPTY, (ROOT,) * count, ROOT)


def test_a_note_of_another_tree_is_not_kept() -> None:
    other = replace(PREPARED, root=b"\x02" * 32).text + "\n— x c2ln\n"

    with pytest.raises(RefusedError, match="another tree"):
        sign(PREPARED, other)
    with pytest.raises(RefusedError, match="another tree"):
        refresh(PUBLISHED, other)


def test_an_empty_log_has_nothing_to_refresh() -> None:
    with pytest.raises(RefusedError, match="the log is empty"):
        refresh(EMPTY, NOTE)


def changed(journal: Journal, **fields: Any) -> bytes:
    """Write a journal with other values in some fields."""
    value = jcs.parse(format_journal(journal), most=1 << 20)
    assert isinstance(value, dict)
    return jcs.write({**value, **fields})


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (changed(PREPARED, size=1), "2 entries in a log of 1"),
        (changed(SIGNED, batch=[], size=0, note=None), "not of this size"),
        (changed(EMPTY, state="signed"), "no promise for size 0"),
        (changed(EMPTY, state="prepared"), "no promise for size 0"),
        (changed(PREPARED, note=NOTE), "wrong note"),
        (changed(SIGNED, note=None), "wrong note"),
        (changed(PREPARED, batch=[]), "promise without new entries"),
        (changed(SIGNED, size=3), "note is of another tree"),
        (changed(SIGNED, note=NOTE + "\t"), "does not match"),
        (changed(SIGNED, state="done"), "expected prepared"),
        (changed(SIGNED, schema="ringfence-bt-journal/2"), "schema"),
        (changed(SIGNED, batch=["0A" * 32]), "does not match"),
        (changed(SIGNED, root="AQ=="), "expected 32 bytes"),
        (changed(SIGNED, origin="a b"), "does not match"),
        (changed(SIGNED, more=1), "no place there"),
        (b" " + format_journal(SIGNED), "canonical"),
    ],
)
def test_a_journal_that_contradicts_itself_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(MalformedError, match=reason):
        parse_journal(data)


@given(st.binary(max_size=200))
def test_anything_else_is_malformed(data: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_journal(data)


@given(st.integers(0, 10_000), st.integers(0, 255))
def test_a_changed_byte_is_another_journal_or_none(at: int, byte: int) -> None:
    data = bytearray(format_journal(SIGNED))
    data[at % len(data)] = byte
    try:
        found = parse_journal(bytes(data))
    except MalformedError:
        return

    assert format_journal(found) == bytes(data)
