import pytest

from updater.errors import (
    BusyError,
    FetchError,
    MisbehaviourError,
    NotYetError,
    RefusedError,
    RepositoryError,
    SigstoreError,
    StoreError,
    UnreachableError,
)
from updater.findings import Failed, Severity, failed, spell


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (FetchError("slow", "t"), Failed(Severity.UNREACHABLE, "t", "slow")),
        (FetchError("cut", "t"), Failed(Severity.UNREACHABLE, "t", "network")),
        (UnreachableError("t"), Failed(Severity.UNREACHABLE, "t", "network")),
        (BusyError("t"), Failed(Severity.UNREACHABLE, "t", "busy")),
        (StoreError("t"), Failed(Severity.UNREACHABLE, "t", "disk")),
        (OSError("t"), Failed(Severity.UNREACHABLE, "t", "disk")),
        (
            RepositoryError("expired", "t"),
            Failed(Severity.REFUSED, "t", "mine", detail="expired"),
        ),
        (
            SigstoreError("sct", "t"),
            Failed(Severity.REFUSED, "sigstore: sct: t", "mine", detail="sct"),
        ),
        (MisbehaviourError("t", b""), Failed(Severity.MISBEHAVIOUR, "t", "mine")),
        (NotYetError("t"), Failed(Severity.NOT_YET, "t", "mine")),
        (RefusedError("t"), Failed(Severity.REFUSED, "t", "mine")),
        (
            KeyError("t"),
            Failed(Severity.REFUSED, "KeyError: 't'", "mine", detail="foreign-error"),
        ),
    ],
)
def test_every_exception_is_evidence_of_an_absence(
    error: Exception, expected: Failed
) -> None:
    assert failed(error, "mine") == expected


def test_an_exception_without_a_sentence_is_named() -> None:
    assert failed(RefusedError()).text == "RefusedError"


def test_a_failure_refuses_under_its_own_code_first() -> None:
    assert Failed(Severity.REFUSED, "t").refusal("gate").code == "gate"
    assert Failed(Severity.REFUSED, "t", "own").refusal("gate").code == "own"


def test_a_detail_is_a_fact_of_the_refusal() -> None:
    told = Failed(Severity.REFUSED, "t", detail="sct").refusal("sigstore")

    assert told.facts == {"detail": "sct"}


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (-5, "0 s"),
        (59.4, "59 s"),
        (60, "1 min"),
        (100, "1 min 40 s"),
        (7 * 86_400, "7 d"),
        (2 * 86_400 + 3_700, "2 d 1 h"),
        (86_400 + 59, "1 d"),
    ],
)
def test_time_spans_are_written_for_people(seconds: float, written: str) -> None:
    assert spell(seconds) == written


def test_severities_are_in_order() -> None:
    order = ["NOT_YET", "UNREACHABLE", "REFUSED", "MISBEHAVIOUR"]

    assert [each.name for each in sorted(Severity)] == order
