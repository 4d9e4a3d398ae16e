from collections.abc import Iterator
from pathlib import Path

import pytest

from reproducible.errors import InputError, RecipeError
from reproducible.pypi.choice import Release
from reproducible.pypi.package import Given, Origin, parse_origin, rebuild_package
from reproducible.pypi.saving import load_recipe, save_recipe
from reproducible.pypi.trying import Workshop
from tests.reproducible.projects import commit
from tests.reproducible.pypi.shops import (
    PEBBLE,
    SDIST,
    WHEEL,
    Shelf,
    sdist,
    shelf,
    workshop,
)
from updater.errors import StoreError

RELEASE = Release("pebble", "1.0")


@pytest.fixture
def offered(tmp_path: Path) -> Iterator[Shelf]:
    (tmp_path / "index").mkdir()
    with shelf(tmp_path / "index") as one:
        yield one


@pytest.fixture
def shop(tmp_path: Path, offered: Shelf) -> Iterator[Workshop]:
    with workshop(tmp_path / "shop", offered.index) as one:
        yield one


def test_an_honest_wheel_is_identical(shop: Workshop) -> None:
    rebuilt = rebuild_package(RELEASE, shop)

    assert [each.comparison.verdict for each in rebuilt.stages] == ["identical"]
    assert len(rebuilt.stages[0].tries) == 1


def test_wheels_that_an_installer_may_prefer_are_named(
    offered: Shelf, shop: Workshop
) -> None:
    offered.files["pebble-1.0-cp39-cp39-win32.whl"] = b"machine code"
    offered.offer()

    (stage,) = rebuild_package(RELEASE, shop).stages

    assert stage.comparison.verdict == "identical"
    assert "cp39-win32.whl, which an installer" in " ".join(stage.comparison.warnings)


def test_a_wheel_of_another_source_is_different(offered: Shelf, shop: Workshop) -> None:
    offered.files[SDIST] = sdist(PEBBLE | {"pebble.py": b"SIZE = 4\n"})
    offered.offer()

    (stage,) = rebuild_package(RELEASE, shop).stages

    assert stage.comparison.verdict == "different"
    assert [each.entry for each in stage.comparison.differences][:1] == ["pebble.py"]


def test_a_wheel_that_differs_in_times_alone_is_proven_to(
    offered: Shelf, shop: Workshop
) -> None:
    whole = bytearray(offered.files[WHEEL])
    # Another second in the first entry: its own header, and its row of the directory.
    for mark, at in ((b"PK\3\4", 10), (b"PK\1\2", 12)):
        whole[whole.index(mark) + at] ^= 1
    offered.files[WHEEL] = bytes(whole)
    offered.offer()

    (stage,) = rebuild_package(RELEASE, shop).stages

    assert stage.comparison.verdict == "identical-with-exceptions"


def test_a_build_that_gives_nothing_is_said(offered: Shelf, shop: Workshop) -> None:
    offered.files[SDIST] = sdist(PEBBLE | {"backend.py": b"raise SystemExit(3)\n"})
    offered.offer()

    (stage,) = rebuild_package(RELEASE, shop).stages

    assert stage.comparison.verdict == "build-failed"
    assert stage.comparison.rebuilt is None


def test_a_platform_wheel_is_unsupported(offered: Shelf, shop: Workshop) -> None:
    native = "pebble-1.0-cp311-cp311-linux_x86_64.whl"
    offered.files[native] = offered.files.pop(WHEEL)
    offered.offer()

    (stage,) = rebuild_package(RELEASE, shop).stages

    assert stage.comparison.verdict == "unsupported"
    assert stage.comparison.reason == "platform-wheel"
    assert stage.comparison.published.name == native


def test_a_source_that_is_no_archive_is_unsupported(
    offered: Shelf, shop: Workshop
) -> None:
    offered.files[SDIST] = b"no archive"
    offered.offer()

    (stage,) = rebuild_package(RELEASE, shop).stages

    assert stage.comparison.reason == "source-form"


def test_a_wrong_hash_is_no_verdict(offered: Shelf, shop: Workshop) -> None:
    offered.offer(hashes={"sha256": "ab" * 32})

    with pytest.raises(InputError, match=WHEEL):
        rebuild_package(RELEASE, shop)


def test_an_index_without_times_needs_one_from_the_user(
    offered: Shelf, shop: Workshop
) -> None:
    offered.offer(**{"upload-time": None})

    with pytest.raises(InputError, match="--exclude-newer"):
        rebuild_package(RELEASE, shop)


def test_a_project_that_is_not_there_is_no_verdict(shop: Workshop) -> None:
    with pytest.raises(InputError, match="404"):
        rebuild_package(Release("boulder", "1.0"), shop)


def test_a_recipe_that_was_saved_does_it_again(tmp_path: Path, shop: Workshop) -> None:
    rebuilt = rebuild_package(RELEASE, shop)
    recipe, lock = save_recipe(rebuilt, tmp_path / "pebble-1.0.toml")

    again = rebuild_package(RELEASE, shop, given=load_recipe(recipe))

    assert lock.name == "pylock.pebble-1-0.toml"
    assert again.stages[0].comparison.verdict == "identical"


def test_a_recipe_is_not_written_over(tmp_path: Path, shop: Workshop) -> None:
    rebuilt = rebuild_package(RELEASE, shop)
    save_recipe(rebuilt, tmp_path / "recipe.toml")

    with pytest.raises(StoreError):
        save_recipe(rebuilt, tmp_path / "recipe.toml")


def test_a_recipe_of_another_source_is_refused(
    tmp_path: Path, offered: Shelf, shop: Workshop
) -> None:
    recipe, _ = save_recipe(rebuild_package(RELEASE, shop), tmp_path / "recipe.toml")
    given: Given = load_recipe(recipe)
    offered.files[SDIST] = sdist(PEBBLE | {"more": b""})
    offered.offer()

    with (
        workshop(tmp_path / "other", offered.index) as other,
        pytest.raises(RecipeError, match=r"expected one for pebble-1\.0\.tar\.gz"),
    ):
        rebuild_package(RELEASE, other, given=given)


def test_a_repository_gives_verdicts_of_its_own(tmp_path: Path, shop: Workshop) -> None:
    # The archive has an edit that was never committed, and so has the wheel.
    commit(tmp_path / "repo", PEBBLE | {"pebble.py": b"SIZE = 2\n"}, tag="v1.0")

    rebuilt = rebuild_package(RELEASE, shop, origin=Origin(tmp_path / "repo"))

    assert {each.stage: each.comparison.verdict for each in rebuilt.stages} == {
        "sdist-to-wheel": "identical",
        "git-to-sdist": "build-failed",
        "git-to-wheel": "different",
    }


def test_a_repository_without_the_tag_is_no_verdict(
    tmp_path: Path, shop: Workshop
) -> None:
    commit(tmp_path / "repo", PEBBLE)

    with pytest.raises(InputError, match=r"has no tag or branch 'v1\.0'"):
        rebuild_package(RELEASE, shop, origin=Origin(tmp_path / "repo"))


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("pebble", Origin(Path("pebble"))),
        ("./pebble@v1", Origin(Path("pebble"), "v1")),
        ("https://x.example/p@v1", Origin("https://x.example/p", "v1")),
        ("ssh://git@x.example/p", Origin("ssh://git@x.example/p")),
    ],
)
def test_an_origin_is_an_address_and_a_tag(text: str, origin: Origin) -> None:
    assert parse_origin(text) == origin
