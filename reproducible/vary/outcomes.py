"""What came of each variation: the same bytes, others, or no answer and why.

Rules. There is no outcome by default, and "the same" needs both: equal hashes, and a
proof that something was varied.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from reproducible.explain.explaining import Explained
from reproducible.sandbox.probe import Facts
from reproducible.vary.variations import BASELINE, Variation

State = Literal["baseline", "same", "different", "failed", "unvaried", "skipped"]


@dataclass(frozen=True, slots=True)
class Observation:
    """A build that was made: what each step of it saw, and its files."""

    facts: Sequence[Facts] = field(repr=False)
    files: Mapping[str, str]
    """SHA-256 by name, lower hexadecimal."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one variation.

    Attributes:
        text: what differs, or why there is no answer; may be foreign text.
        files: SHA-256 by name, of what was built.
        explained: the files that differ from the baseline's, and why.
    """

    variation: Variation
    state: State
    text: str = field(default="", kw_only=True)
    files: Mapping[str, str] = field(default_factory=dict, kw_only=True)
    explained: tuple[Explained, ...] = field(default=(), kw_only=True)


def judge(variation: Variation, usual: Observation, found: Observation) -> Outcome:
    """Compare a build with the baseline: first what it saw, then what it gave."""
    if variation.name == BASELINE:
        return Outcome(variation, "baseline", files=found.files)
    pairs = zip(usual.facts, found.facts, strict=True)
    if not found.facts or not all(variation.proof(*pair) for pair in pairs):
        return Outcome(
            variation, "unvaried", text="the build saw no change", files=found.files
        )
    names = sorted(usual.files.keys() | found.files.keys())
    odd = [name for name in names if usual.files.get(name) != found.files.get(name)]
    if odd:
        return Outcome(variation, "different", text=", ".join(odd), files=found.files)
    return Outcome(variation, "same", files=found.files)


_WORST: Final[tuple[State, ...]] = ("unvaried", "different", "failed")


def worst(outcomes: Sequence[Outcome], *, strict: bool) -> State:
    """Give the one outcome that counts; `strict` lets nothing be skipped.

    A line that did not vary outweighs a difference: what was tested is not known.
    """
    states = {each.state for each in outcomes}
    for state in ("skipped", *_WORST) if strict else _WORST:
        if state in states:
            return state
    return "same"
