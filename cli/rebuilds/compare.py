"""`ringfence rebuild compare`: are these two files the same?"""

from pathlib import Path

import click

from cli.codes import Code
from cli.output import pass_by
from cli.rebuilds.showing import Wanted, report_options, show_comparisons
from reproducible.explain.examining import examine

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(epilog="Example: ringfence rebuild compare their.whl our.whl")
@click.argument("published", type=_FILE)
@click.argument("rebuilt", type=_FILE)
@click.option(
    "--own", is_flag=True, help="Except no header field, as for releases of your own."
)
@report_options
def command(published: Path, rebuilt: Path, *, own: bool, wanted: Wanted) -> Code:
    """Compare two files bit for bit, and say how they differ.

    Wheels, source archives and bundles that differ are looked into. Two archives that
    are proven to differ in the times and owners of their members alone are identical
    with exceptions, and each of those is named.
    """
    if not wanted.quiet:
        pass_by(f"comparing {published.name}")
    return show_comparisons([examine(published, rebuilt, own=own)], wanted)
