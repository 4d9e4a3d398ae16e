"""Which files of a release are rebuilt from which. Rules."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from packaging.utils import (
    BuildTag,
    InvalidSdistFilename,
    InvalidWheelFilename,
    NormalizedName,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version

from reproducible.errors import InputError, RecipeError, UnsupportedError
from reproducible.fetch.simple import Offered

_PIN: Final = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]{0,127})==([0-9A-Za-z.+!]{1,64})")
_PURE: Final = ("none", "any")


@dataclass(frozen=True, slots=True)
class Release:
    """A project's release, as `click==8.1.7`; the version is spelt as it was given."""

    project: str
    version: str

    def __str__(self) -> str:
        return f"{self.project}=={self.version}"


@dataclass(frozen=True, slots=True)
class Pair:
    """A wheel of pure Python, and the source archive of the same release."""

    wheel: Offered
    sdist: Offered

    @property
    def uploaded(self) -> int | None:
        """When the later one was, in POSIX seconds; None where the index is silent."""
        if self.wheel.uploaded is None or self.sdist.uploaded is None:
            return None
        return max(self.wheel.uploaded, self.sdist.uploaded)


def parse_release(text: str) -> Release:
    """Read `NAME==VERSION`.

    Raises:
        RecipeError: it is something else.
    """
    found = _PIN.fullmatch(text)
    try:
        Version(found[2] if found else "")
    except InvalidVersion:
        raise RecipeError(f"expected NAME==VERSION, came {text[:80]!r}") from None
    assert found is not None
    return Release(found[1], found[2])


def files_of(offered: Iterable[Offered], release: Release) -> tuple[Offered, ...]:
    """Give the files of one release; what an index lists of others is left out.

    Raises:
        InputError: there is none.
    """
    wanted = canonicalize_name(release.project), Version(release.version)
    found = tuple(each for each in offered if _named(each) == wanted)
    if not found:
        raise InputError(f"{release}: the index has no wheel or source archive of it")
    return found


def choose(files: Iterable[Offered], wheel: str | None = None) -> Pair:
    """Choose among the files of one release; `wheel` is the name of a certain one.

    Else it is that of Python 3, where there is one for each, and of several builds the
    last, as an installer chooses (PyPA, "Binary distribution format").

    Raises:
        InputError: there is no wheel of that name.
        UnsupportedError: ``no-wheel``, ``no-sdist``, or ``platform-wheel``: no wheel
            is for every platform.
    """
    files = tuple(files)
    wheels = [each for each in files if each.is_wheel]
    if wheel is not None:
        wheels = [each for each in wheels if each.name == wheel]
        if not wheels:
            raise InputError(f"{wheel}: the index has no such file")
    if not wheels:
        raise UnsupportedError("no-wheel", "there is a source archive alone")
    pure = max((each for each in wheels if is_pure(each.name)), key=_rank, default=None)
    if pure is None:
        raise UnsupportedError(
            "platform-wheel", f"{wheels[0].name}: holds machine code of one platform"
        )
    sdists = [each for each in files if not each.is_wheel]
    if not sdists:
        raise UnsupportedError("no-sdist", f"{pure.name}: there is no source archive")
    return Pair(pure, sdists[0])


def passed_over(files: Iterable[Offered], chosen: Offered) -> str:
    """Say which other wheels a release has, for who reads a verdict; empty if none.

    An installer prefers one for its platform: nothing is known about that one.
    """
    others = sorted(x.name for x in files if x.is_wheel and x.name != chosen.name)
    if not others:
        return ""
    more = f" and {len(others) - 1} more" if len(others) > 1 else ""
    return f"not looked at: {others[0]}{more}, which an installer may prefer"


def is_pure(wheel: str) -> bool:
    """Tell by its file name whether a wheel is for every platform (PEP 425)."""
    return tuple(wheel.removesuffix(".whl").split("-")[-2:]) == _PURE


def _rank(wheel: Offered) -> tuple[bool, BuildTag, str]:
    _, _, build, tags = parse_wheel_filename(wheel.name)
    pythons = {tag.interpreter for tag in tags}
    return any(each.startswith("py3") for each in pythons), build, wheel.name


def _named(file: Offered) -> tuple[NormalizedName, Version] | None:
    """Give the project and version that a file name says; None where it says none."""
    try:
        if file.is_wheel:
            return parse_wheel_filename(file.name)[:2]
        return parse_sdist_filename(file.name)
    except (InvalidWheelFilename, InvalidSdistFilename, InvalidVersion):
        return None
