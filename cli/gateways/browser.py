"""`ringfence gateway browser`: invite somebody who has nothing but a browser."""

import asyncio
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from cli.gateways.hosting import Hosting, host_guests
from cli.gateways.media import media_params, wishes_of
from cli.gateways.metrics import metrics_option
from cli.grouped import GroupedCommand
from cli.home import Home
from cli.output import json_option
from voip.gateway.guests.invite import DEFAULT_S, LONGEST_S

_UNITS = {"m": 60.0, "h": 3600.0, "d": 86400.0}
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


class _Lifetime(click.ParamType[float]):
    """A time such as 30m, 1h or 7d, in seconds."""

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Read it."""
        if isinstance(value, float):
            return value
        number, unit = value[:-1], value[-1:]
        is_number = number.isdecimal() and number.isascii() and len(number) < 9
        seconds = int(number) * _UNITS.get(unit, 0.0) if is_number else 0.0
        if not 0 < seconds <= LONGEST_S:
            self.fail(f"expected 1m to 7d, came {value!r}", param, ctx)
        return seconds


class _Address(click.ParamType[tuple[str, int]]):
    """HOST:PORT."""

    name = "host:port"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:
        """Read it."""
        if isinstance(value, tuple):
            return value
        host, _, port = value.rpartition(":")
        if not host or not port.isdecimal() or int(port[:6]) > 65535:
            self.fail(f"expected HOST:PORT, came {value!r}", param, ctx)
        return host.strip("[]"), int(port)


def _options() -> list[click.Parameter]:
    return [
        click.Option(
            ["--url"],
            default="http://127.0.0.1:8480",
            show_default=True,
            help="Where guests find the page: https, or http on this machine alone.",
        ),
        click.Option(
            ["--listen"],
            type=_Address(),
            help="Serve here.  [default: the URL's port, on 127.0.0.1, or with --cert"
            " on all addresses]",
        ),
        click.Option(["--cert"], type=_FILE, help="Certificate chain for HTTPS, PEM."),
        click.Option(["--key"], type=_FILE, help="Its private key, PEM."),
        click.Option(
            ["--expires", "expires_s"],
            type=_Lifetime(),
            default=DEFAULT_S,
            metavar="TIME",
            help="How long a link can be used: 30m, 1h, 7d.  [default: 1h]",
        ),
        click.Option(
            ["--guests"],
            type=click.IntRange(1, 8),
            default=1,
            show_default=True,
            help="How many links; each is for one person.",
        ),
        click.Option(["--with", "contact"], help="Call this contact, too."),
        click.Option(["--qr"], is_flag=True, help="Draw links for a phone's camera."),
    ]


@click.command(
    cls=GroupedCommand,
    epilog="Example: ringfence gateway browser --url https://talk.example "
    "--cert fullchain.pem --key privkey.pem --video",
    params=[*_options(), *media_params()],
)
@metrics_option
@json_option
@click.pass_obj
def command(  # noqa: PLR0913 - one option each
    home: Home,
    /,
    *,
    url: str,
    listen: tuple[str, int] | None,
    cert: Path | None,
    key: Path | None,
    expires_s: float,
    guests: int,
    contact: str | None,
    qr: bool,
    metrics: str | None,
    **media: Any,
) -> int:
    """Invite somebody who has nothing but a browser.

    Prints a link for each guest. Who opens it asks to be let in, and is heard once
    you type accept. The call is marked as a browser guest's: whoever serves the page
    could have changed it, and whoever had the link could be the guest. Compare the
    three words to know that nobody is in between.

    Browsers give camera and microphone to pages over HTTPS only; without a certificate
    the page works on this machine alone, or behind a proxy that has one.
    """
    if (cert is None) != (key is None):
        raise click.UsageError("--cert and --key belong together")
    hosting = Hosting(
        url=url,
        listen=listen or _usual(url, is_secure=cert is not None),
        cert=cert,
        key=key,
        expires_s=expires_s,
        guests=guests,
        contact=contact,
        qr=qr,
        metrics=metrics,
    )
    return asyncio.run(host_guests(home.open(), hosting, wishes_of(media)))


def _usual(url: str, *, is_secure: bool) -> tuple[str, int]:
    """Say where to serve if nobody said so."""
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    if is_secure:
        return "0.0.0.0", port  # noqa: S104 - guests come from elsewhere
    return "127.0.0.1", port if parts.scheme == "http" else 8480
