"""`ringfence gateway status`: how a running gateway or relay does, in plain words."""

import asyncio
from pathlib import Path

import click

from cli.codes import Code
from cli.gateways.report import format_html, read_status
from cli.output import json_option, note, show
from voip.media.ends.recording import create_private


@click.command(epilog="Example: ringfence gateway status 127.0.0.1:9464")
@click.argument("address", default="127.0.0.1:9464")
@click.option(
    "--html",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a status page, with nobody in it, to this file.",
)
@click.option("--force", is_flag=True, help="Replace the file.")
@json_option
def command(address: str, *, html: Path | None, force: bool) -> int:
    """See how a gateway or relay does, by its --metrics ADDRESS (HOST:PORT).

    Ends with 0 where it takes new work, and with 1 where it does not.
    """
    status = asyncio.run(read_status(address))
    show(status.facts, *status.lines)
    if html is not None:
        with create_private(html, overwrite=force) as file:
            file.write(format_html(status).encode())
        note(f"wrote {html}")
    return Code.DONE if status.is_ready else Code.REFUSED
