"""Feeds are named by keys; a server that mixes them up is found out."""

import pytest

from voip.gateway.rooms.feeds import SILENT_S, UNOPENED_S, Feeds, Verdict

ALICE, BOB = b"a" * 48, b"b" * 48


@pytest.fixture
def feeds() -> Feeds:
    return Feeds()


def test_the_first_frame_that_opens_names_a_feed(feeds: Feeds) -> None:
    assert feeds.opened(7, ALICE) is Verdict.NAMED


def test_further_frames_are_no_news(feeds: Feeds) -> None:
    feeds.opened(7, ALICE)

    assert feeds.opened(7, ALICE) is Verdict.NOTHING


def test_a_feed_that_two_keys_open_is_mixed(feeds: Feeds) -> None:
    feeds.opened(7, ALICE)

    assert feeds.opened(7, BOB) is Verdict.MIXED
    assert feeds.opened(7, ALICE) is Verdict.NOTHING


def test_a_key_may_be_on_its_way_for_a_while(feeds: Feeds) -> None:
    feeds.unopened(7, 0.0)

    assert feeds.unopened(7, UNOPENED_S - 0.1) is Verdict.NOTHING


def test_a_feed_that_nobody_opens_is_unknown(feeds: Feeds) -> None:
    feeds.unopened(7, 0.0)

    assert feeds.unopened(7, UNOPENED_S) is Verdict.UNKNOWN


def test_a_frame_that_opens_begins_the_time_anew(feeds: Feeds) -> None:
    feeds.unopened(7, 0.0)
    feeds.opened(7, ALICE)

    assert feeds.unopened(7, UNOPENED_S) is Verdict.NOTHING


def test_an_unknown_feed_is_tried_again_once(feeds: Feeds) -> None:
    feeds.unopened(7, 0.0)
    feeds.unopened(7, UNOPENED_S)

    assert feeds.retry() == {7}
    assert not feeds.retry()


def test_a_feed_that_is_tried_again_has_time_again(feeds: Feeds) -> None:
    feeds.unopened(7, 0.0)
    feeds.unopened(7, UNOPENED_S)
    feeds.retry()

    assert feeds.unopened(7, 2 * UNOPENED_S) is Verdict.NOTHING


def test_a_feed_that_is_gone_is_not_tried_again(feeds: Feeds) -> None:
    feeds.unopened(7, 0.0)
    feeds.unopened(7, UNOPENED_S)
    feeds.gone(7)

    assert not feeds.retry()


def test_a_number_that_is_used_again_may_be_of_another(feeds: Feeds) -> None:
    feeds.opened(7, ALICE)
    feeds.gone(7)

    assert feeds.opened(7, BOB) is Verdict.NAMED


def test_a_feed_that_nobody_opens_is_a_stranger_s(feeds: Feeds) -> None:
    feeds.unopened(7, 0.0)
    feeds.unopened(7, UNOPENED_S)

    assert feeds.strangers(UNOPENED_S) == {7}


def test_a_feed_that_is_tried_again_is_nobody_s_yet(feeds: Feeds) -> None:
    feeds.unopened(7, 0.0)
    feeds.unopened(7, UNOPENED_S)
    feeds.retry()

    assert not feeds.strangers(UNOPENED_S)


@pytest.mark.parametrize(("now", "strangers"), [(SILENT_S - 1, set()), (SILENT_S, {7})])
def test_a_feed_that_says_nothing_at_all_is_a_stranger_s(
    now: float, strangers: set[int], feeds: Feeds
) -> None:
    feeds.expect(7, 0.0)

    assert feeds.strangers(now) == strangers


def test_a_feed_with_a_name_may_be_silent(feeds: Feeds) -> None:
    feeds.expect(7, 0.0)
    feeds.opened(7, ALICE)

    assert not feeds.strangers(2 * SILENT_S)


def test_a_member_whose_next_key_is_late_is_no_stranger(feeds: Feeds) -> None:
    feeds.opened(7, ALICE)
    feeds.unopened(7, 10.0)
    feeds.unopened(7, 10.0 + UNOPENED_S)

    assert not feeds.strangers(10.0 + UNOPENED_S)


def test_who_left_and_goes_on_sending_is_a_stranger(feeds: Feeds) -> None:
    feeds.opened(7, ALICE)
    feeds.opened(8, BOB)
    feeds.left(ALICE)
    for feed in (7, 8):
        feeds.unopened(feed, 10.0)
        feeds.unopened(feed, 10.0 + UNOPENED_S)

    assert feeds.strangers(10.0 + UNOPENED_S) == {7}


def test_a_number_of_a_member_that_is_used_again_has_no_name(feeds: Feeds) -> None:
    feeds.opened(7, ALICE)
    feeds.gone(7)
    feeds.expect(7, 0.0)

    assert feeds.strangers(SILENT_S) == {7}


def test_a_feed_of_one_who_left_is_a_stranger_s_if_it_stays(feeds: Feeds) -> None:
    feeds.opened(7, ALICE)
    feeds.left(ALICE)
    feeds.expect(7, 0.0)

    assert feeds.strangers(SILENT_S) == {7}
