"""Slots, and what is remembered of them."""

from dataclasses import replace

import pytest

from tests.updater.transparency.mangled import assert_one_spelling
from updater import jcs
from updater.errors import MalformedError
from updater.installed.audit import Head
from updater.installed.slots import (
    Attempt,
    Bad,
    InstallState,
    Last,
    Times,
    check_slot,
    format_state,
    highest_first,
    parse_state,
    slot_name,
    version_of,
)
from updater.jcs import Json

DIGITS = "0123456789ab"
OLD, NEW = f"1.3.0-{DIGITS}", f"1.4.0-{DIGITS}"
EMPTY = InstallState(seed=bytes(32))
FULL = InstallState(
    seed=bytes(range(32)),
    rev=12,
    channel="beta",
    floor="1.3.0",
    pending=NEW,
    previous=OLD,
    attempts=(Attempt(4711, 99),),
    bad=(Bad(at=5, slot=f"1.3.9-{DIGITS}", why="probe"),),
    skip=("1.2.9",),
    pythons={"cp311": "/opt/python/bin/python3.11"},
    time=Times(signed=7, soft=8),
    audit=Head(3, "ab" * 32),
    last=Last(at=9, kind="refused", codes=("tuf", "quorum"), version="1.4.0"),
)


def _changed(**changes: Json) -> bytes:
    value = jcs.parse(format_state(FULL), most=10_000)
    assert isinstance(value, dict)
    return jcs.write(value | changes)


@pytest.mark.parametrize(
    "state", [EMPTY, FULL, replace(FULL, last=Last(at=1, kind="current"))]
)
def test_what_is_written_is_read(state: InstallState) -> None:
    assert parse_state(format_state(state)) == state


def test_a_state_has_one_spelling() -> None:
    assert_one_spelling(parse_state, format_state, format_state(FULL))


@pytest.mark.parametrize(
    "changes",
    [
        {"schema": "ringfence-install/2"},
        {"rev": -1},
        {"channel": "../x"},
        {"floor": "01"},
        {"pending": "1.0"},
        {"previous": f"../1.0-{DIGITS}"},
        {"attempts": [{"pid": 0, "start": 1}]},
        {"attempts": [{"pid": 1, "start": 1}] * 9},
        {"bad": [{"at": 1, "slot": OLD, "why": "mood"}]},
        {"bad": [{"at": 1, "slot": OLD, "why": "boot"}] * 33},
        {"skip": ["x"]},
        {"pythons": []},
        {"pythons": {"cp311": "python3"}},
        {"pythons": {"python": "/bin/python3"}},
        {"pythons": {"cp311": '/opt/"x"/python3.11'}},
        {"pythons": {f"cp3{number}": "/x" for number in range(17)}},
        {"seed": "AAAA"},
        {"time": {"signed": 1}},
        {"audit": {"seq": 1, "sha256": "AB" * 32}},
        {"last": {"at": 1, "codes": [], "kind": "perhaps", "version": None}},
        {"last": {"at": 1, "codes": ["A"], "kind": "refused", "version": None}},
        {"more": 1},
    ],
    ids=str,
)
def test_another_shape_is_refused(changes: dict[str, Json]) -> None:
    with pytest.raises(MalformedError):
        parse_state(_changed(**changes))


def test_the_seed_is_not_shown() -> None:
    assert "seed" not in repr(FULL)


def test_a_slot_is_named_by_version_and_bundle() -> None:
    assert slot_name("1.4.0rc1", DIGITS + "f" * 52) == f"1.4.0rc1-{DIGITS}"


def test_a_slot_tells_its_version() -> None:
    assert version_of(f"1.4.0rc1-{DIGITS}") == "1.4.0rc1"


@pytest.mark.parametrize(
    "name", [f"../../1-{DIGITS}", f"1/2-{DIGITS}", "1-0", f"-{DIGITS}"]
)
def test_a_name_that_leads_elsewhere_is_no_slot(name: str) -> None:
    with pytest.raises(MalformedError):
        check_slot(name, "slot")


def test_slots_are_sorted_by_version_and_not_by_letters() -> None:
    slots = [f"{version}-{DIGITS}" for version in ("1.9", "1.10", "1.10rc1", "1.10.1")]

    assert list(map(version_of, highest_first(slots))) == [
        "1.10.1",
        "1.10",
        "1.10rc1",
        "1.9",
    ]


def test_a_slot_that_failed_is_bad() -> None:
    assert FULL.is_bad(f"1.3.9-{DIGITS}")
    assert not FULL.is_bad(OLD)
