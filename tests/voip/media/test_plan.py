"""What a side could show or see, and who closes it."""

import pytest

from tests.voip.media.call_media import Heard, Pattern, Seen
from voip.media.pattern import Silence
from voip.media.plan import MediaPlan


@pytest.mark.parametrize("end", ["video_source", "screen_source", "video_sink"])
def test_one_end_of_pictures_is_enough_to_agree_on_them(end: str) -> None:
    picture_end = Seen() if end == "video_sink" else Pattern()
    with_pictures = MediaPlan(
        audio_source=Silence(),
        audio_sink=Heard(),
        **{end: picture_end},  # type: ignore[arg-type]  # each is what its name says
    )
    without = MediaPlan(audio_source=Silence(), audio_sink=Heard())

    assert (with_pictures.has_pictures, without.has_pictures) == (True, False)


class End(Heard):
    """Counts how often it is closed."""

    closed = 0

    def close(self) -> None:
        self.closed += 1


def test_every_end_is_closed() -> None:
    class Window(Seen):
        closed = 0

        def close(self) -> None:
            self.closed += 1

    speaker, window = End(), Window()
    plan = MediaPlan(audio_source=Silence(), audio_sink=speaker, video_sink=window)
    plan.close()

    assert (speaker.closed, window.closed) == (1, 1)
