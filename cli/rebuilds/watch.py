"""`ringfence rebuild watch`: be a rebuilder, day and night."""

import os
import signal
import tempfile
import time
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import click

from cli.codes import Code
from cli.home import Home
from cli.output import escape, json_option, note, show
from cli.rebuilds.releases import (
    Attesting,
    Publication,
    attesting_options,
    opener,
    publication_options,
)
from cli.rebuilds.shop import Shop, shop_options
from cli.update_view import watched

if TYPE_CHECKING:  # help needs none of these
    from reproducible.drive.finding import Signer
    from reproducible.drive.outlets import Outlet
    from reproducible.drive.standing import Standing
    from reproducible.drive.telling import Told
    from reproducible.drive.watching import Rebuild
    from updater.driver.published import Published

_FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command(
    epilog="Example: ringfence rebuild watch ~/rebuilder --anchor app-anchor"
    " --attest rebuilder.key --operator anna"
)
@click.argument("folder", type=_FOLDER)
@click.option(
    "--platform", "platforms", multiple=True, help="Of a release.  [default: all]"
)
@click.option(
    "--source",
    metavar="PATH|URL",
    help="The git repository.  [default: that of each claim, if it has https]",
)
@click.option("--outbox", type=_FOLDER, help="Put statements there for the publisher.")
@click.option("--log", "log", type=_FOLDER, help="Append them to this log of yours.")
@click.option(
    "--log-key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Its private key.  [default: private/key in it]",
)
@click.option(
    "--interval",
    default=3600,
    show_default=True,
    type=click.IntRange(min=60),
    help="Seconds between two looks.",
)
@click.option("--once", is_flag=True, help="Look once, as from cron.")
@publication_options
@attesting_options
@shop_options
@json_option
@click.pass_obj
def command(  # noqa: PLR0913 - one argument for each option
    home: Home,
    *,
    folder: Path,
    platforms: tuple[str, ...],
    source: str | None,
    outbox: Path | None,
    log: Path | None,
    log_key: Path | None,
    interval: int,
    once: bool,
    publication: Publication,
    attesting: Attesting,
    shop: Shop,
) -> Code:
    """Follow a repository, rebuild each new release, and say what is found.

    All of it is remembered in FOLDER, whose folder 'public' is what any web server can
    serve: a page, reports and statements. It may be killed at any time. Code 0 says
    that everything was found out and handed out, whatever the verdicts are.
    """
    from reproducible.drive.page import Watched  # noqa: PLC0415 - heavy, all of them
    from reproducible.drive.watching import Duty, Watcher  # noqa: PLC0415
    from updater.statement import key_id  # noqa: PLC0415

    signer = attesting.signer()
    if signer is None:
        raise click.UsageError("a rebuilder signs: give --attest and --operator")
    anchor = publication.read_anchor()
    place = publication.place(anchor, own=folder / "updates")
    outlets = _outlets(home, outbox, log, log_key)
    rebuild = _rebuilder(shop, source, signer)
    stopped = Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    with (
        watched() as progress,
        tempfile.TemporaryDirectory(prefix="ringfence-") as scratch,
    ):
        duty = Duty(
            about=Watched(
                project=anchor.product.project,
                operator=signer.operator,
                key=key_id(signer.key.public_key().public_bytes_raw()),
            ),
            releases=opener(place, progress),
            rebuild=rebuild,
            outlets=outlets,
            platforms=frozenset(platforms) or None,
            scratch=Path(scratch),
            now=time.time,
            pause=stopped.wait,
            entropy=os.urandom,
            tell=lambda text: note(escape(text)),
        )
        watcher = Watcher(folder, duty)
        code = Code.DONE
        if once:
            code = _show(watcher.once())
        else:
            watcher.run(interval)
    return Code.BUG if watcher.is_faulty else code


def _outlets(
    home: Home, outbox: Path | None, log: Path | None, log_key: Path | None
) -> "list[Outlet]":
    from cli.log import log_folder, log_means  # noqa: PLC0415 - heavy
    from reproducible.drive.outlets import Outbox, Outlet, OwnLog  # noqa: PLC0415

    outlets: list[Outlet] = [Outbox(outbox)] if outbox else []
    if log:
        means = log_means(home, log, log_key, wait_s=600, is_dev=False)
        outlets.append(OwnLog(log_folder(log), means))
    return outlets


def _rebuilder(shop: Shop, source: str | None, signer: "Signer") -> "Rebuild":
    """Give what rebuilds a release, each in a workshop of its own.

    What an index listed, and the time in which files are fetched, are of one run: in
    one workshop a watcher would be told nothing new, and after two hours nothing.
    """
    from reproducible.drive.rebuilding import rebuild_release  # noqa: PLC0415 - heavy
    from reproducible.source.git import parse_repository  # noqa: PLC0415

    repository = None if source is None else parse_repository(source)

    def rebuild(published: "Published", out: Path) -> "Told":
        with shop.workshop() as workshop:
            return rebuild_release(
                published, workshop, out, source=repository, signer=signer
            )

    return rebuild


def _show(standing: "Standing") -> Code:
    """Print what is known of each file; what could not be done is no success."""
    for job in standing.jobs:
        verdict = job.said.verdict if job.said else None
        show(
            {
                "platform": job.platform,
                "trouble": job.trouble,
                "verdict": verdict,
                "version": job.version,
            },
            f"{job.version} {job.platform}: {verdict or escape(job.trouble)}",
        )
    return Code.DONE if standing.is_well else Code.UNREACHABLE
