"""The files of a release are made from its tag."""

import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from reproducible.errors import InputError, RecipeError
from reproducible.release.dist import toolchain_name, toolchain_tar
from reproducible.release.making import Made, Maker, make_release
from tests.reproducible.projects import (
    BUILD_LOCK,
    RECIPE,
    WORDS,
    commit,
    lock,
    tally,
)
from tests.reproducible.workshops import workshop
from tests.updater.wheels import sha256
from updater.statement import parse_envelope, parse_statement, verify
from updater.transparency.claims.parts import Resource
from updater.transparency.claims.rebuild import Rebuilder

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
TOOL = Resource(name="ringfence-1.0", sha256="e" * 64)
MAKER = Maker(Rebuilder(id="anna/desk", operator="anna", tool=TOOL), KEY)
BUNDLE = "tally-1.0-cp311-linux-x86_64.tar"
INPUTS = {
    "recipe.toml",
    "pylock.build.toml",
    "pylock.app-cp311-linux-x86_64.toml",
}
OUTPUTS = {"tally-1.0-py3-none-any.whl", "tally-1.0.tar.gz", BUNDLE}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    commit(tmp_path / "repository", tally(), tag="v1.0")
    return tmp_path / "repository"


def make(
    repository: Path, version: str = "1.0", *, maker: Maker | None = None
) -> tuple[Made, Path]:
    out = repository.parent / "out"
    shop = workshop(repository.parent / "shop")
    made = make_release(
        repository, version, recipe=RECIPE, workshop=shop, out=out, maker=maker
    )
    return made, out


def test_a_release_has_its_outputs_and_what_made_them(repository: Path) -> None:
    made, out = make(repository)

    assert {file.name for file in made.files} == OUTPUTS | INPUTS
    assert {path.name for path in out.iterdir()} == OUTPUTS | INPUTS | {
        "SHA256SUMS",
        "buildinfo.json",
        "build.log",
    }


def test_sha256sum_agrees(repository: Path) -> None:
    _, out = make(repository)
    check = ["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"]

    assert subprocess.run(check, cwd=out, check=False).returncode == 0


def test_what_is_not_committed_has_no_part_in_it(repository: Path) -> None:
    made, _ = make(repository)
    (repository / "tally" / "main.py").write_text("import evil\n")
    (repository / "tally" / "more.py").write_text("import evil\n")
    shop = workshop(repository.parent / "shop-2")
    again = make_release(
        repository, "1.0", recipe=RECIPE, workshop=shop, out=repository.parent / "two"
    )

    assert again.files == made.files


def test_how_the_outputs_came_about_is_signed(repository: Path) -> None:
    made, out = make(repository, maker=MAKER)
    (line,) = (out / "tally-1.0.intoto.jsonl").read_bytes().splitlines()
    envelope, public = parse_envelope(line), KEY.public_key().public_bytes_raw()
    statement = parse_statement(envelope.payload)

    assert verify(envelope, {public}) == {public}
    assert {(each.name, each.sha256) for each in statement.subject} == {
        (file.name, file.sha256) for file in made.files if file.name in OUTPUTS
    }


def test_a_toolchain_is_shipped_with_the_release(repository: Path) -> None:
    files = tally() | {BUILD_LOCK: lock(dict([WORDS]))}
    commit(repository, files, tag="v1.0")
    made, out = make(repository)
    name = toolchain_name(made.plan)

    assert (out / name).read_bytes() == toolchain_tar(dict([WORDS]))
    assert name in {file.name for file in made.files}


@pytest.mark.parametrize("version", ["1.1", "main"])
def test_a_version_without_a_tag_is_not_to_be_had(
    repository: Path, version: str
) -> None:
    with pytest.raises(InputError, match="no tag or branch"):
        make(repository, version)


def test_a_branch_is_no_tag(repository: Path) -> None:
    subprocess.run(["git", "branch", "v2.0"], cwd=repository, check=True)

    with pytest.raises(RecipeError, match=r"expected a tag v2\.0, came a branch"):
        make(repository, "2.0")


def test_a_tag_has_to_say_the_version_of_the_wheel(repository: Path) -> None:
    subprocess.run(["git", "tag", "v2.0"], cwd=repository, check=True)

    with pytest.raises(RecipeError, match=r"came \['tally-1\.0-py3-none-any\.whl'\]"):
        make(repository, "2.0")


def test_nothing_of_a_release_is_left_that_was_refused(repository: Path) -> None:
    subprocess.run(["git", "tag", "v2.0"], cwd=repository, check=True)
    with pytest.raises(RecipeError):
        make(repository, "2.0")
    left = {path.name for path in (repository.parent / "out").iterdir()}

    assert left == {"buildinfo.json", "build.log"}


def test_a_recipe_with_an_exception_makes_no_release(repository: Path) -> None:
    files = tally()
    files[RECIPE] += b'\n[[exception]]\nfield = "zip.date_time"\nreason = "x"\n'
    commit(repository, files, tag="v1.0")

    with pytest.raises(RecipeError, match="expected no exception"):
        make(repository)


def test_a_release_is_not_written_over_another(repository: Path) -> None:
    out = repository.parent / "out"
    out.mkdir()
    (out / "older").touch()

    with pytest.raises(RecipeError, match="expected a new or an empty folder"):
        make(repository)


def test_the_bundle_is_that_of_the_sums(repository: Path) -> None:
    made, out = make(repository)
    said = {file.name: file.sha256 for file in made.files}

    assert said[BUNDLE] == sha256((out / BUNDLE).read_bytes())
