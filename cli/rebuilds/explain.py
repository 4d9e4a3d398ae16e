"""`ringfence rebuild explain`: why are these two files not the same?"""

from pathlib import Path

import click

from cli.codes import Code
from cli.output import pass_by
from cli.rebuilds.showing import Wanted, report_options, show_comparisons
from reproducible.explain.examining import examine, read_report

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(epilog="Example: ringfence rebuild explain their.whl our.whl")
@click.argument("file", type=_FILE)
@click.argument("rebuilt", type=_FILE, required=False)
@click.option(
    "--diffoscope", is_flag=True, help="Ask diffoscope, too, inside a sandbox."
)
@report_options
def command(
    file: Path, *, rebuilt: Path | None, diffoscope: bool, wanted: Wanted
) -> Code:
    """Say why two files differ, with the lines that do.

    FILE is the published file, or a report that --json printed: that one is shown
    again, without the lines, since a report does not hold them.
    """
    if rebuilt is None:
        return show_comparisons([read_report(file)], wanted)
    if not wanted.quiet:
        pass_by(f"comparing {file.name}")
    found = examine(file, rebuilt, diffoscope=diffoscope)
    return show_comparisons([found], wanted, with_excerpts=True)
