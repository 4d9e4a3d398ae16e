"""Groups of commands that load when asked for: `--help` must not wait for libraries."""

import importlib
from collections.abc import Mapping
from typing import ClassVar

import click


class LazyGroup(click.Group):
    """A group that knows the names of its commands before it knows the commands.

    `listed` gives name and first line of help, in the order of the help; a command is
    ``PACKAGE.NAME.command``. What is added to the group itself is found as in any.
    """

    listed: ClassVar[Mapping[str, str]]
    package: ClassVar[str]

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's
        """Name all commands."""
        return list(self.listed)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of one command."""
        if cmd_name in self.listed and cmd_name not in self.commands:
            return self.load(cmd_name)
        return super().get_command(ctx, cmd_name)

    def load(self, name: str, command: str = "command") -> click.Command:
        """Import a module of the package, and give its command."""
        found = getattr(importlib.import_module(f"{self.package}.{name}"), command)
        assert isinstance(found, click.Command)
        return found

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's
        formatter: click.HelpFormatter,
    ) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(self.listed.items()))
