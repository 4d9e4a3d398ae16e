"""Sound, pictures and network, as options of the gateway's commands: those of calls."""

from collections.abc import Mapping
from typing import Any

import click

from cli.grouped import GroupedCommand
from cli.wishes import Wishes, call_options

_SHARED = frozenset(
    {
        "audio_in",
        "audio_out",
        "headphones",
        "raw",
        "gain",
        "video",
        "video_in",
        "video_out",
        "overwrite",
        "ice_servers",
        "turn",
        "turn_login",
        "turn_ca",
        "turn_pin",
        "relay_only",
        "loopback",
    }
)


@click.command(cls=GroupedCommand)
@call_options
def _call(**_: Any) -> None:
    """Hold the options of a call."""


def media_params() -> list[click.Parameter]:
    """Give the options about sound, pictures and network, for `click.command`."""
    return [param for param in _call.params if param.name in _SHARED]


def wishes_of(given: Mapping[str, Any]) -> Wishes:
    """Read what those options say; what only calls have is as if nobody asked."""
    context = click.get_current_context()
    rest: dict[str, Any] = {
        param.name: param.get_default(context)
        for param in _call.params
        if param.name not in _SHARED and param.name is not None
    }
    return Wishes(**rest, **given)
