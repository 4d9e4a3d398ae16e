"""Asking one gate, and what it answered."""

from updater.decision import run
from updater.findings import Outcome, Proof, Refusal, Severity
from updater.gates import GATES
from updater.gates.evidence import Evidence


def ask(gate: str, evidence: Evidence) -> Outcome:
    """Ask one gate as `decide` does."""
    return run(GATES[gate], evidence)


def no(gate: str, evidence: Evidence) -> tuple[str, Severity]:
    """Give the code and the severity of a gate that refuses."""
    answer = ask(gate, evidence)
    assert isinstance(answer, Refusal), answer
    return answer.code, answer.severity


def sentence(gate: str, evidence: Evidence) -> str:
    """Give what a gate says, whatever it is."""
    return ask(gate, evidence).text


def passes(gate: str, evidence: Evidence) -> bool:
    """Tell whether a gate lets this through."""
    return isinstance(ask(gate, evidence), Proof)


def refusing(evidence: Evidence) -> list[str]:
    """Name all gates that refuse."""
    return [gate for gate in GATES if not passes(gate, evidence)]
