"""Pictures that fit what they say of themselves."""

import pytest

from voip.errors import MalformedError
from voip.media.sources import FRAME_BYTES, SILENCE, Lent, Picture


def test_silence_is_one_frame_of_zeros() -> None:
    assert (len(SILENCE), any(SILENCE)) == (FRAME_BYTES, False)


def test_a_picture_holds_three_planes() -> None:
    picture = Picture(4, 2, bytes(12))

    assert (picture.width, picture.height) == (4, 2)


@pytest.mark.parametrize(
    ("width", "height", "size", "reason"),
    [
        (0, 2, 0, "at most"),
        (2, 0, 0, "at most"),
        (1922, 2, 5766, "at most"),
        (2, 1082, 3246, "at most"),
        (3, 2, 9, "even"),
        (2, 3, 9, "even"),
        (4, 2, 11, "12 bytes"),
        (4, 2, 13, "12 bytes"),
    ],
)
def test_a_picture_that_does_not_fit_is_refused(
    width: int, height: int, size: int, reason: str
) -> None:
    with pytest.raises(MalformedError, match=reason):
        Picture(width, height, bytes(size))


class Camera:
    """Gives one picture, and notes its end."""

    is_closed = False

    async def picture(self) -> Picture:
        return Picture(4, 2, bytes(12))

    def close(self) -> None:
        self.is_closed = True


async def test_what_is_lent_is_not_closed_by_its_user() -> None:
    camera = Camera()
    lent = Lent(camera)
    picture = await lent.picture()
    lent.close()

    assert picture == await camera.picture()
    assert not camera.is_closed
