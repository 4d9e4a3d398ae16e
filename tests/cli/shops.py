"""A publisher's folder for the command line, with three witnesses on this machine."""

import contextlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from cli.main import main
from tests.updater.publish.projects import WITNESSES
from tests.updater.wheels import bundle_of, manifest_of, small_wheels
from updater.publish.project import template
from updater.transparency.key import parse_vkey
from updater.transparency.serving import serve_witness
from updater.transparency.witness import Witness

PLATFORM = "cp312-linux-x86_64"
TOML = (
    template("app", "pkg:pypi/app", is_small=True)
    .replace("sealed:", "plain:")
    .replace("= 604800 ", "= 20 ")
    .replace("= 86400", "= 10")
)


@dataclass
class Shop:
    """A publisher's folder, and what the last command said."""

    folder: Path
    capsys: pytest.CaptureFixture[str]
    said: str = ""

    @property
    def place(self) -> str:
        return str(self.folder / "pub")

    def run(self, command: str, *more: str) -> int:
        code = main(["release", command, self.place, *more])
        captured = self.capsys.readouterr()
        self.said = captured.out + captured.err
        return code

    def bundle(self, version: str) -> str:
        wheels = small_wheels(version=version)
        path = self.folder / f"app-{version}-{PLATFORM}.tar"
        manifest = manifest_of(wheels, version=version, product="app")
        path.write_bytes(bundle_of(manifest, wheels))
        return str(path)


@contextlib.contextmanager
def opened(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    *,
    text: str = TOML,
    files: Mapping[str, bytes] | None = None,
) -> Iterator[Shop]:
    """Open a shop by a release.toml and files beside it, until the test is over."""
    made = Shop(folder, capsys)
    toml = folder / "pub/release.toml"
    (folder / "pub/keys").mkdir(parents=True, mode=0o700)
    toml.write_text(text)
    for name, data in (files or {}).items():
        (folder / "pub" / name).write_bytes(data)
    assert made.run("key", "--insecure-plain-key") == 0
    vkey = parse_vkey(made.said.partition("\nlog ")[2].split()[0])
    with contextlib.ExitStack() as held:
        for name, key in WITNESSES.items():
            witness = Witness(
                folder / f"{name}.sqlite",
                [key],
                {vkey.name: (vkey,)},
                now=time.time,
                is_trusting=True,
            )
            url = held.enter_context(serve_witness(witness))
            with toml.open("a") as file:
                file.write(
                    f'\n[[witness]]\nname = "{name}"\nvkey = "{key.verifier}"\n'
                    f'submission = "{url}"\nmonitoring = "{url}"\n'
                )
        assert made.run("init", "--wait", "5") == 0
        yield made
