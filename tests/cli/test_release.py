"""A publisher at the command line, with three witnesses on this machine."""

import contextlib
import json
import time
from collections.abc import Iterator
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


@pytest.fixture
def shop(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Shop]:
    made = Shop(tmp_path, capsys)
    toml = tmp_path / "pub/release.toml"
    (tmp_path / "pub/keys").mkdir(parents=True, mode=0o700)
    toml.write_text(_toml())
    assert made.run("key", "--insecure-plain-key") == 0
    vkey = parse_vkey(made.said.partition("\nlog ")[2].split()[0])
    with contextlib.ExitStack() as held:
        for name, key in WITNESSES.items():
            witness = Witness(
                tmp_path / f"{name}.sqlite",
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


def _toml() -> str:
    text = template("app", "pkg:pypi/app", is_small=True).replace("sealed:", "plain:")
    return text.replace("= 604800 ", "= 20 ").replace("= 86400", "= 10")


def test_two_releases_a_yank_and_a_pause(shop: Shop) -> None:
    codes = [
        shop.run("build", "--bundle", shop.bundle("1.0"), "--at-once"),
        shop.run("publish"),
        shop.run("build", "--bundle", shop.bundle("1.1")),
        shop.run("publish"),
        shop.run("publish", "--pause", "stable"),
        shop.run("publish", "--resume", "stable"),
        shop.run("yank", "1.1", "--reason", "broken"),
        shop.run("refresh"),
        shop.run("status", "--json"),
    ]

    facts = [json.loads(line) for line in shop.said.splitlines() if line[0] == "{"]
    assert codes == [0] * len(codes)
    assert {"root", "timestamp"} <= {each.get("role") for each in facts}
    assert (shop.folder / "pub/anchor/anchor.json").exists()


def test_what_is_waived_is_said_each_time(shop: Shop) -> None:
    shop.run("build", "--bundle", shop.bundle("1.0"))
    shop.run("publish")

    assert "note: waived: root-threshold" in shop.said


def test_a_key_that_is_elsewhere_signs_there(shop: Shop) -> None:
    key = shop.folder / "pub/keys/releases-1.key"
    elsewhere = key.rename(shop.folder / "anna.key")
    out = shop.folder / "out"
    codes = [
        shop.run("build", "--bundle", shop.bundle("1.0")),
        shop.run("publish"),
        shop.run("sign", "--export", str(out)),
    ]
    exported = shop.said
    codes.append(
        main(
            [
                *("release", "sign-file", str(out / "releases.json")),
                *("--key", f"plain:{elsewhere}"),
            ]
        )
    )
    codes.append(shop.run("sign", "--import", str(out / "releases.json")))
    codes.append(shop.run("publish"))

    assert codes == [0, 3, 3, 0, 0, 0]
    assert "+ releases/1.0/" in exported


def test_what_was_drafted_can_be_dropped(shop: Shop) -> None:
    shop.run("build", "--bundle", shop.bundle("1.0"))

    code = shop.run("publish", "--drop")

    assert (code, "versions it signed stay used" in shop.said) == (0, True)


def test_a_rotation_is_announced_first(shop: Shop) -> None:
    toml = shop.folder / "pub/release.toml"
    text = toml.read_text().replace('keys = ["timestamp-1"]', 'keys = ["timestamp-2"]')
    toml.write_text(
        text.replace("[keys]", '[keys]\ntimestamp-2 = "plain:keys/t2.key"', 1)
    )
    shop.run("key", "--insecure-plain-key")

    code = shop.run("rotate", "timestamp")

    assert (code, "announced, and not before its time" in shop.said) == (3, True)


def test_wheels_are_made_into_a_bundle(shop: Shop) -> None:
    paths = []
    for name, data in small_wheels(version="2.0").items():
        path = shop.folder / name
        path.write_bytes(data)
        paths += ["--wheel", str(path)]

    code = shop.run("build", *paths, "--platform", PLATFORM)

    assert (code, f"app-2.0-{PLATFORM}.tar" in shop.said) == (0, True)
