"""The journal of a publisher: what is written is what is read."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.updater.transparency.mangled import assert_one_spelling
from updater.errors import MalformedError
from updater.publish.steps import Change, Journal, Step, format_journal, parse_journal

CHANGE = Change(
    kind="release",
    step=Step.LOGGED,
    label="release 1.0",
    claim=b"{}",
    not_before=5,
    files={"metadata/2.claims.json": "ab" * 32},
)
JOURNAL = Journal(CHANGE, used={"releases": 3})


@pytest.mark.parametrize(
    "journal", [JOURNAL, Journal(), Journal(replace(CHANGE, claim=None))]
)
def test_a_journal_is_read_as_it_was_written(journal: Journal) -> None:
    assert parse_journal(format_journal(journal)) == journal


def test_no_mangled_journal_is_read_as_the_same() -> None:
    assert_one_spelling(parse_journal, format_journal, format_journal(JOURNAL))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_journal_or_malformed(data: bytes) -> None:
    try:
        parse_journal(data)
    except MalformedError:
        return


def test_each_step_leads_to_the_next_and_the_last_to_none() -> None:
    steps = [Step.DRAFTED]
    while (following := steps[-1].next) is not None:
        steps.append(following)

    assert steps == list(Step)


def test_a_change_goes_on_by_one_step() -> None:
    assert CHANGE.advanced().step is Step.STAGED
