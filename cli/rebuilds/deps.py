"""`ringfence rebuild deps`: every wheel of a lock, built again from its own source."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.codes import Code
from cli.output import escape, note, show
from cli.rebuilds.packages import Bench, bench_options
from cli.rebuilds.showing import Wanted, report_options, show_comparisons
from cli.update_view import watched

if TYPE_CHECKING:  # help needs none of it
    from reproducible.pypi.deps import Found

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(
    epilog="Example: ringfence rebuild deps requirements/pylock.build.toml --jobs 4"
)
@click.argument("lock", type=_FILE)
@click.option("--expect", type=_FILE, help="Only what is worse than it says counts.")
@click.option("--jobs", type=click.IntRange(1, 64), default=2, show_default=True)
@click.option("--again", is_flag=True, help="Do anew what is known already.")
@bench_options
@report_options
def command(  # noqa: PLR0913 - what click hands over
    lock: Path,
    *,
    expect: Path | None,
    jobs: int,
    again: bool,
    bench: Bench,
    wanted: Wanted,
) -> Code:
    """Rebuild every wheel of a lock, and print a verdict for each.

    What is printed can be given to --expect next time. Results are kept: a run that was
    ended is gone on with, and one without news takes no time. Wheels of one platform
    hold machine code and are unsupported.
    """
    from reproducible.drive.tool import this_program  # noqa: PLC0415 - slow
    from reproducible.inputs.lock import MAX_BYTES, parse_lock  # noqa: PLC0415
    from reproducible.pypi import expected  # noqa: PLC0415
    from reproducible.pypi.deps import Kept, rebuild_lock  # noqa: PLC0415
    from updater.files import Files  # noqa: PLC0415

    files = Files()
    wheels = parse_lock(files.read(lock, most=MAX_BYTES))
    hoped = files.read(expect, most=expected.MAX_BYTES) if expect else None
    known = None if hoped is None else expected.parse_expected(hoped)
    program = this_program().sha256
    assert program is not None  # it has no other name
    kept = Kept(bench.results, program, again=again)
    found: list[Found] = []
    with watched(is_quiet=wanted.quiet) as progress:
        progress(f"rebuilding {lock.name}", 0, len(wheels.packages))
        for one in rebuild_lock(wheels, bench.workshop, kept, jobs=jobs):
            found.append(one)
            progress(one.wheel, len(found), len(wheels.packages))
    found.sort(key=lambda one: one.wheel)
    _show(found, wanted)
    if not found:
        return Code.DONE
    quiet = replace(wanted, quiet=True)
    code = show_comparisons([one.explained for one in found], quiet)
    if known is None:
        return code
    worse = expected.worse_than(known, [(one.wheel, one.verdict) for one in found])
    for wheel, verdict in worse:
        note(f"worse than expected: {wheel}: {verdict}")
    return code if worse else Code.DONE


def _show(found: "list[Found]", wanted: Wanted) -> None:
    from reproducible.pypi.expected import format_expected  # noqa: PLC0415

    for one in () if wanted.quiet else found:
        facts = {
            "wheel": one.wheel,
            "verdict": one.verdict,
            "reason": one.row.comparison.reason,
            "knobs": one.row.knobs,
            "tries": one.row.tries,
            "took_ms": one.row.took_ms,
            "new": one.is_new,
        }
        show(facts, escape(format_expected(one.verdict, one.wheel, one.row.note)))
