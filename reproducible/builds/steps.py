"""The steps of one build, behind the wall and after it. Carrier."""

import hashlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from reproducible.builds.layout import lay_out
from reproducible.builds.outputs import bundle_manifest, packed
from reproducible.builds.plan import Plan
from reproducible.errors import BuildFailedError, InputError, RecipeError
from reproducible.inputs.recipe import OutputKind, OutputSpec
from reproducible.sandbox.jobs import Action
from reproducible.sandbox.levels import Conditions
from reproducible.sandbox.run import Order, Sandbox
from reproducible.source.sdist import sdist_tree
from updater.archive.bundle import (
    MAX_BUNDLE_BYTES,
    BundledWheel,
    file_name,
    list_wheel,
    write_bundle,
)
from updater.archive.opened import chunks_of
from updater.errors import MalformedError
from updater.files import Files

PUBLIC: Final = 0o644
"""The mode of what a build leaves: anybody may read it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """A file that was built; hashes in lower hexadecimal.

    `raw_sha256` is of what the backend wrote, before it was packed anew.
    """

    kind: OutputKind
    name: str
    path: Path
    size: int
    sha256: str
    raw_sha256: str | None = None
    platform: str | None = None
    """Of a bundle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """One build while it goes on; `log` grows."""

    plan: Plan
    sandbox: Sandbox
    conditions: Conditions
    out: Path
    tools: Path
    wheels: Mapping[str, Path]
    """All that go into bundles, by SHA-256."""
    scratch: Path
    log: bytearray
    prepare: Callable[[Path], None] | None
    """Called with each source that was laid out, before anything is built from it."""

    def outputs(self) -> tuple[Output, ...]:
        """Make all outputs, the bundles last, since they hold the wheel."""
        made: dict[OutputSpec, Output] = {}
        source = self.scratch / "source"
        recipe = self.plan.recipe
        lay_out(
            self.plan.tree, source, epoch=self.plan.epoch, modes=recipe.env.source_modes
        )
        self._prepare(source)
        for spec in recipe.outputs:
            if spec.kind == "sdist":
                made[spec] = self._packed("sdist", spec, source)
        for spec in recipe.outputs:
            if spec.kind == "wheel":
                below = self._from_sdist(source) if recipe.source.via_sdist else source
                made[spec] = self._packed("wheel", spec, below)
        app = next((each for each in made.values() if each.kind == "wheel"), None)
        for spec in recipe.outputs:
            if spec.kind == "bundle":
                made[spec] = self._bundle(spec, app)
        return tuple(made[spec] for spec in recipe.outputs)

    def _prepare(self, source: Path) -> None:
        if self.prepare is not None:
            self.prepare(source)

    def _run(self, action: Action, source: Path) -> tuple[str, bytes]:
        """Have the backend build; gives what it wrote, with its name."""
        toolchain = self.plan.recipe.toolchain
        order = Order(
            source=source,
            backend=toolchain.backend,
            backend_path=toolchain.backend_path,
            tools=self.tools,
            subdir=self.plan.recipe.source.subdir,
            # Many backends write beside what they read; it is a copy that is gone with
            # the sandbox, and the next step has its own.
            writable=True,
        )
        with tempfile.TemporaryDirectory(dir=self.scratch) as left:
            built = self.sandbox.run(
                action, order, out=Path(left), conditions=self.conditions
            )
            self.log.extend(built.log)
            return built.file.name, Files().read(built.file, most=MAX_BUNDLE_BYTES)

    def _packed(self, action: Action, spec: OutputSpec, source: Path) -> Output:
        name, raw = self._run(action, source)
        data = packed(raw, name, spec, self.plan.epoch)
        path = self.out / name
        Files().replace(path, data, PUBLIC)
        return Output(
            kind=spec.kind,
            name=name,
            path=path,
            size=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
            raw_sha256=hashlib.sha256(raw).hexdigest(),
        )

    def _from_sdist(self, source: Path) -> Path:
        """Build an sdist, and lay out what is in it."""
        name, raw = self._run("sdist", source)
        try:
            tree = sdist_tree(raw)
        except MalformedError as error:
            raise BuildFailedError("bad-output", f"{name}: {error}") from error
        below = self.scratch / "from-sdist"
        modes = self.plan.recipe.env.source_modes
        lay_out(tree, below, epoch=self.plan.epoch, modes=modes)
        self._prepare(below)
        return below

    def _bundle(self, spec: OutputSpec, app: Output | None) -> Output:
        platform = spec.platform or ""
        lock = self.plan.apps.get(platform)
        if app is None or lock is None:
            raise RecipeError("recipe: expected a wheel, platform and lock of a bundle")
        others = [
            BundledWheel(f"wheels/{each.file}", each.size, sha256=each.sha256)
            for each in (package.wheel for package in lock.lock.packages)
        ]
        files = Files()
        own = list_wheel(app.name, chunks_of(files, app.path))
        manifest = bundle_manifest(self.plan, platform, own, others)
        paths = {**self.wheels, own.sha256: app.path}
        name = file_name(manifest)
        path = self.out / name
        files.remove(path)
        digest = hashlib.sha256()

        def hashed() -> Iterator[bytes]:
            read = write_bundle(
                manifest, lambda each: chunks_of(files, paths[each.sha256])
            )
            for chunk in read:
                digest.update(chunk)
                yield chunk

        try:
            files.stage(path, hashed(), PUBLIC)
        except MalformedError as error:
            raise InputError(f"has changed since it was fetched: {error}") from error
        return Output(
            kind="bundle",
            name=name,
            path=path,
            size=path.stat().st_size,
            sha256=digest.hexdigest(),
            platform=platform,
        )
