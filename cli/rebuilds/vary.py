"""`ringfence rebuild vary`: a commit, built under many conditions."""

import time

import click

from cli.codes import Code
from cli.output import json_option
from cli.rebuilds.outcomes import commit_options, named, show_outcomes, vary_options
from cli.rebuilds.shop import Shop, shop_options


@click.command(epilog="Example: ringfence rebuild vary v1.4.0 --only V03,V07")
@click.argument("ref", default="HEAD")
@vary_options
@commit_options
@shop_options
@json_option
def command(  # noqa: PLR0913 - one argument for each group of options
    *, ref: str, only: str, strict: bool, source: str, recipe: str, shop: Shop
) -> Code:
    """Build a commit under many conditions, and compare.

    Wheel and sdist are built under another umask, time zone, locale, hash seed, path,
    home, user, clock, host name, Python, and from a source of other times, modes and
    owners. Each has to show that the build saw the change; one that did not is no pass.
    """
    from reproducible.source.git import parse_repository  # noqa: PLC0415 - heavy
    from reproducible.vary.variations import choose_variations  # noqa: PLC0415
    from reproducible.vary.varying import vary_commit  # noqa: PLC0415

    variations = choose_variations(named(only))
    with shop.workshop() as workshop:
        outcomes = vary_commit(
            parse_repository(source),
            ref,
            recipe=recipe,
            workshop=workshop,
            variations=variations,
            wait=time.sleep,
        )
        return show_outcomes(outcomes, strict=strict)
