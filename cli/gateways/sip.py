"""`ringfence gateway sip`: call telephones, and be called by them."""

import asyncio
from pathlib import Path
from typing import Any

import click

from cli.gateways.draining import drain_option
from cli.gateways.lineoptions import line_params, take_account
from cli.gateways.media import media_params, wishes_of
from cli.gateways.metrics import metrics_option
from cli.gateways.phones import Phoning, phone
from cli.grouped import GroupedCommand
from cli.home import Home
from cli.output import json_option


def _options() -> list[click.Parameter]:
    return [
        *line_params(required=True),
        click.Option(
            ["--dial"],
            metavar="URI",
            help="Call sip:USER@HOST, or a contact with a number in the account.",
        ),
        click.Option(
            ["--ring"], metavar="CONTACT", help="Call this contact when it rings."
        ),
        click.Option(
            ["--serve"],
            is_flag=True,
            help="Take calls of contacts, and dial for those who may ask for it.",
        ),
        click.Option(
            ["--with", "contact"], help="Join this contact with whom you dial."
        ),
        click.Option(
            ["--trace-sip", "trace"],
            type=click.Path(dir_okay=False, path_type=Path),
            help="Write all SIP to a new file: addresses and numbers, but no keys.",
        ),
    ]


@click.command(
    cls=GroupedCommand,
    epilog="Example: ringfence gateway sip --account pbx.account "
    "--dial sip:200@pbx.example",
    params=[*_options(), *media_params()],
)
@metrics_option
@drain_option
@json_option
@click.pass_obj
def command(  # noqa: PLR0913 - one option each
    home: Home,
    /,
    *,
    dial: str | None,
    ring: str | None,
    serve: bool,
    contact: str | None,
    trace: Path | None,
    metrics: str | None,
    drain_s: float,
    **given: Any,
) -> int:
    """Call telephones, and be called by them.

    The exchange and all behind it can hear such a call, and it says so: encrypted to
    PBX only, or NOT ENCRYPTED past here. A contact is told before their device rings.

    Without --dial it waits for calls. With --serve nobody needs to be here: a contact
    calls this identity and types 'dial 200', if 'ringfence contact grant' says so and
    the account's allow lines do. Orders are read from standard input, a line
    each: digits 123#, hold, resume, transfer URI, mute, unmute, hangup; and, when it
    rings here, accept or decline (docs/gateway.md).
    """
    if dial is not None and ring is not None:
        raise click.UsageError("--dial makes a call and --ring takes them: give one")
    if dial is not None and serve:
        raise click.UsageError("--dial makes a call and --serve takes them: give one")
    if contact is not None and dial is None:
        raise click.UsageError("--with is about a call of --dial")
    account = take_account(given)
    assert account is not None  # the option is required
    phoning = Phoning(
        account=account,
        dial=dial,
        ring=ring,
        serve=serve,
        contact=contact,
        trace=trace,
        metrics=metrics,
        drain_s=drain_s,
    )
    return asyncio.run(phone(home, phoning, wishes_of(given)))
