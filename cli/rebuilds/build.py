"""`ringfence rebuild build`: a commit, built in a sandbox without network."""

from pathlib import Path

import click

from cli.output import escape, json_option, note, show
from cli.rebuilds.outcomes import commit_options
from cli.rebuilds.shop import Shop, shop_options


@click.command(epilog="Example: ringfence rebuild build v1.4.0 -o built --source .")
@click.argument("ref")
@click.option(
    "-o",
    "--out",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Write to this folder, which is new or empty.",
)
@commit_options
@shop_options
@json_option
def command(*, ref: str, out: Path, source: str, recipe: str, shop: Shop) -> None:
    """Build a commit in a sandbox without network.

    REF is a commit, tag or branch. The commit is exported and not checked out, so
    nothing that is not committed has a part in it; all else comes from its recipe and
    locks.
    """
    from reproducible.builds.commit import build_commit  # noqa: PLC0415 - heavy
    from reproducible.source.git import parse_repository  # noqa: PLC0415

    with shop.workshop() as workshop:
        built = build_commit(
            parse_repository(source), ref, recipe=recipe, workshop=workshop, out=out
        )
    for warning in built.warnings:
        note(escape(warning))
    for each in built.result.outputs:
        facts = {
            "kind": each.kind,
            "level": built.level,
            "name": each.name,
            "path": str(each.path),
            "platform": each.platform,
            "sha256": each.sha256,
            "size": each.size,
        }
        show(facts, f"{each.sha256}  {escape(each.name)}")
