"""`ringfence gateway browser`: invite somebody who has nothing but a browser."""

import asyncio
from typing import Any

import click

from cli.gateways.draining import drain_option
from cli.gateways.hosting import Hosting, host_guests
from cli.gateways.lineoptions import line_params, take_account
from cli.gateways.media import media_params, wishes_of
from cli.gateways.metrics import metrics_option
from cli.gateways.pageoptions import serving_params, take_serving
from cli.grouped import GroupedCommand
from cli.home import Home
from cli.output import json_option


@click.command(
    cls=GroupedCommand,
    epilog="Example: ringfence gateway browser --url https://talk.example "
    "--cert fullchain.pem --key privkey.pem --video",
    params=[
        *serving_params(guests=1),
        click.Option(["--with", "contact"], help="Call this contact, too."),
        click.Option(["--dial"], metavar="URI", help="Call this telephone, too."),
        *line_params(),
        *media_params(),
    ],
)
@metrics_option
@drain_option
@json_option
@click.pass_obj
def command(
    home: Home,
    /,
    *,
    contact: str | None,
    dial: str | None,
    metrics: str | None,
    drain_s: float,
    **given: Any,
) -> int:
    """Invite somebody who has nothing but a browser.

    Prints a link for each guest. Who opens it asks to be let in, and is heard once
    you type accept. The call is marked as a browser guest's: whoever serves the page
    could have changed it, and whoever had the link could be the guest. Compare the
    three words to know that nobody is in between.

    Browsers give camera and microphone to pages over HTTPS only; without a certificate
    the page works on this machine alone, or behind a proxy that has one.

    With --dial a telephone is called once the first guest is in and agreed to it; a
    guest can press its keys.
    """
    serving, account = take_serving(given), take_account(given)
    if (dial is None) != (account is None):
        raise click.UsageError("--dial and --account belong together")
    hosting = Hosting(
        serving=serving,
        contact=contact,
        account=account,
        dial=dial or "",
        metrics=metrics,
        drain_s=drain_s,
    )
    return asyncio.run(host_guests(home.open(), hosting, wishes_of(given)))
