"""`ringfence update`: install what everything speaks for, see why not, go back."""

import os
import sys
from pathlib import Path

import click

from cli import paths
from cli.codes import Code
from cli.output import clear, day, json_option, note, show
from cli.update_status import status_code, status_facts, status_lines
from cli.updating import Place, place_options
from updater.driver.standing import read_standing

# What takes tuf, sigstore or zstd with it is imported in the commands that need it: a
# status is looked at often, and costs no more than --version.
# ruff: noqa: PLC0415

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_COPY = click.Path(exists=True, path_type=Path)

_explain_option = click.option(
    "--explain", is_flag=True, help="Show what each gate says, and why."
)
_break_glass_option = click.option(
    "--break-glass",
    metavar="REASON",
    help="Do not wait for others to look at a release; REASON is written down.",
)


@click.group(epilog="Example: ringfence update check --explain")
def update() -> None:
    """Install new versions, when everything speaks for them.

    A release is installed only if eighteen gates say yes: among them that enough keys
    signed it, that it stands in the public log that everybody sees, that it was public
    for some days, and that others built the same bytes from the source.
    """


@update.command(epilog="Example: ringfence update init --anchor app-anchor --root app")
@click.option(
    "--anchor",
    "folder",
    type=_FOLDER,
    help="Where trust begins: a folder from the publisher.  [default: our own]",
)
@place_options
@json_option
def init(place: Place, *, folder: Path | None) -> None:
    """Make a managed folder; 'apply' then fills it.

    The first copy of an anchor cannot be checked by anything here: get it from where
    you would get the program.
    """
    from updater.driver.embedded import built_in_anchor, read_anchor
    from updater.driver.session import begin

    anchor = built_in_anchor() if folder is None else read_anchor(folder)
    begin(place.root, anchor)
    show(
        {"project": anchor.product.project, "root": str(place.folder)},
        f"{place.folder} is for {anchor.product.project}",
    )


@update.command(epilog="Example: ringfence update check --explain")
@_explain_option
@_break_glass_option
@click.option("--to", "version", help="Ask about this version by name.")
@place_options
@json_option
def check(
    place: Place, *, explain: bool, break_glass: str | None, version: str | None
) -> Code:
    """See whether something may be installed; nothing is.

    Ends with 0 if you are up to date, 2 if something may be installed now, 3 if it is
    too early, 1 if it is refused, 4 if somebody was caught lying.
    """
    from cli.update_view import tell, watched
    from updater.gates.evidence import Wish

    wish = Wish(version=version, is_by_hand=True, break_glass=break_glass)
    with watched() as progress:
        report = place.updater(progress).check(wish)
    return tell(report, explains=explain)


@update.command(epilog="Example: ringfence update apply")
@_explain_option
@_break_glass_option
@click.option("--to", "version", help="Install this version, also if you left it.")
@click.option("--retry-bad", is_flag=True, help="Try a version again that failed.")
@click.option("--ignore-pause", is_flag=True, help="Also if the roll-out is stopped.")
@click.option("--scheduled", is_flag=True, help="As the timer does: waits its turn.")
@place_options
@json_option
def apply(  # noqa: PLR0913 - one argument for each option
    place: Place,
    *,
    explain: bool,
    break_glass: str | None,
    version: str | None,
    retry_bad: bool,
    ignore_pause: bool,
    scheduled: bool,
) -> Code:
    """Install what may be installed now."""
    from cli.update_view import tell, watched
    from updater.gates.evidence import Wish

    wish = Wish(
        version=version,
        is_by_hand=not scheduled,
        ignores_pause=ignore_pause,
        retries_bad=retry_bad,
        break_glass=break_glass,
    )
    with watched(is_quiet=scheduled) as progress:
        given = place.surroundings(progress)
        if scheduled and given.settings.apply == "never":
            note(f"{place.settings_file} says never")
            return Code.DONE
        updater = place.updater(progress)
        is_check = scheduled and given.settings.apply == "ask"
        report = updater.check(wish) if is_check else updater.apply(wish)
    return tell(report, explains=explain)


@update.command(epilog="Example: ringfence update rollback")
@click.option("--anyway", is_flag=True, help="Also to a version that was withdrawn.")
@place_options
@json_option
def rollback(place: Place, *, anyway: bool) -> None:
    """Go back to the version before.

    The one that you leave is not offered again.
    """
    from updater.driver.back import roll_back, withdrawn_way_back

    root, anchor = place.root, place.anchor()
    if not anyway and (reason := withdrawn_way_back(root, anchor)):
        _expect_yes(f"{reason}; go back to it all the same?", "--anyway")
    slot = roll_back(root, anchor)
    show({"slot": slot}, f"back to {slot}; the next start runs it")


@update.command(epilog="Example: ringfence update status --json")
@place_options
@json_option
def status(place: Place) -> Code:
    """Show what is installed and what the last check found.

    Asks nobody. Ends with 2 if something may be installed, and with 4 if somebody was
    caught lying.
    """
    standing = read_standing(place.root)
    show(status_facts(standing), *status_lines(standing))
    return status_code(standing)


@update.command(epilog="Example: ringfence update audit")
@place_options
@json_option
def audit(place: Place) -> Code:
    """Look over what is installed: files, lines and evidence."""
    from updater.driver.auditing import audit as look_over

    findings = []
    for each in look_over(place.root, place.anchor()):
        said = "ok" if each.is_good else "BAD"
        show(
            {"good": each.is_good, "text": each.text, "what": each.what},
            f"{said:4} {each.what}: {each.text}",
        )
        findings.append(each)
    return Code.DONE if all(each.is_good for each in findings) else Code.REFUSED


@update.command(epilog="Example: ringfence update verify app.tar")
@click.argument("file", type=_FILE)
@_explain_option
@place_options
@json_option
def verify(place: Place, *, file: Path, explain: bool) -> Code:
    """Judge the bundle in FILE; nothing is installed."""
    from cli.update_view import verdict_on, watched

    with watched() as progress:
        report = place.updater(progress).verify(file)
    return verdict_on(report, file.name, explains=explain)


@update.command(epilog="Example: ringfence update offline /media/stick/app.tar")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--make", is_flag=True, help="Write such a copy to PATH instead.")
@click.option("--platform", help="Whose platform to copy for.  [default: this one's]")
@click.option(
    "--accept-as-of",
    metavar="DATE",
    help="Install what the copy of this day says, as 2026-11-20, without asking.",
)
@_explain_option
@place_options
@json_option
def offline(  # noqa: PLR0913 - one argument for each option
    place: Place,
    *,
    path: Path,
    make: bool,
    platform: str | None,
    accept_as_of: str | None,
    explain: bool,
) -> Code:
    """Install from a copy of the repository, a folder or archive.

    What happened after the copy was made cannot be known without a network, so it asks
    first.
    """
    from cli.update_view import as_of, tell, watched
    from updater.driver.offline import make_copy, opened_copy
    from updater.gates.evidence import Wish

    with watched() as progress:
        if make:
            given = place.surroundings(progress)
            made = make_copy(
                place.root, place.anchor(), given, path, platform or given.platform
            )
            show({"asOf": made, "copy": str(path)}, f"{path} is {as_of(made)}")
            return Code.DONE
        with opened_copy(path, place.root) as copy:
            updater = place.updater(progress, copy=copy.as_uri() + "/")
            wish = Wish(is_by_hand=True)
            report = updater.check(wish)
            if report.kind == "waiting":
                seen = report.facts_of("fresh").get("freshAt")
                assert isinstance(seen, int)
                text = f"what is known is {as_of(seen)}; later warnings are unknown"
                if accept_as_of is None:
                    clear()
                    _expect_yes(f"{text}; install {report.offered}?", "--accept-as-of")
                elif accept_as_of != day(seen):
                    raise click.UsageError(f"{text}, and not as of {accept_as_of}")
                report = updater.apply(wish)
    return tell(report, explains=explain)


@update.command(epilog="Example: ringfence update schedule")
@click.option("--off", is_flag=True, help="No more checks by themselves.")
@click.option("--cron", is_flag=True, help="By cron, where there is no systemd.")
@place_options
def schedule(place: Place, *, off: bool, cron: bool) -> None:
    """Check four times a day, at moments that nobody can guess.

    What then happens is what `apply` in update.toml says: "ask" only looks, "auto"
    installs, "never" does nothing.
    """
    from updater.install.schedule import Schedule

    product = place.anchor().product
    command = [*paths.program(), "update", "apply", "--scheduled"]
    plan = Schedule(
        product.launcher_name,
        [*command, "--root", str(place.folder.resolve())],
        units=paths.user_units(),
        entropy=os.urandom,
    )
    if off:
        plan.off()
    elif cron:
        plan.use_cron()
    else:
        plan.use_timer()


@update.command(epilog="Example: ringfence update unfreeze 5f2a…")
@click.argument("evidence")
@place_options
@json_option
def unfreeze(place: Place, *, evidence: str) -> None:
    """Go on after proof of misbehaviour that you looked at.

    EVIDENCE is its SHA-256, which 'check' names.
    """
    from updater.driver.back import unfreeze as go_on

    go_on(place.root, place.anchor(), evidence)
    show({"evidence": evidence}, f"going on; {evidence} is kept")


def _expect_yes(question: str, option: str) -> None:
    """Ask, where somebody can answer.

    Raises:
        click.UsageError: nobody can.
        click.Abort: the answer is no.
    """
    if not sys.stdin.isatty():
        raise click.UsageError(f"{question} Nobody can be asked here: give {option}")
    click.confirm(question, abort=True)
