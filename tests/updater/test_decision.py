import copy
import pickle
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.updater.gates.cases import BYTES, PLATFORM, SHA256, good
from updater.decision import INTERNAL, VerifiedRelease, decide, run
from updater.findings import Failed, Proof, Refusal, Severity
from updater.gates import GATES
from updater.gates.evidence import Evidence, no

EVIDENCE = good()
_CONTEXT = {"now", "wish", "tightening", "here", "sigstore"}
GATHERED = [each.name for each in fields(Evidence) if each.name not in _CONTEXT]


def verified() -> VerifiedRelease:
    release = decide(EVIDENCE).release
    assert release is not None
    return release


def test_a_release_that_passes_every_gate_is_verified() -> None:
    release = verified()

    assert (release.version, release.platform) == ("1.4.0", PLATFORM)
    assert (release.sha256, release.size) == (SHA256, len(BYTES))
    assert [each.gate for each in release.results] == list(GATES)
    assert repr(release) == f"<VerifiedRelease 1.4.0 {PLATFORM} {SHA256}>"


def test_a_verdict_without_refusals_has_no_headline() -> None:
    assert decide(EVIDENCE).headline is None


@pytest.mark.parametrize("missing", GATHERED)
def test_nothing_that_is_missing_means_yes(missing: str) -> None:
    gone = Failed(Severity.UNREACHABLE, "not gathered")

    absent: dict[str, Any] = {missing: gone}
    verdict = decide(replace(EVIDENCE, **absent))

    assert verdict.release is None
    assert verdict.headline is not None
    assert len(verdict.results) == len(GATES)


def _breaks(_: Evidence) -> Proof:
    raise KeyError("gone")


def _says_something_else(_: Evidence) -> Proof:
    return True  # type: ignore[return-value] # what the test is about


@pytest.mark.parametrize("gate", [_breaks, _says_something_else])
def test_a_gate_that_breaks_refuses(gate: object) -> None:
    answer = run(gate, EVIDENCE)  # type: ignore[arg-type] # likewise

    assert isinstance(answer, Refusal)
    assert (answer.code, answer.severity) == (INTERNAL, Severity.REFUSED)


def test_fewer_gates_yield_no_release() -> None:
    fewer = {name: gate for name, gate in GATES.items() if name != "rebuild"}

    assert decide(EVIDENCE, fewer).release is None
    assert decide(EVIDENCE, {}).release is None


def _saying(severity: Severity, code: str) -> object:
    def gate(_: Evidence) -> Proof:
        no(code, "as told", severity)

    return gate


@given(st.permutations(list(Severity)))
def test_the_worst_refusal_leads_in_whatever_order(order: list[Severity]) -> None:
    gates = {each.name: _saying(each, each.name) for each in order}

    headline = decide(EVIDENCE, gates).headline  # type: ignore[arg-type] # likewise

    assert headline is not None
    assert headline[0] == "MISBEHAVIOUR"


def test_of_equal_refusals_the_first_gate_leads() -> None:
    gates = {each: _saying(Severity.REFUSED, each) for each in ("one", "two")}

    headline = decide(EVIDENCE, gates).headline  # type: ignore[arg-type] # likewise

    assert headline is not None
    assert headline[0] == "one"


def test_nobody_else_makes_a_verified_release() -> None:
    release = verified()
    assert not isinstance(EVIDENCE.claim, Failed)
    assert not isinstance(EVIDENCE.artifact, Failed)

    with pytest.raises(TypeError, match="only updater"):
        VerifiedRelease(
            object(),
            EVIDENCE.have_release(),
            EVIDENCE.artifact,
            entry=EVIDENCE.claim,
            here=EVIDENCE.here,
            results=release.results,
        )


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickle.dumps])
def test_a_verified_release_is_not_copied(duplicate: object) -> None:
    with pytest.raises(TypeError, match="not copied"):
        duplicate(verified())  # type: ignore[operator] # one of three functions


def test_a_verified_release_does_not_change() -> None:
    release = verified()

    with pytest.raises(AttributeError, match="as it was verified"):
        release.version = "9"
    with pytest.raises(AttributeError, match="as it was verified"):
        del release.version

    assert release.version == "1.4.0"
