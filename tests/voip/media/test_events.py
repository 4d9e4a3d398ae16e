"""What the media tells carries facts and shows no content."""

import pytest

from voip.media.events import ControlReceived, FileReceived, RekeyLate, TextReceived


@pytest.mark.parametrize(
    "event",
    [
        ControlReceived(b"content"),
        FileReceived("a", b"content"),
        TextReceived("content"),
    ],
)
def test_what_was_said_is_not_shown(event: object) -> None:
    assert "content" not in repr(event)


def test_being_late_is_not_yet_the_end() -> None:
    assert not RekeyLate(300.0).fatal
