"""The door to libvpx: VP8 with a rate, a size and key frames that change as we say.

Carrier. FFmpeg's wrapper ignores a changed rate, so the library that comes in PyAV's
wheel is called directly.
"""

from voip.media.sources import Picture


def check_vpx() -> str:
    """Find libvpx and see that it is laid out as expected; gives its version.

    Raises:
        MissingError: there is none, or one that we do not know.
    """
    raise NotImplementedError


class Vp8Encoder:
    """One VP8 stream; see `voip.media.video.encoding.Encoder`."""

    def __init__(self, width: int, height: int, *, bps: int, fps: int = 30) -> None:
        """Open it for pictures of this size.

        Raises:
            MissingError: libvpx is not there or not as expected.
        """
        raise NotImplementedError

    def encode(self, picture: Picture, pts: int, *, key: bool = False) -> bytes:
        """Encode one picture."""
        raise NotImplementedError
