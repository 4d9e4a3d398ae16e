"""A published release, built again and compared.

Carrier. What was found is a verdict whatever it is: that the bytes are the same, that
they are not, that the source is another one, that it cannot be built; `telling` signs
it. What was not found out is an error and leaves no statement behind: a missing
sandbox, an input that cannot be had, a fault of ours.
"""

import hashlib
import platform
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Final

from reproducible.builds.building import BUILDINFO
from reproducible.builds.commit import build_plan
from reproducible.builds.plan import (
    Plan,
    check_claimed,
    find_recipe,
    plan_tree,
)
from reproducible.builds.staging import expect_empty
from reproducible.builds.steps import Output
from reproducible.builds.workshop import Workshop
from reproducible.compare.comparing import compare
from reproducible.compare.verdict import FileId
from reproducible.drive.claimed import claimed
from reproducible.drive.finding import Finding, Signer
from reproducible.drive.telling import Told, write_report, write_signed
from reproducible.errors import (
    BuildFailedError,
    RecipeError,
    SourceError,
    UnsupportedError,
)
from reproducible.explain.explaining import Explained, explain
from reproducible.record.attest import unbuilt
from reproducible.record.buildinfo import MAX_BYTES as MAX_BUILDINFO
from reproducible.record.buildinfo import (
    Buildinfo,
    BuiltFrom,
    Epoch,
    Python,
    Runtime,
    Walls,
    format_buildinfo,
    parse_buildinfo,
)
from reproducible.source.git import export
from updater.archive.opened import opened
from updater.driver.published import Published
from updater.errors import StoreError
from updater.files import Files
from updater.transparency.claims.release import ReleaseClaim
from updater.transparency.rebuilders import STAGE

_VERDICTS: Final = (SourceError, UnsupportedError, BuildFailedError)
"""Errors that are findings: that there is nothing to compare is a verdict too."""


def rebuild_release(
    published: Published,
    workshop: Workshop,
    out: Path,
    *,
    source: Path | str | None = None,
    signer: Signer | None = None,
) -> Told:
    """Build a published file again from its source, compare, and say what came of it.

    Writes into the folder `out`, which must be new or empty: what was built, the
    `buildinfo.json` and log of the build, the report, and with a signer the statements,
    that for the log last of all (`telling`). `source` is a git repository, asked
    instead of the one that is claimed.

    Raises:
        RecipeError: there is something in the folder, the claimed repository is none
            to be asked, or the recipe asks for what cannot be done.
        IsolationError, MissingError: this machine cannot build it.
        InputError: the source or a locked file is not to be had.
        StoreError: the disk refuses.
    """
    expect_empty(out)
    Files().make_folder(out)
    finding = _Run(published, workshop, out).find(source)
    told = write_report(finding, out)
    if signer is not None:
        told = write_signed(finding, told, signer, out)
    return told


class _Run:
    """One rebuild: what is known of it so far."""

    def __init__(self, published: Published, workshop: Workshop, out: Path) -> None:
        self._published = published
        self._workshop = workshop
        self._out = out
        self._started = int(workshop.now())
        self._warnings: list[str] = []
        self._plan: Plan | None = None

    def find(self, source: Path | str | None) -> Finding:
        """Build and compare, or say why there is nothing to compare."""
        artifact = self._published.artifact
        file = FileId(artifact.name, artifact.size, sha256=artifact.sha256)
        try:
            plan = self._plan = self._planned(source)
            output = self._built(plan)
        except _VERDICTS as error:
            explained = explain(unbuilt(file, error, STAGE), None, None)
        else:
            explained = self._compared(output)
        comparison = explained.comparison
        warnings = (*comparison.warnings, *self._warnings)
        return Finding(
            claim=self._published.claim,
            explained=replace(
                explained, comparison=replace(comparison, warnings=warnings)
            ),
            plan=self._plan,
            buildinfo=self._recorded(),
            started=self._started,
            finished=int(self._workshop.now()),
        )

    def _planned(self, source: Path | str | None) -> Plan:
        """Get the source of the claimed commit, and hold it to every claim.

        Raises:
            SourceError: it is not what the release claims.
            UnsupportedError: it has a form that is not built.
        """
        release = self._published.claim
        said = claimed(release, self._published.manifest)
        self._workshop.tell(f"fetching commit {release.source.commit[:12]}")
        exported = export(
            source or _repository(release),
            release.source.commit,
            tag=release.source.tag,
            environment=self._workshop.environment,
        )
        self._warnings += exported.warnings
        recipe = find_recipe(exported.tree, said.recipe_sha256)
        plan = plan_tree(
            exported.tree,
            recipe,
            commit=exported.commit,
            committed=exported.epoch,
            tag=exported.tag,
        )
        check_claimed(plan, said)
        return _only(plan, self._published.artifact.platform)

    def _built(self, plan: Plan) -> Output:
        """Build the bundle of this platform."""
        built = build_plan(plan, workshop=self._workshop, out=self._out)
        self._warnings += built.warnings
        return next(x for x in built.result.outputs if x.kind == "bundle")

    def _compared(self, output: Output) -> Explained:
        files, published = Files(), self._published
        self._workshop.tell("comparing")
        with (
            opened(files, published.path) as theirs,
            opened(files, output.path) as ours,
        ):
            comparison = compare(
                theirs,
                ours,
                name=published.artifact.name,
                rebuilt_name=output.name,
                own=True,
            )
            found = comparison.published.sha256
            if found != published.artifact.sha256:  # nobody published what was compared
                raise StoreError(
                    f"{published.path}: has changed since it was fetched, to {found}"
                )
            return explain(comparison.at(STAGE), theirs, ours)

    def _recorded(self) -> Buildinfo:
        """Read how the build went, which it wrote itself; or write that there was none.

        Raises:
            StoreError: the disk refuses.
        """
        files, path = Files(), self._out / BUILDINFO
        data = files.read_if_there(path, most=MAX_BUILDINFO)
        if data is not None:
            return parse_buildinfo(data)
        info = self._not_begun()
        files.replace(path, format_buildinfo(info), 0o644)
        return info

    def _not_begun(self) -> Buildinfo:
        release, plan = self._published.claim, self._plan
        return Buildinfo(
            recipe_sha256=release.build.recipe,
            source=plan.source
            if plan
            else BuiltFrom(kind="tree", commit=release.source.commit),
            tools=(),
            python=Python(
                platform.python_implementation(),
                platform.python_version(),
                build=" ".join(platform.python_build()),
            ),
            runtime=Runtime(
                arch=platform.machine(),
                os=platform.system(),
                kernel=platform.release(),
                libc=" ".join(platform.libc_ver()),
                zlib=zlib.ZLIB_RUNTIME_VERSION,
            ),
            sandbox=Walls(level=0, tool="none", probe="not-run"),
            env={},
            umask=0o022,
            epoch=Epoch(release.build.source_date_epoch, "commit"),
            started=self._started,
            finished=int(self._workshop.now()),
            outputs=(),
            log_sha256=hashlib.sha256(b"").hexdigest(),
        )


def _repository(release: ReleaseClaim) -> str:
    """Give the address that the publisher names, if a stranger's may be followed.

    Raises:
        RecipeError: it leads into this machine, or would use keys of its user.
    """
    address = release.source.repository
    if not address.startswith("https://"):
        raise RecipeError(
            f"source: expected an https address in the claim, came {address!r};"
            " say where the repository is"
        )
    return address


def _only(plan: Plan, platform: str) -> Plan:
    """Leave out of a plan what the bundle of one platform is not made of.

    Raises:
        BuildFailedError: the recipe makes no such bundle.
    """
    outputs = tuple(
        each
        for each in plan.recipe.outputs
        if each.kind == "wheel" or each.platform == platform
    )
    if not any(each.kind == "bundle" for each in outputs):
        raise BuildFailedError(
            "no-output", f"the recipe makes no bundle for {platform}"
        )
    apps = {name: lock for name, lock in plan.apps.items() if name == platform}
    return replace(plan, recipe=replace(plan.recipe, outputs=outputs), apps=apps)
