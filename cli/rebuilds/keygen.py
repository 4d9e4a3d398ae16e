"""`ringfence rebuild keygen`: a key that signs what you find."""

from pathlib import Path

import click

from cli.home import Home
from cli.keys import create_key
from cli.output import json_option, show
from reproducible.errors import RecipeError
from updater.shape import base64_text
from updater.statement import key_id
from updater.transparency.key import Kind


@click.command(epilog="Example: ringfence rebuild keygen -o rebuilder.key")
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help="Write the private key here.",
)
@click.option("--insecure-plain-key", is_flag=True, help="Without a passphrase.")
@json_option
@click.pass_obj
def command(home: Home, *, out: Path, insecure_plain_key: bool) -> None:
    """Make a key that signs what you find.

    Printed is the public key, as a policy lists it under your name. Give it to the
    publisher on a way that nobody else writes on.
    """
    if out.exists():  # before anybody is asked for a passphrase
        raise RecipeError(f"{out}: expected no file, came one")
    made = create_key(home, out, "rebuilder", Kind.LOG, is_plain=insecure_plain_key)
    public = made.verifier.public
    facts = {"key": base64_text(public), "keyid": key_id(public)}
    show(facts, f"key {facts['key']}", f"keyid {facts['keyid']}")
