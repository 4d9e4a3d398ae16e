"""`ringfence log policy`: who must have seen a log, and whether that is enough."""

from pathlib import Path

import click

from cli.output import json_option, note, show
from updater.errors import RefusedError
from updater.files import Files
from updater.transparency.lint import convert_witness_keys, lint
from updater.transparency.policy import MAX_POLICY, parse_policy
from updater.transparency.trust import MAX_TRUST_BYTES, parse_trust

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group(epilog="Example: ringfence log policy lint policy --trust trust.json")
def policy() -> None:
    """Read, check and import witness policies."""


@policy.command("lint", epilog="Example: ringfence log policy lint policy")
@click.argument("file", type=_FILE)
@click.option("--trust", type=_FILE, help="Whose keys and cooldown group to look at.")
@click.option("--dev", is_flag=True, help="Let a quorum of nobody through.")
@json_option
def lint_policy(file: Path, trust: Path | None, *, dev: bool) -> None:
    """Say what is weak about a policy; an error is code 1."""
    facts = trust and parse_trust(Files().read(trust, most=MAX_TRUST_BYTES))
    found = lint(
        Files().read(file, most=MAX_POLICY),
        cooldown_group=facts.cooldown_group if facts else None,
        role_keys=[
            key for role in (facts.roles if facts else {}).values() for key in role.keys
        ],
        is_dev=dev,
    )
    for each in found:
        show(
            {"code": each.code, "level": each.level, "text": each.text},
            f"{each.level}: {each.code}: {each.text}",
        )
    errors = [each for each in found if each.level == "error"]
    if errors:
        raise RefusedError(f"{file}: {len(errors)} errors")


@policy.command(
    "import", epilog="Example: ringfence log policy import theirs --convert-0x01"
)
@click.argument("file", type=_FILE)
@click.option(
    "--convert-0x01", "converts", is_flag=True, help="Witness keys of kind 01."
)
def import_policy(file: Path, *, converts: bool) -> None:
    """Print somebody's policy, once it is one; changed keys are listed."""
    data = Files().read(file, most=MAX_POLICY)
    if converts:
        data, names = convert_witness_keys(data)
        for name in names:
            note(f"{name}: its key is of kind 04 now, with a new id")
    parse_policy(data)
    click.echo(data, nl=False)


@policy.command("show", epilog="Example: ringfence log policy show policy")
@click.argument("file", type=_FILE)
@json_option
def show_policy(file: Path) -> None:
    """Say in words which logs and witnesses count."""
    found = parse_policy(Files().read(file, most=MAX_POLICY))
    for each in found.logs:
        show({"log": str(each.key)}, f"log {each.key.name}")
    for witness in found.witnesses:
        show(
            {"witness": witness.name, "vkey": str(witness.key)},
            f"witness {witness.name}: {witness.key.name}",
        )
    for group in found.groups:
        members = " ".join(group.members)
        show(
            {"group": group.name, "members": members, "threshold": group.threshold},
            f"group {group.name}: {group.threshold} of {members}",
        )
    show({"quorum": found.quorum}, f"quorum {found.quorum}")
