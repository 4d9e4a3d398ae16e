"""`ringfence release sigstore`: who signs with Sigstore, and as whom.

A job of a CI system says by itself who it is; any other token comes through a
descriptor, since arguments and environment can be read by others on the machine.
"""

import contextlib
import functools
import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from cli.home import Home
from cli.output import json_option, show
from updater.errors import MissingError, RefusedError
from updater.files import Files
from updater.publish.keys import KeyFiles, open_module, parse_uri
from updater.publish.vouching import Instance, Vouch, by_key, by_token
from updater.sigstore.signing import DEADLINE_S, ambient_token

ENDING: Final = ".sigstore.json"

_Command = TypeVar("_Command", bound=Callable[..., Any])  # click's own signature
_PATH = click.Path(path_type=Path)
_LONGEST: Final = 16 << 10  # bytes of a token; those of CI systems have two or three
_MOST: Final = 1 << 20  # bytes of a configuration; that of the public instance has 9 kB
_WAYS: Final = "--oidc, --token-fd or --key"

_OPTIONS: Final = (
    click.option("--oidc", is_flag=True, help="Sign as this CI job."),
    click.option("--token-fd", type=int, help="Sign as the token read from there."),
    click.option("--key", help="Sign with this P-256 key: sealed:, plain: or hsm: …"),
    click.option("--hint", help="Of the key in sigstore.json.  [default: its hash]"),
    click.option("--trust-config", type=_PATH, help="Of a private Sigstore."),
    click.option("--deadline", type=click.FloatRange(min=0.1), default=DEADLINE_S,
                 show_default=True, help="Seconds for one signature."),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Voucher:
    """What the options say of who signs with Sigstore."""

    oidc: bool
    token_fd: int | None
    key: str | None
    hint: str | None
    trust_config: Path | None
    deadline: float

    def __post_init__(self) -> None:
        ways = sum((self.oidc, self.token_fd is not None, self.key is not None))
        if ways > 1:
            raise click.UsageError(f"give one of {_WAYS}")
        if not ways and self.trust_config is not None:
            raise click.UsageError(f"who signs? give one of {_WAYS}")
        if self.hint is not None and self.key is None:
            raise click.UsageError("--hint names the key of --key")

    def open(self, home: Home, held: contextlib.ExitStack) -> Vouch | None:
        """Get ready to sign; None where nobody is to sign.

        Raises:
            click.UsageError: there is no token where one is to be read.
            MissingError: this machine cannot say who it is.
            UnreachableError: it can, and did not.
        """
        config = self.trust_config
        instance = Instance(
            None if config is None else Files().read(config, most=_MOST),
            deadline_s=self.deadline,
        )
        if self.key is not None:
            uri = parse_uri(self.key)
            key = (
                held.enter_context(open_module(uri, home.passphrase))[1]
                if uri.scheme == "hsm"
                else KeyFiles(Path.cwd(), Files()).open(uri, home.passphrase)
            )
            return by_key(key, instance, hint=self.hint)
        if self.token_fd is not None:
            return by_token(_token(self.token_fd), instance)
        return by_token(self._ambient(), instance) if self.oidc else None

    def _ambient(self) -> str:
        token = ambient_token(deadline_s=self.deadline)
        if token is None:
            raise MissingError(
                "this machine is no CI job that can say who it is: give --token-fd"
            )
        return token


def voucher_options(command: _Command) -> _Command:
    """Give a command the options of `Voucher`, which it takes as `voucher`."""

    @functools.wraps(command)
    def gathered(*args: Any, **given: Any) -> Any:
        said = {name: given.pop(name) for name in Voucher.__dataclass_fields__}
        return command(*args, voucher=Voucher(**said), **given)

    for option in reversed(_OPTIONS):
        gathered = option(gathered)
    return gathered  # type: ignore[return-value]  # what it takes is what click gives


@click.command(epilog="Example: ringfence release sigstore app-1.0-….tar --oidc")
@click.argument("files", nargs=-1, required=True, type=_PATH)
@voucher_options
@json_option
@click.pass_obj
def sigstore(home: Home, *, files: tuple[Path, ...], voucher: Voucher) -> None:
    """Sign FILES with Sigstore, wherever they were built.

    Writes FILE.sigstore.json beside each, for 'ringfence release build --sigstore'.
    The signatures stand in a public log, with the identity that made them.
    """
    with contextlib.ExitStack() as held:
        vouch = voucher.open(home, held)
        if vouch is None:
            raise click.UsageError(f"who signs? give one of {_WAYS}")
        beside = {file: file.with_name(file.name + ENDING) for file in files}
        if there := [each for each in beside.values() if each.exists()]:
            raise RefusedError(f"{there[0]}: there is one already")
        for file, bundle in beside.items():
            digest = _digest(file)
            Files().create(bundle, vouch(digest), 0o644)
            show(
                {"bundle": str(bundle), "file": str(file), "sha256": digest.hex()},
                f"{digest.hex()}  {bundle}",
            )


def _digest(path: Path) -> bytes:
    with Files().open(path) as file:
        return hashlib.file_digest(file, "sha256").digest()


def _token(number: int) -> str:
    """Read a token from a descriptor."""
    try:
        with os.fdopen(number, "rb") as file:
            raw = file.read(_LONGEST + 1)
    except OSError as error:
        raise click.UsageError(f"descriptor {number}: {error.strerror}") from error
    token = raw.strip()
    if not token or len(raw) > _LONGEST or not token.isascii():
        raise click.UsageError(
            f"descriptor {number}: expected a token of at most {_LONGEST} bytes"
        )
    return token.decode()
