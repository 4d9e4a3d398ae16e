from dataclasses import replace

import pytest

from tests.updater.gates.asking import ask, no, passes, refusing, sentence
from tests.updater.gates.cases import DAY, HERE, good
from updater.errors import FetchError, RepositoryError
from updater.findings import Failed, Refusal, Severity, failed
from updater.gates.evidence import Evidence

EVIDENCE = good()


def unbuilt(**ages: int) -> Evidence:
    """Give evidence whose root and targets came after the running version was built."""
    assert not isinstance(EVIDENCE.log, Failed)
    digests = {"root": "01" * 32, "targets": "02" * 32}
    known = replace(
        EVIDENCE.log.honoured, ages={digests[role]: age for role, age in ages.items()}
    )
    return replace(
        EVIDENCE,
        here=replace(HERE, accepted=frozenset()),
        log=replace(EVIDENCE.log, honoured=known),
    )


def test_good_metadata_names_its_roles() -> None:
    assert "4 roles" in sentence("tuf", EVIDENCE)


def test_bad_metadata_refuses_with_the_detail() -> None:
    bad = replace(EVIDENCE, metadata=failed(RepositoryError("rollback", "older")))
    answer = ask("tuf", bad)

    assert isinstance(answer, Refusal)
    assert (answer.code, answer.severity) == ("tuf", Severity.REFUSED)
    assert answer.facts == {"detail": "rollback"}


def test_a_repository_that_does_not_answer_was_not_asked() -> None:
    silent = failed(FetchError("unreachable", "nobody there"))
    unread = replace(EVIDENCE, metadata=silent)

    assert no("tuf", unread) == ("network", Severity.UNREACHABLE)
    assert no("policy", unread) == ("network", Severity.UNREACHABLE)


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        (unbuilt(), ("policy-unlogged", Severity.REFUSED)),
        (unbuilt(root=9 * DAY), ("policy-unlogged", Severity.REFUSED)),
        (unbuilt(root=9 * DAY, targets=DAY), ("policy-young", Severity.NOT_YET)),
    ],
)
def test_roots_and_targets_that_nobody_could_look_at_refuse_alone(
    evidence: Evidence, expected: tuple[str, Severity]
) -> None:
    assert no("policy", evidence) == expected
    assert refusing(evidence) == ["policy"]


def test_roots_and_targets_that_were_public_long_enough_pass() -> None:
    assert passes("policy", unbuilt(root=3 * DAY, targets=3 * DAY))


def test_what_is_built_in_needs_no_age() -> None:
    assert passes("policy", EVIDENCE)
