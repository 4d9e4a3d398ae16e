"""`ringfence identity`: who you are to others."""

import os
import time
from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

import click

from cli import paths
from cli.home import Home, ask_passphrase, read_passphrase
from cli.output import day, json_option, show
from voip.identity import person
from voip.identity.backup import backup, restore
from voip.identity.card import RelayAddress, format_card, format_relay, parse_relay
from voip.identity.keys import format_identity
from voip.identity.reach import choose, reach
from voip.identity.sealed import Cost
from voip.identity.signer import Signer
from voip.identity.store import export_backup, import_backup
from voip.identity.unlock import Keyring, Passphrase
from voip.identity.vault import (
    Busy,
    Candidates,
    OnLegs,
    Settings,
    SignerKind,
    SignerSource,
    Strangers,
    Vault,
)

F = TypeVar("F", bound=Callable[..., Any])  # click's own signature
_SIGNERS = "native, seed:PATH, openssh:PATH or agent[:FINGERPRINT]"
_RELAY = "Where others leave their calls: 'HOST:PORT PIN', or none."

_BACKUP_PASSPHRASE = click.option(
    "--backup-passphrase-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Read the backup's own passphrase from this file.",
)
_KDF = click.option(
    "--kdf-mib",
    type=click.IntRange(64, 1024),
    default=256,
    show_default=True,
    help="Memory that each guess at the passphrase costs; less on small devices.",
)


def _choice(name: str, kind: type[StrEnum], text: str) -> Callable[[F], F]:
    """Make an option whose choices are the values of an enum."""
    return click.option(
        name,
        type=click.Choice([each.value for each in kind]),
        callback=lambda _ctx, _param, value: None if value is None else kind(value),
        help=text,
    )


class _Key(click.ParamType[tuple[SignerKind, str]]):
    """Where an identity key is: KIND, or KIND:WHERE."""

    name = "signer"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[SignerKind, str]:
        """Split, and make a path absolute."""
        kind, _, where = value.partition(":")
        if kind not in {"native", "seed", "openssh", "agent"}:
            self.fail(f"expected {_SIGNERS}, came {value!r}", param, ctx)
        if (kind == "native" and where) or (kind in {"seed", "openssh"} and not where):
            self.fail(f"expected {_SIGNERS}, came {value!r}", param, ctx)
        in_file = kind in {"seed", "openssh"}
        return SignerKind(kind), str(paths.expand(where)) if in_file else where


@click.group(epilog="Example: ringfence identity create --alias alice")
def identity() -> None:
    """Who you are to others: keys, card, backup."""


@identity.command(epilog="Example: ringfence identity create --alias alice")
@click.option("--alias", required=True, help="The name on your card.")
@click.option(
    "--signer",
    "where",
    type=_Key(),
    default="native",
    show_default=True,
    help=f"{_SIGNERS}.",
)
@click.option("--relay", help=_RELAY)
@_KDF
@json_option
@click.pass_obj
def create(
    home: Home,
    *,
    alias: str,
    where: tuple[SignerKind, str],
    relay: str | None,
    kdf_mib: int,
) -> None:
    """Make an identity, or take one you have, with its store."""
    source, key = _choose(*where)
    vault = person.begin(
        alias,
        key,
        source=source,
        relay=_parse_relay(relay),
        now=_now(),
        entropy=os.urandom,
    )
    home.create(vault, Cost(kdf_mib << 10))
    show(_facts(vault), *_lines(vault))


@identity.command("show", epilog="Example: ringfence identity show")
@json_option
@click.pass_obj
def show_identity(home: Home) -> None:
    """Show your identity, this device and its call key."""
    vault = home.open().read()
    show(_facts(vault), *_lines(vault))


@identity.command(epilog="Example: ringfence identity card > alice.card")
@json_option
@click.pass_obj
def card(home: Home) -> None:
    """Print your contact card, for those who may call you."""
    text = format_card(home.open().read().card)
    show({"card": text}, text.removesuffix("\n"))


@identity.command(
    epilog="Example: ringfence identity change --relay 'relay.example:5349 -'"
)
@click.option("--alias", help="The name on your card.")
@click.option("--relay", help=_RELAY)
@_choice("--strangers", Strangers, "What becomes of calls from strangers.")
@_choice("--busy", Busy, "What a second caller hears.")
@_choice("--candidates", Candidates, "When the other side learns your address.")
@_choice("--legs", OnLegs, "What becomes of legs that a gateway joins to your calls.")
@click.option(
    "--strict/--no-strict",
    default=None,
    help="Answer nobody whose trust is broken; speak to nobody new unasked.",
)
@json_option
@click.pass_obj
def change(  # noqa: PLR0913 - one argument for each option
    home: Home,
    *,
    alias: str | None,
    relay: str | None,
    strangers: Strangers | None,
    busy: Busy | None,
    candidates: Candidates | None,
    legs: OnLegs | None,
    strict: bool | None,
) -> None:
    """Change what is on your card, and whom you answer."""

    def changed(vault: Vault) -> Vault:
        now = vault.settings
        return replace(
            vault,
            alias=alias or vault.alias,
            relay=_parse_relay(relay) if relay else vault.relay,
            settings=Settings(
                strangers or now.strangers,
                busy or now.busy,
                candidates=candidates or now.candidates,
                strict=now.strict if strict is None else strict,
                legs=legs or now.legs,
            ),
        )

    vault = home.open().change(changed)
    show(_facts(vault), *_lines(vault))


@identity.command(epilog="Example: ringfence identity rotate")
@json_option
@click.pass_obj
def rotate(home: Home) -> None:
    """Make a fresh call key now, and not only every week."""
    store = home.open()
    vault = store.read()
    fresh = vault.rotated(_reach(vault), _now(), os.urandom).call_keys[0]
    vault = store.change(lambda vault: person.with_call_key(vault, fresh, _now()))
    show(_facts(vault), *_lines(vault))


@identity.command(epilog="Example: ringfence identity signer openssh:/media/key/id")
@click.argument("where", type=_Key(), metavar="SIGNER")
@json_option
@click.pass_obj
def signer(home: Home, where: tuple[SignerKind, str]) -> None:
    """Look for your identity key elsewhere from now on."""
    store = home.open()
    source, key = _choose(*where)
    vault = store.change(lambda vault: person.with_signer(vault, source, key))
    show(_facts(vault), *_lines(vault))


@identity.command(epilog="Example: ringfence identity passphrase")
@click.option(
    "--new-passphrase-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Read the new passphrase from this file.",
)
@click.option(
    "--new-keyring", is_flag=True, help="Let the system's keyring open the store."
)
@_KDF
@click.pass_obj
def passphrase(
    home: Home, *, new_passphrase_file: Path | None, new_keyring: bool, kdf_mib: int
) -> None:
    """Change what opens your store.

    Whoever has a copy of the store as it was, in a backup of the disk perhaps, can
    still open that one with the old passphrase. Programs that have it open must start
    again.
    """
    if new_keyring and new_passphrase_file is not None:
        raise click.UsageError("--new-keyring and --new-passphrase-file: give one")
    store = home.open()
    new = (
        Keyring()
        if new_keyring
        else _passphrase("passphrase", new_passphrase_file, "--new-passphrase-file")
    )
    store.relock(new, cost=Cost(kdf_mib << 10))


@identity.command(epilog="Example: ringfence identity export alice.backup")
@click.argument("path", type=click.Path(dir_okay=False, path_type=Path))
@_BACKUP_PASSPHRASE
@_KDF
@click.pass_obj
def export(
    home: Home, path: Path, backup_passphrase_file: Path | None, *, kdf_mib: int
) -> None:
    """Write an encrypted backup to PATH.

    It holds your identity, contacts and call log, and nothing of this device. Whoever
    opens it can be you. Restored, you come back as a new device, and every contact is
    told so: compare the words again.
    """
    saved = backup(home.open().read())
    own = _backup_passphrase(backup_passphrase_file, new=True)
    export_backup(saved, path, own, cost=Cost(kdf_mib << 10))


@identity.command("import", epilog="Example: ringfence identity import alice.backup")
@click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_BACKUP_PASSPHRASE
@_KDF
@json_option
@click.pass_obj
def import_(
    home: Home, path: Path, backup_passphrase_file: Path | None, *, kdf_mib: int
) -> None:
    """Start a new device of yours from the backup at PATH."""
    own = _backup_passphrase(backup_passphrase_file, new=False)
    vault = restore(import_backup(path, own), os.urandom)
    vault = vault.rotated(_reach(vault), _now(), os.urandom)
    home.create(vault, Cost(kdf_mib << 10))
    show(_facts(vault), *_lines(vault))


def _backup_passphrase(path: Path | None, *, new: bool) -> Passphrase:
    what = "passphrase of the backup"
    return _passphrase(what, path, "--backup-passphrase-file", new=new)


def _passphrase(
    what: str, path: Path | None, option: str, *, new: bool = True
) -> Passphrase:
    if path is not None:
        return Passphrase(read_passphrase(path))
    return Passphrase(ask_passphrase(what, new=new, instead=f": give {option}"))


def _choose(kind: SignerKind, where: str) -> tuple[SignerSource, Signer]:
    return choose(
        kind, where, agent=paths.agent_socket(), ask=_ask_key, entropy=os.urandom
    )


def _reach(vault: Vault) -> Signer:
    return reach(vault.signer, vault.identity, agent=paths.agent_socket(), ask=_ask_key)


def _ask_key() -> bytes:
    return ask_passphrase("passphrase of the key file", new=False)


def _parse_relay(text: str | None) -> RelayAddress | None:
    return None if text in {None, "none"} else parse_relay(str(text))


def _now() -> int:
    return int(time.time())


def _facts(vault: Vault) -> dict[str, object]:
    settings = vault.settings
    return {
        "alias": vault.alias,
        "identity": format_identity(vault.identity),
        "device": vault.device_id.hex(),
        "signer": vault.signer.kind,
        "relay": format_relay(vault.relay) if vault.relay else None,
        "call_keys_until": [key.certificate.naf for key in vault.call_keys],
        "strangers": settings.strangers,
        "busy": settings.busy,
        "candidates": settings.candidates,
        "strict": settings.strict,
        "legs": settings.legs,
    }


def _lines(vault: Vault) -> list[str]:
    settings = vault.settings
    newest = vault.call_keys[0].certificate if vault.call_keys else None
    return [
        f"alias: {vault.alias}",
        f"identity: {format_identity(vault.identity)}",
        f"device: {vault.device_id.hex()}",
        f"signer: {vault.signer.kind} {vault.signer.path}".rstrip(),
        f"relay: {format_relay(vault.relay) if vault.relay else 'none'}",
        f"call key: until {day(newest.naf)}" if newest else "call key: none",
        f"strangers: {settings.strangers}",
        f"busy: {settings.busy}",
        f"candidates: {settings.candidates}",
        f"strict: {'yes' if settings.strict else 'no'}",
        f"legs: {settings.legs}",
    ]
