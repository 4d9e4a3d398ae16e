"""Recipes found out from a published wheel and its source archive.

Rules. A guess does no harm: only a build that gives the very bytes is `identical`, and
no two recipes give those by luck. So the likeliest is tried first, and then what has
been seen to make the difference elsewhere; `docs/rebuilding.md` tells it for people.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from packaging.requirements import Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from reproducible.compare.verdict import Comparison
from reproducible.errors import UnsupportedError
from reproducible.inputs.recipe import (
    Env,
    Limits,
    OutputKind,
    OutputSpec,
    Recipe,
    Source,
    Toolchain,
)
from reproducible.pypi.choice import Release
from reproducible.pypi.facts import Generator, SdistFacts, WheelFacts, zone_s

MAX_TRIES: Final = 6
"""Recipes that are tried for a file: the search has to end, and rarely needs three."""
UPLOAD_S: Final = 300
"""How long after its upload a file may still have been built with what was there then:
clocks differ, and an index rounds."""

Knob = Literal["tools", "modes", "times"]
"""What a further recipe turns: what is written, or only under which mode and when."""

Minor = tuple[int, int]
"""Of a Python, as (3, 11)."""

_COMPILERS: Final = frozenset({
    "maturin", "mesonpy", "py_build_cmake", "scikit_build_core", "setuptools_rust",
    "sipbuild", "skbuild",
})  # fmt: skip
"""First names of backends that exist to compile."""

_PROJECTS: Final = {"bdist_wheel": "wheel", "flit": "flit-core", "uv": "uv-build"}
"""Which project wrote a wheel, where the tool has another name."""

_RELEASED: Final[tuple[tuple[Minor, int], ...]] = (
    ((3, 14), 1_759_795_200), ((3, 13), 1_728_259_200), ((3, 12), 1_696_204_800),
    ((3, 11), 1_666_569_600), ((3, 10), 1_633_305_600), ((3, 9), 1_601_856_000),
    ((3, 8), 1_571_011_200), ((3, 7), 0),
)  # fmt: skip
"""Pythons, newest first, with the day from which people built with them (POSIX)."""

_OLDER: Final[tuple[tuple[str, Minor], ...]] = (
    ("67.7.2", (3, 11)), ("57.5.0", (3, 9)), ("56.2.0", (3, 9)),
)  # fmt: skip
"""Releases of setuptools before METADATA was written otherwise, and the newest Python
that can run them; google/oss-rebuild takes the same steps (pkg/rebuild/pypi)."""
_OWN_WHEELS: Final = "setuptools<70.1"
"""From 70.1 on it writes wheels itself, and says so."""
_OLD_WHEEL: Final = "wheel==0.38.4"
"""At first with METADATA by the package `wheel`, of any age, where that was there."""


_TURNED_BY: Final[dict[str, Knob]] = {
    "tar.mode": "modes", "tar.mtime": "times", "gzip.mtime": "times",
    "zip.date_time": "times", "zip.external_attr": "modes",
}  # fmt: skip
"""Which knob could make a header field the same."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A recipe worth trying, and in which way it is another one than the first."""

    recipe: Recipe
    why: str
    knob: Knob = field(default="tools", kw_only=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of a package before anything is built.

    Attributes:
        source: what is built.
        uploaded: when the later one of wheel and source was, in POSIX seconds.
        requires_python: of the wheel, a specifier or nothing.
        pythons: what is here to build with.
        otherwise: SOURCE_DATE_EPOCH where the file has no one time; None is unset.
    """

    wheel: WheelFacts
    sdist: SdistFacts
    source: Source
    uploaded: int
    requires_python: str
    pythons: Sequence[Minor]
    otherwise: int | Literal["commit"] | None = None


def candidates(known: Known, output: OutputKind = "wheel") -> Iterator[Candidate]:
    """Give recipes for a wheel or source archive, the likeliest first, each once.

    Raises:
        UnsupportedError: ``backend``: it compiles, or no Python here is allowed.
    """
    if known.sdist.family in _COMPILERS:
        raise UnsupportedError(
            "backend", f"{known.sdist.backend}: builds native code, which is not done"
        )
    pythons = allowed_pythons(known)
    seen: list[Recipe] = []
    for candidate in _all(known, output, pythons):
        if candidate.recipe not in seen:
            seen.append(candidate.recipe)
            yield candidate


def is_worth_trying(candidate: Candidate, best: Comparison | None) -> bool:
    """Tell whether a recipe could do better than the best result so far.

    Where only headers differ, other tools would only make it worse; and where more
    differs or nothing was built, headers are not what matters.
    """
    if best is None or best.verdict == "identical":
        return best is None
    if best.verdict != "identical-with-exceptions":
        return candidate.knob == "tools"
    return any(_TURNED_BY.get(each.field) == candidate.knob for each in best.exceptions)


def allowed_pythons(known: Known) -> tuple[Minor, ...]:
    """Give the Pythons a wheel may have been built with, the newest first.

    Raises:
        UnsupportedError: ``backend``: none of them is here.
    """
    # A source archive says what the package runs on; it is built with that too.
    try:
        asked = SpecifierSet(known.requires_python)
    except InvalidSpecifier:  # spellings of old, as `>=3.6.*`
        asked = SpecifierSet()
    here = tuple(
        minor
        for minor, since in _RELEASED
        if minor in known.pythons
        and since <= known.uploaded
        and asked.contains(f"{minor[0]}.{minor[1]}.99", prereleases=True)
    )
    if not here:
        found = ", ".join(f"{major}.{minor}" for major, minor in sorted(known.pythons))
        raise UnsupportedError(
            "backend",
            f"expected a Python {known.requires_python or '>=3.7'} of its time, came"
            f" {found or 'none'}",
        )
    return here


def tag_names(release: Release) -> tuple[str, ...]:
    """Name the tags that a release may have in its repository."""
    project, version = release.project, release.version
    return (
        f"v{version}", version, f"{project}-{version}", f"{project}-v{version}",
        f"release-{version}",
    )  # fmt: skip


def _all(
    known: Known, output: OutputKind, pythons: tuple[Minor, ...]
) -> Iterator[Candidate]:
    env = _env(known, pythons[0])
    toolsets = list(_toolsets(known, pythons))
    first = toolsets[0].recipe(known, env, output)
    yield Candidate(first, "the likeliest")
    if known.source.kind == "git" and output == "wheel":
        through = replace(known.source, via_sdist=True)
        yield Candidate(replace(first, source=through), "through a source archive")
    for tools in toolsets[1:]:
        yield Candidate(tools.recipe(known, env, output), tools.why)
    for minor in pythons[1:3]:
        older = replace(env, python=_only(minor))
        yield Candidate(replace(first, env=older), f"Python {minor[0]}.{minor[1]}")
    for other, why, knob in _headers(env):
        yield Candidate(replace(first, env=other), why, knob=knob)


@dataclass(frozen=True, slots=True)
class _Tools:
    requires: tuple[str, ...]
    why: str
    python: Minor | None = None
    backend: str | None = None

    def recipe(self, known: Known, env: Env, output: OutputKind) -> Recipe:
        """Make a recipe of these tools."""
        if self.python is not None:
            env = replace(env, python=_only(self.python))
        return Recipe(
            source=known.source,
            env=env,
            toolchain=Toolchain(
                backend=self.backend or known.sdist.backend,
                backend_path=known.sdist.backend_path,
                requires=self.requires,
                exclude_newer=known.uploaded + UPLOAD_S,
            ),
            outputs=(OutputSpec(output),),
            limits=Limits(),
        )


def _toolsets(known: Known, pythons: tuple[Minor, ...]) -> Iterator[_Tools]:
    """Give sets of tools: pinned by what the wheel says, then by experience."""
    requires = known.sdist.requires
    generator = known.wheel.generator
    if generator is None or known.sdist.is_own_backend:
        yield _Tools(requires, "the likeliest")
    else:
        yield from _pinned(known, generator)
        yield _Tools(requires, "no version pinned")
    if known.sdist.family == "setuptools":
        steps = _OLDER[1:] + _OLDER[:1] if known.wheel.old_platform else _OLDER
        wheel = _pin(generator) if generator and generator.tool == "bdist_wheel" else ()
        for version, newest in steps:
            fitting = next((each for each in pythons if each <= newest), None)
            if fitting is not None:
                pins = (f"setuptools=={version}", *wheel)
                why = f"setuptools {version}"
                yield _Tools(_with(requires, pins), why, python=fitting)


def _pinned(known: Known, generator: Generator) -> Iterator[_Tools]:
    requires, pins = known.sdist.requires, _pin(generator)
    why = f"{generator.tool} {generator.version}"
    match generator.tool:
        case "bdist_wheel":
            yield _Tools(_with(requires, (*pins, _OWN_WHEELS)), why)
            yield _Tools(_with(requires, (*pins, "setuptools")), f"{why} alone")
        case "uv":
            yield _Tools(_with(requires, pins), why)
            # Before there was a package of its own, the backend came with uv.
            own = (f"uv=={generator.version}",)
            yield _Tools(own, f"the backend in {why}", backend="uv")
        case "poetry":
            core = (f"poetry-core=={generator.version}",)
            yield _Tools(core, f"poetry-core {generator.version}", backend=_POETRY_CORE)
            yield _Tools(_with(requires, pins), why)
        case "setuptools" if known.wheel.old_requires:
            yield _Tools(_with(requires, (*pins, _OLD_WHEEL)), f"{why}, an old wheel")
            yield _Tools(_with(requires, pins), why)
        case _:
            yield _Tools(_with(requires, pins), why)


_POETRY_CORE: Final = "poetry.core.masonry.api"
"""Where poetry itself has the backend from since 1.1; both said `poetry` at first."""


def _pin(generator: Generator) -> tuple[str, ...]:
    project = _PROJECTS.get(generator.tool, generator.tool)
    return (f"{re.sub(r'[-_.]+', '-', project)}=={generator.version}",)


def _with(requires: tuple[str, ...], pins: tuple[str, ...]) -> tuple[str, ...]:
    """Add pins, in the place of what was asked of the same projects."""
    pinned = {canonicalize_name(Requirement(each).name) for each in pins}
    kept = (
        each
        for each in requires
        if canonicalize_name(Requirement(each).name) not in pinned
    )
    return (*kept, *pins)


def _env(known: Known, python: Minor) -> Env:
    """Say what the build sees of the world."""
    instant = known.wheel.instant
    epoch = known.otherwise if instant is None else instant
    env = Env(
        python=_only(python),
        epoch=epoch,
        epoch_from="commit" if epoch == "commit" else "artifact",
    )
    if known.wheel.group_made:
        env = replace(env, umask=0o002)
    if known.wheel.group_source:
        env = replace(env, source_modes="archive")
    if instant is None:
        zone = zone_s(known.wheel, known.sdist)
        written = known.wheel.written
        clock = None if written is None else max(written - zone, 0)
        env = replace(env, tz=_zone(zone), clock=clock)
    return env


def _headers(env: Env) -> Iterator[tuple[Env, str, Knob]]:
    """Give other modes and times."""
    if env.source_modes == "normal":
        yield replace(env, source_modes="archive"), "the modes of the source", "modes"
    else:
        yield replace(env, source_modes="normal"), "usual modes", "modes"
    if env.umask != 0o022:
        yield replace(env, umask=0o022), "umask 022", "modes"
    if env.epoch is not None:
        none = replace(env, epoch=None, epoch_from="artifact")
        yield none, "no SOURCE_DATE_EPOCH", "times"


def _only(minor: Minor) -> str:
    return f"=={minor[0]}.{minor[1]}.*"


def _zone(offset_s: int) -> str:
    """Write a time zone for TZ (POSIX.1-2024, 8.3), which counts west of Greenwich."""
    if not offset_s:
        return "UTC"
    sign = "-" if offset_s > 0 else "+"
    hours, rest = divmod(abs(offset_s), 3600)
    return f"UTC{sign}{hours}" + (f":{rest // 60:02}" if rest else "")
