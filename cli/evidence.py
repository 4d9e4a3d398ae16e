"""`ringfence log evidence`: proof of misbehaviour, checked by anybody."""

from pathlib import Path

import click

from cli.following import export_evidence, list_evidence
from cli.output import json_option, show
from updater.files import Files
from updater.transparency.evidence import (
    MAX_BYTES,
    kind,
    name,
    parse_evidence,
    verify,
)
from updater.transparency.key import parse_vkey
from updater.transparency.trust import MAX_TRUST_BYTES, parse_trust

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group(epilog="Example: ringfence log evidence verify fork.json --log VKEY")
def evidence() -> None:
    """Check proof that a log said two things."""


evidence.add_command(list_evidence)
evidence.add_command(export_evidence)


@evidence.command(
    "verify", epilog="Example: ringfence log evidence verify fork.json --log VKEY"
)
@click.argument("file", type=_FILE)
@click.option("--log", "vkey", required=True, help="The log's public key.")
@click.option("--trust", type=_FILE, help="Who may release; for a duplicate release.")
@json_option
def verify_evidence(file: Path, vkey: str, trust: Path | None) -> None:
    """Check the evidence in FILE, with nothing but the log's key."""
    data = Files().read(file, most=MAX_BYTES)
    found = parse_evidence(data)
    may_release = (
        parse_trust(Files().read(trust, most=MAX_TRUST_BYTES)) if trust else None
    )
    verify(found, parse_vkey(vkey), may_release)
    show(
        {"evidence": name(data), "kind": kind(found)},
        f"{kind(found)}: the evidence holds",
    )
