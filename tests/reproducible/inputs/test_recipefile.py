"""Recipes: what people write is read strictly, and can be written again."""

import re
import tomllib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from reproducible.errors import RecipeError
from reproducible.inputs.recipe import Env, Recipe
from reproducible.inputs.recipefile import (
    MAX_BYTES,
    format_recipe,
    parse_recipe,
    recipe_tables,
)
from tests.io_map import CHECKOUT
from tests.reproducible.inputs.recipes import GIT, OWN, SDIST

_ALL = {"own": OWN, "git": GIT, "sdist": SDIST}


@pytest.mark.parametrize("name", _ALL)
def test_a_recipe_is_read_back(name: str) -> None:
    assert parse_recipe(format_recipe(_ALL[name])) == _ALL[name]


def test_what_is_not_said_is_as_usual() -> None:
    written = format_recipe(OWN).decode()

    assert not re.search("subdir|epoch|umask|limits|exception", written)


def test_a_recipe_with_every_default_spelt_out_says_the_same() -> None:
    for recipe in _ALL.values():
        spelt = tomli_w.dumps(recipe_tables(recipe))

        assert parse_recipe(spelt.encode()) == recipe


def test_a_number_for_an_epoch_is_given_unless_it_is_said_to_be_from_elsewhere() -> (
    None
):
    written = _changed(GIT, lambda said: said["env"].pop("epoch_from"))

    assert parse_recipe(written).env == replace(GIT.env, epoch_from="given")


def test_the_time_limit_of_a_tree_is_ten_minutes_and_else_half_an_hour() -> None:
    own, foreign = (
        parse_recipe(_changed(recipe, lambda said: said.pop("limits", None)))
        for recipe in (OWN, GIT)
    )

    assert (own.limits.timeout_s, foreign.limits.timeout_s) == (600, 1800)


def test_the_example_of_the_format_is_our_own_recipe() -> None:
    page = (CHECKOUT / "docs/formats/recipe.md").read_text()
    example = page.partition("```toml\n")[2].partition("```")[0]

    assert parse_recipe(example.encode()) == OWN


def _changed(recipe: Recipe, change: Callable[[dict[str, Any]], object]) -> bytes:
    """Write a recipe after a change to its tables."""
    said = tomllib.loads(format_recipe(recipe).decode())
    change(said)
    return tomli_w.dumps(said).encode()


def _set(*where: str | int, value: object) -> Callable[[dict[str, Any]], None]:
    """Set a key, or take it away with None."""

    def change(said: Any) -> None:
        for key in where[:-1]:
            said = said[key]
        if value is None:
            del said[where[-1]]
        else:
            said[where[-1]] = value

    return change


_WRONG: list[tuple[str, Recipe, tuple[str | int, ...], object, str]] = [
    ("schema", OWN, ("schema",), "ringfence-recipe/2", "schema: expected"),
    ("no source", OWN, ("source",), None, "'source' is missing"),
    ("another key", OWN, ("outputs",), [], "'outputs' has no place"),
    ("source is text", OWN, ("source",), "tree", "expected an object"),
    ("type", OWN, ("source", "type"), "svn", "tree or git or sdist, came 'svn'"),
    ("commit of a tree", OWN, ("source", "commit"), "c0" * 20, "'commit' has no"),
    ("no commit", GIT, ("source", "commit"), None, "'commit' is missing"),
    ("short commit", GIT, ("source", "commit"), "c0ffee", "does not match"),
    ("option as tag", GIT, ("source", "tag"), "--upload-pack=x", "does not match"),
    ("via", GIT, ("source", "via"), "wheel", "via: expected sdist"),
    ("git_dir", GIT, ("source", "git_dir"), 1, "git_dir: expected true or false"),
    ("subdir", GIT, ("source", "subdir"), "../x", "without empty parts"),
    ("no hash", SDIST, ("source", "sha256"), None, "'sha256' is missing"),
    ("python", OWN, ("env", "python"), "3.11", "expected a version specifier"),
    ("no python", OWN, ("env", "python"), None, "'python' is missing"),
    ("epoch word", OWN, ("env", "epoch"), "now", "commit or none, came 'now'"),
    ("epoch date", OWN, ("env", "epoch"), True, "epoch: expected an integer"),
    ("epoch late", OWN, ("env", "epoch"), 2**40, "epoch: expected 0 to"),
    ("from", OWN, ("env", "epoch_from"), "given", "epoch_from: expected commit, as"),
    ("origin", GIT, ("env", "epoch_from"), "log", "commit or artifact or given"),
    ("clock", OWN, ("env", "clock"), "commit", "clock: expected none"),
    ("clock date", OWN, ("env", "clock"), -1, "clock: expected 0 to"),
    ("umask", OWN, ("env", "umask"), "0022", "umask: '0022' does not match"),
    ("umask number", OWN, ("env", "umask"), 22, "umask: expected a string"),
    ("modes", OWN, ("env", "source_modes"), "git", "normal or archive"),
    ("tz", OWN, ("env", "tz"), "UTC; x", "tz: "),
    ("locale", OWN, ("env", "locale"), "", "locale: "),
    ("hash seed", OWN, ("env", "hashseed"), 2**32, "hashseed: "),
    ("host", OWN, ("env", "hostname"), "-a", "hostname: "),
    ("user", OWN, ("env", "uid"), -1, "uid: "),
    ("path", OWN, ("env", "path"), "build/src", "path: expected it to begin with /"),
    ("climbing path", OWN, ("env", "path"), "/build/../src", "without empty parts"),
    ("variable", OWN, ("env", "PATH"), "/bin", "'PATH' has no place"),
    ("backend", OWN, ("toolchain", "backend"), "a b", "backend: "),
    ("no lock", OWN, ("toolchain", "lock"), None, "either a lock or requires"),
    ("both", OWN, ("toolchain", "requires"), [], "either a lock or requires"),
    ("newer", OWN, ("toolchain", "exclude_newer"), "x", "beside requires alone"),
    ("newest", GIT, ("toolchain", "exclude_newer"), "today", "exclude_newer: "),
    ("dot", OWN, ("toolchain", "lock"), "pylock.a.b.toml", "with no dot in NAME"),
    ("root", OWN, ("toolchain", "root"), "/root.json", "without empty parts"),
    ("folder", GIT, ("toolchain", "backend_path"), ["/"], "without empty parts"),
    ("requires", GIT, ("toolchain", "requires"), ["a b"], "expected a requirement"),
    ("address", GIT, ("toolchain", "requires"), ["a @ https://x/a.whl"], "no address"),
    ("option", GIT, ("toolchain", "requires"), ["--index-url x"], "requires: "),
    ("no output", OWN, ("output",), [], "expected 1 to 34 items"),
    ("kind", OWN, ("output", 0, "kind"), "zip", "wheel or sdist or bundle"),
    ("post", OWN, ("output", 0, "post"), "canonical-sdist/1", "canonical-wheel/1"),
    ("wheel's lock", OWN, ("output", 0, "lock"), "pylock.toml", "'lock' has no place"),
    ("no platform", OWN, ("output", 2, "platform"), None, "'platform' is missing"),
    ("bundle's post", OWN, ("output", 2, "post"), "bundle/2", "expected bundle/1"),
    ("platform", OWN, ("output", 2, "platform"), "linux", "platform: "),
    ("twice", OWN, ("output", 1, "kind"), "wheel", "post: expected"),
    ("time", GIT, ("limits", "timeout_s"), 0, "timeout_s: expected 1 to"),
    ("memory", GIT, ("limits", "memory_mib"), 63, "memory_mib: expected 64 to"),
    ("output", GIT, ("limits", "output_mib"), 65_537, "output_mib: expected 1 to"),
    ("field", GIT, ("exception", 0, "field"), "zip.crc", "exception field: "),
    ("reason", GIT, ("exception", 0, "reason"), "", "exception reason: "),
]  # fmt: skip


@pytest.mark.parametrize("case", _WRONG, ids=lambda case: case[0])
def test_another_recipe_is_refused(
    case: tuple[str, Recipe, tuple[str | int, ...], object, str],
) -> None:
    _, recipe, where, value, sentence = case

    with pytest.raises(RecipeError, match=sentence):
        parse_recipe(_changed(recipe, _set(*where, value=value)))


@pytest.mark.parametrize(
    ("recipe", "sentence"),
    [
        (replace(SDIST, env=Env(python=">=3.9")), "an sdist has no commit"),
        (replace(GIT, outputs=GIT.outputs * 2), "each kind once"),
        (replace(OWN, outputs=OWN.outputs[1:]), "the wheel that a bundle is made of"),
        (replace(GIT, exceptions=GIT.exceptions * 2), "each field once"),
    ],
    ids=["epoch", "outputs", "bundle", "exceptions"],
)
def test_a_recipe_that_disagrees_with_itself_is_refused(
    recipe: Recipe, sentence: str
) -> None:
    with pytest.raises(RecipeError, match=sentence):
        parse_recipe(format_recipe(recipe))


def test_a_recipe_has_a_largest_size() -> None:
    with pytest.raises(RecipeError, match="recipe: TOML: expected at most"):
        parse_recipe(b"#" * (MAX_BYTES + 1))


@given(st.data())
def test_damage_gives_a_recipe_or_one_error(data: st.DataObject) -> None:
    good = bytearray(format_recipe(GIT))
    at = data.draw(st.integers(0, len(good) - 1))
    good[at : at + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=9))
    try:
        recipe = parse_recipe(bytes(good))
    except RecipeError:
        return

    assert parse_recipe(format_recipe(recipe)) == recipe
