"""Whoever publishes the small program of the demo, by typing commands.

The keys are made for one demo and lie in one place, unsealed; a real project spreads
them over people and machines. A copy of the folder is all that a thief needs.
"""

import shutil
from collections.abc import Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from cli.stories import tally
from cli.stories.rehearsal import Event, Person, Program, run_module, run_program
from updater.shape import base64_text
from updater.testing.sigstore_lab import SUBJECT, SigstoreLab
from updater.transparency.addresses import Address, format_addresses
from voip.errors import RefusedError

_COOLDOWN_S: Final = 1  # usually seven days

ORIGIN: Final = "bt.example/tally/1"

_WITNESS: Final = """
[[witness]]
name = "{name}"
vkey = "{vkey}"
submission = "{url}"
monitoring = "{url}"
"""
_OPERATOR: Final = """
[[operator]]
name = "{name}"
keys = ["{key}"]
"""
_REBUILD: Final = """
[rebuild]
mode = "enforce"
threshold = {threshold}
"""


@dataclass(frozen=True, slots=True)
class Maintainer:
    """Somebody with a publisher's folder, and a Sigstore to sign with."""

    person: Person
    lab: SigstoreLab = field(repr=False)
    is_walled: bool
    """Whether this machine can make a sandbox to build in."""

    @property
    def cooldown_s(self) -> int:
        """How long a release must have been public.

        That it was is seen by the next tree of the log, which grows by what those say
        who build again: where nobody does, nothing waits.
        """
        return _COOLDOWN_S if self.is_walled else 0

    @property
    def folder(self) -> Path:
        """The publisher's folder."""
        return self.person.path("release")

    @property
    def anchor(self) -> Path:
        """What the maintainer gives to those who want the program."""
        return self.folder / "anchor"

    @property
    def source(self) -> Path:
        """The git repository of the program."""
        return self.person.path("source")

    def bundle(self, version: str) -> Path:
        """Name the file that is released."""
        name = tally.TALLY.artifact(version, tally.platform())
        return self._built(version) / name

    def _built(self, version: str) -> Path:
        return self.person.path(f"built-{version}")

    async def begin(self) -> str:
        """Write release.toml and make the keys it names; gives the log's public one."""
        await self.type("init", f"--name={tally.TALLY.name}")
        file = self.folder / "release.toml"
        file.write_text(file.read_text().replace('"sealed:', '"plain:'))
        said = await self.type("key", "--insecure-plain-key")
        return next(str(each["log"]) for each in said if "log" in each)

    async def create(
        self,
        url: str,
        witnesses: Mapping[str, tuple[str, str]],
        operators: Mapping[str, bytes],
    ) -> None:
        """Complete release.toml, and make the repository and its log public.

        `witnesses` are vkey and URL by name, `operators` raw keys.
        """
        file = self.folder / "release.toml"
        wait = f"= {self.cooldown_s}"
        text = _edit(
            file.read_text(),
            {
                "https://updates.example/tally/": url,
                'probe = ["--version"]': f'probe = ["{tally.TALLY.probe[0]}"]',
                "cooldown_normal_s = 604800": f"cooldown_normal_s {wait}",
                "cooldown_security_s = 86400": f"cooldown_security_s {wait}",
                "requires_sigstore = false": "requires_sigstore = true",
            },
        )
        if operators:
            text += _REBUILD.format(threshold=len(operators))
        for name, key in operators.items():
            text += _OPERATOR.format(name=name, key=base64_text(key))
        for name, (vkey, asked) in witnesses.items():
            text += _WITNESS.format(name=name, vkey=vkey, url=asked)
        file.write_text(text)
        (self.folder / "sigstore.json").write_bytes(self.lab.policy())
        (self.folder / "trusted_root.json").write_bytes(self.lab.trusted_root())
        await self.type("init")

    async def commit(self, version: str, main: str, tag: str | None = None) -> None:
        """Write the source of a version, and commit it; `v` and it is the usual tag.

        Where nobody builds it again it stays a folder.
        """
        is_new = not self.source.exists()
        tally.write_source(self.source, version, main)
        if not self.is_walled:
            return
        if is_new:
            await self._git("init", "-q")
        await self._git("add", "-f", ".")
        message = f"--message=tally {version}"
        await self._git("commit", "-q", message, at=tally.committed_on(version))
        await self._git("tag", tag or f"v{version}")

    async def build(self, version: str, main: str) -> None:
        """Commit a version, and build and sign it; published is nothing yet."""
        await self.commit(version, main)
        await self.make(version)
        await self.vouch(version)

    async def make(self, version: str, tag: str | None = None) -> None:
        """Build the bundle of a tag, the version's own unless another one is named."""
        bundle = self.bundle(version)
        shutil.rmtree(bundle.parent, ignore_errors=True)
        if not self.is_walled:
            bundle.parent.mkdir()
            bundle.write_bytes(tally.build_here(self.source, version))
            return
        await self.person.run(
            *("rebuild", "build", tag or f"v{version}", f"--out={bundle.parent}"),
            *(f"--source={self.source}", "--json"),
        )

    async def vouch(self, version: str) -> None:
        """Sign a bundle with Sigstore, as the machine that built it."""
        config = self.person.path("sigstore-config.json")
        config.write_bytes(self.lab.trust_config())
        async with run_module(
            f"{self.person.name}'s build",
            "cli.stories.vouching",
            *(str(self.bundle(version)), str(config)),
            cwd=self.person.folder,
        ) as program:
            await program.order(
                self.lab.token(SUBJECT.replace("v1.4.0", f"v{version}"))
            )
            await program.expect(0)

    async def draft(self, version: str) -> None:
        """Draft the release of what was built."""
        bundle = self.bundle(version)
        signed = f"--sigstore={bundle}.sigstore.json"
        lock = f"--toolchain-lock={self.source / tally.TOOLS}"
        await self.type("build", f"--bundle={bundle}", lock, signed, "--at-once")

    async def publish(self, statements: Iterable[Path] = ()) -> None:
        """Publish the draft, or what others say of a release."""
        await self.type("publish", *(f"--statement={each}" for each in statements))

    async def type(self, command: str, *options: str) -> list[Event]:
        """Run a command of `ringfence release` on the folder."""
        folder = str(self.folder)
        return await self.person.run("release", command, folder, *options, "--json")

    async def _git(self, *words: str, at: int = 0) -> None:
        when = f"GIT_COMMITTER_DATE={at} +0000"
        command = ("env", when, "git", *_PLAIN, *words)
        async with run_program("git", *command, cwd=self.source) as program:
            await program.expect(0)

    def publishing(self) -> AbstractAsyncContextManager[Program]:
        """Publish the draft, which may be refused."""
        return self.person.start("release", "publish", str(self.folder), "--wait=0")

    def serving(self, port: int = 0) -> AbstractAsyncContextManager[Program]:
        """Serve what is public."""
        serve = ("release", "serve", str(self.folder), f"--port={port}", "--json")
        return self.person.start(*serve)

    def stolen_by(self, thief: Person) -> "Maintainer":
        """Copy the folder, with all keys, for somebody else."""
        stolen = replace(self, person=thief)
        shutil.copytree(self.folder, stolen.folder)
        shutil.copytree(self.source, stolen.source)
        return stolen

    def ask_instead(self, witnesses: Mapping[str, str]) -> None:
        """Have the log ask for cosignatures at other URLs."""
        file = self.folder / "log" / "private" / "witnesses.json"
        addresses = {name: Address(url, url) for name, url in witnesses.items()}
        file.write_bytes(format_addresses(addresses))


_PLAIN: Final = (
    *("-c", "user.name=maintainer", "-c", "user.email=maintainer@tally.example"),
    *("-c", "commit.gpgsign=false", "-c", "tag.gpgsign=false"),
    *("-c", "core.hooksPath=/dev/null", "-c", "core.autocrlf=false"),
)
"""Nothing of what whoever watches the demo has set up for their own work."""


def _edit(text: str, changes: Mapping[str, str]) -> str:
    """Change words of a text, as somebody does with an editor."""
    for old, new in changes.items():
        if text.count(old) != 1:
            raise RefusedError(f"release.toml: expected {old!r} once")
        text = text.replace(old, new)
    return text
