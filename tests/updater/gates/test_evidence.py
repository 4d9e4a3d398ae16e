from dataclasses import replace

import pytest

from tests.updater.gates.cases import HERE, RELEASE, good
from tests.updater.transparency import claimants
from updater.findings import Failed, Severity
from updater.gates.evidence import NoError, have, no
from updater.transparency.entry import parse_entry

EVIDENCE = good()


def test_the_claim_and_the_row_of_this_platform_are_found() -> None:
    assert EVIDENCE.have_release() == RELEASE
    assert EVIDENCE.have_row() == RELEASE.artifacts[0]


def test_a_yank_is_no_release() -> None:
    leaf = claimants.entry(claimants.YANK, *claimants.YANK_KEYS)

    with pytest.raises(NoError, match="expected a release, came YankClaim"):
        replace(EVIDENCE, claim=parse_entry(leaf)).have_release()


def test_a_release_for_other_platforms_has_no_row_here() -> None:
    elsewhere = replace(EVIDENCE, here=replace(HERE, platform="cp313-linux-arm64"))

    with pytest.raises(NoError, match="no file for cp313-linux-arm64") as caught:
        elsewhere.have_row()

    assert caught.value.refusal.code == "claim-mismatch"


def test_what_is_there_is_given() -> None:
    assert have("value", "code") == "value"


def test_what_is_missing_refuses_under_the_gates_code() -> None:
    with pytest.raises(NoError, match="gone") as caught:
        have(Failed(Severity.NOT_YET, "gone"), "code")

    assert caught.value.refusal.code == "code"
    assert caught.value.refusal.severity is Severity.NOT_YET


def test_a_no_carries_its_facts() -> None:
    with pytest.raises(NoError) as caught:
        no("code", "why", facts={"size": 1})

    assert caught.value.refusal.facts == {"size": 1}
    assert caught.value.refusal.severity is Severity.REFUSED
