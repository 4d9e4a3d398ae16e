"""Which key when."""

import pytest

from voip.errors import KeyReuseError, UnexpectedEventError
from voip.handshake import schedule
from voip.media.epochs import (
    ACTIVE_S,
    ASK_AGAIN_S,
    CALLEE,
    CALLEE_WAITS_S,
    CALLER,
    GIVE_UP_AFTER_S,
    REKEY_EVERY_S,
    RETIRE_AFTER_S,
    WARN_AFTER_S,
    WRAP_GUARD,
    Epochs,
    KeyFactory,
)
from voip.media.events import ReceiveEpochRetired, RekeyDue, RekeyLate

SECRET = bytes(range(64))


def test_what_one_side_sends_with_the_other_receives_with() -> None:
    caller, callee = (
        KeyFactory(CALLER).keys(0, SECRET),
        KeyFactory(CALLEE).keys(0, SECRET),
    )

    assert (
        caller.srtp_send,
        caller.srtp_receive,
        caller.record_send,
        caller.record_receive,
    ) == (
        callee.srtp_receive,
        callee.srtp_send,
        callee.record_receive,
        callee.record_send,
    )


def test_the_keys_are_those_of_the_schedule() -> None:
    keys = KeyFactory(CALLEE).keys(3, SECRET)

    assert (keys.srtp_send, keys.record_receive) == (
        schedule.srtp(SECRET, CALLEE, 3),
        schedule.record(SECRET, CALLER, 3),
    )


def test_no_two_keys_of_an_epoch_are_equal() -> None:
    keys = KeyFactory(CALLER).keys(0, SECRET)
    all_four = {
        keys.srtp_send,
        keys.srtp_receive,
        keys.record_send,
        keys.record_receive,
    }

    assert len(all_four) == 4


@pytest.mark.parametrize("second", [1, 0])
def test_keys_of_an_epoch_are_handed_out_once(second: int) -> None:
    factory = KeyFactory(CALLER)
    factory.keys(1, SECRET)

    with pytest.raises(KeyReuseError, match=f"epoch {second}"):
        factory.keys(second, SECRET)


def test_keys_are_not_shown() -> None:
    shown = repr(KeyFactory(CALLER).keys(0, SECRET))

    assert shown == "EpochKeys()"


def _rekeyed(*, initiator: bool) -> Epochs:
    epochs = Epochs(0.0, CALLER)
    epochs.install(1, initiator=initiator)
    return epochs


def test_a_call_begins_with_one_live_epoch() -> None:
    epochs = Epochs(0.0, CALLER)

    assert (epochs.sending, epochs.receiving, epochs.is_ready) == (0, (0,), True)


@pytest.mark.parametrize("initiator", [True, False])
def test_the_new_epoch_is_received_at_once(*, initiator: bool) -> None:
    epochs = _rekeyed(initiator=initiator)

    assert (epochs.receiving, epochs.sending) == ((1, 0), 0)


def test_the_initiator_sends_under_it_at_once() -> None:
    epochs = _rekeyed(initiator=True)

    assert (epochs.switch(0.0), epochs.sending) == (True, 1)


def test_the_responder_waits_for_a_packet_under_it() -> None:
    epochs = _rekeyed(initiator=False)
    before = epochs.switch(0.0)
    epochs.verified(0, 1.0)
    still = epochs.switch(1.0)
    epochs.verified(1, 2.0)

    assert (before, still, epochs.switch(2.0), epochs.sending) == (
        False,
        False,
        True,
        1,
    )


def test_an_epoch_is_switched_to_once() -> None:
    epochs = _rekeyed(initiator=True)
    epochs.switch(0.0)

    assert epochs.switch(0.0) is False


def test_the_old_epoch_is_received_for_ten_more_seconds() -> None:
    epochs = _rekeyed(initiator=True)
    epochs.switch(0.0)
    epochs.verified(1, 5.0)
    epochs.verified(1, 14.0)
    early = epochs.tick(5.0 + RETIRE_AFTER_S - 0.01)
    retired = epochs.tick(5.0 + RETIRE_AFTER_S)

    assert (early, retired, epochs.receiving) == ([], [ReceiveEpochRetired(0)], (1,))


def test_the_old_epoch_stays_while_the_other_side_has_not_switched() -> None:
    epochs = _rekeyed(initiator=True)
    epochs.switch(0.0)
    epochs.verified(0, 50.0)
    epochs.tick(100.0)

    assert epochs.receiving == (1, 0)


def test_no_rekey_starts_while_two_epochs_are_live() -> None:
    epochs = _rekeyed(initiator=True)
    epochs.switch(0.0)

    with pytest.raises(UnexpectedEventError, match=r"receiving under \(1, 0\)"):
        epochs.install(2, initiator=True)


@pytest.mark.parametrize("epoch", [0, 2])
def test_only_the_next_epoch_can_be_installed(epoch: int) -> None:
    with pytest.raises(UnexpectedEventError, match=f"epoch {epoch}"):
        Epochs(0.0, CALLER).install(epoch, initiator=True)


def test_the_next_rekey_may_start_when_the_old_epoch_is_gone() -> None:
    epochs = _rekeyed(initiator=True)
    epochs.switch(0.0)
    epochs.verified(1, 0.0)
    epochs.tick(RETIRE_AFTER_S)
    epochs.install(2, initiator=False)

    assert epochs.receiving == (2, 1)


def test_the_other_side_may_have_dropped_the_old_epoch_a_moment_earlier() -> None:
    epochs = _rekeyed(initiator=True)
    epochs.switch(0.0)
    epochs.verified(1, 0.0)
    epochs.install(2, initiator=False)

    assert (epochs.receiving, epochs.tick(0.0)) == ((2, 1), [ReceiveEpochRetired(0)])


def test_the_time_of_an_epoch_dropped_early_does_not_run_on() -> None:
    epochs = _rekeyed(initiator=True)
    epochs.switch(0.0)
    epochs.verified(1, 0.0)
    epochs.install(2, initiator=False)
    epochs.tick(RETIRE_AFTER_S)

    assert epochs.receiving == (2, 1)


def test_a_responder_that_has_not_switched_takes_no_further_epoch() -> None:
    epochs = _rekeyed(initiator=False)

    with pytest.raises(UnexpectedEventError, match="epoch 2"):
        epochs.install(2, initiator=False)


def test_the_epoch_in_use_is_tried_first() -> None:
    epochs = _rekeyed(initiator=False)
    before = epochs.trial
    epochs.verified(1, 0.0)
    after = epochs.trial
    epochs.tick(RETIRE_AFTER_S)

    assert (before, after, epochs.trial) == ((0, 1), (1, 0), (1,))


# The wrap of sequence numbers.


@pytest.mark.parametrize(
    ("sequence", "expected"),
    [
        (65535, False),
        (65536 - WRAP_GUARD, False),
        (65535 - WRAP_GUARD, True),
        (0, True),
    ],
)
def test_nobody_switches_shortly_before_a_wrap(
    sequence: int, *, expected: bool
) -> None:
    epochs = _rekeyed(initiator=True)
    epochs.sent(7, sequence, 0.0)

    assert epochs.switch(0.0) is expected


def test_one_stream_near_its_wrap_holds_all_of_them() -> None:
    epochs = _rekeyed(initiator=True)
    epochs.sent(7, 65535, 0.0)
    epochs.sent(8, 100, 0.0)

    assert epochs.switch(0.0) is False


def test_the_switch_comes_once_the_wrap_is_past() -> None:
    epochs = _rekeyed(initiator=True)
    epochs.sent(7, 65535, 0.0)
    epochs.switch(0.0)
    epochs.sent(7, 0, 0.02)

    assert epochs.switch(0.02) is True


def test_a_paused_stream_does_not_hold_the_others() -> None:
    epochs = _rekeyed(initiator=True)
    epochs.sent(7, 65535, 0.0)
    early = epochs.switch(ACTIVE_S)

    assert (early, epochs.switch(ACTIVE_S + 0.1)) == (False, True)


# What is asked for, and when.


def test_a_rekey_is_asked_for_every_two_minutes() -> None:
    epochs = Epochs(0.0, CALLER)
    early = epochs.tick(REKEY_EVERY_S - 0.1)

    assert (early, epochs.tick(REKEY_EVERY_S)) == ([], [RekeyDue()])


def test_the_callee_asks_a_little_later() -> None:
    epochs = Epochs(0.0, CALLEE)
    early = epochs.tick(REKEY_EVERY_S)

    assert (early, epochs.tick(REKEY_EVERY_S + CALLEE_WAITS_S)) == ([], [RekeyDue()])


def test_it_is_asked_for_again_while_nobody_begins() -> None:
    epochs = Epochs(0.0, CALLER)
    epochs.tick(REKEY_EVERY_S)
    soon = epochs.tick(REKEY_EVERY_S + ASK_AGAIN_S - 0.1)

    assert (soon, epochs.tick(REKEY_EVERY_S + ASK_AGAIN_S)) == ([], [RekeyDue()])


def test_it_is_not_asked_for_while_one_goes_on() -> None:
    epochs = _rekeyed(initiator=True)

    assert epochs.tick(REKEY_EVERY_S) == []


@pytest.mark.parametrize("initiator", [True, False])
def test_a_rekey_that_both_sides_use_starts_the_clock_again(*, initiator: bool) -> None:
    epochs = _rekeyed(initiator=initiator)
    epochs.switch(100.0)
    epochs.verified(1, 100.0)
    epochs.switch(100.0)
    epochs.tick(100.0 + RETIRE_AFTER_S)
    early = epochs.tick(100.0 + REKEY_EVERY_S - 0.1)

    assert (early, epochs.tick(100.0 + REKEY_EVERY_S)) == ([], [RekeyDue()])


def test_a_rekey_that_the_other_side_never_uses_does_not_count() -> None:
    epochs = _rekeyed(initiator=True)
    epochs.switch(100.0)

    assert epochs.tick(WARN_AFTER_S) == [RekeyLate(WARN_AFTER_S)]


def test_dropped_rekeys_are_warned_of_once_and_end_the_call() -> None:
    epochs = _rekeyed(initiator=True)
    warned = epochs.tick(WARN_AFTER_S)
    quiet = epochs.tick(WARN_AFTER_S + 1)
    gave_up = epochs.tick(GIVE_UP_AFTER_S)
    after = epochs.tick(GIVE_UP_AFTER_S + 1)

    assert (warned, quiet, gave_up, after) == (
        [RekeyLate(WARN_AFTER_S)],
        [],
        [RekeyLate(GIVE_UP_AFTER_S, fatal=True)],
        [],
    )
