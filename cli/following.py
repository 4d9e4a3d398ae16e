"""`ringfence log status` and its kin: following a log, apart from any update.

The updater follows its log by itself; these commands look at what it remembers, or at
any log, with a state folder of its own.
"""

import hashlib
import os
import time
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import NoReturn

import click

from cli import paths
from cli.home import Home
from cli.output import day, json_option, minute, note, show
from cli.updating import Place
from cli.witnesses import reader_of
from updater.errors import FetchError, RefusedError, UnreachableError
from updater.files import Files
from updater.transparency.client import LogClient
from updater.transparency.honour import POLICY, TRUST, read_set
from updater.transparency.note import MAX_NOTE
from updater.transparency.offline import verify_release
from updater.transparency.policy import MAX_POLICY, parse_policy
from updater.transparency.proof import MAX_FILE, parse_proof
from updater.transparency.tiles import MAX_ENTRY, Read
from updater.transparency.trust import MAX_TRUST_BYTES, parse_trust
from updater.transparency.view import LogView

_REBUILD = (
    "Example: ringfence log state rebuild --state seen"
    " --origin bt.example/app/1 --policy policy --trust trust.json"
)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_NEW = click.Path(path_type=Path)
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


def follower(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of a log that is followed, as one `LogClient`."""

    @click.option(
        "--root", type=_FOLDER, help="The log of a managed folder.  [default: yours]"
    )
    @click.option("--state", type=_NEW, help="What was seen before of any other log.")
    @click.option("--policy", "policy_file", type=_FILE, help="Its witnesses.")
    @click.option("--trust", type=_FILE, help="Who may claim what there.")
    @click.option("--origin", help="Its name.")
    @click.option("--floor", type=_FILE, help="The oldest checkpoint to believe.")
    @click.option("--source", default="", help="The log: a folder or a URL.")
    @wraps(command)
    @click.pass_obj
    def with_client(  # noqa: PLR0913 - one argument for each option
        home: Home,
        /,
        *,
        root: Path | None,
        state: Path | None,
        policy_file: Path | None,
        trust: Path | None,
        origin: str | None,
        floor: Path | None,
        source: str,
        **others: object,
    ) -> None:
        if root is not None or not (state or policy_file or trust or floor):
            folder = root or paths.update_root(home.folder)
            command(_managed(folder, origin, source), **others)
            return
        if not (state and policy_file and trust and origin):
            raise click.UsageError(
                "expected --state, --policy, --trust and --origin together, or --root"
            )
        files = Files()
        files.make_folder(state)
        built_in = {
            POLICY: files.read(policy_file, most=MAX_POLICY),
            TRUST: files.read(trust, most=MAX_TRUST_BYTES),
        }
        client = LogClient(
            state,
            origin,
            files=files,
            source=_Source(reader_of(source) if source else None),
            trust_file=_no_history,
            built_in=read_set(built_in),
            floor=files.read(floor, most=MAX_NOTE) if floor else None,
            now=time.time,
            entropy=os.urandom,
        )
        command(client, **others)

    return with_client


def _managed(folder: Path, origin: str | None, source: str) -> LogClient:
    """Open the log of a managed folder, or one that succeeded it, by its anchor."""
    place = Place(folder)
    anchor = place.anchor()
    origin = origin or anchor.origin
    return LogClient(
        folder / "log",
        origin,
        files=place.root.files,
        source=_Source(reader_of(source) if source else None),
        trust_file=_no_history,
        built_in=anchor.trust,
        floor=anchor.floor if origin == anchor.origin else None,
        now=time.time,
        entropy=os.urandom,
    )


class _Source:
    """A log's public folder, or none: then nothing is asked for."""

    def __init__(self, read: Read | None) -> None:
        self._read = read

    def get(self, path: str, max_bytes: int) -> bytes:
        """See `cache.Source`."""
        if self._read is None:
            raise FetchError("unreachable", "no --source to ask")
        found = self._read(path, max_bytes)
        if found is None:
            raise FetchError("status", f"{path}: is not there", status=404)
        return found


@click.command(
    epilog="Example: ringfence log status --state seen --origin bt.example/app/1"
    " --policy policy --trust trust.json --source https://bt.example"
)
@follower
@json_option
def status(client: LogClient) -> None:
    """Read what is new, and say how the log stands."""
    view = client.update()
    show(_facts(view), *_lines(view))
    if view.troubles:
        trouble = view.troubles[0]
        if trouble.code in {"network", "tiles", "entries", "busy"}:
            raise UnreachableError(f"{trouble.code}: {trouble.text}")
        raise RefusedError(f"{trouble.code}: {trouble.text}")


def _facts(view: LogView) -> dict[str, object]:
    return {
        "agreed": len(view.agreements),
        "frozen": view.evidence,
        "fresh": view.fresh_at,
        "origin": view.origin,
        "read": view.memory.next_entry,
        "size": view.head.checkpoint.size if view.head else 0,
        "troubles": [each.code for each in view.troubles],
    }


def _lines(view: LogView) -> list[str]:
    size = view.head.checkpoint.size if view.head else 0
    lines = [f"{view.origin}: {size} entries, {view.memory.next_entry} read"]
    if view.fresh_at is not None:
        lines.append(f"witnesses called it the newest at {minute(view.fresh_at)}")
    if view.agreements:
        lines.append(f"{len(view.agreements)} people agreed in the last 30 days")
    if view.evidence:
        lines.append(f"FROZEN by evidence {view.evidence}")
    return lines


@click.command(
    epilog="Example: ringfence log unfreeze --evidence HASH --state seen"
    " --origin bt.example/app/1 --policy policy --trust trust.json"
)
@click.option("--evidence", required=True, help="The SHA-256 that 'status' names.")
@follower
def unfreeze(client: LogClient, *, evidence: str) -> None:
    """Go on with your branch of a log that forked.

    Look at the evidence first: it is kept, and so is your branch.
    """
    client.unfreeze(evidence)
    note("your branch and the evidence are kept")


@click.group(epilog=_REBUILD)
def state() -> None:
    """Keep what this machine remembers of a log."""


@state.command(epilog=_REBUILD)
@follower
def rebuild(client: LogClient) -> None:
    """Forget a damaged state; the log is read again from the floor."""
    client.start_again()
    note("the next 'status' reads the log from its beginning; evidence is kept")


@click.command(
    "list",
    epilog="Example: ringfence log evidence list --root app",
)
@follower
@json_option
def list_evidence(client: LogClient) -> None:
    """List the evidence that is kept."""
    for name in client.evidence():
        show({"evidence": name}, name)


@click.command(
    "export",
    epilog="Example: ringfence log evidence export HASH --out fork.json",
)
@click.argument("name")
@click.option("--out", type=_NEW, required=True, help="Write it here.")
@follower
def export_evidence(client: LogClient, *, name: str, out: Path) -> None:
    """Write evidence to a file, for others to check."""
    Files().create(out, client.read_evidence(name), 0o644)


@click.command(
    epilog="Example: ringfence log verify app.tar --claim app.tar.claim.json"
    " --proof app.tar.tlog-proof --policy policy --trust trust.json"
)
@click.argument("file", type=_FILE)
@click.option("--claim", type=_FILE, required=True, help="The release's claim.")
@click.option("--proof", type=_FILE, required=True, help="That it is in the log.")
@click.option("--policy", "policy_file", type=_FILE, required=True, help="Witnesses.")
@click.option("--trust", type=_FILE, required=True, help="Who may claim what.")
@json_option
def verify(
    *, file: Path, claim: Path, proof: Path, policy_file: Path, trust: Path
) -> None:
    """Check a released FILE with its claim and proof, asking nobody."""
    files = Files()
    with files.open(file) as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    found = verify_release(
        digest,
        files.read(claim, most=MAX_ENTRY),
        parse_proof(files.read(proof, most=MAX_FILE)),
        policy=parse_policy(files.read(policy_file, most=MAX_POLICY)),
        trust=parse_trust(files.read(trust, most=MAX_TRUST_BYTES)),
        now=time.time(),
    )
    tree = found.checkpoint
    since = "" if found.seen_at is None else f", seen by {day(found.seen_at)}"
    show(
        {"index": found.index, "purl": found.claim.purl, "seen": found.seen_at},
        f"{found.claim.purl}: entry {found.index} of {tree.origin}{since}",
    )
    note("not known offline: yanks, and whether the log that others see is this one")


def _no_history(sha256: str) -> NoReturn:
    raise FetchError("status", f"no repository has trust file {sha256}", status=404)
