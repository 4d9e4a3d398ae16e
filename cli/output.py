"""What the program says, and where.

Results go to stdout; everything else goes to stderr as `ringfence: error:`,
`ringfence: hint:` or `ringfence: note:`. With `--json` a result is one object per line,
with the same facts. Text that came from a peer, a relay or a card is shown escaped.
Colour only on a terminal, and never with NO_COLOR.
"""

import json
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

import click

from cli.paths import no_colour

_Command = TypeVar("_Command", bound=Callable[..., Any])  # click's own signature
_JSON = "cli.output.json"
_PASSING = "cli.output.passing"


def json_option(command: _Command) -> _Command:
    """Give a command `--json`, which `show` obeys."""

    def remember(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:  # noqa: FBT001 - click's callback
        ctx.meta[_JSON] = wanted

    option = click.option(
        "--json",
        is_flag=True,
        expose_value=False,
        callback=remember,
        help="One JSON object per line, for programs.",
    )
    return option(command)


def is_for_programs() -> bool:
    """Tell whether `--json` was given."""
    return bool(click.get_current_context().meta.get(_JSON))


def show(facts: Mapping[str, object], *lines: str) -> None:
    """Print one result: its facts for a program, or its lines for a person."""
    if is_for_programs():
        lines = (json.dumps(facts, sort_keys=True),)
    clear()
    for line in lines:
        click.echo(line)


def note(text: str) -> None:
    """Tell the user something that is neither a result nor an error."""
    clear()
    click.echo(f"ringfence: note: {text}", err=True)


def conclude(facts: Mapping[str, object], text: str) -> None:
    """Say what there is to say in the end: a result for a program, else a note."""
    if is_for_programs():
        show(facts)
    else:
        note(text)


def pass_by(text: str) -> None:
    """Show on a terminal what is being done, until something else is shown."""
    if not sys.stderr.isatty():
        return
    context = click.get_current_context()
    if _PASSING not in context.meta:
        context.call_on_close(clear)  # also where an error ends it
    context.meta[_PASSING] = True
    click.echo(f"\r\x1b[K{escape(text)}", err=True, nl=False)


def clear() -> None:
    """Remove what was shown in passing."""
    context = click.get_current_context(silent=True)
    if context is not None and context.meta.get(_PASSING):
        context.meta[_PASSING] = False
        click.echo("\r\x1b[K", err=True, nl=False)


def complain(text: str, hint: str = "") -> None:
    """Say what went wrong and, where there is one, what helps.

    A library's sentence may quote a peer, so it is escaped here at the latest.
    """
    click.echo(f"ringfence: error: {escape(text)}", err=True)
    if hint:
        click.echo(f"ringfence: hint: {escape(hint)}", err=True)


def escape(text: str) -> str:
    r"""Show foreign text so that it cannot move the cursor or turn the line around.

    Control characters, bidi marks, line separators and every other character with no
    picture become ``\x1b`` or ``\u202e``.
    """
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode()
        for char in text
    )


def alarm(text: str) -> str:
    """Make a word red where colours are welcome."""
    if no_colour() or not sys.stdout.isatty():
        return text
    return click.style(text, fg="red", bold=True)


def day(unix_s: float) -> str:
    """Write a time as its day in UTC, the same for everybody who compares it."""
    return datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%d")


def minute(unix_s: float) -> str:
    """Write a time to the minute, in the user's own time zone."""
    return datetime.fromtimestamp(unix_s).astimezone().strftime("%Y-%m-%d %H:%M")
