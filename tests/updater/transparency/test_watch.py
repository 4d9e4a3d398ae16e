"""What a watcher takes alarm at."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.updater.transparency.claimants import (
    POLICY,
    POLICY_KEYS,
    YANK_KEYS,
    entry,
)
from tests.updater.transparency.logs import LOG, checkpoint, signed, witness
from tests.updater.transparency.policies import NOW, cosigned, policy_text
from tests.updater.transparency.writers import OPEN_TRUST, release, yank
from updater import jcs
from updater.errors import MalformedError
from updater.statement import (
    Statement,
    Subject,
    format_envelope,
    format_statement,
    sign,
)
from updater.transparency.admission import Register
from updater.transparency.checkpoint import open_checkpoint
from updater.transparency.policy import parse_policy
from updater.transparency.watch import (
    SILENT_S,
    STALE_S,
    Memory,
    entry_alarms,
    format_memory,
    head_alarms,
    offer_alarms,
    parse_memory,
    silence_alarms,
)

POLICY_FILE = parse_policy(policy_text("group q 2 w1 w2 w3", "quorum q"))
GOOD = cosigned((1, 0), (2, 0), (3, 0))


def codes(*alarms: object) -> list[str]:
    return [getattr(each, "code", "") for each in alarms]


def test_a_good_head_alarms_nobody() -> None:
    assert list(head_alarms(GOOD, None, POLICY_FILE, NOW)) == []
    assert list(head_alarms(GOOD, checkpoint(3), POLICY_FILE, NOW)) == []
    assert list(head_alarms(GOOD, checkpoint(2), POLICY_FILE, NOW)) == []


def test_a_head_that_is_smaller() -> None:
    (alarm,) = head_alarms(GOOD, checkpoint(4), POLICY_FILE, NOW)

    assert (alarm.code, alarm.text) == ("shrunk", "size 3, it was 4 before")


def test_another_root_at_one_size() -> None:
    old = replace(checkpoint(3), root=b"\x01" * 32)

    assert codes(*head_alarms(GOOD, old, POLICY_FILE, NOW)) == ["fork"]


def test_too_few_witnesses() -> None:
    assert codes(*head_alarms(cosigned((1, 0)), None, POLICY_FILE, NOW)) == ["quorum"]


def test_a_head_that_nobody_called_the_newest_for_days() -> None:
    assert list(head_alarms(GOOD, None, POLICY_FILE, NOW + STALE_S)) == []

    later = head_alarms(GOOD, None, POLICY_FILE, NOW + STALE_S + 1)
    assert codes(*later) == ["stale"]


def test_a_line_of_a_stranger() -> None:
    stranger = witness(9)
    note = signed((witness(1), NOW), (witness(2), NOW), (stranger, NOW))
    opened = open_checkpoint(note, [LOG.verifier], POLICY_FILE.witness_keys)
    (alarm,) = head_alarms(opened, None, POLICY_FILE, NOW)

    assert (alarm.code, alarm.text) == ("stranger", "a line of 'w9.example/bt'")


def test_a_witness_that_is_silent_for_days() -> None:
    seen = {"w1": NOW, "w2": NOW}
    opened = cosigned((1, SILENT_S + 1))
    now = NOW + SILENT_S + 1
    found = list(silence_alarms(opened, seen, POLICY_FILE, now))

    assert [each.where for each in found] == ["w2"]
    assert seen == {"w1": now, "w2": NOW, "w3": now, "w4": now}


def alarms_of(leaf: bytes, register: Register | None = None) -> list[str]:
    """Judge a leaf where one file is offered."""
    register = register or Register()
    before = register.size
    found = codes(*entry_alarms(register, leaf, OPEN_TRUST, ["a1" * 32]))
    assert register.size == before + 1
    return found


def test_good_entries_alarm_nobody() -> None:
    assert alarms_of(yank(1)) == []
    assert alarms_of(release()) == []


def test_an_entry_that_is_none() -> None:
    assert alarms_of(b"nothing") == ["garbage"]


def test_an_entry_that_no_log_should_have_let_in() -> None:
    register = Register()
    register.admit(release(), OPEN_TRUST)

    assert alarms_of(release(sha256="a9" * 32), register) == ["claim", "unpublished"]


def test_an_entry_of_an_unknown_kind() -> None:
    assert alarms_of(unknown()) == ["claim"]


def unknown() -> bytes:
    """Make an entry of a predicate type of somebody else's."""
    statement = Statement(
        "https://else.example/v1", (Subject("a", "a1" * 32),), predicate={}
    )
    return format_envelope(sign(format_statement(statement), YANK_KEYS[:1]))


def test_a_policy_that_is_about_to_change() -> None:
    assert alarms_of(entry(POLICY, *POLICY_KEYS)) == ["policy-change"]


def test_a_release_that_is_offered_to_nobody() -> None:
    assert alarms_of(release("2.0", "b2" * 32)) == ["unpublished"]
    assert list(entry_alarms(Register(), release(), OPEN_TRUST, None)) == []


def test_a_file_that_no_release_names() -> None:
    register = Register()
    register.admit(release(), OPEN_TRUST)
    found = list(offer_alarms(register, ["a1" * 32, "c3" * 32]))

    assert [(each.code, each.where) for each in found] == [("unlogged", "c3" * 32)]


FULL = Memory(signed(), register=Register(3), seen={"w1": NOW})


@pytest.mark.parametrize("memory", [Memory(), FULL], ids=["empty", "full"])
def test_a_memory_reads_as_it_was_written(memory: Memory) -> None:
    assert parse_memory(format_memory(memory)) == memory


@pytest.mark.parametrize(
    "fields",
    [
        {"register": 1},
        {"register": "{}"},
        {"head": 1},
        {"head": "no note"},
        {"seen": []},
        {"seen": {"w": "1"}},
        {"seen": {f"w{number}": 1 for number in range(65)}},
        {"schema": "2"},
    ],
    ids=range(8),
)
def test_a_memory_with_a_wrong_field_is_refused(fields: dict[str, jcs.Json]) -> None:
    value = jcs.parse(format_memory(FULL), most=1 << 20)
    assert isinstance(value, dict)

    with pytest.raises(MalformedError):
        parse_memory(jcs.write({**value, **fields}))


@given(st.binary(max_size=100))
def test_any_other_bytes_are_malformed(data: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_memory(data)
