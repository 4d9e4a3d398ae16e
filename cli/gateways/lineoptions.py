"""A telephone account, as options of the commands that call with it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from cli.gateways.lineaccount import read_account
from voip.gateway.counts import GatewayCounts
from voip.gateway.sip.telephony import SipLine

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account, and how it is reached.

    Attributes:
        file: what it says.
        allow_unencrypted: the user's word for calls that others can hear.
        ca_file: who may vouch for the exchange; None for whom the system trusts.
        interface: the network interface or address for SIP; None for all.
    """

    file: Path
    allow_unencrypted: bool
    ca_file: Path | None
    interface: str | None


def line_params(*, required: bool = False) -> list[click.Parameter]:
    """Give the options, for `click.command`; `take_account` reads what they say.

    `required`, there must be an account.
    """
    return [
        click.Option(
            ["--account"],
            type=_FILE,
            required=required,
            help="Your telephone account.",
        ),
        click.Option(
            ["--allow-unencrypted"],
            is_flag=True,
            help="Also calls that others on the way can hear, if the account says so.",
        ),
        click.Option(
            ["--sip-ca", "ca_file"],
            type=_FILE,
            help="Who may vouch for the exchange, PEM.  [default: the system's]",
        ),
        click.Option(
            ["--sip-interface", "interface"],
            metavar="NAME",
            help="Network interface or address for SIP.  [default: all]",
        ),
    ]


def take_account(given: dict[str, Any]) -> Account | None:
    """Take what those options say out of what the command was given."""
    file = given.pop("account")
    names = ("allow_unencrypted", "ca_file", "interface")
    taken = {name: given.pop(name) for name in names}
    return None if file is None else Account(file=file, **taken)


@asynccontextmanager
async def open_line(account: Account, counts: GatewayCounts) -> AsyncIterator[SipLine]:
    """Have the account's line, once its exchange knows us.

    Raises:
        MalformedError: the account's file.
        MissingError: a file or the SIP stack is not there.
        RefusedError: the exchange does not want us.
        UnreachableError: it does not answer.
    """
    said, password = read_account(account.file)
    line = SipLine(
        said,
        password=password,
        ca_file=account.ca_file,
        allow_unencrypted=account.allow_unencrypted,
        interface=account.interface,
        counts=counts,
    )
    async with line:
        await line.registered()
        yield line
