"""How far a rebuilder has come, without a clock."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reproducible.drive.standing import (
    FIRST_DELAY_S,
    LONGEST_DELAY_S,
    MAX_JOBS,
    MAX_TROUBLE,
    RENEW_BEFORE_S,
    Standing,
    concluded,
    failed,
    format_standing,
    handed_out,
    look_failed,
    looked,
    parse_standing,
    wait_s,
)
from tests.reproducible.drive.standings import (
    DAY,
    NOW,
    PLATFORM,
    dice,
    job,
    said,
    seen,
    sha256,
)
from tests.updater.transparency.mangled import assert_one_spelling
from updater.errors import MalformedError


def found(
    standing: Standing, version: str, *, at: float = NOW, **of: object
) -> Standing:
    """Take in a verdict of a version."""
    statement = said(at=int(at), **of)  # type: ignore[arg-type]  # any of its fields
    return concluded(standing, sha256(version), statement, now=at, entropy=dice)


def test_a_new_release_is_due_at_once() -> None:
    due = seen("1.0").due(NOW)

    assert due is not None
    assert due.version == "1.0"


def test_the_newest_release_comes_first() -> None:
    due = seen("1.9", "1.10", "1.2").due(NOW)

    assert due is not None
    assert due.version == "1.10"


def test_nothing_is_due_where_nothing_was_seen() -> None:
    assert Standing().due(NOW) is None


def test_what_was_seen_before_keeps_its_verdict() -> None:
    before = found(seen("1.0"), "1.0")

    after = looked(before, [("1.0", PLATFORM, sha256("1.0"))], frozenset(), NOW + 1)

    assert job(after, "1.0") == job(before, "1.0")


def test_a_release_that_is_not_listed_any_more_is_not_forgotten() -> None:
    assert looked(seen("1.0"), [], frozenset(), NOW).jobs == seen("1.0").jobs


def test_a_good_look_clears_the_trouble_of_the_last() -> None:
    assert (
        looked(look_failed(Standing(), "no answer"), [], frozenset(), 9).trouble == ""
    )


def test_a_failed_look_keeps_what_was_known() -> None:
    standing = look_failed(seen("1.0"), "no answer")

    assert (standing.trouble, standing.jobs) == ("no answer", seen("1.0").jobs)


def test_trouble_without_a_word_is_trouble_all_the_same() -> None:
    assert look_failed(Standing(), "").trouble == "unknown"


def test_more_files_than_are_kept_are_refused() -> None:
    found = [("1.0", PLATFORM, f"{number:064x}") for number in range(MAX_JOBS + 1)]

    with pytest.raises(MalformedError, match="at most 100000 files, came 100001"):
        looked(Standing(), found, frozenset(), NOW)


def test_a_withdrawn_release_is_never_due() -> None:
    standing = looked(seen("1.0"), [], frozenset({sha256("1.0")}), NOW)

    assert standing.due(NOW + 1000 * DAY) is None


def test_a_job_without_a_verdict_is_tried_again_ever_more_rarely() -> None:
    standing, waits = seen("1.0"), []
    for _ in range(12):
        standing = failed(standing, sha256("1.0"), "no sandbox", now=NOW, entropy=dice)
        waits.append(job(standing, "1.0").next_on - NOW)

    assert waits[:3] == [FIRST_DELAY_S, 2 * FIRST_DELAY_S, 4 * FIRST_DELAY_S]
    assert waits[-1] == LONGEST_DELAY_S


def test_why_it_failed_is_kept_short() -> None:
    standing = failed(seen("1.0"), sha256("1.0"), "x" * 9999, now=NOW, entropy=dice)

    assert job(standing, "1.0").trouble == "x" * MAX_TROUBLE


def test_an_empty_failure_has_a_word() -> None:
    standing = failed(seen("1.0"), sha256("1.0"), "", now=NOW, entropy=dice)

    assert job(standing, "1.0").trouble == "unknown"


def test_entropy_spreads_the_tries() -> None:
    late = failed(
        seen("1.0"), sha256("1.0"), "x", now=NOW, entropy=lambda n: b"\xff" * n
    )

    assert job(late, "1.0").next_on == NOW + FIRST_DELAY_S * 5 // 4


def test_a_verdict_is_not_looked_for_again_until_its_end_is_near() -> None:
    standing = found(seen("1.0"), "1.0")

    assert standing.due(NOW + 120 * DAY - RENEW_BEFORE_S - 1) is None
    assert standing.due(NOW + 120 * DAY - RENEW_BEFORE_S) is not None


def test_a_short_life_is_renewed_half_way() -> None:
    short = replace(said(), expires_on=NOW + 10)

    standing = concluded(seen("1.0"), sha256("1.0"), short, now=NOW, entropy=dice)

    assert job(standing, "1.0").next_on == NOW + 5


def test_a_verdict_clears_the_trouble_before_it() -> None:
    standing = failed(seen("1.0"), sha256("1.0"), "x", now=NOW, entropy=dice)

    assert job(found(standing, "1.0"), "1.0").trouble == ""


def test_what_has_no_verdict_comes_before_what_is_renewed() -> None:
    old = looked(
        found(seen("2.0"), "2.0"), [("1.0", PLATFORM, "e" * 64)], frozenset(), NOW
    )

    due = old.due(NOW + 119 * DAY)

    assert due is not None
    assert due.version == "1.0"


def test_the_same_verdict_is_not_said_twice() -> None:
    once = found(seen("1.0"), "1.0", leaf="a" * 64)

    again = found(once, "1.0", at=NOW + DAY, leaf="b" * 64)

    assert job(again, "1.0").said == job(once, "1.0").said


def test_another_verdict_is_said_at_once() -> None:
    once = handed_out(found(seen("1.0"), "1.0"), "a" * 64)

    other = found(once, "1.0", at=NOW + DAY, verdict="different", leaf="b" * 64)

    assert [each.said and each.said.leaf for each in other.unsent] == ["b" * 64]


def test_a_statement_near_its_end_is_replaced() -> None:
    once = found(seen("1.0"), "1.0")

    later = found(once, "1.0", at=NOW + 100 * DAY, leaf="b" * 64)

    renewed = job(later, "1.0").said
    assert renewed is not None
    assert renewed.expires_on == NOW + 220 * DAY


def test_a_build_that_failed_is_tried_again_soon() -> None:
    standing = found(seen("1.0"), "1.0", verdict="build-failed")

    assert job(standing, "1.0").next_on == NOW + FIRST_DELAY_S


def test_a_build_that_fails_again_and_again_is_said_once() -> None:
    once = found(seen("1.0"), "1.0", verdict="build-failed", leaf="a" * 64)

    again = found(once, "1.0", verdict="build-failed", leaf="b" * 64)

    kept = job(again, "1.0")
    assert kept.said is not None
    assert (kept.said.leaf, kept.tries) == ("a" * 64, 2)


def test_a_statement_waits_until_it_is_handed_out() -> None:
    standing = found(seen("1.0", "1.1"), "1.0")

    assert [each.version for each in standing.unsent] == ["1.0"]
    assert handed_out(standing, "a" * 64).unsent == ()


def test_only_the_statement_that_was_handed_out_is_done() -> None:
    standing = found(seen("1.0", "1.1"), "1.0")

    assert handed_out(standing, "f" * 64) == standing


def test_all_is_well_when_everything_is_found_and_handed_out() -> None:
    standing = found(seen("1.0"), "1.0", verdict="different")

    assert [standing.is_well, handed_out(standing, "a" * 64).is_well] == [False, True]


@pytest.mark.parametrize("withdrawn", [False, True])
def test_trouble_with_what_nobody_needs_is_none(*, withdrawn: bool) -> None:
    standing = failed(seen("1.0"), sha256("1.0"), "no root", now=NOW, entropy=dice)
    gone = frozenset({sha256("1.0")} if withdrawn else ())

    assert looked(standing, [], gone, NOW).is_well is withdrawn


def test_a_look_that_failed_is_not_well() -> None:
    assert not look_failed(Standing(), "no route").is_well


def test_a_wait_is_an_interval_and_a_little_less() -> None:
    never = wait_s(Standing(), interval_s=100, now=NOW, entropy=dice)
    least = wait_s(Standing(), interval_s=100, now=NOW, entropy=lambda n: b"\xff" * n)

    assert (never, least) == (100, 90)


def test_a_wait_ends_when_a_job_is_due() -> None:
    standing = found(seen("1.0"), "1.0", verdict="build-failed")

    waited = wait_s(standing, interval_s=9999, now=NOW, entropy=dice)

    assert waited == FIRST_DELAY_S


def test_a_look_that_failed_waits_an_interval_whatever_is_due() -> None:
    standing = look_failed(seen("1.0"), "no route")

    assert wait_s(standing, interval_s=3600, now=NOW, entropy=dice) == 3600


def test_there_is_always_a_moment_to_breathe() -> None:
    assert wait_s(seen("1.0"), interval_s=9999, now=NOW + 1, entropy=dice) == 1


STANDINGS = (
    Standing(),
    look_failed(seen("1.0", "1.1rc1"), "no answer"),
    handed_out(found(seen("1.0", "1.1"), "1.0"), "a" * 64),
    failed(seen("1.0"), sha256("1.0"), "wörter\n", now=NOW, entropy=dice),
    looked(seen("1.0"), [], frozenset({sha256("1.0")}), NOW),
)


@pytest.mark.parametrize("standing", STANDINGS, ids=range(len(STANDINGS)))
def test_what_is_written_is_read_back(standing: Standing) -> None:
    assert parse_standing(format_standing(standing)) == standing


def test_every_platform_that_a_log_can_name_is_read_back() -> None:
    found = [("1.0", "any", sha256("1.0"))]
    standing = looked(Standing(), found, frozenset(), NOW)

    assert parse_standing(format_standing(standing)) == standing


def test_trouble_with_a_name_that_is_no_text_is_read_back() -> None:
    standing = look_failed(seen("1.0"), "/home/\udce9: not there")

    assert parse_standing(format_standing(standing)).trouble == "/home/?: not there"


def test_a_standing_has_one_spelling() -> None:
    data = format_standing(found(seen("1.0"), "1.0"))

    assert_one_spelling(parse_standing, format_standing, data)


def test_a_file_that_stands_twice_is_refused() -> None:
    one = seen("1.0")
    twice = format_standing(replace(one, jobs=(*one.jobs, *one.jobs)))

    with pytest.raises(MalformedError, match="each file once"):
        parse_standing(twice)


def test_a_verdict_that_does_not_exist_is_refused() -> None:
    data = format_standing(found(seen("1.0"), "1.0"))

    with pytest.raises(MalformedError, match="verdict"):
        parse_standing(data.replace(b'"identical"', b'"perfect"'))


@given(st.binary(max_size=64))
def test_any_bytes_are_a_standing_or_malformed(data: bytes) -> None:
    try:
        parse_standing(data)
    except MalformedError:
        return
    raise AssertionError
