"""How an installation stands, as people and programs read it.

Pure, and cheap to import: a status is looked at often.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

from cli.codes import Code
from cli.output import escape
from updater.driver.standing import Standing

_LAST: Final = {
    "current": "up to date",
    "installed": "installed",
    "waiting": "may be installed",
    "refused": "refused",
    "not-yet": "not yet",
    "misbehaviour": "somebody was caught lying",
    "unreachable": "could not ask",
}


def status_facts(standing: Standing) -> dict[str, object]:
    """Give how an installation stands, for programs."""
    state, last = standing.state, standing.state.last
    return {
        "audit": {"seq": state.audit.seq, "sha256": state.audit.sha256},
        "bad": [each.slot for each in state.bad],
        "channel": state.channel,
        "codes": list(last.codes) if last else [],
        "expires": standing.expires,
        "floor": state.floor,
        "last": last.kind if last else None,
        "lastAt": last.at if last else None,
        "offered": last.version if last else None,
        "pending": state.pending,
        "previous": state.previous,
        "skip": list(state.skip),
        "slot": standing.current,
        "until": _until(standing),
        "version": standing.version,
    }


def status_lines(standing: Standing) -> Iterator[str]:
    """Give how an installation stands, for people."""
    state, last = standing.state, standing.state.last
    yield f"version      {standing.version or 'none is installed'}"
    yield f"channel      {state.channel}"
    if state.previous:
        yield f"previous     {state.previous}"
    if state.pending:
        yield f"pending      {state.pending} has not proved itself yet"
    for each in state.bad:
        yield f"bad          {each.slot} failed its {each.why} on {utc(each.at)}"
    if state.skip:
        yield f"skipped      {', '.join(state.skip)}"
    yield f"floor        {state.floor or 'none'}"
    if last is None:
        yield "last check   never"
    else:
        offered = f" {last.version}" if last.version else ""
        yield f"last check   {utc(last.at)}:{offered} {_LAST[last.kind]}"
        for reason in _reasons(standing):
            yield f"             {escape(reason)}"
        if until := _until(standing):
            yield f"             not before {utc(until)}"
    if standing.expires is not None:
        yield f"metadata     good until {utc(standing.expires)}"
    yield f"audit head   {state.audit.seq} {state.audit.sha256}"


def status_code(standing: Standing) -> Code:
    """Give the exit code: is there something to install, or to look at?"""
    last = standing.state.last
    if last is None or last.kind not in {"waiting", "misbehaviour"}:
        return Code.DONE
    return Code.AVAILABLE if last.kind == "waiting" else Code.MISBEHAVIOUR


def _gates(standing: Standing) -> Iterator[dict[str, object]]:
    """Give the refusals of the last report, however it was kept."""
    listed = (standing.verdict or {}).get("gates")
    for each in listed if isinstance(listed, list) else ():
        if isinstance(each, dict) and each.get("says") not in {"yes", "unasked"}:
            yield dict(each)


def _reasons(standing: Standing) -> Iterator[str]:
    for each in _gates(standing):
        yield f"{each.get('gate')}: {each.get('text')}"


def _until(standing: Standing) -> int | None:
    """Give the time before which the last refusals do not end, POSIX seconds."""
    last = standing.state.last
    found = [
        opens_at(each.get("code"), facts, last.at)
        for each in _gates(standing)
        if last is not None and isinstance(facts := each.get("facts"), dict)
    ]
    return max((time for time in found if time is not None), default=None)


def opens_at(code: object, facts: Mapping[str, object], at: int) -> int | None:
    """Give when a refusal ends by itself, POSIX seconds; None if that is not known."""
    opens, age, wanted = (facts.get(name) for name in ("opensAt", "age", "wanted"))
    if isinstance(opens, int):
        return opens
    is_young = code in {"cooldown", "policy-young"}
    if is_young and isinstance(age, int) and isinstance(wanted, int):
        return at + wanted - age
    return None


def utc(at: float) -> str:
    """Write a time to the minute in UTC: what is compared with others is the same."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")
