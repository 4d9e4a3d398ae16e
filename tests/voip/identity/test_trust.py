"""Trust in a device: each way into and out of the four states."""

from dataclasses import replace

import pytest

from voip.errors import MalformedError
from voip.identity.trust import (
    NONE,
    DeviceTrust,
    Reason,
    Slots,
    Trust,
    TrustState,
    accept_new,
    alerting_acked,
    broken,
    commit_callee,
    commit_caller,
    first_seen,
    judge,
    number_verified,
    words_matched,
    worst,
)

OLD, OLDER, FRESH = b"o" * 64, b"p" * 64, b"f" * 64
NEW = first_seen(1, known_contact=False, number_verified_at=None)
HELD = replace(NEW, slots=Slots(OLD))
CONTINUOUS = judge(HELD, OLD, 2)
VERIFIED = words_matched(HELD, 3)
BROKEN = broken(HELD, Reason.MISMATCH, 4)


def _trust(state: TrustState, reason: Reason, since: int) -> Trust:
    return Trust(state, reason, since=since)


def test_a_first_call_is_new() -> None:
    expected = _trust(TrustState.NEW, Reason.FIRST_CALL, 1)

    assert judge(NEW, None, 5).trust == expected


def test_another_device_of_a_known_contact_says_so() -> None:
    device = first_seen(7, known_contact=True, number_verified_at=3)

    assert device.trust == _trust(TrustState.NEW, Reason.NEW_DEVICE, 7)


def test_a_matched_secret_is_continuous_since_the_first_match() -> None:
    expected = _trust(TrustState.CONTINUOUS, Reason.SAME, 2)

    assert judge(CONTINUOUS, OLD, 9).trust == expected


def test_verified_stays_verified_while_the_secret_matches() -> None:
    expected = _trust(TrustState.VERIFIED, Reason.WORDS, 3)

    assert judge(VERIFIED, OLD, 9).trust == expected


@pytest.mark.parametrize("device", [HELD, CONTINUOUS, VERIFIED])
def test_a_missing_secret_breaks_trust(device: DeviceTrust) -> None:
    expected = _trust(TrustState.BROKEN, Reason.MISMATCH, 9)

    assert judge(device, None, 9).trust == expected


def test_broken_stays_broken_though_the_secret_matches() -> None:
    assert judge(BROKEN, OLD, 9) == BROKEN


def test_no_secret_is_no_alarm_where_none_may_have_been_kept() -> None:
    device = replace(CONTINUOUS, slots=Slots(OLD, NONE))
    expected = _trust(TrustState.NEW, Reason.NOT_KEPT, 9)

    assert judge(device, None, 9).trust == expected


def test_words_do_not_outlive_the_secret_they_were_compared_under() -> None:
    device = judge(replace(VERIFIED, slots=Slots(OLD, NONE)), None, 9)

    assert judge(device, OLD, 10).trust.state is TrustState.CONTINUOUS


def test_a_compared_number_outlives_a_secret_that_was_not_kept() -> None:
    verified = replace(number_verified(CONTINUOUS, 5), slots=Slots(OLD, NONE))
    device = judge(judge(verified, None, 9), OLD, 10)

    assert device.trust == _trust(TrustState.VERIFIED, Reason.NUMBER, 5)


def test_a_number_compared_before_the_first_call_holds_once_continuity_does() -> None:
    device = first_seen(7, known_contact=False, number_verified_at=3)
    states = [device.trust.state, judge(device, OLD, 8).trust]

    assert states == [TrustState.NEW, _trust(TrustState.VERIFIED, Reason.NUMBER, 3)]


def test_a_later_device_does_not_inherit_the_number() -> None:
    device = first_seen(7, known_contact=True, number_verified_at=3)

    assert judge(device, OLD, 8).trust.state is TrustState.CONTINUOUS


def test_the_callee_keeps_the_used_secret_beside_the_fresh_one() -> None:
    assert commit_callee(HELD, FRESH, OLD).slots == Slots(FRESH, OLD)


def test_the_callee_notes_that_no_secret_was_used() -> None:
    assert commit_callee(NEW, FRESH, None).slots == Slots(FRESH, NONE)


def test_the_caller_keeps_the_fresh_secret_only() -> None:
    assert commit_caller(HELD, FRESH).slots == Slots(FRESH)


def test_an_acknowledged_alerting_drops_the_former_secret() -> None:
    device = commit_callee(HELD, FRESH, OLD)

    assert alerting_acked(device, FRESH).slots == Slots(FRESH)


def test_an_acknowledgement_of_a_former_call_drops_nothing() -> None:
    device = commit_callee(HELD, FRESH, OLD)

    assert alerting_acked(device, OLDER) == device


def test_nothing_is_committed_while_broken() -> None:
    devices = (
        commit_callee(BROKEN, FRESH, None),
        commit_caller(BROKEN, FRESH),
        alerting_acked(BROKEN, OLD),
    )

    assert [device.slots for device in devices] == [Slots(OLD)] * 3


def test_the_first_reason_and_time_of_a_break_stay() -> None:
    assert broken(BROKEN, Reason.WORDS_DIFFER, 99) == BROKEN


def test_different_words_undo_a_verification_for_good() -> None:
    device = accept_new(broken(VERIFIED, Reason.WORDS_DIFFER, 8), 9)

    assert judge(device, OLD, 10).trust.state is TrustState.CONTINUOUS


def test_matching_words_verify_from_any_state() -> None:
    expected = _trust(TrustState.VERIFIED, Reason.WORDS, 9)

    assert {
        words_matched(device, 9).trust
        for device in (NEW, HELD, CONTINUOUS, VERIFIED, BROKEN)
    } == {expected}


def test_matching_words_take_up_the_secret_of_a_broken_call() -> None:
    device = words_matched(commit_callee(BROKEN, FRESH, None), 9)

    assert (device.slots, device.pending) == (Slots(FRESH, NONE), None)


def test_matching_words_leave_the_slots_of_a_sound_call_alone() -> None:
    assert words_matched(CONTINUOUS, 9).slots == CONTINUOUS.slots


def test_accepting_starts_over_with_the_secret_of_the_broken_call() -> None:
    device = accept_new(commit_caller(BROKEN, FRESH), 9)

    assert device == DeviceTrust(
        _trust(TrustState.NEW, Reason.ACCEPTED, 9), Slots(FRESH, NONE)
    )


def test_accepting_without_a_finished_call_keeps_the_old_secret_without_alarm() -> None:
    assert accept_new(BROKEN, 9).slots == Slots(OLD, NONE)


def test_accepting_where_nothing_was_held_leaves_nothing() -> None:
    device = accept_new(broken(NEW, Reason.ROLLBACK, 4), 9)

    assert device.slots == Slots()


@pytest.mark.parametrize("device", [NEW, CONTINUOUS, VERIFIED])
def test_only_a_broken_device_is_accepted_as_new(device: DeviceTrust) -> None:
    assert accept_new(device, 9) == device


@pytest.mark.parametrize("device", [HELD, CONTINUOUS])
def test_a_compared_number_verifies(device: DeviceTrust) -> None:
    expected = _trust(TrustState.VERIFIED, Reason.NUMBER, 9)

    assert number_verified(device, 9).trust == expected


@pytest.mark.parametrize("device", [BROKEN, VERIFIED])
def test_a_compared_number_changes_neither_broken_nor_verified(
    device: DeviceTrust,
) -> None:
    assert number_verified(device, 9) == device


def test_secrets_are_tried_newest_first_and_the_marker_never() -> None:
    tried = [Slots(FRESH, OLD).secrets, Slots(FRESH, NONE).secrets, Slots().secrets]

    assert tried == [(FRESH, OLD), (FRESH,), ()]


@pytest.mark.parametrize(
    ("rs1", "rs2"), [(b"", None), (b"s" * 63, None), (OLD, b"s" * 65)]
)
def test_a_secret_of_another_size_is_malformed(rs1: bytes, rs2: bytes | None) -> None:
    with pytest.raises(MalformedError, match="expected secrets of 64 bytes"):
        Slots(rs1, rs2)


def test_secrets_are_not_shown() -> None:
    shown = repr(commit_callee(BROKEN, FRESH, OLD)) + repr(Slots(OLD, OLDER))

    assert not {"ooo", "ppp", "fff"} & {shown[i : i + 3] for i in range(len(shown))}


def test_the_worst_device_speaks_for_its_contact() -> None:
    devices = [VERIFIED.trust, BROKEN.trust, NEW.trust, CONTINUOUS.trust]
    states = []
    while (found := worst(devices)) is not None:
        states.append(found.state)
        devices.remove(found)

    assert states == ["broken", "new", "continuous", "verified"]
