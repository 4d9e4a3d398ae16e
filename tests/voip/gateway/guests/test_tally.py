"""Counters: honest calls pass, frames that nobody sealed do not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voip.description import Kind
from voip.errors import TrustError
from voip.gateway.guests.messages import Count, Direction
from voip.gateway.guests.tally import Tally

SENT, RECEIVED = Direction.SENT, Direction.RECEIVED


def count(sframe: int, failed: int = 0, rtp: int | None = None) -> Count:
    rtp = sframe + failed if rtp is None else rtp
    return Count(Kind.AUDIO, RECEIVED, sframe, failed, rtp)


def judged(*windows: Count, patient: bool = False) -> None:
    tally = Tally(patient=patient)
    for window in windows:
        tally.judge([window], [])


def test_an_honest_call_passes() -> None:
    judged(*(count(100 * n, rtp=100 * n + 3) for n in range(10)))


def test_a_gap_in_one_window_passes() -> None:
    judged(count(100, rtp=110), count(210), count(300, rtp=310))


def test_a_gap_in_two_windows_running_does_not() -> None:
    with pytest.raises(TrustError, match="audio received: 220 frames, 200 of them"):
        judged(count(100, rtp=110), count(200, rtp=220))


def test_frames_that_do_not_open_end_it() -> None:
    with pytest.raises(TrustError, match="6 of 106 frames do not open"):
        judged(count(100, failed=6))


def test_two_in_a_hundred_that_do_not_open_pass() -> None:
    judged(count(980, failed=20))


def test_a_transform_that_never_ran_ends_it() -> None:
    with pytest.raises(TrustError, match="audio received: 200 frames, none sealed"):
        judged(count(0, rtp=200))


def test_frames_in_clear_that_all_fail_are_the_same() -> None:
    with pytest.raises(TrustError, match="none sealed"):
        judged(count(0, failed=200))


def test_a_first_connection_has_one_window_to_be_built_anew() -> None:
    judged(count(0, rtp=100), patient=True)


def test_a_first_connection_has_no_second_window() -> None:
    with pytest.raises(TrustError, match="none sealed"):
        judged(count(0, rtp=100), count(0, rtp=200), patient=True)


def test_a_connection_without_media_yet_passes() -> None:
    judged(*[count(0)] * 10)


def test_a_few_frames_are_not_judged() -> None:
    judged(*[count(0, failed=9)] * 10)


def test_a_guest_who_opened_more_than_was_sealed_ends_it() -> None:
    ours = [Count(Kind.VIDEO, SENT, 10, 0, 10)]
    theirs = [Count(Kind.VIDEO, RECEIVED, 11, 0, 11)]

    with pytest.raises(TrustError, match="the guest opened 11 frames, 10 were sealed"):
        Tally(patient=True).judge(ours, theirs)


def test_a_guest_who_opened_less_passes() -> None:
    ours = [Count(Kind.VIDEO, SENT, 10, 0, 10)]
    theirs = [
        Count(Kind.VIDEO, RECEIVED, 10, 0, 10),
        Count(Kind.VIDEO, SENT, 99, 0, 99),
    ]
    Tally(patient=True).judge(ours, theirs)


@given(st.lists(st.tuples(st.integers(0, 110), st.integers(0, 2)), max_size=20))
def test_loss_and_lag_on_the_way_never_end_an_honest_call(
    windows: list[tuple[int, int]],
) -> None:
    tally, total = Tally(patient=False), 0
    for came, late in windows:
        total += came
        tally.judge([count(max(total - late, 0), rtp=total)], [])


@given(st.integers(100, 110), st.integers(0, 90))
def test_a_stream_that_bypasses_the_sealing_ends_it(came: int, sealed: int) -> None:
    windows = [count(sealed * n, rtp=came * n) for n in (1, 2, 3)]

    with pytest.raises(TrustError):
        judged(*windows)
