"""How commands of `rebuild` show comparisons, and the exit code for them."""

import functools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from cli.codes import Code
from cli.output import json_option, show
from reproducible.compare.verdict import Comparison
from reproducible.explain.explaining import Explained
from reproducible.explain.report import report_json
from reproducible.explain.text import format_text
from updater.files import Files
from updater.transparency.claims.rebuild import Verdict

_Command = TypeVar("_Command", bound=Callable[..., Any])  # click's own signature

_FILE = click.Path(dir_okay=False, path_type=Path)

_CODES: Final[dict[Verdict, Code]] = {
    "identical": Code.DONE,
    "different": Code.DIFFERENT,
    "identical-with-exceptions": Code.WITH_EXCEPTIONS,
    "unsupported": Code.UNSUPPORTED,
    "build-failed": Code.BUILD_FAILED,
}

WORST_FIRST: Final = (
    Code.BUG,
    Code.MISSING,
    Code.UNREACHABLE,
    Code.USAGE,
    Code.OTHER_SOURCE,
    Code.DIFFERENT,
    Code.NO_QUORUM,
    Code.BUILD_FAILED,
    Code.UNSUPPORTED,
    Code.WITH_EXCEPTIONS,
    Code.DONE,
)
"""What could not be looked at outweighs every verdict: it may hide a worse one."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Where comparisons are shown besides stdout."""

    html: Path | None = None
    badge: Path | None = None
    quiet: bool = False


def report_options(command: _Command) -> _Command:
    """Give a command `--json`, `--html F`, `--badge F` and `--quiet`, as `wanted`."""

    @functools.wraps(command)
    def with_wanted(
        *args: Any, html: Path | None, badge: Path | None, quiet: bool, **rest: Any
    ) -> Any:
        return command(*args, wanted=Wanted(html, badge, quiet=quiet), **rest)

    for option in (
        click.option("--quiet", is_flag=True, help="Print nothing: the code says it."),
        click.option("--badge", type=_FILE, help="Write the verdict to FILE, as SVG."),
        click.option(
            "--html", type=_FILE, help="Write a page with excerpts to FILE, anew."
        ),
        json_option,
    ):
        option(with_wanted)
    return with_wanted  # type: ignore[return-value] # click calls it by its options


def show_comparisons(
    explained: Sequence[Explained], wanted: Wanted, *, with_excerpts: bool = False
) -> Code:
    """Print comparisons, write what is wanted, and give the worst one's exit code.

    Raises:
        StoreError: a file cannot be written; there is no verdict then.
    """
    worst_code = worst(code_of(each.comparison) for each in explained)
    if not wanted.quiet:
        for each in explained:
            lines = format_text(each, with_excerpts=with_excerpts)
            show(report_json(each.comparison), *lines)
    # A report is made again and again, and says nothing that was not made from the
    # same files: here an old one is in the way of nobody.
    if wanted.html is not None:
        from reproducible.explain.page import format_page  # noqa: PLC0415 - seldom asked

        Files().replace(wanted.html, format_page(explained), 0o644)
    if wanted.badge is not None:
        from reproducible.explain.badge import format_badge  # noqa: PLC0415

        said = next(e for e in explained if code_of(e.comparison) is worst_code)
        Files().replace(wanted.badge, format_badge(said.comparison.verdict), 0o644)
    return worst_code


def code_of(comparison: Comparison) -> Code:
    """Give the exit code of a verdict."""
    if any(each.kind == "source" for each in comparison.differences):
        return Code.OTHER_SOURCE
    return _CODES[comparison.verdict]


def worst(codes: Iterable[Code]) -> Code:
    """Choose the code of several results, at least one."""
    return min(codes, key=WORST_FIRST.index)
