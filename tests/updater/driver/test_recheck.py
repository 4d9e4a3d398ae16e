import pytest

from tests.updater.gates.cases import NOW, SHA256, claimed, good, honoured, rebuilt
from updater.driver.recheck import CLAIM, PROOF, recheck
from updater.errors import MalformedError, RefusedError
from updater.transparency.proof import LogProof, format_proof

GOOD = good()
assert isinstance(GOOD.proof, LogProof)
FILES = {CLAIM: claimed(), PROOF: format_proof(GOOD.proof)}
SETS = honoured().sets


def test_what_was_claimed_and_logged_still_is() -> None:
    assert recheck(FILES, SHA256, SETS, NOW).startswith("entry 1 of 2 in ")


def test_one_of_the_sets_that_counted_once_is_enough() -> None:
    assert recheck(FILES, SHA256, (*SETS, *SETS), NOW)


@pytest.mark.parametrize("name", [CLAIM, PROOF])
def test_evidence_that_is_gone_is_missed(name: str) -> None:
    left = {key: data for key, data in FILES.items() if key != name}

    with pytest.raises(MalformedError, match=f"{name} is missing"):
        recheck(left, SHA256, SETS, NOW)


def test_evidence_about_another_file_says_nothing() -> None:
    with pytest.raises(RefusedError, match="is about other files"):
        recheck(FILES, "ab" * 32, SETS, NOW)


def test_only_the_claim_of_a_release_counts() -> None:
    with pytest.raises(RefusedError, match="expected the claim of a release"):
        recheck({**FILES, CLAIM: rebuilt("anna")}, SHA256, SETS, NOW)


def test_too_few_signatures_are_refused() -> None:
    with pytest.raises(RefusedError):
        recheck({**FILES, CLAIM: claimed(signers=1)}, SHA256, SETS, NOW)


def test_without_trust_files_nothing_counts() -> None:
    with pytest.raises(RefusedError, match="no trust files count"):
        recheck(FILES, SHA256, (), NOW)
