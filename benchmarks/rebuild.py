"""Rebuilding our own release, against its bare build without any wall.

What is rebuilt is HEAD of this checkout, for the Python that runs this. Both sides
fetch the source by git, set up the same toolchain, have the same backend build the
wheel with the same interpreter, and write the same bundle. Ours also holds every file
to its hash, chooses and probes the wall, packs the wheel anew, compares and signs.
"""

import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import uv

from benchmarks.figure import Figure, figure, left_out, ratios, turns
from cli import paths
from reproducible.builds.building import build
from reproducible.builds.commit import plan_commit
from reproducible.builds.plan import Plan
from reproducible.builds.workshop import Workshop
from reproducible.drive.finding import Signer
from reproducible.drive.rebuilding import rebuild_release
from reproducible.errors import InputError
from reproducible.fetch.cache import Cache
from reproducible.sandbox.host import Host
from reproducible.sandbox.levels import Level
from tests.updater.transparency.claimants import OPERATOR_KEYS, RELEASE
from updater.archive.bundle import Manifest, open_bundle, write_bundle
from updater.archive.opened import chunks_of, opened
from updater.driver.published import Published
from updater.files import Files
from updater.transparency.claims.parts import Resource
from updater.transparency.claims.release import Artifact, Build, Source
from updater.transparency.index import LoggedFile, Place

CHECKOUT = Path(__file__).parents[1]
RECIPE = "requirements/recipe.toml"
ROOT = CHECKOUT / "dist" / "root-bookworm.tar"
"""Where level 2 finds the root that the recipe locks."""
PLATFORM = f"cp3{sys.version_info.minor}-linux-{platform.machine()}"
HOOK = """
import sys
sys.path.insert(0, sys.argv[1])
from hatchling.build import build_wheel
build_wheel(sys.argv[2])
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Release:
    """HEAD as it would be published, and all that both sides build it from."""

    published: Published
    repository: Path
    manifest: Manifest
    cached: dict[str, Path]
    """The files of the locks by name."""
    tools: Sequence[str]
    interpreter: str


def figures() -> list[Figure]:
    """Make a release of HEAD, and build it again at all levels and bare."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            release = _made(folder)
        except InputError as error:
            return left_out(
                "rebuild", f"not in the cache, and nothing is fetched: {error}"
            )
        return [_size(release), *_rebuilding(folder, release)]


def _rebuilding(folder: Path, release: _Release) -> list[Figure]:
    levels: list[Level] = [0, 1, 2] if ROOT.exists() else [0, 1]
    sides: list[Callable[[], object]] = [
        lambda: _bare(folder, release, partial(_uv_build, folder, release)),
        lambda: _bare(folder, release, partial(_hook, release)),
        *(partial(_rebuild, folder, release, level) for level in levels),
    ]
    for side in sides:
        side()  # whatever is cached on the way is then
    bare, hook, *ours = turns(*sides)
    found = [
        figure(
            "rebuild at level 1, signed / uv build", ratios(ours[1], bare), bar=1.5,
            note=f"{_seconds(ours[1])}, {_seconds(bare)}",
        ),
        figure(
            "the same / the hook alone, nothing but unzipped", ratios(ours[1], hook),
            note=f"{_seconds(hook)}: wheels that nobody hashes, in no environment",
        ),
        figure("rebuild at level 1 / level 0", ratios(ours[1], ours[0]), bar=1.6),
    ]  # fmt: skip
    if len(levels) == 2:
        return found + left_out("level 2", f"no root at {ROOT}")
    above = ratios(ours[2], ours[0])
    return [*found, figure("rebuild at level 2 / level 0", above, bar=2.5)]


def _size(release: _Release) -> Figure:
    wheels = sum(each.size for each in release.manifest.wheels)
    size = release.published.artifact.size
    note = f"{size / 1e6:.0f} MB, {len(release.manifest.wheels)} wheels"
    return figure("our bundle / its wheels", [size / wheels], bar=1.005, note=note)


def _rebuild(folder: Path, release: _Release, level: Level) -> None:
    with _workshop(folder, level) as workshop:
        told = rebuild_release(
            release.published, workshop, workshop.scratch / "out",
            source=release.repository, signer=_signer(),
        )  # fmt: skip
    if told.explained.comparison.verdict != "identical" or told.level != level:
        raise AssertionError(f"expected identical bytes at level {level}")


def _bare(
    folder: Path, release: _Release, build_wheel: Callable[[Path, Path], None]
) -> None:
    """Fetch the source, have the wheel built, and write the bundle; check nothing."""
    with tempfile.TemporaryDirectory(dir=folder) as name:
        source = Path(name, "source")
        address, commit = release.repository.as_uri(), release.manifest.commit
        _git("init", source)
        _git("-C", source, "fetch", "--depth=1", address, commit)
        _git("-C", source, "checkout", "--detach", "FETCH_HEAD")
        build_wheel(source, Path(name))
        with Path(name, "bundle").open("wb") as bundle:
            bundle.writelines(
                write_bundle(
                    release.manifest,
                    lambda x: chunks_of(Files(), release.cached[x.file]),
                )
            )


def _uv_build(folder: Path, release: _Release, source: Path, out: Path) -> None:
    """Build in an environment made out of the cache of uv, as fast as any tool does."""
    command: list[str | Path] = [
        uv.find_uv_bin(), "build", "--wheel", "--offline", "--no-index", "--no-config",
        "--find-links", _links(folder, release), "--python", release.interpreter,
        "--cache-dir", folder / "uv", "--out-dir", out / "built", source,
    ]  # fmt: skip
    _run(command, release, out)


def _hook(release: _Release, source: Path, out: Path) -> None:
    """Unpack the toolchain and call its hook, in a process without any environment."""
    for each in release.tools:
        with zipfile.ZipFile(release.cached[each]) as wheel:
            wheel.extractall(out / "tools")
    tools, built = out / "tools", out / "built"
    command: list[str | Path] = [
        release.interpreter, "-I", "-B", "-c", HOOK, tools, built
    ]  # fmt: skip
    built.mkdir()
    _run(command, release, out, cwd=source)


def _links(folder: Path, release: _Release) -> Path:
    """Give a folder that has the toolchain by its names."""
    links = folder / "links"
    if not links.exists():
        links.mkdir()
        for each in release.tools:
            (links / each).symlink_to(release.cached[each])
    return links


def _run(
    command: Sequence[str | Path],
    release: _Release,
    home: Path,
    cwd: Path | None = None,
) -> None:
    epoch = str(release.manifest.epoch)
    environment = {
        "HOME": str(home), "PATH": os.defpath, "SOURCE_DATE_EPOCH": epoch,
    }  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, cwd=cwd, env=environment)


def _made(folder: Path) -> _Release:
    """Build HEAD once, as its publisher does, from a repository packed as a server's.

    Raises:
        InputError: a locked file is not in the cache.
    """
    repository = folder / "ringfence.git"
    _git("clone", "--bare", "--depth=1", CHECKOUT.as_uri(), repository)
    with _workshop(folder, 0) as workshop:
        plan, _ = plan_commit(repository, "HEAD", recipe=RECIPE, workshop=workshop)
        plan = _only_here(plan)
        sandbox = workshop.sandbox(plan).sandbox
        result = build(
            plan, sandbox=sandbox, cache=workshop.cache, supplies=(),
            out=folder / "published", now=workshop.now,
        )  # fmt: skip
        outputs = {each.kind: each for each in result.outputs}
        bundle, wheel = outputs["bundle"], outputs["wheel"]
        with opened(Files(), bundle.path) as extent:
            manifest = open_bundle(extent).manifest
        locked = [x.wheel for x in plan.tools.lock.packages]
        apps = [x.wheel for x in plan.apps[PLATFORM].lock.packages]
        cached = {x.file: workshop.cache.get(x.sha256) for x in (*locked, *apps)}
    artifact = Artifact(
        name=bundle.name, sha256=bundle.sha256, size=bundle.size,
        platform=PLATFORM, sigstore=None,
    )  # fmt: skip
    return _Release(
        published=_published(plan, manifest, artifact, bundle.path),
        repository=repository,
        manifest=manifest,
        cached={wheel.name: wheel.path}
        | {name: path for name, path in cached.items() if path is not None},
        tools=[each.file for each in locked],
        interpreter=sandbox.interpreter.path,
    )


def _published(
    plan: Plan, manifest: Manifest, artifact: Artifact, path: Path
) -> Published:
    claim = replace(
        RELEASE,
        version=manifest.version,
        artifacts=(artifact,),
        source=Source(
            repository="https://git.example/ringfence",
            commit=manifest.commit,
            tag=f"v{manifest.version}",
        ),
        build=Build(
            recipe=plan.recipe_sha256,
            lock=plan.tools.sha256,
            image="0" * 64,
            source_date_epoch=manifest.epoch,
        ),
    )
    row = LoggedFile(
        Place("log.example", 0, leaf_hash=bytes(32)), claim.version,
        platform=PLATFORM, channel=claim.channel, sha256=artifact.sha256,
    )  # fmt: skip
    return Published(
        row=row, claim=claim, artifact=artifact, path=path, manifest=manifest, yanks=()
    )


def _only_here(plan: Plan) -> Plan:
    """Leave out what is for others: source archive and other platforms."""
    outputs = [
        each
        for each in plan.recipe.outputs
        if each.kind == "wheel" or each.platform == PLATFORM
    ]
    apps = {name: lock for name, lock in plan.apps.items() if name == PLATFORM}
    recipe = replace(plan.recipe, outputs=tuple(outputs))
    return replace(plan, recipe=recipe, apps=apps)


@contextmanager
def _workshop(folder: Path, level: Level) -> Iterator[Workshop]:
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        yield Workshop(
            host=Host.here(),
            scratch=Path(scratch),
            cache=Cache(paths.rebuild_cache(paths.home()) / "files", Files()),
            supplies=(),
            now=time.time,
            level=level,
            root=ROOT if level == 2 else None,
            environment=os.environ,
        )


def _signer() -> Signer:
    tool = Resource(name="ringfence-0", sha256="7" * 64)
    key = OPERATOR_KEYS["anna"]
    return Signer(operator="anna", machine="anna/desk", tool=tool, key=key)


def _git(*arguments: str | Path) -> None:
    subprocess.run(["git", *arguments], check=True, capture_output=True)


def _seconds(times: Sequence[float]) -> str:
    return f"{statistics.median(times):.2f} s"
