from dataclasses import replace

import pytest

from tests.updater.gates.cases import CHANNEL, DAY, FRESH, PLATFORM, SHA256, good
from updater import jcs
from updater.decision import INTERNAL
from updater.driver.conclusion import (
    CURRENT,
    NOT_FETCHED,
    WITHHELD_S,
    Report,
    conclude,
    is_ready,
    later,
    leading,
    notices,
    report_json,
    summary,
)
from updater.findings import NO_FACTS, Outcome, Proof, Refusal, Result, Severity
from updater.installed.slots import Times
from updater.offer.channel import Channel
from updater.transparency.index import Index, LoggedFile, LoggedYank, Place
from updater.transparency.state import Seen
from updater.transparency.view import LogView

GOOD = good()
assert isinstance(GOOD.log, LogView)
VIEW = GOOD.log
YES = Proof("all is well")
LATER = Refusal(Severity.NOT_YET, NOT_FETCHED, "later")
SAME = Refusal(Severity.NOT_YET, CURRENT, "runs already")
YOUNG = Refusal(Severity.NOT_YET, "cooldown", "too young")
BAD = Refusal(Severity.REFUSED, "yanked", "withdrawn")
DEAD = Refusal(Severity.UNREACHABLE, "network", "no answer")
LIE = Refusal(Severity.MISBEHAVIOUR, "fork", "two histories", facts={"evidence": "e"})


def results(**outcomes: Outcome) -> tuple[Result, ...]:
    return tuple(Result(gate, outcome) for gate, outcome in outcomes.items())


def report(*found: Result, **changes: object) -> Report:
    made = Report(
        at=100, kind="refused", channel="stable", current="1.0", offered="1.1",
        results=found,
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]  # any field


def told(
    view: LogView = VIEW,
    channel: Channel | None = CHANNEL,
    *,
    current: str | None = "1.3.0",
    bundle: str | None = None,
) -> list[str]:
    found = notices(view, channel, platform=PLATFORM, current=current, bundle=bundle)
    return [each.code for each in found]


@pytest.mark.parametrize(
    ("found", "kind"),
    [
        (results(a=YES), "waiting"),
        (results(a=YES, b=LATER), "waiting"),
        (results(a=SAME, b=LATER), "current"),
        (results(a=SAME, b=Refusal(Severity.NOT_YET, "policy-young", "")), "current"),
        (results(a=SAME, b=Refusal(Severity.NOT_YET, "stale", "")), "not-yet"),
        (results(a=LATER, b=YOUNG), "not-yet"),
        (results(a=YOUNG, b=DEAD), "unreachable"),
        (results(a=YOUNG, b=BAD, c=DEAD), "refused"),
        (results(a=BAD, b=LIE), "misbehaviour"),
    ],
)
def test_the_worst_answer_is_what_it_comes_to(
    found: tuple[Result, ...], kind: str
) -> None:
    assert conclude(found) == kind


def test_the_first_gate_of_the_worst_leads() -> None:
    other = Refusal(Severity.REFUSED, "floor", "below")

    assert leading(results(a=YOUNG, b=other, c=BAD)) == ("b", other)


def test_a_missing_file_leads_only_alone() -> None:
    assert leading(results(a=LATER, b=YOUNG)) == ("b", YOUNG)
    assert leading(results(a=YES, b=LATER)) == ("b", LATER)
    assert leading(results(a=YES)) is None


def test_a_file_is_fetched_only_if_nothing_else_is_missing() -> None:
    assert is_ready(results(a=YES, b=LATER))
    assert not is_ready(results(a=YES, b=LATER, c=YOUNG))


def test_who_is_up_to_date_hears_of_trouble_with_the_log() -> None:
    assert conclude(results(select=SAME, consistency=DEAD)) == "unreachable"


def test_times_only_rise() -> None:
    assert later(Times(50, 60), signed=70, hints=[40.5, 80.9]) == Times(70, 80)
    assert later(Times(50, 60), signed=None, hints=[10]) == Times(50, 60)


def test_an_absurd_hint_is_forgotten() -> None:
    assert later(Times(50, 50 + 40 * DAY), signed=60, hints=[70]) == Times(60, 70)


def test_a_gate_that_broke_is_our_bug() -> None:
    broke = Refusal(Severity.REFUSED, INTERNAL, "KeyError")

    assert report(Result("tuf", broke)).is_our_bug
    assert not report(Result("tuf", BAD)).is_our_bug
    assert not report(Result("tuf", YES)).is_our_bug


def test_facts_are_found_by_gate() -> None:
    found = report(Result("consistency", LIE))

    assert found.facts_of("consistency") == {"evidence": "e"}
    assert found.facts_of("fresh") == NO_FACTS


def test_a_report_tells_programs_everything() -> None:
    waived = Proof("by hand", {"n": 1}, waived=True)
    facts = report_json(
        report(*results(a=waived, b=BAD, c=LATER), notices=(*told_notices(),))
    )

    assert facts["code"] == "yanked"
    assert facts["gates"] == [
        {"facts": {"n": 1}, "gate": "a", "says": "yes", "text": "by hand",
         "waived": True},
        {"code": "yanked", "facts": {}, "gate": "b", "says": "refused",
         "text": "withdrawn"},
        {"code": "not-fetched", "facts": {}, "gate": "c", "says": "unasked",
         "text": "later"},
    ]  # fmt: skip
    assert jcs.parse(jcs.write(facts), most=10_000) == facts


def told_notices() -> tuple[object, ...]:
    yanked = replace(VIEW, index=Index(yanks=(yank(),)))
    return notices(yanked, None, platform=PLATFORM, current=None, bundle=SHA256)


def test_a_report_without_a_refusal_has_no_code() -> None:
    assert report_json(report(Result("a", YES)))["code"] is None


def test_a_line_of_audit_names_refusals_and_waivers() -> None:
    waived = Proof("not waited for: hole", waived=True)
    line = summary(report(*results(a=waived, b=BAD, c=YES)))

    assert line["refused"] == {"b": "yanked"}
    assert line["waived"] == [{"gate": "a", "text": "not waited for: hole"}]


def yank(replacement: str | None = "1.3.1") -> LoggedYank:
    return LoggedYank(
        Place(VIEW.origin, 7, leaf_hash=bytes(32)),
        bytes(32),
        files=(SHA256,),
        reason="backdoor",
        notice=None,
        replacement=replacement,
        advisory=None,
    )


@pytest.mark.parametrize("replacement", ["1.3.1", None])
def test_a_yank_of_what_runs_is_noticed(replacement: str | None) -> None:
    view = replace(VIEW, index=Index(yanks=(yank(replacement),)))
    (found,) = notices(view, None, platform=PLATFORM, current="1.3.0", bundle=SHA256)

    assert found.code == "yanked"
    assert found.facts["replacement"] == replacement


def test_all_is_quiet_when_nothing_is_wrong() -> None:
    assert told() == []
    assert told(current=None) == []


def test_an_old_copy_and_ignored_trust_files_are_noticed() -> None:
    ignored = replace(
        VIEW.honoured, ignored=((Place(VIEW.origin, 9, leaf_hash=bytes(32)), "why"),)
    )

    assert told(replace(VIEW, is_old_copy=True, honoured=ignored)) == [
        "policy-ignored",
        "old-copy",
    ]


def test_a_version_below_the_minimum_is_noticed() -> None:
    assert told(channel=replace(CHANNEL, minimum="1.3.1")) == ["unsupported"]


def hidden(version: str = "1.5.0", *, age_s: float | None = None) -> LogView:
    """A log with a release that the channel does not offer, public for so long."""
    trust = VIEW.honoured.current.trust
    wait_s = trust.cooldown_normal_s + CHANNEL.waves[-1].after_s + WITHHELD_S
    seen_at = FRESH - int(wait_s + 1 if age_s is None else age_s)
    row = LoggedFile(
        Place(VIEW.origin, 0, leaf_hash=bytes(32)),
        version,
        platform=PLATFORM,
        channel="stable",
        sha256="ab" * 32,
    )
    memory = replace(VIEW.memory, history=(Seen(2, bytes(32), seen_at=seen_at),))
    return replace(VIEW, index=Index(files=(row,)), memory=memory)


def test_a_release_that_somebody_hides_is_noticed() -> None:
    assert told(hidden()) == ["withheld"]


@pytest.mark.parametrize(
    ("view", "channel"),
    [
        (hidden(age_s=DAY), CHANNEL),
        (hidden("1.4.0"), CHANNEL),
        (hidden("1.5.0+local"), CHANNEL),
        (hidden(), replace(CHANNEL, paused=True)),
        (hidden(), replace(CHANNEL, name="beta")),
        (replace(hidden(), fresh_at=None), CHANNEL),
        (replace(hidden(), memory=replace(VIEW.memory, history=())), CHANNEL),
    ],
    ids=[
        "young",
        "offered",
        "no-version",
        "paused",
        "other-channel",
        "timeless",
        "unseen",
    ],
)
def test_nothing_is_said_to_be_hidden_without_reason(
    view: LogView, channel: Channel
) -> None:
    assert told(view, channel) == []


def test_a_hidden_release_that_was_withdrawn_is_no_loss() -> None:
    view = hidden()
    withdrawn = replace(yank(), files=("ab" * 32,))

    assert told(replace(view, index=replace(view.index, yanks=(withdrawn,)))) == []
