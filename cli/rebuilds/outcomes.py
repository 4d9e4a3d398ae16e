"""How builds under many conditions are shown, and the exit code for them."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from cli.codes import Code
from cli.output import escape, show

if TYPE_CHECKING:  # help needs none of these
    from reproducible.vary.outcomes import Outcome, State

_Command = TypeVar("_Command", bound=Callable[..., Any])  # click's own signature

_CODES: "Final[dict[State, Code]]" = {
    "baseline": Code.DONE,
    "same": Code.DONE,
    "different": Code.DIFFERENT,
    "failed": Code.BUILD_FAILED,
    # Nothing was found out: that must not pass for a verdict of either kind.
    "unvaried": Code.MISSING,
    "skipped": Code.MISSING,
}


def commit_options(command: _Command) -> _Command:
    """Give a command `--source` and `--recipe`: which repository, built by what."""
    for option in (
        click.option(
            "--recipe",
            default="requirements/recipe.toml",
            show_default=True,
            metavar="PATH",
            help="In the commit, not on this disk.",
        ),
        click.option(
            "--source",
            default=".",
            show_default=True,
            metavar="PATH|URL",
            help="The git repository.",
        ),
    ):
        command = option(command)
    return command


def vary_options(command: _Command) -> _Command:
    """Give a command `--only` and `--strict`."""
    for option in (
        click.option(
            "--strict", is_flag=True, help="Fail if something cannot be varied here."
        ),
        click.option(
            "--only",
            default="",
            metavar="V03,V07,…",
            help="Only these variations, and the baseline.",
        ),
    ):
        command = option(command)
    return command


def named(only: str) -> tuple[str, ...]:
    """Take the names of `--only` apart."""
    return tuple(name.strip() for name in only.split(",") if name.strip())


def show_outcomes(outcomes: "Iterable[Outcome]", *, strict: bool) -> Code:
    """Print each outcome as it comes, and give the exit code of the worst."""
    from reproducible.explain.text import format_text  # noqa: PLC0415 - heavy
    from reproducible.vary.outcomes import worst  # noqa: PLC0415

    seen = []
    for each in outcomes:
        seen.append(each)
        facts = {
            "about": each.about,
            "files": dict(each.files),
            "name": each.name,
            "state": each.state,
            "text": each.text,
        }
        line = f"{each.name:6}  {each.state:9}  {each.about}"
        why = f": {escape(each.text)}" if each.text else ""
        explained = [
            f"        {line}" for files in each.explained for line in format_text(files)
        ]
        show(facts, line + why, *explained)
    return _CODES[worst(seen, strict=strict)]
