"""`ringfence log witness`: cosign what follows from what was seen before."""

import signal
import time
from pathlib import Path
from threading import Event

import click

from cli.home import Home
from cli.keys import read_key
from cli.output import json_option, note, show
from updater.errors import UnreachableError
from updater.files import Files
from updater.transparency.asking import ask
from updater.transparency.cosigning import Logs
from updater.transparency.key import Kind
from updater.transparency.note import MAX_NOTE
from updater.transparency.policy import MAX_POLICY, parse_policy
from updater.transparency.pulling import Puller
from updater.transparency.serving import serve_witness
from updater.transparency.tiles import Read
from updater.transparency.witness import Witness

_SERVE = (
    "Example: ringfence log witness serve --name w1.example/bt --key w1.key"
    " --logs policy --db w1.sqlite"
)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_NEW = click.Path(path_type=Path)

_db_option = click.option(
    "--db",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="What it remembers; losing it is starting anew.",
)
_key_option = click.option("--key", type=_FILE, required=True, help="Its private key.")
_name_option = click.option("--name", required=True, help="Its name, as in its vkey.")
_logs_option = click.option(
    "--logs", type=_FILE, required=True, help="A policy file: its logs are known."
)
_tofu_option = click.option(
    "--tofu", is_flag=True, help="Believe the first tree of a log that is not pinned."
)


@click.group(epilog=_SERVE)
def witness() -> None:
    """Cosign logs that only ever grow."""


@witness.command(epilog=_SERVE)
@_name_option
@_key_option
@_logs_option
@_db_option
@_tofu_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Listen here.")
@click.option("--port", default=7380, show_default=True, help="0 lets the system pick.")
@json_option
@click.pass_obj
def serve(  # noqa: PLR0913 - one argument for each option
    home: Home,
    *,
    name: str,
    key: Path,
    logs: Path,
    db: Path,
    tofu: bool,
    host: str,
    port: int,
) -> None:
    """Answer logs over HTTP until interrupted.

    It speaks plain HTTP: put a server with TLS before it.
    """
    stopped = Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    ours = _witness(home, name, key, _logs(logs), db, is_trusting=tofu)
    with serve_witness(ours, host=host, port=port) as url:
        show({"url": url}, f"{url} is submission and monitoring prefix")
        note("Ctrl-C stops")
        stopped.wait()


@witness.command(
    epilog="Example: ringfence log witness pull https://bt.example --name w2.example/bt"
    " --key w2.key --logs policy --db w2.sqlite --out shown"
)
@click.argument("source")
@_name_option
@_key_option
@_logs_option
@_db_option
@_tofu_option
@click.option("--out", type=_NEW, required=True, help="Its monitoring folder.")
@click.option("--mirror", type=_NEW, help="Keep every entry here.")
@json_option
@click.pass_obj
def pull(  # noqa: PLR0913 - one argument for each option
    home: Home,
    *,
    source: str,
    name: str,
    key: Path,
    logs: Path,
    db: Path,
    tofu: bool,
    out: Path,
    mirror: Path | None,
) -> None:
    """Read the log at SOURCE (a folder or a URL) once, and cosign it."""
    known = _logs(logs)
    ours = _witness(home, name, key, known, db, is_trusting=tofu)
    tree = Puller(ours, known, out, mirror=mirror).pull(reader_of(source))
    show(
        {"origin": tree.origin, "root": tree.root.hex(), "size": tree.size},
        f"{tree.origin}: cosigned at {tree.size} entries",
    )


@witness.command(
    epilog="Example: ringfence log witness pin checkpoint --name w1.example/bt"
    " --key w1.key --logs policy --db w1.sqlite"
)
@click.argument("checkpoint", type=_FILE)
@_name_option
@_key_option
@_logs_option
@_db_option
@json_option
@click.pass_obj
def pin(  # noqa: PLR0913 - one argument for each option
    home: Home, *, checkpoint: Path, name: str, key: Path, logs: Path, db: Path
) -> None:
    """Set the CHECKPOINT that a log starts from here, and cosign it."""
    ours = _witness(home, name, key, _logs(logs), db, is_trusting=False)
    lines = ours.pin(Files().read(checkpoint, most=MAX_NOTE)).decode()
    show({"lines": lines}, lines.removesuffix("\n"))


def reader_of(source: str) -> Read:
    """Read a log's files from a folder or below a URL."""
    if "://" not in source:
        return lambda path, most: _read_file(Path(source) / path, most)
    return lambda path, most: _read_url(f"{source.rstrip('/')}/{path}", most)


def _read_file(path: Path, most: int) -> bytes | None:
    if not path.parent.is_dir():
        return None
    return Files().read_if_there(path, most=most)


def _read_url(url: str, most: int) -> bytes | None:
    answer = ask("GET", url, most=most)
    if answer.status in {403, 404, 410}:  # how hosts say that there is no such file
        return None
    if answer.status != 200:
        raise UnreachableError(f"{url}: status {answer.status}")
    return answer.body


def _logs(path: Path) -> Logs:
    """Take the logs of a policy, by origin."""
    policy = parse_policy(Files().read(path, most=MAX_POLICY))
    return {
        origin: [key for key in policy.log_keys if key.name == origin]
        for origin in policy.origins
    }


def _witness(  # noqa: PLR0913 - what a witness is made of
    home: Home, name: str, key: Path, logs: Logs, db: Path, *, is_trusting: bool
) -> Witness:
    return Witness(
        db,
        [read_key(home, key, name, Kind.WITNESS)],
        logs,
        now=time.time,
        is_trusting=is_trusting,
    )
