"""An encoder that stands still now and then, as SVT-AV1 does."""

from collections.abc import Sequence
from typing import SupportsBytes

import pytest
from av.video.frame import VideoFrame

from voip.errors import MissingError
from voip.media.pattern import draw_pattern
from voip.media.video.reopened import MAX_HANGS, Reopened

PICTURE = draw_pattern(0, 128, 64)


class Shaky:
    """Stands still whenever the list of what happens says so."""

    def __init__(self, happens: list[str]) -> None:
        self._happens = happens

    def open(self, *, strict: bool) -> None:
        assert not strict
        self._next()

    def encode(self, frame: VideoFrame | None) -> Sequence[SupportsBytes]:
        self._next()
        return [b"coded"] if frame is not None else []

    def _next(self) -> None:
        if self._happens and self._happens.pop(0) == "hangs":
            raise TimeoutError


def shaky(*happens: str) -> Reopened:
    left = list(happens)
    return Reopened(lambda *_: Shaky(left), 128, 64, bps=100_000)


def test_a_picture_at_which_it_stands_still_is_encoded_by_another_one() -> None:
    encoder = shaky("opens", "hangs")

    assert encoder.encode(PICTURE, 0) == b"coded"


def test_one_that_does_not_open_is_opened_again() -> None:
    encoder = shaky("hangs", "hangs", "opens")

    assert encoder.encode(PICTURE, 0) == b"coded"


def test_one_that_stands_still_again_and_again_is_given_up() -> None:
    encoder = shaky("opens", *["hangs"] * (MAX_HANGS + 1))

    with pytest.raises(MissingError, match="stood still 4 times"):
        encoder.encode(PICTURE, 0)


def test_one_that_was_given_up_stays_closed() -> None:
    encoder = shaky("opens", *["hangs"] * (MAX_HANGS + 1))
    with pytest.raises(MissingError):
        encoder.encode(PICTURE, 0)

    with pytest.raises(MissingError, match="closed"):
        encoder.encode(PICTURE, 1)


def test_one_that_stands_still_at_its_end_is_left() -> None:
    encoder = shaky("opens", "encodes", "hangs")
    encoder.encode(PICTURE, 0)
    encoder.close()

    with pytest.raises(MissingError, match="closed"):
        encoder.encode(PICTURE, 1)
