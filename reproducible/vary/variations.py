"""What is varied, and how a variation proves that it varied.

Rules. Each line of the table changes one thing that a build might depend on and should
not. What the build then saw is compared with what it saw before (`Facts`): where a
machine ignores a wish in silence, a test that "passed" would have tested nothing.
"""

import contextlib
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from typing import Final

from reproducible.errors import MissingError, RecipeError
from reproducible.sandbox.levels import Conditions
from reproducible.sandbox.probe import Facts
from reproducible.vary.arrangements import (
    AGAIN_S,
    SPACED,
    Arrange,
    Machine,
    Setup,
    again,
    changed,
    foreign_locale,
    long_path,
    old_machine,
    other_clock,
    other_owner,
    other_python,
    other_uid,
    preloaded,
    seen,
)
from reproducible.vary.shims import OTHER_DEFLATE, OTHER_ORDER

BASELINE: Final = "V01"
_DAY_S: Final = 86_400

_Proof = Callable[[Facts, Facts], bool]


@dataclass(frozen=True, slots=True)
class Variation:
    """One line of the table."""

    name: str
    about: str
    arrange: Arrange = field(repr=False)
    proof: _Proof = field(repr=False, kw_only=True)
    """Tell from the baseline's facts and its own whether the build saw a change."""


def choose_variations(names: tuple[str, ...]) -> tuple[Variation, ...]:
    """Give the named lines in the table's order; all where none is named.

    The baseline is always among them.

    Raises:
        RecipeError: there is no such line.
    """
    known = {each.name: each for each in VARIATIONS}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise RecipeError(
            f"expected names from V01 to {VARIATIONS[-1].name}, came {unknown[0]!r}"
        )
    wanted = {BASELINE, *names} if names else set(known)
    return tuple(each for each in VARIATIONS if each.name in wanted)


def together(
    names: Collection[str], conditions: Conditions, machine: Machine
) -> Variation:
    """Draw several lines at once: all that are named and can be drawn here.

    They are to change different things, or a proof will fail.
    """
    drawn: list[Variation] = []
    setup = Setup(conditions=conditions)
    for each in VARIATIONS:
        if each.name in names:
            with contextlib.suppress(MissingError):
                found = each.arrange(setup.conditions, machine)
                setup = Setup(
                    conditions=found.conditions,
                    interpreter=found.interpreter or setup.interpreter,
                    sources=setup.sources + found.sources,
                    below=found.below or setup.below,
                    wait_s=max(found.wait_s, setup.wait_s),
                )
                drawn.append(each)
    return Variation(
        "+".join(each.name for each in drawn),
        ", ".join(each.about for each in drawn),
        lambda _, __: setup,
        proof=lambda usual, found: all(each.proof(usual, found) for each in drawn),
    )


def _differ(*names: str) -> _Proof:
    def proof(usual: Facts, found: Facts) -> bool:
        return all(getattr(usual, name) != getattr(found, name) for name in names)

    return proof


def _later(least_s: float) -> _Proof:
    return lambda usual, found: found.clock - usual.clock >= least_s


def _is_long_path(usual: Facts, found: Facts) -> bool:
    # At level 0 every path is another one, so it has to be looked at.
    return SPACED[:20] in found.path and usual.path != found.path


VARIATIONS: Final = (
    Variation(BASELINE, "as the recipe says", seen(lambda x: x), proof=_differ()),
    Variation("V02", "again, later", again, proof=_later(AGAIN_S - 1)),
    Variation(
        "V03",
        "umask 077",
        seen(lambda x: replace(x, umask=0o077)),
        proof=_differ("umask"),
    ),
    Variation(
        "V04",
        "umask 002",
        seen(lambda x: replace(x, umask=0o002)),
        proof=_differ("umask"),
    ),
    Variation(
        "V05",
        "source closed to group and others",
        changed("private"),
        proof=_differ("modes"),
    ),
    Variation(
        "V06", "source open to the group", changed("shared"), proof=_differ("modes")
    ),
    Variation(
        "V07",
        "time zone UTC+14",
        seen(lambda x: replace(x, tz="FAR-14")),
        proof=_differ("zone"),
    ),
    Variation(
        "V08",
        "time zone UTC-12",
        seen(lambda x: replace(x, tz="FAR+12")),
        proof=_differ("zone"),
    ),
    Variation(
        "V09",
        "locale C",
        seen(lambda x: replace(x, locale="C")),
        proof=_differ("locale"),
    ),
    Variation("V10", "a foreign locale", foreign_locale, proof=_differ("locale")),
    Variation(
        "V11",
        "hash seed 1234",
        seen(lambda x: replace(x, hashseed=1234)),
        proof=_differ("seed"),
    ),
    Variation(
        "V12",
        "a random hash seed",
        seen(lambda x: replace(x, hashseed="random")),
        proof=_differ("seed"),
    ),
    Variation("V13", "a long path with spaces", long_path, proof=_is_long_path),
    Variation(
        "V14",
        "another home and user name",
        seen(
            lambda x: replace(
                x, home="/nowhere", extra=(*x.extra, ("USER", "somebody"))
            )
        ),
        proof=_differ("home", "user"),
    ),
    Variation("V15", "another user number", other_uid, proof=_differ("uid", "gid")),
    Variation("V16", "a source of somebody else", other_owner, proof=_differ("owners")),
    Variation("V17", "400 days later", other_clock, proof=_later(399 * _DAY_S)),
    Variation("V18", "source of 2001", changed("2001"), proof=_differ("mtimes")),
    Variation(
        "V19",
        "each file of another time",
        changed("scattered"),
        proof=_differ("mtimes"),
    ),
    Variation(
        "V20",
        "folders listed in another order",
        preloaded(OTHER_ORDER),
        proof=_differ("order"),
    ),
    Variation(
        "V21",
        "another host name",
        seen(lambda x: replace(x, hostname="elsewhere")),
        proof=_differ("hostname"),
    ),
    Variation(
        "V22",
        "one processor, i686, Linux 2.6",
        old_machine,
        proof=_differ("arch", "kernel"),
    ),
    Variation("V23", "another Python", other_python(0), proof=_differ("python")),
    Variation("V24", "a third Python", other_python(1), proof=_differ("python")),
    Variation("V25", "stale compiled code", changed("stale"), proof=_differ("files")),
    Variation(
        "V26",
        "another deflate library",
        preloaded(OTHER_DEFLATE),
        proof=_differ("zlib"),
    ),
)
"""Every line, in order; the baseline first."""
