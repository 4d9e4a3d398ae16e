from dataclasses import replace
from typing import Any

import pytest

from tests.updater.gates.asking import ask, no, passes, refusing, sentence
from tests.updater.gates.cases import CHANNEL, DAY, HERE, NOW, PUBLIC, SHA256, good
from updater.findings import Failed, Proof, Severity
from updater.gates.evidence import Evidence, Here, Tightening, Wish
from updater.gates.local import time_floor
from updater.installed.slots import Times
from updater.offer.channel import Channel, Via
from updater.offer.waves import Wave, bucket

EVIDENCE = good()
MISSING = Failed(Severity.UNREACHABLE, "no answer", "network")


def here(**changes: Any) -> Evidence:
    return replace(EVIDENCE, here=replace(HERE, **changes))


def channel(**changes: Any) -> Evidence:
    return replace(EVIDENCE, channel=replace(CHANNEL, **changes))


def test_a_clock_behind_signed_time_refuses_alone() -> None:
    late = here(times=Times(signed=NOW + 400, soft=0))

    assert no("clock", late) == ("clock", Severity.NOT_YET)
    assert refusing(late) == ["clock"]


def test_a_clock_set_back_by_minutes_passes() -> None:
    assert passes("clock", here(times=Times(signed=NOW + 300, soft=0)))


@pytest.mark.parametrize(
    ("times", "floor"),
    [
        (Times(signed=100, soft=50), 100),
        (Times(signed=100, soft=150), 150),
        (Times(signed=100, soft=100 + 30 * DAY), 100 + 30 * DAY),
        (Times(signed=100, soft=101 + 30 * DAY), 100),
    ],
)
def test_an_unsigned_time_far_ahead_is_ignored(times: Times, floor: int) -> None:
    assert time_floor(times) == floor


def test_standing_evidence_refuses() -> None:
    assert not isinstance(EVIDENCE.log, Failed)
    frozen = replace(EVIDENCE, log=replace(EVIDENCE.log, evidence="ab" * 32))

    assert no("freeze", frozen) == ("frozen", Severity.MISBEHAVIOUR)
    assert refusing(frozen) == ["freeze"]
    assert "ab" * 32 in sentence("freeze", frozen)


def test_a_log_that_was_not_read_cannot_say_that_nothing_is_frozen() -> None:
    unread = replace(EVIDENCE, log=MISSING)

    assert no("freeze", unread) == ("network", Severity.UNREACHABLE)


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        (replace(EVIDENCE, channel=MISSING), ("network", Severity.UNREACHABLE)),
        (channel(name="beta"), ("channel", Severity.REFUSED)),
        (channel(project="pkg:pypi/other"), ("channel", Severity.REFUSED)),
        (channel(platforms=("cp311-linux-x86_64",)), ("platform", Severity.REFUSED)),
        (replace(EVIDENCE, target=MISSING), ("network", Severity.UNREACHABLE)),
        (here(current="1.4.0"), ("current", Severity.NOT_YET)),
        (here(floor="1.5.0"), ("floor", Severity.REFUSED)),
        (here(pending="1.3.0-" + "0" * 12), ("pending", Severity.NOT_YET)),
        (here(bad=frozenset({f"1.4.0-{SHA256[:12]}"})), ("bad", Severity.REFUSED)),
        (here(skip=frozenset({"1.4.0"})), ("skipped", Severity.NOT_YET)),
        (
            replace(EVIDENCE, wish=Wish(version="1.3.5")),
            ("channel", Severity.REFUSED),
        ),
    ],
)
def test_what_may_not_be_selected(
    evidence: Evidence, expected: tuple[str, Severity]
) -> None:
    assert no("select", evidence) == expected


@pytest.mark.parametrize(
    "evidence",
    [
        EVIDENCE,
        here(current=None, floor=None),
        here(floor="1.4.0"),
        replace(
            here(bad=frozenset({f"1.4.0-{SHA256[:12]}"})), wish=Wish(retries_bad=True)
        ),
        replace(here(skip=frozenset({"1.4.0"})), wish=Wish(version="1.4.0")),
        replace(
            here(skip=frozenset({"1.4.0"})), channel=replace(CHANNEL, minimum="1.3.1")
        ),
    ],
)
def test_what_may_be_selected(evidence: Evidence) -> None:
    assert passes("select", evidence)


def test_old_data_goes_by_a_step() -> None:
    step = channel(via=(Via("1.3.5", "1.3.9"),))

    assert "offers 1.3.9" in sentence("select", step)


def test_a_first_install_is_said_to_be_one() -> None:
    assert "newer than none" in sentence("select", here(current=None, floor=None))


def test_a_paused_roll_out_refuses_alone() -> None:
    paused = channel(paused=True)

    assert no("wave", paused) == ("paused", Severity.NOT_YET)
    assert refusing(paused) == ["wave"]


def test_asking_by_hand_does_not_lift_a_pause() -> None:
    paused = replace(channel(paused=True), wish=Wish(is_by_hand=True))

    assert no("wave", paused) == ("paused", Severity.NOT_YET)


def test_a_pause_is_lifted_by_its_own_wish() -> None:
    wish = Wish(ignores_pause=True)

    assert passes("wave", replace(channel(paused=True), wish=wish))


def closed() -> Channel:
    """Give a channel whose last wave is not reached, and ours is the last."""
    mine = bucket(HERE.seed, "stable", "1.4.0")
    since_s = NOW - PUBLIC - 7 * DAY
    return replace(CHANNEL, waves=(Wave(0, mine), Wave(since_s + 100, 1000)))


def test_a_wave_that_is_not_reached_refuses_alone() -> None:
    early = replace(EVIDENCE, channel=closed())

    assert no("wave", early) == ("rollout", Severity.NOT_YET)
    assert refusing(early) == ["wave"]
    assert "opens in 1 min 40 s" in sentence("wave", early)


def test_asking_by_hand_waits_for_no_wave_and_says_so() -> None:
    asked = replace(EVIDENCE, channel=closed(), wish=Wish(is_by_hand=True))
    answer = ask("wave", asked)

    assert isinstance(answer, Proof)
    assert answer.waived


def test_a_version_below_the_minimum_waits_for_no_wave() -> None:
    overdue = replace(EVIDENCE, channel=replace(closed(), minimum="1.3.1"))

    assert passes("wave", overdue)


def test_a_first_install_is_not_overdue() -> None:
    first = replace(
        here(current=None, floor=None), channel=replace(closed(), minimum="1.3.1")
    )

    assert no("wave", first) == ("rollout", Severity.NOT_YET)


def test_who_wishes_the_last_wave_waits_for_it() -> None:
    mine = bucket(HERE.seed, "stable", "1.4.0")
    since_s = NOW - PUBLIC - 7 * DAY
    waves = (Wave(0, mine + 1), Wave(since_s + 1, 1000))
    last = replace(EVIDENCE, channel=replace(CHANNEL, waves=waves))
    wish = Tightening(waits_for_last_wave=True)

    assert passes("wave", last)
    assert no("wave", replace(last, tightening=wish)) == ("rollout", Severity.NOT_YET)


def test_a_wave_needs_the_channel() -> None:
    unread = replace(EVIDENCE, channel=MISSING)

    assert no("wave", unread) == ("network", Severity.UNREACHABLE)


def test_here_shows_no_seed() -> None:
    assert "seed" not in repr(Here) + repr(HERE)
