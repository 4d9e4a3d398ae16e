"""What a rehearsed update proved: facts, judged and said.

Pure. `ringfence demo` gathers them from what its processes print; a fact that is not as
it must be raises, so that what is printed in the end was looked at.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from textwrap import wrap
from typing import Final

from cli.codes import Code
from cli.stories.rehearsal import Event
from voip.errors import RefusedError

GATES: Final = 18
"""How many gates a release must pass before anything is unpacked."""

_REBUILDS: Final = 6  # of three releases, by two operators
_WIDTH: Final = 64  # beside the names; well within a terminal of 80 columns
_EARLY: Final = frozenset({"cooldown", "rebuild-quorum"})


@dataclass(frozen=True, slots=True)
class Gate:
    """What one gate said: its name, its answer, and why; the code is of a refusal."""

    name: str
    says: str
    text: str
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """How a command of the updater ended, and what its report says."""

    exit_code: int
    kind: str
    offered: str | None
    gates: tuple[Gate, ...]
    evidence: str | None = None
    """SHA-256 of what proves misbehaviour, if any is proven."""

    @property
    def codes(self) -> frozenset[str]:
        """Why not, but for what is asked only when all else says yes."""
        return frozenset(
            each.code for each in self.gates if each.code and each.says != "unasked"
        )

    def text_of(self, code: str) -> str:
        """Give the sentence of a refusal.

        Raises:
            RefusedError: nothing was refused for that.
        """
        for each in self.gates:
            if each.code == code:
                return each.text
        raise RefusedError(f"expected a refusal {code!r}, came {sorted(self.codes)}")


def read_answer(exit_code: int, said: Iterable[Event]) -> Answer:
    """Read the report out of what the updater said with `--json`.

    Raises:
        RefusedError: it gave none.
    """
    reports = [event for event in said if "gates" in event]
    if not reports:
        raise RefusedError(f"expected a report of the updater, came code {exit_code}")
    report = reports[-1]
    gates = report["gates"]
    assert isinstance(gates, list)
    offered = report["offered"]
    return Answer(
        exit_code,
        str(report["kind"]),
        None if offered is None else str(offered),
        tuple(
            Gate(each["gate"], each["says"], each["text"], each.get("code"))
            for each in gates
        ),
        next((str(e) for each in gates if (e := each["facts"].get("evidence"))), None),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateProof:
    """An update that went as it must.

    Attributes:
        early: asking for 1.1 as soon as it was public.
        installed: asking again, when others had looked at it.
        unhealthy: installing 1.2, which does not start.
        undone: what the audit file says became of 1.2.
        targeted: being offered what nobody else is.
        rebuilt: what those found who built the releases again; empty where nobody did.
        stranger: what came of building the targeted one again; empty likewise.
        ran: what the program said of itself after each of these but the first.
        verified: the kind of evidence that a stranger found in it.
        forged: the exit code of a stranger who was shown a changed copy.
        audited: parts of the installation that were looked over, all good.

    Raises:
        RefusedError: it did not; the message says what is wrong first.
    """

    early: Answer
    installed: Answer
    unhealthy: Answer
    undone: tuple[str, ...]
    targeted: Answer
    rebuilt: tuple[str, ...]
    stranger: str
    ran: tuple[str, ...]
    verified: str
    forged: int
    audited: int

    def __post_init__(self) -> None:
        early = Code.NOT_YET if self.rebuilt else Code.AVAILABLE
        _is("asking early", self.early.exit_code, {early.value})
        why = _EARLY if self.rebuilt else frozenset()
        _is("why it is early", self.early.codes, {why})
        _is("what was rebuilt", self.rebuilt, {(), ("identical",) * _REBUILDS})
        _is("who rebuilt", self.stranger, {"different" if self.rebuilt else ""})
        _is("the update", self.installed.kind, {"installed"})
        _is("gates of the update", len(self.installed.gates), {GATES})
        _is("refusals of the update", self.installed.codes, {frozenset()})
        _is("the bad release", self.unhealthy.exit_code, {Code.REFUSED.value})
        _is("why it is bad", self.unhealthy.codes, {frozenset({"unhealthy"})})
        _is("the audit file", self.undone, {("switch to 1.2", "rollback from 1.2")})
        _is("the targeted release", self.targeted.exit_code, {Code.MISBEHAVIOUR.value})
        if "fork" not in self.targeted.codes:
            raise RefusedError("the targeted release was not recognised as a fork")
        _is("what runs", self.ran, {("tally 1.1",) * 3})
        _is("the evidence", self.verified, {"fork"})
        _is("forged evidence", self.forged, {Code.REFUSED.value})


def facts(proof: UpdateProof, seconds: float) -> dict[str, object]:
    """Give the proof as a JSON object."""
    return {
        "event": "proven",
        "seconds": round(seconds, 1),
        "early": sorted(proof.early.codes),
        "gates": {each.name: each.says for each in proof.installed.gates},
        "unhealthy": proof.unhealthy.text_of("unhealthy"),
        "targeted": sorted(proof.targeted.codes),
        "rebuilt": list(proof.rebuilt),
        "stranger": proof.stranger,
        "runs": proof.ran[-1],
        "evidence": proof.targeted.evidence,
        "audited": proof.audited,
    }


def lines(proof: UpdateProof, seconds: float) -> list[str]:
    """Say what was proven, and in how many seconds."""
    codes = ", ".join(sorted(proof.early.codes))
    early = f"; asked too early, it was not yet: {codes}" if codes else ""
    said = {
        "update": f"1.0 to 1.1, after {GATES} gates said yes{early}",
        "bad": f"1.2 does not start where it is installed; {proof.ran[1]} is back",
        "targeted": "1.3 was made for carol alone, with every key of the maintainer,"
        " the log and the witnesses; refused:"
        f" {', '.join(sorted(proof.targeted.codes))}",
        "rebuilt": "1.0, 1.1 and 1.2 came out bit for bit for two others who built them"
        f" from the source; 1.3 did not: {proof.stranger}"
        if proof.rebuilt
        else "nothing: this machine lets nobody make a sandbox",
        "evidence": f"a {proof.verified} of the log, verified by a"
        " stranger with the key of the log alone; a changed copy was rejected",
        "audit": f"{proof.audited} parts of carol's installation are as they were made",
    }
    return [
        f"proven in {seconds:.0f} s:",
        *(line for name, text in said.items() for line in _entry(name, text)),
    ]


def _entry(name: str, text: str) -> list[str]:
    first, *more = wrap(text, _WIDTH)
    return [f"  {name:10}{first}", *(f"{'':12}{line}" for line in more)]


def _is(what: str, came: object, expected: Collection[object]) -> None:
    if came not in expected:
        wanted = " or ".join(map(repr, expected))
        raise RefusedError(f"{what}: expected {wanted}, came {came!r}")
