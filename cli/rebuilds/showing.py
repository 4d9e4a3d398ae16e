"""How commands of `rebuild` show comparisons, and the exit code for them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from cli.codes import Code
from reproducible.compare.verdict import Comparison
from reproducible.explain.explaining import Explained

_Command = TypeVar("_Command", bound=Callable[..., Any])  # click's own signature


@dataclass(frozen=True, slots=True)
class Wanted:
    """Where comparisons are shown besides stdout."""

    html: Path | None = None
    badge: Path | None = None
    quiet: bool = False


def report_options(command: _Command) -> _Command:
    """Give a command `--json`, `--html F`, `--badge F` and `--quiet`, as `wanted`."""
    raise NotImplementedError


def show_comparisons(
    explained: Sequence[Explained], wanted: Wanted, *, with_excerpts: bool = False
) -> Code:
    """Print comparisons, write what is wanted, and give the worst one's exit code."""
    raise NotImplementedError


def code_of(comparison: Comparison) -> Code:
    """Give the exit code of a verdict."""
    raise NotImplementedError


def worst(codes: Iterable[Code]) -> Code:
    """Choose the code of several results: 70, 69, 75, 64, 5, 1, 6, 4, 3, 2, 0."""
    raise NotImplementedError
