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
    """What came of one build.

    Attributes:
        name: of the line of the table, or of another check.
        about: what was changed, in a few words.
        text: what differs, or why there is no answer; may be foreign text.
        files: SHA-256 by name, of what was built.
        explained: the files that differ from the baseline's, and why.
    """

    name: str
    about: str
    state: State = field(kw_only=True)
    text: str = field(default="", kw_only=True)
    files: Mapping[str, str] = field(default_factory=dict, kw_only=True)
    explained: tuple[Explained, ...] = field(default=(), kw_only=True)


def judge(variation: Variation, usual: Observation, found: Observation) -> Outcome:
    """Compare a build with the baseline: first what it saw, then what it gave."""
    state, text = _judge(variation, usual, found)
    return Outcome(
        variation.name, variation.about, state=state, text=text, files=found.files
    )


def _judge(
    variation: Variation, usual: Observation, found: Observation
) -> tuple[State, str]:
    if variation.name == BASELINE:
        return "baseline", ""
    pairs = zip(usual.facts, found.facts, strict=True)
    if not found.facts or not all(variation.proof(*pair) for pair in pairs):
        return "unvaried", "the build saw no change"
    names = sorted(usual.files.keys() | found.files.keys())
    odd = [name for name in names if usual.files.get(name) != found.files.get(name)]
    return ("different", ", ".join(odd)) if odd else ("same", "")


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
