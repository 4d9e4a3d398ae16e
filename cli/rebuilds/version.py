"""`ringfence rebuild VERSION`: a published release, built again and compared."""

from pathlib import Path

import click

from cli.codes import Code
from cli.output import note
from cli.rebuilds.releases import (
    Attesting,
    Publication,
    attesting_options,
    opener,
    publication_options,
)
from cli.rebuilds.shop import Shop, shop_options
from cli.rebuilds.showing import Wanted, report_options, show_comparisons
from cli.update_view import watched


@click.command(epilog="Example: ringfence rebuild 1.4.0 --source ~/src/ringfence")
@click.argument("version", metavar="")
@click.option("--platform", help="Of the release, or 'all'.  [default: this one's]")
@click.option(
    "--source",
    metavar="PATH|URL",
    help="The git repository.  [default: that of the claim, if it has https]",
)
@click.option(
    "-o",
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write to this folder, new or empty.  [default: rebuilt-VERSION]",
)
@publication_options
@attesting_options
@shop_options
@report_options
def command(  # noqa: PLR0913 - one argument for each group of options
    *,
    version: str,
    platform: str | None,
    source: str | None,
    out: Path | None,
    publication: Publication,
    attesting: Attesting,
    shop: Shop,
    wanted: Wanted,
) -> Code:
    """Rebuild a published release, and compare.

    It is fetched as an update is, but not waited for; its source is fetched by the
    commit that the release claims, and built in a sandbox without a network. With
    --attest a statement is signed: beside each file, for the publisher's log.
    """
    from reproducible.drive.rebuilding import rebuild_release  # noqa: PLC0415 - heavy
    from reproducible.source.git import parse_repository  # noqa: PLC0415

    signer = attesting.signer()
    place = publication.place(publication.read_anchor())
    with (
        watched(is_quiet=wanted.quiet) as progress,
        opener(place, progress)() as releases,
    ):
        here = place.surroundings(progress).platform
        every = releases.platforms(version)
        names = every if platform == "all" else (platform or here,)
        published = [releases.fetch(version, each) for each in names]
    top = out or Path(f"rebuilt-{version}")
    several = []
    with shop.workshop() as workshop:
        for each in published:
            folder = top / each.row.platform if len(published) > 1 else top
            several.append(
                rebuild_release(
                    each,
                    workshop,
                    folder,
                    source=None if source is None else parse_repository(source),
                    signer=signer,
                )
            )
    for told in several:
        for path in told.files:
            note(f"wrote {path}")
    return show_comparisons([each.explained for each in several], wanted)
