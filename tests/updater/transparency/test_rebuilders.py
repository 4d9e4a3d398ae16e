"""Who rebuilds: one key, one operator, and wishes that only tighten."""

from dataclasses import replace

import pytest

from tests.updater.transparency.claimants import OPERATOR_KEYS, REBUILDERS, key, public
from updater.errors import MalformedError
from updater.jcs import Json
from updater.statement import key_id
from updater.transparency.rebuilders import (
    Operator,
    RebuildPolicy,
    rebuild_policy,
    rebuild_policy_json,
)

REPORT = replace(REBUILDERS, is_enforced=False, threshold=1, operators=())
ANNA, BERT = REBUILDERS.operators[:2]


@pytest.mark.parametrize("policy", [REBUILDERS, REPORT], ids=["enforce", "report"])
def test_a_policy_is_read_back(policy: RebuildPolicy) -> None:
    assert rebuild_policy(rebuild_policy_json(policy)) == policy


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("schema", "rebuild-policy/2"),
        ("mode", "off"),
        ("stage", "sdist-to-wheel"),
        ("threshold", 0),
        ("threshold", 33),
        ("vetoQuorum", 0),
        ("vetoQuorum", 33),
        ("minDistinctEnvironments", 0),
        ("minDistinctEnvironments", 9),
        ("minLevel", 3),
        ("maxAgeDays", 0),
        ("maxAgeDays", 366),
        ("operators", None),
        ("operators", [{}]),
        ("extra", 1),
    ],
)
def test_another_policy_is_malformed(field: str, value: Json) -> None:
    with pytest.raises(MalformedError):
        rebuild_policy({**rebuild_policy_json(REBUILDERS), field: value})


@pytest.mark.parametrize(
    ("operators", "sentence"),
    [
        ((ANNA, ANNA), "each name once"),
        ((ANNA, replace(BERT, keys=ANNA.keys)), "each key once"),
        ((ANNA, BERT, Operator("carl", (public(key(9)),) * 2)), "each key once"),
        ((replace(ANNA, name="Anna"), BERT), "operator"),
        ((replace(ANNA, keys=()), BERT), "keys"),
        ((replace(ANNA, keys=(b"short",)), BERT), "32 bytes"),
    ],
    ids=range(6),
)
def test_an_operator_is_one_name_with_keys_of_its_own(
    operators: tuple[Operator, ...], sentence: str
) -> None:
    with pytest.raises(MalformedError, match=sentence):
        rebuild_policy(rebuild_policy_json(replace(REBUILDERS, operators=operators)))


@pytest.mark.parametrize(
    "policy",
    [
        replace(REBUILDERS, threshold=1),
        replace(REBUILDERS, threshold=4),  # one of the four is the publisher
        replace(REBUILDERS, veto_quorum=4),
    ],
    ids=["one is none", "threshold", "veto"],
)
def test_what_is_enforced_can_be_met(policy: RebuildPolicy) -> None:
    with pytest.raises(MalformedError, match="3 independent operators"):
        rebuild_policy(rebuild_policy_json(policy))


def test_a_key_is_found_by_its_id() -> None:
    assert REBUILDERS.owner(key_id(public(OPERATOR_KEYS["bert"]))) == BERT


def test_nobody_s_key_is_nobody_s() -> None:
    assert REBUILDERS.owner(key_id(public(key(99)))) is None


@pytest.mark.parametrize(
    ("threshold", "max_age_days", "expected"),
    [
        (None, None, (True, 2, 90)),
        (3, None, (True, 3, 90)),
        (1, None, (True, 2, 90)),
        (None, 30, (True, 2, 30)),
        (None, 365, (True, 2, 90)),
    ],
)
def test_a_wish_only_tightens(
    threshold: int | None, max_age_days: int | None, expected: tuple[bool, int, int]
) -> None:
    policy = REBUILDERS.tightened(threshold=threshold, max_age_days=max_age_days)

    assert (policy.is_enforced, policy.threshold, policy.max_age_days) == expected


def test_a_threshold_of_one_s_own_is_enforced() -> None:
    assert REPORT.tightened(threshold=1).is_enforced
    assert not REPORT.tightened(max_age_days=1).is_enforced
