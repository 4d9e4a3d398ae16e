"""`ringfence relay`: serve one, or see whether one answers."""

import asyncio
import os
import signal
import time
from pathlib import Path

import click

from cli import paths
from cli.home import Home
from cli.output import json_option, note, show
from voip.identity.card import RelayAddress, format_relay, parse_relay
from voip.signalling.channel import open_channel
from voip.signalling.relay import serve_relay
from voip.signalling.tls import TlsFiles

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group(epilog="Example: ringfence relay serve --name relay.example")
def relay() -> None:
    """Serve or check a relay, which carries what it cannot read."""


@relay.command(
    epilog="Example: ringfence relay serve --host 0.0.0.0 --name relay.example"
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Listen here.")
@click.option("--port", default=5349, show_default=True, help="0 lets the system pick.")
@click.option("--name", help="How others reach it.  [default: the host]")
@click.option(
    "--db",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Keep blobs and the relay's key here.  [default: in the home folder]",
)
@click.option("--tls-cert", type=_FILE, help="A certificate of your own, as PEM.")
@click.option("--tls-key", type=_FILE, help="Its private key, as PEM.")
@click.option("--plain", is_flag=True, help="No TLS; on a loopback address only.")
@json_option
@click.pass_obj
def serve(  # noqa: PLR0913 - one argument for each option
    home: Home,
    *,
    host: str,
    port: int,
    name: str | None,
    db: Path | None,
    tls_cert: Path | None,
    tls_key: Path | None,
    plain: bool,
) -> None:
    """Serve a relay until interrupted; its line for cards is printed."""
    if (tls_cert is None) != (tls_key is None):
        raise click.UsageError("give both --tls-cert and --tls-key, or neither")
    files = (
        TlsFiles(certificate=tls_cert, key=tls_key) if tls_cert and tls_key else None
    )
    database = db or paths.relay_database(home.folder)
    database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    asyncio.run(
        _serve(database, host=host, port=port, name=name, tls=files, plain=plain)
    )


async def _serve(  # noqa: PLR0913 - as above
    database: Path,
    *,
    host: str,
    port: int,
    name: str | None,
    tls: TlsFiles | None,
    plain: bool,
) -> None:
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    async with serve_relay(
        database, host=host, port=port, tls=tls, plain=plain
    ) as running:
        bound = running.address
        ours = RelayAddress(name or bound.host, bound.port, pin=bound.pin)
        line = format_relay(ours)
        show({"relay": line}, line)
        if ours.is_everywhere:
            note(f"nobody can call {ours.host}: --name says how others reach it")
        note("give this line to 'ringfence identity create --relay'; Ctrl-C stops")
        await stopped.wait()


@relay.command(epilog="Example: ringfence relay check relay.example:5349")
@click.argument("address")
@click.argument("pin", default="-")
@json_option
def check(address: str, pin: str) -> None:
    """See whether a relay answers at ADDRESS (HOST:PORT), with this PIN."""
    found = parse_relay(f"{address} {pin}")
    took_s = asyncio.run(_check(found))
    line = format_relay(found)
    show({"relay": line, "seconds": took_s}, f"{line} answers in {took_s:.3f} s")


async def _check(address: RelayAddress) -> float:
    """Connect, which checks the PIN, and measure how long that takes."""
    began = time.monotonic()
    async with open_channel(address, os.urandom):
        return round(time.monotonic() - began, 3)
