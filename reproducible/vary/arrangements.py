"""How one thing is changed that a build should not depend on.

Rules: from the usual conditions, and what a machine has, to those of one build.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Literal

from reproducible.errors import MissingError
from reproducible.sandbox.levels import Conditions, Interpreter, Level

SourceChange = Literal["private", "shared", "2001", "scattered", "owned", "stale"]
"""What is done to the source on disk before a build sees it; see `vary.sources`."""

FOREIGN_LOCALES: Final = ("et_EE.utf8", "tr_TR.utf8", "de_DE.utf8")
"""Other orders, other capitals, other decimal points; the first that there is."""

AGAIN_S: Final = 3.0
"""Zip archives count time in steps of two seconds."""
SPACED: Final = "a folder/with spaces, and a longer name than most/" + "deep/" * 12
_I686: Final = ("setarch", "taskset")


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What there is to vary with.

    Attributes:
        arch: as uname(1) says.
        others: interpreters of other minor versions than the usual one, that the
            recipe allows and the sandbox can use.
        programs: names of helper programs in the /usr/bin that a build sees.
        locales: as `locale -a` names them.
        is_root: whether files can be given to others.
        cpu: the number of one processor that may be used.
    """

    level: Level
    arch: str
    others: tuple[Interpreter, ...]
    programs: frozenset[str]
    locales: frozenset[str]
    is_root: bool
    cpu: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """How one build is made.

    Attributes:
        interpreter: None for the usual one.
        sources: changes of the source on disk, one after the other.
        below: folders to make below the usual one, which all is laid out in.
        wait_s: seconds after the baseline that it begins at the earliest.
    """

    conditions: Conditions
    interpreter: Interpreter | None = None
    sources: tuple[SourceChange, ...] = ()
    below: str = ""
    wait_s: float = 0.0


Arrange = Callable[[Conditions, Machine], Setup]
"""Changes the usual conditions; raises MissingError, with what is not there."""


def seen(change: Callable[[Conditions], Conditions]) -> Arrange:
    """Change what the build sees of the world."""
    return lambda conditions, _: Setup(conditions=change(conditions))


def changed(change: SourceChange) -> Arrange:
    """Change its source on disk, but for names and contents."""
    return lambda conditions, _: Setup(conditions=conditions, sources=(change,))


def preloaded(module: str) -> Arrange:
    """Import one of `vary.shims` before the backend."""
    return seen(lambda conditions: replace(conditions, preload=module))


def again(conditions: Conditions, _: Machine) -> Setup:
    """Change nothing but the moment."""
    return Setup(conditions=conditions, wait_s=AGAIN_S)


def foreign_locale(conditions: Conditions, machine: Machine) -> Setup:
    """Take the first of `FOREIGN_LOCALES` that there is."""
    found = [each for each in FOREIGN_LOCALES if each in machine.locales]
    if not found:
        raise MissingError(f"expected a locale {' or '.join(FOREIGN_LOCALES)}")
    return Setup(conditions=replace(conditions, locale=found[0]))


def long_path(conditions: Conditions, _: Machine) -> Setup:
    """Put the source far down, at any level."""
    path = f"/{SPACED}src"
    return Setup(conditions=replace(conditions, path=path), below=SPACED)


def other_uid(conditions: Conditions, machine: Machine) -> Setup:
    """Build as another user."""
    if machine.level == 0:
        raise MissingError("expected sandbox level 1: level 0 has one user number")
    return Setup(conditions=replace(conditions, uid=conditions.uid + 4242))


def other_owner(conditions: Conditions, machine: Machine) -> Setup:
    """Give the source to somebody else."""
    if not machine.is_root:
        raise MissingError("expected to be root, who can give files away")
    return Setup(conditions=conditions, sources=("owned",))


def other_clock(conditions: Conditions, machine: Machine) -> Setup:
    """Put the clock forward."""
    _expect("faketime", machine)
    return Setup(
        conditions=replace(
            conditions,
            wrapper=("/usr/bin/faketime", "-f", "+400d"),
            # The times of files stay as they are: V18 and V19 vary them.
            extra=(*conditions.extra, ("NO_FAKE_STAT", "1")),
        )
    )


def old_machine(conditions: Conditions, machine: Machine) -> Setup:
    """Pose as an old and small machine."""
    for program in _I686:
        _expect(program, machine)
    if machine.arch != "x86_64":
        raise MissingError(f"expected an x86_64 to pose as i686, came {machine.arch}")
    alone = ("/usr/bin/taskset", "-c", str(machine.cpu))
    wrapper = ("/usr/bin/setarch", "i686", "--uname-2.6", *alone)
    return Setup(conditions=replace(conditions, wrapper=wrapper))


def other_python(number: int) -> Arrange:
    """Take one of the other interpreters, counted from 0."""

    def arrange(conditions: Conditions, machine: Machine) -> Setup:
        if len(machine.others) <= number:
            raise MissingError(
                f"expected {number + 1} other minor versions of Python,"
                f" came {len(machine.others)}"
            )
        return Setup(conditions=conditions, interpreter=machine.others[number])

    return arrange


def _expect(program: str, machine: Machine) -> None:
    if program not in machine.programs:
        raise MissingError(f"expected the program {program} in /usr/bin")
