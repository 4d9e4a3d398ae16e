"""What a run of the updater comes to: its outcome, and what the user is told besides.

The verdict is `updater.decision`'s. Here it becomes one word, and what was seen on the
way becomes notices: a yank of the running version, a release that somebody hides.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from updater.decision import INTERNAL
from updater.errors import MalformedError
from updater.findings import (
    NO_FACTS,
    Outcome,
    Proof,
    Refusal,
    Result,
    Severity,
    spell,
)
from updater.gates.local import SOFT_AHEAD_S
from updater.installed.slots import Kind, Times
from updater.jcs import Json
from updater.offer.channel import Channel
from updater.offer.version import check_version, order
from updater.transparency.view import LogView

NOT_FETCHED: Final = "not-fetched"
CURRENT: Final = "current"
WITHHELD_S: Final = 7 * 86_400
"""So long after its last wave a logged release should have been offered to all."""

_CURRENT: Final = frozenset({CURRENT, NOT_FETCHED, "policy-young"})
"""Refusals of one who is up to date: new TUF keys stop installs, not knowledge."""
_KINDS: Final[Mapping[Severity, Kind]] = {
    Severity.NOT_YET: "not-yet",
    Severity.UNREACHABLE: "unreachable",
    Severity.REFUSED: "refused",
    Severity.MISBEHAVIOUR: "misbehaviour",
}

NoticeCode = Literal["yanked", "withheld", "unsupported", "policy-ignored", "old-copy"]


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that the user should know, and that stops nothing."""

    code: NoticeCode
    text: str
    facts: Mapping[str, Json] = field(default_factory=dict, kw_only=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """How a run ended."""

    at: int
    """POSIX seconds."""
    kind: Kind
    channel: str
    current: str | None
    """The version that ran when it began."""
    offered: str | None
    """The version that it was about, None if it came to none."""
    results: tuple[Result, ...]
    notices: tuple[Notice, ...] = ()
    slot: str | None = None
    """What was installed."""

    @property
    def headline(self) -> tuple[str, Refusal] | None:
        """Give the gate whose refusal leads, and that; None if all is well."""
        return leading(self.results)

    @property
    def is_our_bug(self) -> bool:
        """Whether a gate broke."""
        return self.headline is not None and self.headline[1].code == INTERNAL

    def facts_of(self, gate: str) -> Mapping[str, Json]:
        """Give the facts that a gate named, none if it was not asked."""
        found = (each.outcome.facts for each in self.results if each.gate == gate)
        return next(found, NO_FACTS)


def leading(results: Iterable[Result]) -> tuple[str, Refusal] | None:
    """Give the worst refusal, of equal ones the first gate's.

    That the file is not here yet only leads where nothing else speaks against it.
    """
    refused = [
        (each.gate, each.outcome)
        for each in results
        if isinstance(each.outcome, Refusal)
    ]
    others = [each for each in refused if each[1].code not in {NOT_FETCHED, CURRENT}]
    return max(others or refused, key=lambda each: each[1].severity, default=None)


def conclude(results: Iterable[Result]) -> Kind:
    """Say in one word what the gates' answers come to."""
    refused = {
        each.gate: each.outcome for each in results if isinstance(each.outcome, Refusal)
    }
    codes = {each.code for each in refused.values()}
    if codes <= {NOT_FETCHED}:
        return "waiting"
    if CURRENT in codes and codes <= _CURRENT:
        return "current"
    found = leading(Result(gate, outcome) for gate, outcome in refused.items())
    assert found is not None
    return _KINDS[found[1].severity]


def is_ready(results: Iterable[Result]) -> bool:
    """Tell whether nothing speaks against a release but that it is not fetched yet."""
    return all(
        isinstance(each.outcome, Proof) or each.outcome.code == NOT_FETCHED
        for each in results
    )


def later(times: Times, *, signed: int | None, hints: Iterable[float]) -> Times:
    """Let what is known of the time go on; `hints` are times that nobody vouches for.

    A hint that was absurdly far ahead is forgotten as soon as it does not count.
    """
    new_signed = max(times.signed, signed or 0)
    old = times.soft if times.soft <= new_signed + SOFT_AHEAD_S else 0
    return Times(new_signed, max([old, *map(int, hints)]))


def notices(
    view: LogView,
    channel: Channel | None,
    *,
    platform: str,
    current: str | None,
    bundle: str | None,
) -> tuple[Notice, ...]:
    """Say what the user should know; `bundle` is the SHA-256 of what runs."""
    found = [*_yanks(view, bundle), *_ignored(view)]
    if view.is_old_copy:
        found.append(Notice("old-copy", "the log was shown as it was before our visit"))
    if channel is None:
        return tuple(found)
    if current is not None and not channel.is_supported(current):
        text = f"{current} is not supported any more, the oldest is {channel.minimum}"
        found.append(Notice("unsupported", text, facts={"minimum": channel.minimum}))
    found += _withheld(view, channel, platform)
    return tuple(found)


def report_json(report: Report) -> dict[str, Json]:
    """Give a report as the facts that programs read."""
    found = report.headline
    return {
        "at": report.at,
        "channel": report.channel,
        "code": found[1].code if found else None,
        "current": report.current,
        "gates": [_result_json(each) for each in report.results],
        "kind": report.kind,
        "notices": [
            {"code": each.code, "facts": dict(each.facts), "text": each.text}
            for each in report.notices
        ],
        "offered": report.offered,
        "slot": report.slot,
    }


def summary(report: Report) -> dict[str, Json]:
    """Give a report as one short line of the audit file holds it."""
    refused = [each for each in report.results if isinstance(each.outcome, Refusal)]
    waived: list[Json] = [
        {"gate": each.gate, "text": each.outcome.text}
        for each in report.results
        if isinstance(each.outcome, Proof) and each.outcome.waived
    ]
    return {
        "channel": report.channel,
        "kind": report.kind,
        "notices": [each.code for each in report.notices],
        "offered": report.offered,
        "refused": {each.gate: each.outcome.code for each in refused
                    if isinstance(each.outcome, Refusal)},
        "waived": waived,
    }  # fmt: skip


def _result_json(result: Result) -> Json:
    return {"gate": result.gate, **_outcome_json(result.outcome)}


def _outcome_json(outcome: Outcome) -> dict[str, Json]:
    told: dict[str, Json] = {"facts": dict(outcome.facts), "text": outcome.text}
    if isinstance(outcome, Proof):
        return {**told, "says": "yes", "waived": outcome.waived}
    says = outcome.severity.name.lower().replace("_", "-")
    if outcome.code in {CURRENT, NOT_FETCHED}:
        says = "unasked"  # there was nothing yet that this gate is about
    return {**told, "code": outcome.code, "says": says}


def _yanks(view: LogView, bundle: str | None) -> Iterable[Notice]:
    for each in view.index.yanks_of(bundle) if bundle else ():
        instead = f"; take {each.replacement}" if each.replacement else ""
        yield Notice(
            "yanked",
            f"what runs here was withdrawn: {each.reason or 'no reason'}{instead}",
            facts={"index": each.place.index, "replacement": each.replacement},
        )


def _ignored(view: LogView) -> Iterable[Notice]:
    for place, why in view.honoured.ignored:
        yield Notice(
            "policy-ignored",
            f"new trust files of entry {place.index} do not count: {why}",
            facts={"index": place.index},
        )


def _withheld(view: LogView, channel: Channel, platform: str) -> Iterable[Notice]:
    """Name the newest release that is public for long and is not offered."""
    if view.fresh_at is None or channel.paused:
        return
    trust = view.honoured.current.trust
    wait_s = trust.cooldown_normal_s + channel.waves[-1].after_s + WITHHELD_S
    hidden = [
        each
        for each in view.index.files
        if (each.channel, each.platform) == (channel.name, platform)
        and _is_above(each.version, channel.version)
        and not view.index.yanks_of(each.sha256)
        and view.fresh_at - (view.seen_at(each.place.index) or view.fresh_at) > wait_s
    ]
    if hidden:
        newest = max(hidden, key=lambda each: order(each.version))
        yield Notice(
            "withheld",
            f"{newest.version} is public for more than {spell(wait_s)}, and the"
            f" channel still offers {channel.version}: somebody may hide it",
            facts={"index": newest.place.index, "version": newest.version},
        )


def _is_above(logged: str, offered: str) -> bool:
    """Compare versions; the log may name some that no channel can offer."""
    try:
        return order(check_version(logged, "version")) > order(offered)
    except MalformedError:
        return False
