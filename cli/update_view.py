"""What the updater found, as people and programs read it.

Pure, but for the progress on a terminal. Only what is known is said: a release that may
be installed is not yet installed, and one that could not be looked at was not refused.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import click

from cli.codes import Code
from cli.output import clear, complain, escape, is_for_programs, note, pass_by, show
from cli.update_status import opens_at, utc
from updater.driver.conclusion import CURRENT, NOT_FETCHED, Report, report_json
from updater.findings import Proof, Refusal, Result, Severity
from updater.installed.slots import Kind

EVERY_S: Final = 0.2  # between two signs of progress: five a second can be read

_CODES: Final[dict[Kind, Code]] = {
    "current": Code.DONE,
    "installed": Code.DONE,
    "waiting": Code.AVAILABLE,
    "refused": Code.REFUSED,
    "not-yet": Code.NOT_YET,
    "misbehaviour": Code.MISBEHAVIOUR,
    "unreachable": Code.UNREACHABLE,
}
_ANSWERS: Final = {
    Severity.NOT_YET: "not yet",
    Severity.UNREACHABLE: "unknown",
    Severity.REFUSED: "no",
    Severity.MISBEHAVIOUR: "NO",
}
_LEADS: Final = {
    Severity.NOT_YET: "not yet",
    Severity.UNREACHABLE: "could not ask",
    Severity.REFUSED: "refused",
    Severity.MISBEHAVIOUR: "somebody was caught lying",
}
_HINTS: Final = {
    "bad": "--retry-bad tries it once more",
    "busy": "another updater is at work; try again later",
    "clock": "set the clock of this machine",
    "frozen": "look at the file in log/evidence of the managed folder, then 'ringfence"
    " update unfreeze' goes on",
    "fork": "show the evidence to somebody you trust; nothing is installed meanwhile",
    "paused": "--ignore-pause installs it all the same",
    "pending": "start the program once, so that it can prove itself",
    "platform": "an interpreter that the publisher builds for is needed",
    "skipped": "--to VERSION installs it all the same",
}


def tell(report: Report, *, explains: bool) -> Code:
    """Print what a run came to, and give the exit code for it."""
    if is_for_programs():
        show(report_json(report))
    else:
        for line in _lines(report, explains=explains):
            click.echo(line)
    for each in report.notices:
        note(escape(each.text))
    if report.kind not in {"current", "installed", "waiting"}:
        _complain(report)
    return Code.BUG if report.is_our_bug else _CODES[report.kind]


def verdict_on(report: Report, name: str, *, explains: bool) -> Code:
    """Print what was found about one file; 0 is yes."""
    if report.kind == "waiting" and not is_for_programs():
        for line in _table(report) if explains else ():
            click.echo(line)
        click.echo(f"{escape(name)}: every gate says yes")
        return Code.DONE
    code = tell(report, explains=explains)
    return Code.DONE if code is Code.AVAILABLE else code


def _lines(report: Report, *, explains: bool) -> Iterator[str]:
    if explains:
        yield from _table(report)
    offered = report.offered
    match report.kind:
        case "current":
            yield f"up to date: {report.current} is what {report.channel} offers"
        case "waiting":
            yield f"{offered} may be installed now: 'ringfence update apply' does it"
        case "installed":
            yield f"installed {offered}; the next start runs it"
        case _:
            return


def _table(report: Report) -> Iterator[str]:
    """Give one line for each gate: its name, its answer, and why."""
    for each in report.results:
        yield f"{each.gate:12} {_answer(each):8} {escape(each.outcome.text)}"


def _answer(result: Result) -> str:
    outcome = result.outcome
    if isinstance(outcome, Proof):
        return "waived" if outcome.waived else "yes"
    if outcome.code in {CURRENT, NOT_FETCHED}:
        return "-"
    return _ANSWERS[outcome.severity]


def _complain(report: Report) -> None:
    """Say what leads, then what else was found."""
    assert report.headline is not None
    gate, first = report.headline
    what = f"{report.offered}: " if report.offered else ""
    text = f"{_LEADS[first.severity]}: {what}{first.text} ({first.code})"
    complain(text, _HINTS.get(first.code) or _when(first, report.at))
    said = {first.text}  # what many gates need is missing for all of them
    for each in report.results:
        outcome = each.outcome
        if not isinstance(outcome, Refusal) or each.gate == gate:
            continue
        is_news = outcome.code not in {first.code, CURRENT, NOT_FETCHED}
        if is_news and outcome.text not in said:
            said.add(outcome.text)
            note(f"{each.gate}: {escape(outcome.text)} ({outcome.code})")
    if evidence := first.facts.get("evidence"):
        note(f"the evidence is {evidence}")


def _when(refusal: Refusal, at: int) -> str:
    """Say when to ask again, where that is known."""
    opens = opens_at(refusal.code, refusal.facts, at)
    if opens is not None:
        return f"not before {utc(opens)}"
    if refusal.severity is Severity.UNREACHABLE:
        return "try again later"
    return ""


# Progress


class Progress:
    """Shows how far a run has come: a line that changes, or lines for programs."""

    def __init__(self, *, is_quiet: bool = False) -> None:
        self._is_quiet = is_quiet
        self._shown_at = 0.0
        self._step = ""

    def __call__(self, step: str, done: int, total: int) -> None:
        """Show a step, and how much of it is done."""
        now = time.monotonic()
        is_soon = step == self._step and done < total and now < self._shown_at + EVERY_S
        if self._is_quiet or is_soon:
            return
        self._shown_at, self._step = now, step
        if is_for_programs():
            show({"event": "progress", "step": step, "done": done, "total": total})
        else:
            pass_by(step + (f" {done * 100 // total} %" if total > 1 else ""))


@contextmanager
def watched(*, is_quiet: bool = False) -> Iterator[Progress]:
    """Show progress for as long as something is under way."""
    try:
        yield Progress(is_quiet=is_quiet)
    finally:
        clear()


def as_of(at: float) -> str:
    """Say how old what is known is."""
    return f"as of {utc(at)}"
