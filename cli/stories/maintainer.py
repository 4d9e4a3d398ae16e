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
from cli.stories.rehearsal import Event, Person, Program, run_module
from updater.shape import base64_text
from updater.testing.sigstore_lab import SUBJECT, SigstoreLab
from updater.transparency.addresses import Address, format_addresses
from voip.errors import RefusedError

COOLDOWN_S: Final = 1
"""How long a release must have been public in the demo; usually seven days."""

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

    @property
    def folder(self) -> Path:
        """The publisher's folder."""
        return self.person.path("release")

    @property
    def anchor(self) -> Path:
        """What the maintainer gives to those who want the program."""
        return self.folder / "anchor"

    def source(self, version: str) -> Path:
        """Name the folder with the source of a version."""
        return self.person.path(f"source-{version}")

    def bundle(self, version: str) -> Path:
        """Name the file that is released."""
        return self.person.path(tally.TALLY.artifact(version, tally.platform()))

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
        text = _edit(
            file.read_text(),
            {
                "https://updates.example/tally/": url,
                'probe = ["--version"]': f'probe = ["{tally.TALLY.probe[0]}"]',
                "cooldown_normal_s = 604800": f"cooldown_normal_s = {COOLDOWN_S}",
                "cooldown_security_s = 86400": f"cooldown_security_s = {COOLDOWN_S}",
                "requires_sigstore = false": "requires_sigstore = true",
            },
        )
        text += _REBUILD.format(threshold=len(operators))
        for name, key in operators.items():
            text += _OPERATOR.format(name=name, key=base64_text(key))
        for name, (vkey, asked) in witnesses.items():
            text += _WITNESS.format(name=name, vkey=vkey, url=asked)
        file.write_text(text)
        (self.folder / "sigstore.json").write_bytes(self.lab.policy())
        (self.folder / "trusted_root.json").write_bytes(self.lab.trusted_root())
        await self.type("init")

    async def build(self, version: str, main: str) -> None:
        """Write the source of a version, build and sign it, all on a machine for that.

        Published is nothing yet.
        """
        tally.write_source(self.source(version), version, main)
        config = self.person.path("sigstore-config.json")
        config.write_bytes(self.lab.trust_config())
        async with run_module(
            f"{self.person.name}'s build",
            "cli.stories.builder",
            *(str(self.source(version)), version, str(self.bundle(version))),
            str(config),
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
        await self.type("build", f"--bundle={bundle}", signed, "--at-once")

    async def publish(self, statements: Iterable[Path] = ()) -> None:
        """Publish the draft, or what others say of a release."""
        await self.type("publish", *(f"--statement={each}" for each in statements))

    async def type(self, command: str, *options: str) -> list[Event]:
        """Run a command of `ringfence release` on the folder."""
        folder = str(self.folder)
        return await self.person.run("release", command, folder, *options, "--json")

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
        return stolen

    def ask_instead(self, witnesses: Mapping[str, str]) -> None:
        """Have the log ask for cosignatures at other URLs."""
        file = self.folder / "log" / "private" / "witnesses.json"
        addresses = {name: Address(url, url) for name, url in witnesses.items()}
        file.write_bytes(format_addresses(addresses))


def _edit(text: str, changes: Mapping[str, str]) -> str:
    """Change words of a text, as somebody does with an editor."""
    for old, new in changes.items():
        if text.count(old) != 1:
            raise RefusedError(f"release.toml: expected {old!r} once")
        text = text.replace(old, new)
    return text
