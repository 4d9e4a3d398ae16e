from dataclasses import replace

import pytest

from tests.updater.gates.cases import (
    DAY,
    FRESH,
    POLICY,
    PUBLIC,
    RELEASE,
    TRUST,
    checkpoint,
    claimed,
    good,
    honoured,
    opened,
    proven,
)
from tests.updater.transparency.logs import LOG, witness
from tests.updater.transparency.policies import policy_text
from updater.findings import Failed, Severity
from updater.gates.age import (
    opened as open_cached,
)
from updater.gates.age import (
    policies,
    public_since,
    required_cooldown_s,
)
from updater.gates.evidence import Evidence, NoError, Tightening
from updater.transparency.entry import parse_entry
from updater.transparency.policy import parse_policy
from updater.transparency.state import Memory, Seen

EVIDENCE = good()
FRIENDS = {"f1": witness(7)}
OWN = parse_policy(policy_text("quorum f1", witnesses=FRIENDS))


def with_history(*times: int | None) -> Evidence:
    """Give evidence whose client saw a checkpoint with the release at these times."""
    assert not isinstance(EVIDENCE.log, Failed)
    floor = Seen(0, bytes(32))
    history = tuple(
        Seen(2 + step, bytes(32), seen_at=time) for step, time in enumerate(times)
    )
    memory = Memory(LOG.name, floor=floor, history=history)
    return replace(EVIDENCE, log=replace(EVIDENCE.log, memory=memory))


def test_the_earlier_of_proof_and_history_counts() -> None:
    assert public_since(with_history(PUBLIC - 50)) == PUBLIC - 50
    assert public_since(with_history(PUBLIC + 50)) == PUBLIC
    assert public_since(with_history()) == PUBLIC


def test_without_any_time_nothing_has_begun() -> None:
    first = [b"what was before", claimed()]
    unseen = replace(with_history(None), proof=proven(first, 1, checkpoint(first, 0)))

    with pytest.raises(NoError, match="no witness vouches") as caught:
        public_since(unseen)

    assert caught.value.refusal.severity is Severity.NOT_YET


def test_the_users_policy_stands_after_the_honoured_one() -> None:
    both = replace(EVIDENCE, tightening=Tightening(policy=OWN))

    assert policies(EVIDENCE) == (POLICY,)
    assert policies(both) == (POLICY, OWN)


def test_a_checkpoint_is_opened_with_the_witnesses_of_all_policies() -> None:
    note = checkpoint([b"a"], FRESH)

    assert open_cached(note, (POLICY, OWN)).cosignatures == opened(note).cosignatures


def test_security_releases_cool_down_for_less() -> None:
    urgent = replace(RELEASE, severity="security")
    entry = parse_entry(claimed(urgent))

    assert required_cooldown_s(EVIDENCE) == 7 * DAY
    assert required_cooldown_s(replace(EVIDENCE, claim=entry)) == DAY


def test_a_user_may_ask_for_a_longer_cooldown_only() -> None:
    longer = replace(EVIDENCE, tightening=Tightening(cooldown_s=9 * DAY))
    shorter = replace(EVIDENCE, tightening=Tightening(cooldown_s=DAY))

    assert required_cooldown_s(longer) == 9 * DAY
    assert required_cooldown_s(shorter) == 7 * DAY


def test_a_group_begins_the_cooldown_where_one_is_named() -> None:
    grouped = replace(TRUST, cooldown_group="w1")
    assert not isinstance(EVIDENCE.log, Failed)
    log = replace(EVIDENCE.log, honoured=honoured(grouped))

    assert public_since(replace(EVIDENCE, log=log)) == PUBLIC
