"""A state only grows."""

from dataclasses import replace

import pytest

from tests.updater.transparency.memories import INDEX, memory, state
from tests.updater.transparency.worlds import DAY, START
from updater.errors import StoreError
from updater.transparency.index import Index
from updater.transparency.state import (
    MAX_EVIDENCE,
    MAX_HISTORY,
    Agreement,
    Kept,
    Memory,
    Seen,
    State,
    accept,
    check_follows,
    with_evidence,
)

ROOT = b"\x01" * 32
OTHER_ROOT = b"\x02" * 32
ORIGIN = memory().origin
FLOOR = Seen(3, ROOT)


def test_before_a_head_is_accepted_the_floor_is_the_head() -> None:
    assert Memory(ORIGIN, floor=FLOOR).head == FLOOR
    assert memory().head.size == 2


def test_an_accepted_head_is_the_last_of_the_history() -> None:
    moved = accept(memory(), b"note", Seen(5, ROOT, seen_at=START))

    assert moved.head == Seen(5, ROOT, seen_at=START)
    assert (moved.note, len(moved.history)) == (b"note", 3)


def test_what_is_to_be_read_again_keeps_its_head() -> None:
    again = memory().unread

    assert (again.next_entry, again.index, again.judged_by) == (0, Index(), ())
    assert again.head == memory().head


@pytest.mark.parametrize(
    ("before", "now", "kept"),
    [(None, 7, 7), (7, None, 7), (9, 7, 7), (7, 9, 7), (None, None, None)],
)
def test_one_tree_keeps_the_earliest_time(
    before: int | None, now: int | None, kept: int | None
) -> None:
    once = accept(Memory(ORIGIN, floor=FLOOR), b"a", Seen(4, ROOT, seen_at=before))

    twice = accept(once, b"b", Seen(4, ROOT, seen_at=now))

    assert twice.history == (Seen(4, ROOT, seen_at=kept),)
    assert twice.note == b"b"


@pytest.mark.parametrize("seen", [Seen(2, ROOT), Seen(3, OTHER_ROOT)])
def test_a_head_before_the_floor_is_not_accepted(seen: Seen) -> None:
    with pytest.raises(StoreError, match="after 3"):
        accept(Memory(ORIGIN, floor=FLOOR), b"note", seen)


def test_the_history_has_a_bound() -> None:
    rows = tuple(Seen(size, ROOT) for size in range(1, MAX_HISTORY + 1))
    full = Memory(ORIGIN, floor=Seen(0, ROOT), note=b"a", history=rows)

    more = accept(full, b"b", Seen(MAX_HISTORY + 1, ROOT))

    assert (len(more.history), more.history[0].size) == (MAX_HISTORY, 2)


def test_an_entry_is_as_old_as_the_first_head_that_covers_it() -> None:
    rows = (Seen(1, ROOT, seen_at=5), Seen(4, ROOT), Seen(9, ROOT, seen_at=7))
    seen = Memory(ORIGIN, floor=Seen(0, ROOT), note=b"a", history=rows)

    assert [seen.seen_at(index) for index in (0, 1, 8, 9)] == [5, 7, 7, None]


def test_logs_are_kept_in_order() -> None:
    other = Memory("aa.example/log", floor=FLOOR)

    both = state().with_memory(other)

    assert [each.origin for each in both.logs] == [other.origin, ORIGIN]
    assert both.memory(other.origin) == other
    assert both.memory("zz.example/log") is None
    assert both.index == INDEX


def test_a_log_is_replaced_by_what_is_newer() -> None:
    newer = replace(memory(), next_entry=1)

    assert state().with_memory(newer).logs == (newer,)


def test_who_agreed_counts_for_a_month() -> None:
    assert state().agreements(ORIGIN, START + 30 * DAY) == (2,)
    assert state().agreements(ORIGIN, START + 30 * DAY + 1) == ()
    assert state().agreements(ORIGIN, START - 1) == ()
    assert state().agreements("other", START) == ()


def test_settled_evidence_is_known() -> None:
    assert state().is_settled("f1" * 32)
    assert not state().is_settled("f0" * 32)
    assert not state().is_settled("00" * 32)


def test_the_next_state_may_follow() -> None:
    check_follows(state(), replace(state(), rev=8))


@pytest.mark.parametrize("rev", [6, 7, 9])
def test_another_revision_cannot_follow(rev: int) -> None:
    with pytest.raises(StoreError, match=f"revision {rev} cannot follow 7"):
        check_follows(state(), replace(state(), rev=rev))


def test_a_state_that_forgets_a_tree_cannot_follow() -> None:
    smaller = replace(memory(), history=memory().history[:1])
    for logs in ((), (smaller,)):
        with pytest.raises(StoreError, match="would become smaller"):
            check_follows(state(), replace(state(), rev=8, logs=logs))


def test_evidence_is_remembered_once() -> None:
    kept = Kept("f0" * 32, "fork", is_settled=True)

    assert with_evidence(state(), kept).evidence == (state().evidence[1], kept)


def test_local_trouble_makes_way_for_proof() -> None:
    rows = tuple(Kept(f"{number:064x}", "fork") for number in range(MAX_EVIDENCE - 1))
    full = replace(state(), evidence=(*rows, Kept("ff" * 32, "local")))
    new = Kept("ee" * 32, "fork")

    assert with_evidence(full, new).evidence == (*rows, new)


def test_proof_never_makes_way() -> None:
    rows = tuple(Kept(f"{number:064x}", "fork") for number in range(MAX_EVIDENCE))
    full = replace(state(), evidence=rows)

    assert with_evidence(full, Kept("ee" * 32, "local")) == full


def test_the_salt_is_not_shown() -> None:
    assert "salt" not in repr(State(salt=b"secret"))


def test_an_agreement_names_its_log() -> None:
    assert Agreement("f3" * 32, 2, origin=ORIGIN, at=START) == state().agreed[0]
