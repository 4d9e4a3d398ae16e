"""`ringfence rebuild`: build releases and packages again, compare, explain, say so."""

from typing import Any, ClassVar

import click

from cli.codes import DiskError
from cli.lazy import LazyGroup
from reproducible.errors import InputError, MissingError, RecipeError
from updater import errors as updates
from updater.errors import UpdateError


class _Rebuild(LazyGroup):
    """A group where a version is a command."""

    package = "cli.rebuilds"
    listed: ClassVar = {
        "VERSION": "Rebuild a published release, and compare.",
        "build": "Build a commit in a sandbox without network.",
        "pypi": "Rebuild a package of an index; its recipe is found out.",
        "deps": "Rebuild every wheel of a lock.",
        "compare": "Compare two files bit for bit.",
        "explain": "Say why two files differ.",
        "recipe": "Check and show a recipe.",
        "verify": "Judge a file by what rebuilders said of it.",
        "vary": "Build under many conditions, and compare.",
        "keygen": "Make a key that signs what you find.",
        "watch": "Follow a repository, and rebuild each new release.",
        "release": "Lock, make and prove releases of your own.",
    }

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name all commands; a version stands for itself."""
        return [name for name in super().list_commands(ctx) if name != "VERSION"]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of one command; a version is one, too."""
        if _is_version(cmd_name):
            return self.load("version")
        return super().get_command(ctx, cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Leave a version in its place, as the argument of its command."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, command, args if _is_version(args[0]) else rest

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; what the updater would refuse is no verdict about a build."""
        try:
            return super().invoke(ctx)
        except updates.MissingError as error:
            raise MissingError(str(error)) from error
        except updates.MalformedError as error:
            raise RecipeError(str(error)) from error
        except updates.StoreError as error:
            raise DiskError(str(error)) from error
        except UpdateError as error:
            raise InputError(str(error)) from error


@click.group(cls=_Rebuild, epilog="Example: ringfence rebuild pypi idna==3.10")
def rebuild() -> None:
    """Build releases and packages again, compare bit for bit, say so.

    The exit code is the verdict: 0 identical, 1 different, 2 identical with exceptions,
    3 unsupported, 4 build failed, 5 another source than claimed.
    """


def _is_version(word: str) -> bool:
    # The word itself as well, so that the help listed under it can be asked for.
    return word[:1].isdigit() or word == "VERSION"
