"""A user's home folder, and the passphrase that opens the store in it.

A passphrase comes from the terminal, a file or a descriptor; never from an argument or
the environment, which other programs on the machine can read.
"""

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli import paths
from voip.errors import MissingError, RefusedError

if TYPE_CHECKING:  # the store loads cryptography, and help must be there at once
    from voip.identity.sealed import Cost
    from voip.identity.store import Store
    from voip.identity.unlock import Keyring, Passphrase
    from voip.identity.vault import Vault

_LONGEST = 1024  # bytes of a passphrase; a larger file is not one


@dataclass(frozen=True, slots=True)
class Home:
    """What the options before the command's name say."""

    folder: Path
    passphrase_file: Path | None = None
    passphrase_fd: int | None = None
    keyring: bool = False

    @property
    def can_unlock(self) -> bool:
        """Whether the store can be opened without an error of usage."""
        told = self.passphrase_file or self.keyring or sys.stdin.isatty()
        return bool(told) or self.passphrase_fd is not None

    def open(self) -> "Store":
        """Open the store.

        Raises:
            click.UsageError: nothing tells the passphrase, and nobody can be asked.
            MissingError: there is no store, or no keyring to open it with.
            StoreError: others can read it, or it is damaged.
            PassphraseError: wrong passphrase, or a damaged file.
        """
        from voip.identity.store import Store  # noqa: PLC0415 - see TYPE_CHECKING

        path = paths.store(self.folder)
        if not path.exists():
            raise MissingError(
                f"no store in {self.folder}: 'ringfence identity create' makes one"
            )
        return Store.open(path, self.unlock())

    def create(self, vault: "Vault", cost: "Cost") -> None:
        """Make the store of a new device.

        Raises:
            click.UsageError: nothing tells the passphrase, and nobody can be asked.
            RefusedError: there is a store already.
            StoreError: others can read the folder.
            MissingError: there is no keyring.
        """
        from voip.identity.store import Store  # noqa: PLC0415 - likewise

        path = paths.store(self.folder)
        if path.exists():  # before anybody is asked for a passphrase
            raise RefusedError(f"there is an identity in {self.folder} already")
        Store.create(path, vault, self.unlock(new=True), cost=cost)

    def unlock(self, *, new: bool = False) -> "Passphrase | Keyring":
        """Get what opens the store, asking twice where it is `new`."""
        from voip.identity.unlock import Keyring, Passphrase  # noqa: PLC0415 - likewise

        if self.keyring:
            return Keyring()
        return Passphrase(self.passphrase(new=new, others=", or --keyring"))

    def passphrase(self, *, new: bool = False, others: str = "") -> bytes:
        """Get what opens a sealed file, asking twice where it is `new`.

        `others` says what else would do, where that is so.
        """
        if self.passphrase_fd is not None:
            return _from_descriptor(self.passphrase_fd)
        if self.passphrase_file is not None:
            return read_passphrase(self.passphrase_file)
        instead = f": give --passphrase-file or --passphrase-fd{others}"
        return ask_passphrase("passphrase", new=new, instead=instead)


def ask_passphrase(what: str, *, new: bool, instead: str = "") -> bytes:
    """Ask the person at the terminal, unseen; twice where a slip would lock them out.

    Raises:
        click.UsageError: stdin is not a terminal; `instead` says what else to do.
    """
    if not sys.stdin.isatty():
        raise click.UsageError(f"no terminal to ask for the {what}{instead}")
    prompt = f"New {what}" if new else what.capitalize()
    answer = click.prompt(prompt, hide_input=True, confirmation_prompt=new, err=True)
    return str(answer).encode()


def read_passphrase(path: Path) -> bytes:
    """Read a passphrase from a file; one line end at its end is not part of it."""
    with path.open("rb") as file:
        return _checked(file.read(_LONGEST + 1), str(path))


def _from_descriptor(number: int) -> bytes:
    try:
        with os.fdopen(number, "rb") as file:
            return _checked(file.read(_LONGEST + 1), f"descriptor {number}")
    except OSError as error:
        raise click.UsageError(f"descriptor {number}: {error.strerror}") from error


def _checked(raw: bytes, source: str) -> bytes:
    passphrase = raw.removesuffix(b"\n").removesuffix(b"\r")
    if not passphrase:
        raise click.UsageError(f"{source}: expected a passphrase, came nothing")
    if len(raw) > _LONGEST:
        raise click.UsageError(
            f"{source}: expected a passphrase of at most {_LONGEST} bytes"
        )
    return passphrase
