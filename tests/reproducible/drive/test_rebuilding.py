"""Releases rebuilt: what is found, what is signed, and what that does to updates."""

import hashlib
import json
from pathlib import Path

import pytest

from reproducible.drive.rebuilding import rebuild_release
from reproducible.drive.telling import Told
from reproducible.errors import InputError, IsolationError, MissingError, RecipeError
from tests.reproducible.drive.towns import (
    CLAIMED,
    Quarry,
    Town,
    disguised,
    program,
    signer,
)
from tests.updater.places import GOOD, PLATFORM
from tests.updater.world import DAY, ready
from updater.errors import StoreError
from updater.transparency.entry import parse_entry

NAME = f"app-1.1-{PLATFORM}.tar"
BACKDOOR = GOOD.replace("def run():\n", "def run():\n    import socket\n")


def words(told: Told) -> tuple[str, ...]:
    assert told.claim is not None
    return told.claim.comparison.differences or ()


def statements(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.glob("*.claim.json"))


def test_an_honest_release_is_identical(town: Town) -> None:
    town.publish(town.quarry.make("1.1"))

    told = town.rebuild("1.1")

    assert told.explained.comparison.verdict == "identical"
    assert (told.level, words(told)) == (1, ())


def test_two_rebuilders_let_an_honest_release_be_installed(town: Town) -> None:
    town.publish(town.quarry.make("1.1"))
    town.world.wait(10 * DAY)
    before = town.client.check(town.world)

    for operator in ("anna", "bert"):
        town.log(town.rebuild("1.1", operator))

    assert before == {"rebuild": "rebuild-quorum"}
    assert town.client.apply(town.world).kind == "installed"
    assert town.client.start() == "1.1 runs"


def test_a_tampered_release_is_different_and_it_is_said_how(town: Town) -> None:
    honest, bad = town.quarry.make("1.1"), town.quarry.make("1.1", BACKDOOR)

    town.publish(honest, disguised(bad, honest))
    told = town.rebuild("1.1")

    assert told.explained.comparison.verdict == "different"
    assert any("app/main.py" in each for each in words(told))


def test_one_who_finds_it_different_stops_an_update_that_others_passed(
    town: Town,
) -> None:
    honest, bad = town.quarry.make("1.1"), town.quarry.make("1.1", BACKDOOR)
    made = town.publish(honest, disguised(bad, honest))
    for operator in ("bert", "carl"):
        town.world.rebuild(made, operator)
    town.world.wait(10 * DAY)
    before = town.client.check(town.world)

    town.log(town.rebuild("1.1", "anna"))

    assert before == {}
    assert town.client.check(town.world) == {"rebuild": "rebuild-veto"}


def test_a_statement_is_a_leaf_that_says_who_found_what(town: Town) -> None:
    town.publish(town.quarry.make("1.1"))

    told = town.rebuild("1.1", "bert")

    leaf = (town.out("1.1", "bert") / f"{NAME}.rebuild-bert.claim.json").read_bytes()
    assert leaf == told.leaf
    assert parse_entry(leaf).claim == told.claim


def test_a_rebuild_leaves_its_account_beside_what_it_built(town: Town) -> None:
    made = town.quarry.make("1.1")
    town.publish(made)
    town.rebuild("1.1")

    out = town.out("1.1")
    lines = (out / f"{NAME}.intoto.jsonl").read_bytes().splitlines()

    assert (out / NAME).read_bytes() == made.bundle
    assert json.loads((out / f"{NAME}.compare.json").read_bytes())["verdict"]
    assert len(lines) == 2
    assert (out / "buildinfo.json").exists()


def test_a_claim_about_another_commit_is_another_source(town: Town) -> None:
    made, other = town.quarry.make("1.1"), town.quarry.make("1.2")

    town.publish(made, commit=other.commit)
    told = town.rebuild("1.1")

    assert told.explained.comparison.verdict == "different"
    assert words(told)[0].startswith("source both")
    assert told.level is None


def test_another_source_is_signed_without_a_rebuilt_file(town: Town) -> None:
    town.publish(town.quarry.make("1.1"), lock="d" * 64)

    told = town.rebuild("1.1")

    assert told.claim is not None
    assert (told.claim.rebuilt, told.claim.verdict) == (None, "different")
    assert "toolchain" in words(told)[0]


def test_a_recipe_that_is_not_in_the_source_is_another_source(town: Town) -> None:
    made = town.quarry.make("1.1")
    bundle = made.bundle.replace(made.recipe.encode(), b"d" * 64)

    town.publish(made, bundle, recipe="d" * 64)

    assert words(town.rebuild("1.1"))[0].startswith("source both")


def test_bytes_that_are_no_bundle_are_different(town: Town) -> None:
    town.publish(town.quarry.make("1.1"), b"no tar at all")

    told = town.rebuild("1.1")

    assert told.explained.comparison.verdict == "different"
    assert words(told)[0].startswith("malformed published")


def test_a_build_that_fails_is_said_and_does_not_vote(town: Town) -> None:
    made = town.quarry.make("1.1")
    files = program("1.1")
    files["build/backend.py"] = b"raise SystemExit(3)\n"
    commit = town.quarry.commit(files)
    bundle = made.bundle.replace(made.commit.encode(), commit.encode())
    town.publish(made, b"no tar at all" + bundle, commit=commit)

    told = town.rebuild("1.1")

    assert told.claim is not None
    assert (told.claim.verdict, told.claim.is_negative) == ("build-failed", False)


def test_a_platform_that_the_recipe_does_not_make_is_not_built(town: Town) -> None:
    made = town.quarry.make("1.1")
    files = program("1.1")
    text = files["requirements/recipe.toml"].decode()
    other = text.replace(f'platform = "{PLATFORM}"', 'platform = "cp399-linux-x86_64"')
    files["requirements/recipe.toml"] = other.encode()
    commit = town.quarry.commit(files)

    town.publish(
        made, b"none", commit=commit, recipe=hashlib.sha256(other.encode()).hexdigest()
    )
    told = town.rebuild("1.1")

    assert "makes no bundle" in words(told)[0]


def test_without_a_sandbox_nothing_is_said(quarry: Quarry, tmp_path: Path) -> None:
    town = Town(ready(), quarry, tmp_path, search="/nowhere")
    town.publish(quarry.make("1.1"))

    with pytest.raises((IsolationError, MissingError)):
        town.rebuild("1.1")
    assert statements(town.out("1.1")) == []


def test_an_input_that_is_not_to_be_had_is_no_verdict(town: Town) -> None:
    town.publish(town.quarry.make("1.1"))
    (town.folder / "shop/wheels/words-2.1-py3-none-any.whl").write_bytes(b"x" * 9)

    with pytest.raises(InputError):
        town.rebuild("1.1")
    assert statements(town.out("1.1")) == []


def test_a_file_that_changed_since_it_was_fetched_is_no_verdict(town: Town) -> None:
    town.publish(town.quarry.make("1.1"))
    with town.releases() as releases:
        published = releases.fetch("1.1", PLATFORM)
    published.path.chmod(0o600)
    published.path.write_bytes(b"other")
    out = town.folder / "out"

    with pytest.raises(StoreError, match="has changed since it was fetched"):
        rebuild_release(
            published,
            town.shop,
            out,
            source=town.quarry.repository,
            signer=signer("anna"),
        )
    assert not list(out.glob("*.claim.json"))


def test_a_source_that_is_not_to_be_had_is_no_verdict(town: Town) -> None:
    town.publish(town.quarry.make("1.1"))

    with pytest.raises(InputError):
        town.rebuild("1.1", source=town.folder / "nowhere")
    assert statements(town.out("1.1")) == []


@pytest.mark.parametrize("address", ["file:///etc", "ssh://git@example.org/app"])
def test_a_claim_does_not_lead_into_this_machine(town: Town, address: str) -> None:
    town.publish(town.quarry.make("1.1"), repository=address)

    with pytest.raises(RecipeError, match="expected an https address"):
        town.rebuild("1.1", source=CLAIMED)


def test_what_was_found_before_is_not_written_over(town: Town) -> None:
    town.publish(town.quarry.make("1.1"))
    town.out("1.1").mkdir()
    (town.out("1.1") / "mine").touch()

    with pytest.raises(RecipeError, match="new or an empty folder"):
        town.rebuild("1.1")


def test_a_tag_that_moved_is_a_warning_alone(town: Town) -> None:
    made = town.quarry.make("1.1")
    town.publish(made)
    town.quarry.commit(program("1.1", BACKDOOR), tag="v1.1")

    comparison = town.rebuild("1.1").explained.comparison

    assert comparison.verdict == "identical"
    assert any("v1.1" in each for each in comparison.warnings)
