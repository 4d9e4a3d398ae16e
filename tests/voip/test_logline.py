"""What a call leaves in the call log."""

import pytest

from tests.voip.pairs import NOW, party
from voip.events import End
from voip.identity.calllog import CallRecord, Direction, Outcome
from voip.logline import LogLine
from voip.signalling.legs import LegKind, ListedLeg, Mark

ID, PERSON = b"c" * 16, b"p" * 32


def line(direction: Direction = Direction.INCOMING) -> LogLine:
    return LogLine.of(ID, PERSON, direction=direction, now=NOW)


def test_a_call_that_began_is_ongoing() -> None:
    vault = line().begun(party("alice").vault)

    assert vault.calls.calls == (
        CallRecord(ID, PERSON, direction=Direction.INCOMING, started=NOW),
    )


def test_a_call_that_ended_replaces_its_line() -> None:
    log = line()
    vault = log.begun(party("alice").vault)
    log.answered(NOW + 5)
    (record,) = log.finished(vault, End.HUNG_UP, NOW + 65).calls.calls

    assert (record.answered, record.ended) == (NOW + 5, NOW + 65)
    assert record.outcome is Outcome.ENDED


def test_who_recorded_a_call_is_in_the_log_at_once_and_stays() -> None:
    log = line()
    log.recorded(party("alice").vault, there=True)
    (now,) = log.recorded(party("alice").vault, there=False).calls.calls
    (later,) = log.finished(party("alice").vault, End.HUNG_UP, NOW).calls.calls

    assert (now.recorded, now.recorded_there) == (True, True)
    assert (later.recorded, later.recorded_there) == (True, True)


def test_the_weakest_leg_of_a_call_stays_in_the_log() -> None:
    log = line()
    for mark in (Mark.TO_PBX, Mark.BROWSER_GUEST):
        log.marked([ListedLeg(1, LegKind.SIP, mark=mark)])
    log.marked([])
    (record,) = log.finished(party("alice").vault, End.HUNG_UP, NOW).calls.calls

    assert record.mark == Mark.TO_PBX


@pytest.mark.parametrize("end", End)
def test_every_end_has_an_outcome(end: End) -> None:
    (record,) = line().finished(party("alice").vault, end, NOW).calls.calls

    assert record.outcome is not Outcome.ONGOING


@pytest.mark.parametrize("end", [End.MISSED, End.UNCONFIRMED, End.BUSY])
def test_an_incoming_call_that_nobody_took_is_unseen(end: End) -> None:
    vault = line().finished(party("alice").vault, end, NOW)

    assert len(vault.calls.unseen) == 1


def test_an_outgoing_call_that_nobody_took_is_not_unseen() -> None:
    log = line(Direction.OUTGOING)

    assert not log.finished(party("alice").vault, End.BUSY, NOW).calls.unseen


def test_a_call_answered_elsewhere_is_not_unseen() -> None:
    vault = line().finished(party("alice").vault, End.ANSWERED_ELSEWHERE, NOW)

    assert not vault.calls.unseen
