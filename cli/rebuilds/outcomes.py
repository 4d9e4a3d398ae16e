"""How builds under many conditions are shown, and the exit code for them."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from cli.codes import Code
from cli.output import escape, show
from cli.rebuilds.shop import Shop, shop_options

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Varying:
    """What is built under which conditions, and with what."""

    only: tuple[str, ...]
    strict: bool
    source: str
    recipe: str
    shop: Shop

    def show(self, ref: str, prove: "Callable[..., Iterable[Outcome]]") -> Code:
        """Have a commit, tag or branch built again and again, and show what came of it.

        `prove` is `vary_commit`, or takes the same.
        """
        from reproducible.source.git import parse_repository  # noqa: PLC0415 - heavy
        from reproducible.vary.variations import choose_variations  # noqa: PLC0415

        variations = choose_variations(self.only)
        with self.shop.workshop() as workshop:
            outcomes = prove(
                parse_repository(self.source),
                ref,
                recipe=self.recipe,
                workshop=workshop,
                variations=variations,
                wait=time.sleep,
            )
            return _show_outcomes(outcomes, strict=self.strict)


def vary_options(command: _Command) -> _Command:
    """Give a command the options of a `Varying`."""

    @click.option(
        "--only",
        default="",
        metavar="V03,V07,…",
        help="Only these variations, and the baseline.",
    )
    @click.option(
        "--strict", is_flag=True, help="Fail if something cannot be varied here."
    )
    @commit_options
    @shop_options
    @wraps(command)
    def with_varying(
        *,
        only: str,
        strict: bool,
        source: str,
        recipe: str,
        shop: Shop,
        **others: object,
    ) -> Any:
        varying = Varying(
            only=tuple(name.strip() for name in only.split(",") if name.strip()),
            strict=strict,
            source=source,
            recipe=recipe,
            shop=shop,
        )
        return command(varying=varying, **others)

    return with_varying  # type: ignore[return-value] # click calls it by its options


def _show_outcomes(outcomes: "Iterable[Outcome]", *, strict: bool) -> Code:
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
