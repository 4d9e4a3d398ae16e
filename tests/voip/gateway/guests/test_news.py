"""News of guests are values: alike where they say the same, and never changed."""

from dataclasses import FrozenInstanceError

import pytest

from voip.gateway.guests.news import Connected, GuestEnded, GuestShows
from voip.signalling.messages import HangupReason


def test_news_that_say_the_same_are_the_same() -> None:
    assert (Connected(), GuestShows(muted=True, video=False)) == (
        Connected(),
        GuestShows(muted=True, video=False),
    )


def test_news_do_not_change() -> None:
    ended = GuestEnded(HangupReason.LOST, "gone", by_guest=False)

    with pytest.raises(FrozenInstanceError):
        ended.why = "here"  # type: ignore[misc]  # what is tested
