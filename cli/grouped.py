"""Help in groups: a command with many options shows them by what they are about."""

import functools
from collections.abc import Callable
from typing import Any

import click

_OTHERS = "Others"


class GroupedOption(click.Option):
    """An option that belongs to a group."""

    def __init__(self, *names: Any, group: str, **settings: Any) -> None:
        super().__init__(*names, **settings)
        self.group = group


class GroupedCommand(click.Command):
    """A command whose help shows groups one after the other, other options last."""

    def format_options(
        self, ctx: click.Context, formatter: click.HelpFormatter
    ) -> None:
        """Write the options."""
        groups: dict[str, list[tuple[str, str]]] = {}
        others = []
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is None or isinstance(param, click.Argument):
                continue
            if isinstance(param, GroupedOption):
                groups.setdefault(param.group, []).append(record)
            else:
                others.append(record)
        for group, records in {**groups, _OTHERS: others}.items():
            with formatter.section(group):
                formatter.write_dl(records)


def group(name: str) -> Callable[..., Callable[..., Any]]:
    """Give what makes options of this group; otherwise it is `click.option`."""
    return functools.partial(click.option, cls=GroupedOption, group=name)
