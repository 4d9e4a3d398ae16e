"""`ringfence release status`: what is public, who may install it, what is missing."""

import contextlib
import time
from pathlib import Path

import click

from cli.desk import Desk
from cli.home import Home
from cli.output import json_option, show
from updater.findings import spell
from updater.offer.waves import WHOLE
from updater.publish.reach import Rollout, fresh_at, rollouts
from updater.publish.run import Publisher
from updater.publish.upkeep import Upkeep

_DAY_S = 86_400


@click.command(epilog="Example: ringfence release status app-release")
@click.argument("folder", type=click.Path(path_type=Path))
@json_option
@click.pass_obj
def status(home: Home, folder: Path) -> None:
    """Say what is public, how long it lives, and what is under way."""
    with contextlib.ExitStack() as held:
        desk = Desk(home, folder, held)
        for role, left in Upkeep(desk.folder, desk.ring(), time.time).left().items():
            show(
                {"role": role, "leftSeconds": left}, f"{role}: {left / _DAY_S:.1f} days"
            )
        _show_reach(desk, time.time())
        _show_change(desk, desk.publisher())


def _show_reach(desk: Desk, now: float) -> None:
    seen = fresh_at(desk.folder, now)
    if seen is not None:
        age, limit = now - seen, desk.folder.log.trust().fresh_warn_s
        show(
            {"log": desk.project.origin, "ageSeconds": int(age), "warnSeconds": limit},
            f"log: witnessed {spell(age)} ago; clients warn after {spell(limit)}",
        )
    for each in rollouts(desk.folder, desk.project.product, now):
        show(
            {
                "channel": each.channel,
                "version": each.version,
                "perMille": each.per_mille,
                "nextAt": each.next_at,
                "paused": each.is_paused,
            },
            f"channel {each.channel}: {each.version}, {_reach(each, now)}",
        )


def _reach(found: Rollout, now: float) -> str:
    """Say in words who may install it."""
    who = "everybody" if found.per_mille == WHOLE else f"{found.per_mille / 10:g} %"
    text = f"open to {who}" if found.per_mille else "open to nobody yet"
    if found.next_at is not None:
        text += f", more in {spell(found.next_at - now)}"
    return f"paused; {text} when resumed" if found.is_paused else text


def _show_change(desk: Desk, publisher: Publisher) -> None:
    """Say what is under way, which signatures it misses, and what is weak."""
    change = desk.folder.journal().change
    if change is not None:
        show(
            {"change": change.label, "step": change.step.value},
            f"under way: {change.label}, {change.step.value}",
        )
    for each in publisher.signatures.missing():
        show(
            {"missing": each.what, "count": each.count},
            f"missing: {each.what}, {each.count} of {len(each.keys)} keys",
        )
    for finding in publisher.findings():
        waived = finding.code in desk.project.waived
        show(
            {"code": finding.code, "waived": waived, "text": finding.text},
            f"{'waived: ' if waived else ''}{finding.code}: {finding.text}",
        )
