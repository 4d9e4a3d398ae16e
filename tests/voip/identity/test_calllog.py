"""The call log: one line a call, bounded, and what the user has not seen."""

from dataclasses import replace

from voip.identity.calllog import (
    CALLS,
    STRANGERS,
    CallLog,
    CallRecord,
    Direction,
    Outcome,
)

WHO = b"\3" * 32
CALL = CallRecord(b"c" * 16, WHO, direction=Direction.INCOMING, started=7, seen=False)


def test_a_call_has_one_line_however_it_goes_on() -> None:
    missed = replace(CALL, outcome=Outcome.MISSED, ended=9)
    log = CallLog().recorded(CALL).recorded(missed)

    assert log.calls == (missed,)


def test_the_newest_calls_are_kept() -> None:
    old = tuple(replace(CALL, call_id=i.to_bytes(16, "big")) for i in range(CALLS))
    log = CallLog(old).recorded(CALL)

    assert log.calls == (*old[1:], CALL)


def test_calls_are_unseen_until_looked_at() -> None:
    log = CallLog().recorded(CALL)

    assert (log.unseen, log.all_seen().unseen) == ((CALL,), ())


def test_a_stranger_has_one_line_that_counts() -> None:
    log = CallLog().with_stranger(WHO, "eve", 1).with_stranger(WHO, "eva", 2)
    (stranger,) = log.strangers

    assert (stranger.alias, stranger.last, stranger.calls) == ("eva", 2, 2)


def test_strangers_are_bounded_too() -> None:
    log = CallLog()
    for number in range(STRANGERS + 1):
        log = log.with_stranger(number.to_bytes(32, "big"), "", number)

    assert [stranger.last for stranger in log.strangers] == [*range(1, STRANGERS + 1)]


def test_a_stranger_can_be_forgotten() -> None:
    log = CallLog().with_stranger(WHO, "eve", 1)

    assert log.without_stranger(WHO) == CallLog()
