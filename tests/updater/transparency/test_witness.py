"""A witness: one chain per log, whatever is asked and by how many at once."""

import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from tests.updater.transparency.logs import (
    LOG,
    ORIGIN,
    TIME,
    checkpoint,
    leaves,
    nodes_of,
    signed,
    witness,
)
from updater.errors import DeclinedError, RefusedError, StoreError
from updater.transparency.checkpoint import open_checkpoint, sign_checkpoint
from updater.transparency.cosigning import (
    REPEAT_S,
    Submission,
    format_submission,
    place_of,
)
from updater.transparency.merkle import prove_consistency
from updater.transparency.witness import Witness

LOGS = {ORIGIN: (LOG.verifier,)}
KEY = witness(1)


class Clock:
    def __init__(self) -> None:
        self.time = TIME

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def trusting(tmp_path: Path, clock: Clock) -> Witness:
    return made(tmp_path, clock, is_trusting=True)


def made(
    folder: Path, clock: Callable[[], float], *, is_trusting: bool = False
) -> Witness:
    return Witness(folder / "w.sqlite", [KEY], LOGS, now=clock, is_trusting=is_trusting)


def request(old: int, new: int) -> bytes:
    hashes = prove_consistency(old, new, nodes_of(leaves(new))) if 0 < old < new else ()
    return format_submission(Submission(old, tuple(hashes), note=signed(size=new)))


def status(ask: Callable[[], object]) -> tuple[int, int]:
    with pytest.raises(DeclinedError) as caught:
        ask()
    return caught.value.status, caught.value.size


def test_it_cosigns_what_follows(trusting: Witness, clock: Clock) -> None:
    for old, new in [(0, 1), (1, 3), (3, 3), (3, 300)]:
        clock.time += REPEAT_S
        lines = trusting.add_checkpoint(request(old, new))
        opened = open_checkpoint(
            signed(size=new) + lines, [LOG.verifier], [KEY.verifier]
        )

        assert opened.cosignatures == {KEY.verifier: (clock.time,)}


def test_it_shows_what_it_signed_last(trusting: Witness) -> None:
    place = place_of(ORIGIN)
    before = trusting.checkpoint(place)
    lines = trusting.add_checkpoint(request(0, 3))

    assert before is None
    assert trusting.checkpoint(place) == signed(size=3) + lines
    assert trusting.checkpoint("00" * 32) is None


def test_it_remembers_over_a_restart(trusting: Witness, tmp_path: Path) -> None:
    trusting.add_checkpoint(request(0, 3))
    again = made(tmp_path, Clock())

    assert status(lambda: again.add_checkpoint(request(1, 3))) == (409, 3)


def test_an_unpinned_log_is_unknown(tmp_path: Path, clock: Clock) -> None:
    strict = made(tmp_path, clock)

    assert status(lambda: strict.add_checkpoint(request(0, 3))) == (404, 0)
    strict.pin(signed(size=3))
    clock.time += 1
    assert strict.add_checkpoint(request(3, 4))


def test_a_log_is_pinned_once(trusting: Witness) -> None:
    trusting.pin(signed(size=3))

    with pytest.raises(RefusedError, match="known already, at size 3"):
        trusting.pin(signed(size=4))


def test_another_tree_is_kept_as_possible_evidence(trusting: Witness) -> None:
    trusting.add_checkpoint(request(0, 3))
    note = sign_checkpoint(replace(checkpoint(4), root=b"\x01" * 32), LOG)
    forked = format_submission(Submission(3, (b"\x02" * 32,) * 2, note=note))
    for _ in range(2):
        assert status(lambda: trusting.add_checkpoint(forked)) == (422, 0)

    (suspect,) = trusting.suspects()
    assert (suspect.note, suspect.known) == (note, signed(size=3))


def test_a_first_tree_with_a_wrong_root_is_kept_nowhere(trusting: Witness) -> None:
    note = sign_checkpoint(replace(checkpoint(0), root=b"\x01" * 32), LOG)
    body = format_submission(Submission(0, (), note=note))

    assert status(lambda: trusting.add_checkpoint(body)) == (422, 0)
    assert trusting.suspects() == []


def test_a_clock_that_is_set_back_signs_nothing(
    trusting: Witness, clock: Clock
) -> None:
    trusting.add_checkpoint(request(0, 3))
    clock.time -= 1

    assert status(lambda: trusting.add_checkpoint(request(3, 4))) == (503, 0)


def test_a_repeated_request_gets_the_same_line(trusting: Witness, clock: Clock) -> None:
    first = trusting.add_checkpoint(request(0, 3))
    clock.time += REPEAT_S - 1
    again = trusting.add_checkpoint(request(3, 3))
    clock.time += 1
    later = trusting.add_checkpoint(request(3, 3))

    assert first == again != later


def test_a_log_cannot_have_it_sign_all_day(trusting: Witness) -> None:
    def grow() -> None:
        for size in range(1, 100):
            trusting.add_checkpoint(request(size - 1, size))

    assert status(grow) == (429, 0)


def test_of_fifty_requests_at_once_one_chain_remains(trusting: Witness) -> None:
    def ask(size: int) -> int:
        try:
            trusting.add_checkpoint(request(0, size))
        except DeclinedError as error:
            return error.status
        return 200

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(ask, range(1, 51)))

    assert answers.count(200) == 1
    assert set(answers) == {200, 409}


def test_it_needs_a_key_of_a_witness(tmp_path: Path) -> None:
    for keys in ([], [LOG]):
        with pytest.raises(RefusedError, match="kind 04 or 06"):
            Witness(tmp_path / "w.sqlite", keys, LOGS, now=Clock())


def test_a_database_that_others_can_write_is_refused(
    trusting: Witness, tmp_path: Path
) -> None:
    assert trusting.known(ORIGIN) is None
    (tmp_path / "w.sqlite").chmod(0o666)

    with pytest.raises(StoreError, match="others may write"):
        made(tmp_path, Clock())


def test_a_database_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "w.sqlite").write_bytes(b"not a database, but long enough" * 40)

    with pytest.raises(StoreError, match="not a database"):
        made(tmp_path, Clock())


def test_nothing_is_signed_that_was_not_stored(
    trusting: Witness, tmp_path: Path
) -> None:
    trusting.add_checkpoint(request(0, 3))
    with sqlite3.connect(tmp_path / "w.sqlite") as db:
        db.execute(
            "CREATE TRIGGER no BEFORE INSERT ON heads BEGIN SELECT RAISE(FAIL, 'full');"
            " END"
        )
    db.close()

    with pytest.raises(StoreError, match="full"):
        trusting.add_checkpoint(request(3, 4))
    assert (known := trusting.known(ORIGIN))
    assert known.head.size == 3
