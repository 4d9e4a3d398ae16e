"""Recipes that updates can be built by."""

from dataclasses import replace

import pytest

from reproducible.errors import RecipeError
from reproducible.inputs.recipe import Exemption, OutputSpec, Recipe, check_own
from tests.reproducible.inputs.recipes import GIT, OWN


def test_our_own_form_of_a_recipe_is_fit_for_releases() -> None:
    check_own(OWN)


@pytest.mark.parametrize(
    ("recipe", "sentence"),
    [
        (replace(OWN, source=GIT.source), "type tree, came git"),
        (replace(OWN, toolchain=GIT.toolchain), "expected a lock, came requires"),
        (replace(OWN, outputs=(OutputSpec("wheel"),)), "a canonical form"),
        (replace(OWN, env=replace(OWN.env, umask=0o077)), "nothing but python in env"),
        (replace(OWN, env=replace(OWN.env, epoch=1)), "nothing but python in env"),
        (
            replace(OWN, exceptions=(Exemption("gzip.os", "windows"),)),
            "no exception, came gzip.os",
        ),
    ],
    ids=["source", "lock", "post", "umask", "epoch", "exception"],
)
def test_a_recipe_with_a_way_out_is_not_for_releases(
    recipe: Recipe, sentence: str
) -> None:
    with pytest.raises(RecipeError, match=sentence):
        check_own(recipe)
