"""`ringfence gateway`: people with a browser, a telephone, or in a room."""

import importlib

import click

_COMMANDS = {
    "browser": "Invite somebody who has nothing but a browser.",
    "sip": "Call telephones, and be called by them.",
    "room": "Talk with several people; no server, or one that hears nothing.",
    "status": "See how a gateway or a relay does.",
}
"""Name and first line of help; the command is ``cli.gateways.NAME.command``."""


class _Gateway(click.Group):
    """A group whose commands load when asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's
        """Name all commands."""
        return list(_COMMANDS)

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's
        cmd_name: str,
    ) -> click.Command | None:
        """Import the module of one command."""
        if cmd_name not in _COMMANDS:
            return None
        found = importlib.import_module(f"cli.gateways.{cmd_name}").command
        assert isinstance(found, click.Command)
        return found

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's
        formatter: click.HelpFormatter,
    ) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(cls=_Gateway, epilog="Example: ringfence gateway room open bob carol")
def gateway() -> None:
    """People with a browser, a telephone, or in a room.

    Each way but a room of Ringfence devices is weaker than a call between two of
    them. Everybody in the call is told how much weaker, before they are heard.
    """
