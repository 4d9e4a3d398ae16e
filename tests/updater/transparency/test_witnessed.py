"""Quorums and their times: what liars below the margin cannot move."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.updater.transparency.logs import LOG, TIME, checkpoint, signed, witness
from tests.updater.transparency.policies import NOW, cosigned, policy_text
from updater.errors import QuorumError, SignatureError
from updater.transparency.checkpoint import open_checkpoint
from updater.transparency.key import Kind
from updater.transparency.policy import NONE, parse_policy
from updater.transparency.witnessed import (
    MAX_AHEAD_S,
    accept,
    check_quorum,
    counting_times,
    fresh_at,
    is_met,
    seen_at,
    smallest_quorum,
)

_THREE = parse_policy(policy_text("group us 3 w1 w2 w3 w4", "quorum us"))
_NESTED = parse_policy(
    policy_text("group a any w1 w2", "group b all w3 w4", "group c 2 a b", "quorum c")
)


def test_a_checkpoint_with_a_quorum_is_accepted() -> None:
    note = signed(*((witness(number), TIME) for number in (1, 2, 3)))

    assert accept(_THREE, note, NOW).checkpoint == checkpoint()


def test_too_few_witnesses_are_said_by_name() -> None:
    note = signed((witness(1), TIME), (witness(3), TIME))
    expected = (
        "quorum not met: 2 of 4 witnesses signed size 3, policy asks for 3;"
        " signed: w1, w3; missing: w2, w4"
    )

    with pytest.raises(QuorumError, match=f"^{expected}$"):
        accept(_THREE, note, NOW)


def test_a_quorum_of_groups_is_said_to_be_one() -> None:
    with pytest.raises(QuorumError, match="policy asks for 2 of 2 groups; signed: w1"):
        check_quorum(_NESTED, cosigned((1, 0)), NOW)


def test_a_single_witness_may_be_the_quorum() -> None:
    policy = parse_policy(policy_text("quorum w2"))

    check_quorum(policy, cosigned((2, 0)), NOW)
    with pytest.raises(QuorumError, match="asks for 1; signed: nobody; missing: w2"):
        check_quorum(policy, cosigned((1, 0)), NOW)


def test_a_quorum_of_nobody_is_always_met_and_tells_no_time() -> None:
    policy = parse_policy(policy_text("quorum none"))
    opened = cosigned((1, 0))

    check_quorum(policy, opened, NOW)
    assert (seen_at(policy, opened, NOW), fresh_at(policy, opened, NOW)) == (None, None)
    assert smallest_quorum(policy, opened, NOW) == {}


def test_the_log_must_have_signed_whoever_witnessed() -> None:
    stranger = parse_policy(
        policy_text("quorum none").replace(
            str(LOG.verifier).encode(),
            str(witness(5, name="bt.example/2", kind=Kind.LOG).verifier).encode(),
        )
    )

    with pytest.raises(SignatureError, match="is no wanted log"):
        accept(stranger, signed(), NOW)


def test_a_second_policy_is_checked_in_addition() -> None:
    own = parse_policy(policy_text("quorum w4"))
    opened = cosigned((1, 0), (2, 0), (3, 0))
    check_quorum(_THREE, opened, NOW)

    with pytest.raises(QuorumError):
        check_quorum(own, opened, NOW)


@pytest.mark.parametrize("time", [-NOW, MAX_AHEAD_S + 1, 2**62])
def test_time_zero_and_the_future_do_not_count(time: int) -> None:
    opened = cosigned((1, time), (2, 0), (3, 0))

    assert witness(1).verifier in opened.cosignatures
    assert set(counting_times(opened, NOW)) == {
        witness(2).verifier,
        witness(3).verifier,
    }
    with pytest.raises(QuorumError):
        check_quorum(_THREE, opened, NOW)


def test_a_clock_a_little_behind_refuses_nobody() -> None:
    opened = cosigned((1, MAX_AHEAD_S), (2, 0), (3, 0))

    check_quorum(_THREE, opened, NOW)


def test_a_time_that_does_not_count_hides_none_that_does() -> None:
    opened = cosigned((1, -NOW), (1, 5), (1, 9), (1, 2**62))

    assert counting_times(opened, NOW) == {witness(1).verifier: (NOW + 5, NOW + 9)}


def test_seen_is_the_earliest_and_fresh_the_latest_that_suffices() -> None:
    opened = cosigned((1, -40), (2, -30), (3, -20), (4, -10), (4, -1))

    assert seen_at(_THREE, opened, NOW) == NOW - 20
    assert fresh_at(_THREE, opened, NOW) == NOW - 30


def test_times_follow_the_groups() -> None:
    opened = cosigned((1, -40), (2, -30), (3, -20), (4, -10))

    assert seen_at(_NESTED, opened, NOW) == NOW - 10
    assert fresh_at(_NESTED, opened, NOW) == NOW - 30
    assert seen_at(_NESTED, opened, NOW, group="a") == NOW - 40
    assert fresh_at(_NESTED, opened, NOW, group="w4") == NOW - 10
    assert seen_at(_NESTED, opened, NOW, group="nobody") is None


def test_a_group_that_is_not_met_tells_no_time() -> None:
    opened = cosigned((1, 0), (2, 0))

    assert seen_at(_THREE, opened, NOW) is None
    assert fresh_at(_THREE, opened, NOW) is None


@given(
    honest=st.lists(st.integers(-1000, 0), min_size=3, max_size=3),
    lie=st.one_of(st.none(), st.integers(-NOW, NOW)),
)
def test_one_liar_of_four_moves_no_time_past_the_honest(
    honest: list[int], lie: int | None
) -> None:
    times = [(number + 1, time) for number, time in enumerate(honest)]
    opened = cosigned(*times, *([] if lie is None else [(4, lie)]))
    seen, fresh = seen_at(_THREE, opened, NOW), fresh_at(_THREE, opened, NOW)

    assert seen is not None
    assert fresh is not None
    # Seen by then: not before an honest witness saw it. Fresh until then: not after an
    # honest witness last said so.
    assert NOW + min(honest) <= seen <= NOW + max(honest)
    assert NOW + min(honest) <= fresh <= NOW + max(honest)


def test_keys_stand_for_groups() -> None:
    both = [witness(3).verifier, witness(4).verifier]

    assert is_met(_NESTED, "b", both)
    assert not is_met(_NESTED, "c", both)
    assert not is_met(_NESTED, NONE, both)


def test_the_smallest_quorum_is_by_name_and_ed25519_first() -> None:
    heavy = witness(1, kind=Kind.ML_DSA)
    light = [witness(number) for number in (2, 3, 4)]
    policy = parse_policy(
        policy_text(
            "group us 3 w1 w2 w3 w4",
            "quorum us",
            witnesses={
                f"w{at}": key for at, key in enumerate((heavy, *light), start=1)
            },
        )
    )
    note = signed((heavy, TIME), *((key, TIME + at) for at, key in enumerate(light)))
    opened = open_checkpoint(note, [LOG.verifier], policy.witness_keys)

    assert smallest_quorum(policy, opened, NOW) == {
        key.verifier: TIME + at for at, key in enumerate(light)
    }


def test_the_smallest_quorum_takes_from_each_group_what_it_needs() -> None:
    opened = cosigned((1, -4), (2, -3), (3, -2), (4, -1))

    assert smallest_quorum(_NESTED, opened, NOW) == {
        witness(1).verifier: NOW - 4,
        witness(3).verifier: NOW - 2,
        witness(4).verifier: NOW - 1,
    }


def test_there_is_no_smallest_quorum_of_too_few() -> None:
    with pytest.raises(QuorumError):
        smallest_quorum(_THREE, cosigned((1, 0)), NOW)
