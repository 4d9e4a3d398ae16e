"""A release, rebuilt at the command line, from build to statement."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cli.main import main
from reproducible.errors import NoWallError
from tests.cli.shops import Shop, opened
from tests.reproducible import projects
from tests.reproducible.drive.towns import BUILD_LOCK, program
from tests.reproducible.sandbox.yard import Yard
from tests.updater.places import PLATFORM
from updater.publish.serve import serve_folders
from updater.transparency.claims.rebuild import RebuildClaim
from updater.transparency.entry import parse_entry

NAME = f"app-1.1-{PLATFORM}.tar"


@dataclass
class Street:
    """A publisher, and a rebuilder who asks for what is published."""

    shop: Shop
    repository: Path
    url: str

    @property
    def folder(self) -> Path:
        return self.shop.folder

    def run(self, *words: str) -> int:
        code = main(["--home", str(self.folder / "home"), "rebuild", *words])
        captured = self.shop.capsys.readouterr()
        self.shop.said = captured.out + captured.err
        return code

    def publish(self, files: dict[str, bytes]) -> None:
        """Commit, build and publish a version."""
        commit = projects.commit(self.repository, files)
        built = str(self.folder / "built")
        codes = [
            self.run("build", commit, "-o", built, *self.materials),
            self.shop.run(
                *("build", "--from", built, "--at-once"),
                *("--toolchain-lock", str(self.repository / BUILD_LOCK)),
            ),
            self.shop.run("publish"),
        ]
        assert codes == [0, 0, 0], self.shop.said

    @property
    def materials(self) -> tuple[str, ...]:
        wheels = projects.wheels_folder(self.folder / "wheels")
        source = f"--source={self.repository}"
        return (source, f"--wheels={wheels}", "--level=1")

    @property
    def about(self) -> tuple[str, ...]:
        anchor = self.folder / "pub/anchor"
        return (f"--anchor={anchor}", f"--repository={self.url}", "--dev")

    def signing(self) -> tuple[str, ...]:
        key = self.folder / "anna.key"
        assert self.run("keygen", f"--out={key}", "--insecure-plain-key") == 0
        return (f"--attest={key}", "--operator=anna")


@pytest.fixture
def street(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Street]:
    try:
        Yard(tmp_path_factory.mktemp("wall"), 1).sandbox().probe()
    except NoWallError as error:
        pytest.skip(str(error))
    with (
        opened(tmp_path, capsys) as shop,
        serve_folders([tmp_path / "pub/public"], port=0) as url,
    ):
        made = Street(shop, tmp_path / "source", url)
        made.publish(program("1.1"))
        yield made


def rebuild(street: Street, *more: str) -> int:
    out = f"--out={street.folder / 'out'}"
    here = f"--platform={PLATFORM}"
    return street.run("1.1", *street.about, *street.materials, here, out, *more)


def said(street: Street, version: str = "1.1") -> RebuildClaim:
    file = f"app-{version}-{PLATFORM}.tar.rebuild-anna.claim.json"
    claim = parse_entry((street.folder / "out" / file).read_bytes()).claim
    assert isinstance(claim, RebuildClaim)
    return claim


def test_a_release_is_rebuilt_and_attested(street: Street) -> None:
    code = rebuild(street, *street.signing())

    assert (code, said(street).verdict) == (0, "identical")
    assert f"{NAME}: identical" in street.shop.said
    assert f"wrote {street.folder}/out/{NAME}.rebuild-anna.claim.json" in (
        street.shop.said
    )


def test_without_a_key_nothing_is_signed(street: Street) -> None:
    code = rebuild(street, "--platform=all", "--json")

    lines = [each for each in street.shop.said.splitlines() if each[0] == "{"]
    assert (code, json.loads(lines[-1])["verdict"]) == (0, "identical")
    assert not list((street.folder / "out").glob("*.claim.json"))


def test_a_version_that_is_not_there_is_no_verdict(street: Street) -> None:
    code = street.run("9.9", *street.about)

    assert (code, "no release 9.9 is in the log" in street.shop.said) == (75, True)


def test_a_key_without_a_name_is_wrong_usage(street: Street) -> None:
    code = rebuild(street, *street.signing()[:1])

    assert (code, "--attest and --operator together" in street.shop.said) == (64, True)


def test_a_source_in_another_state_is_another_source(street: Street) -> None:
    lock = street.folder / "lock"
    lock.write_bytes(b"another")
    commit = projects.commit(street.repository, program("1.2"))
    built = str(street.folder / "built-2")
    street.run("build", commit, "-o", built, *street.materials)
    street.shop.run("build", "--from", built, "--toolchain-lock", str(lock))
    street.shop.run("publish")

    code = street.run(
        *("1.2", *street.about, *street.materials, f"--platform={PLATFORM}"),
        *("--out", str(street.folder / "out"), *street.signing()),
    )

    claim = said(street, "1.2")
    assert (code, claim.verdict, claim.rebuilt) == (5, "different", None)


def test_a_watcher_looks_once_and_fills_its_outbox(street: Street) -> None:
    watch = (
        *("watch", str(street.folder / "anna"), "--once"),
        *(*street.about, *street.materials, *street.signing()),
        f"--outbox={street.folder / 'outbox'}",
    )
    codes = [street.run(*watch), street.run(*watch)]

    (statement,) = (street.folder / "outbox").iterdir()
    page = (street.folder / "anna/public/index.html").read_text()
    assert (codes, statement.name) == ([0, 0], f"{NAME}.rebuild-anna.claim.json")
    assert f"1.1 {PLATFORM}: identical" in street.shop.said
    assert "anna rebuilds pkg:pypi/app" in page


def test_a_watcher_signs_or_does_nothing(street: Street) -> None:
    code = street.run("watch", str(street.folder / "anna"), *street.about)

    assert (code, "a rebuilder signs" in street.shop.said) == (64, True)
