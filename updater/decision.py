"""The one function that says yes.

`decide` runs every gate over everything that was gathered, every time, and its default
is no. A `VerifiedRelease` is made here and nowhere else, and `updater.install` takes
nothing else: whoever forgets the decision has nothing to install.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn, final

from updater.findings import Outcome, Proof, Refusal, Result, Severity
from updater.gates import GATES, Gate
from updater.gates.evidence import Evidence, Here, NoError, Stored, have
from updater.transparency.claims.release import ReleaseClaim
from updater.transparency.entry import Entry

INTERNAL = "internal"
"""The code of a refusal because a gate itself broke: our bug, and still a no."""

_SEAL = object()


@final
class VerifiedRelease:
    """A release that every gate let through: what may be installed.

    It cannot be copied, pickled, changed or made elsewhere.

    Attributes:
        version, platform: what it is, and for what.
        sha256, size: of the bundle, lower hexadecimal and bytes.
        path: where the bundle lies.
        leaf_hash: of its claim in the log, 32 bytes.
        results: what each gate said.
    """

    __slots__ = (
        "leaf_hash", "path", "platform", "results", "sha256", "size", "version",
    )  # fmt: skip

    version: str
    platform: str
    sha256: str
    size: int
    path: str
    leaf_hash: bytes
    results: tuple[Result, ...]

    def __init__(  # noqa: PLR0913 - made in one place only
        self,
        seal: object,
        release: ReleaseClaim,
        stored: Stored,
        *,
        entry: Entry,
        here: Here,
        results: tuple[Result, ...],
    ) -> None:
        if seal is not _SEAL:
            raise TypeError("only updater.decision.decide makes a VerifiedRelease")
        facts: Mapping[str, object] = {
            "version": release.version,
            "platform": here.platform,
            "sha256": stored.sha256,
            "size": stored.size,
            "path": stored.path,
            "leaf_hash": entry.leaf_hash,
            "results": results,
        }
        for name, value in facts.items():
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"a VerifiedRelease is as it was verified: {name}")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"a VerifiedRelease is as it was verified: {name}")

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a VerifiedRelease is not copied or stored: verify again")

    def __repr__(self) -> str:
        return f"<VerifiedRelease {self.version} {self.platform} {self.sha256}>"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What all gates said, and the release if none of them refused."""

    results: tuple[Result, ...]
    release: VerifiedRelease | None

    @property
    def refusals(self) -> tuple[tuple[str, Refusal], ...]:
        """Name each gate that refused, and why, in the order of the gates."""
        return tuple(
            (each.gate, each.outcome)
            for each in self.results
            if isinstance(each.outcome, Refusal)
        )

    @property
    def headline(self) -> tuple[str, Refusal] | None:
        """Give the refusal that leads: of the worst severity, the first gate's."""
        return max(self.refusals, key=lambda each: each[1].severity, default=None)


def decide(evidence: Evidence, gates: Mapping[str, Gate] = GATES) -> Verdict:
    """Say whether this release may be installed here, and why or why not.

    `gates` is for tests of this function; anybody else's choice yields no release.
    """
    results = tuple(Result(name, run(gate, evidence)) for name, gate in gates.items())
    is_yes = gates is GATES and all(isinstance(each.outcome, Proof) for each in results)
    return Verdict(results, _release(evidence, results) if is_yes else None)


def run(gate: Gate, evidence: Evidence) -> Outcome:
    """Ask one gate; a gate that breaks, or answers anything else, refuses."""
    try:
        proof = gate(evidence)
    except NoError as answer:
        return answer.refusal
    except Exception as error:  # noqa: BLE001 - whatever broke, it is no yes
        return Refusal(Severity.REFUSED, INTERNAL, type(error).__name__)
    if type(proof) is not Proof:
        return Refusal(Severity.REFUSED, INTERNAL, f"came {type(proof).__name__}")
    return proof


def _release(evidence: Evidence, results: tuple[Result, ...]) -> VerifiedRelease:
    return VerifiedRelease(
        _SEAL,
        evidence.have_release(),
        have(evidence.artifact, "not-fetched"),
        entry=have(evidence.claim, "claim-form"),
        here=evidence.here,
        results=results,
    )
