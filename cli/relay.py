"""`ringfence relay`: serve one, or see whether one answers."""

import asyncio
import os
import time
from pathlib import Path

import click

from cli import paths
from cli.grouped import GroupedCommand, group
from cli.home import Home
from cli.output import json_option, show
from cli.relaying import Wanted, run
from cli.relayplace import parse_store, read_offer
from voip.identity.card import RelayAddress, format_relay, parse_relay
from voip.signalling.channel import open_channel
from voip.signalling.mailbox import Limits
from voip.signalling.relay import Service, check_service, own_key
from voip.signalling.tls import TlsFiles

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_REACH = group("Reach")
_STORE = group("Store")
_TURN = group("TURN")
_RUNNING = group("Running")


@click.group(epilog="Example: ringfence relay serve --name relay.example")
def relay() -> None:
    """Serve or check a relay, which carries what it cannot read."""


@relay.command(
    cls=GroupedCommand,
    epilog="Example: ringfence relay serve --host 0.0.0.0 --name relay.example",
)
@_REACH("--host", default="127.0.0.1", show_default=True, help="Listen here.")
@_REACH("--port", default=5349, show_default=True, help="0 lets the system pick.")
@_REACH("--name", help="How others reach it.  [default: the host]")
@_REACH("--tls-cert", type=_FILE, help="A certificate of your own, as PEM.")
@_REACH("--tls-key", type=_FILE, help="Its private key, as PEM.")
@_REACH("--plain", is_flag=True, help="No TLS; on a loopback address only.")
@_REACH(
    "--behind-proxy",
    is_flag=True,
    help="With --plain: the proxy says where clients are, in X-Forwarded-For.",
)
@_STORE(
    "--db",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Keep blobs and the relay's key here.  [default: in the home folder]",
)
@_STORE(
    "--store",
    metavar="URL",
    help="sqlite:PATH, or redis://[USER@]HOST[:PORT][/DB] for several processes.",
)
@_STORE("--store-password-file", type=_FILE, help="Read the engine's password here.")
@_STORE("--quota", default=256, show_default=True, help="Take up so many MiB at most.")
@_TURN("--turn-uri", multiple=True, metavar="URL", help="Offer turn:HOST; up to 4.")
@_TURN("--turn-secret-file", type=_FILE, help="Its static-auth-secret.")
@_RUNNING(
    "--workers", default=1, show_default=True, help="Processes; on redis:// only."
)
@_RUNNING("--metrics", metavar="HOST:PORT", help="Serve /metrics, /healthz, /readyz.")
@_RUNNING(
    "--drain", default=5.0, show_default=True, help="Seconds to send clients away in."
)
@_RUNNING("--log", type=click.Choice(["text", "json"]), default="text")
@click.option("--worker", type=int, hidden=True)
@json_option
@click.pass_obj
def serve(  # noqa: PLR0913 - one argument for each option
    home: Home,
    *,
    host: str,
    port: int,
    name: str | None,
    tls_cert: Path | None,
    tls_key: Path | None,
    plain: bool,
    behind_proxy: bool,
    db: Path | None,
    store: str | None,
    store_password_file: Path | None,
    quota: int,
    turn_uri: tuple[str, ...],
    turn_secret_file: Path | None,
    workers: int,
    metrics: str | None,
    drain: float,
    log: str,
    worker: int | None,
) -> None:
    """Serve a relay until interrupted; its line for cards is printed."""
    if (tls_cert is None) != (tls_key is None):
        raise click.UsageError("give both --tls-cert and --tls-key, or neither")
    if db is not None and store is not None:
        raise click.UsageError("give --db or --store, not both")
    files = (
        TlsFiles(certificate=tls_cert, key=tls_key) if tls_cert and tls_key else None
    )
    beside = db or paths.relay_database(home.folder)
    beside.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    kept = parse_store(store or f"sqlite:{beside}")
    if workers > 1 and not kept.is_shared:
        raise click.UsageError(
            "--workers needs a store that they share: --store redis://"
        )
    service = Service(
        host=host,
        port=port,
        tls=None if plain else files or own_key(kept.path or beside),
        is_proxied=behind_proxy,
        is_shared=worker is not None,
        turn=read_offer(turn_uri, turn_secret_file),
    )
    check_service(service)
    run(
        Wanted(
            service=service,
            store=kept,
            password_file=store_password_file,
            limits=Limits(stored_bytes=quota << 20),
            name=name,
            workers=workers,
            worker=worker,
            metrics=metrics,
            drain_s=drain,
            is_json_log=log == "json",
        )
    )


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
