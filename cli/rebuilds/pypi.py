"""`ringfence rebuild pypi`: a package of an index, built again from its own source."""

from pathlib import Path

import click

from cli.codes import Code
from cli.output import note
from cli.rebuilds.packages import Bench, bench_options, show_tries
from cli.rebuilds.showing import Wanted, report_options, show_comparisons
from cli.update_view import watched

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command(epilog="Example: ringfence rebuild pypi click==8.1.7")
@click.argument("package", metavar="NAME==VERSION")
@click.option(
    "--from",
    "origin",
    metavar="PATH|URL[@TAG]",
    help="Build from this git repository as well, at the tag of the release.",
)
@click.option("--recipe", type=_FILE, help="Build by this recipe, with its lock.")
@click.option(
    "--save-recipe", type=_FILE, help="Write what did best, with its lock beside it."
)
@bench_options
@report_options
def command(  # noqa: PLR0913 - what click hands over
    package: str,
    *,
    origin: str | None,
    recipe: Path | None,
    save_recipe: Path | None,
    bench: Bench,
    wanted: Wanted,
) -> Code:
    """Rebuild a wheel of pure Python, and say whether the published one comes out.

    How it was built is found out from the wheel and its source archive. That a wheel
    follows from the archive does not say that the archive follows from the repository:
    with --from each step has a verdict of its own, and the exit code is the worst.
    """
    from reproducible.pypi import saving  # noqa: PLC0415 - slow, as the others
    from reproducible.pypi.choice import parse_release  # noqa: PLC0415
    from reproducible.pypi.package import parse_origin, rebuild_package  # noqa: PLC0415

    release = parse_release(package)
    given = saving.load_recipe(recipe) if recipe else None
    with (
        watched(is_quiet=wanted.quiet) as progress,
        bench.workshop(lambda text: progress(text, 0, 1)) as shop,
    ):
        rebuilt = rebuild_package(
            release,
            shop,
            origin=parse_origin(origin) if origin else None,
            given=given,
        )
    for path in saving.save_recipe(rebuilt, save_recipe) if save_recipe else ():
        note(f"wrote {path}")
    show_tries(rebuilt, wanted)
    return show_comparisons([each.explained for each in rebuilt.stages], wanted)
