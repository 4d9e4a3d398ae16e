"""`ringfence rebuild recipe`: a recipe, checked and shown with every value."""

import hashlib
from pathlib import Path

import click

from cli.output import escape, json_option, show
from reproducible.inputs.recipe import check_own
from reproducible.inputs.recipefile import MAX_BYTES, parse_recipe, recipe_tables
from updater.files import Files
from updater.jcs import Json


@click.command(epilog="Example: ringfence rebuild recipe requirements/recipe.toml")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--own", is_flag=True, help="Is it fit for releases that are installed?")
@json_option
def command(file: Path, *, own: bool) -> None:
    """Check the recipe in FILE, and show it with all defaults.

    Code 64 says that it cannot be used, and the sentence why.
    """
    data = Files().read(file, most=MAX_BYTES)
    recipe = parse_recipe(data)
    if own:
        check_own(recipe)
    tables = recipe_tables(recipe)
    sha256 = hashlib.sha256(data).hexdigest()
    show({"sha256": sha256, **tables}, f"sha256 {sha256}", *map(escape, _lines(tables)))


def _lines(value: Json, above: str = "") -> list[str]:
    """Write each value on a line, by its way through the tables."""
    below = f"{above}." if above else ""
    match value:
        case dict():
            return [
                line
                for key, inner in value.items()
                for line in _lines(inner, f"{below}{key}")
            ]
        case list():
            return [
                line
                for number, inner in enumerate(value)
                for line in _lines(inner, f"{below}{number}")
            ]
        case bool():
            return [f"{above} {str(value).lower()}"]
        case _:
            return [f"{above} {value}"]
