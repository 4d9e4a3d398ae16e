"""The page of a host's guests, as options of the commands that serve it."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from cli.gateways.serving import Serving
from voip.gateway.guests.invite import DEFAULT_S, LONGEST_S

_UNITS = {"m": 60.0, "h": 3600.0, "d": 86400.0}
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_MOST = 8  # as many legs as a call has


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


def serving_params(*, guests: int) -> list[click.Parameter]:
    """Give the options, for `click.command`; `guests` is how many are asked if unsaid.

    `take_serving` reads what they say.
    """
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
            type=click.IntRange(0, _MOST),
            default=guests,
            show_default=True,
            help="How many browser guests get a link; each is for one person.",
        ),
        click.Option(["--qr"], is_flag=True, help="Draw links for a phone's camera."),
    ]


def take_serving(given: dict[str, Any]) -> Serving:
    """Take what those options say out of what the command was given.

    Raises:
        click.UsageError: half of a certificate.
    """
    names = ("url", "listen", "cert", "key", "expires_s", "guests", "qr")
    taken = {name: given.pop(name) for name in names}
    if (taken["cert"] is None) != (taken["key"] is None):
        raise click.UsageError("--cert and --key belong together")
    taken["listen"] = taken["listen"] or _usual(taken["url"], taken["cert"] is not None)
    return Serving(**taken)


def _usual(url: str, is_secure: bool) -> tuple[str, int]:  # noqa: FBT001 - the two facts
    """Say where to serve if nobody said so."""
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    if is_secure:
        return "0.0.0.0", port  # noqa: S104 - guests come from elsewhere
    return "127.0.0.1", port if parts.scheme == "http" else 8480
