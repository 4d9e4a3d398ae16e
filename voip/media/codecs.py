"""Whether this machine can encode and decode at all; `ringfence doctor` asks.

Carrier: the codecs are those of PyAV's wheel. Each is used once, there and back.
"""

from voip.description import Codec
from voip.errors import MalformedError, MissingError
from voip.media.audio.opus import check_opus
from voip.media.i420 import picture_of
from voip.media.pattern import draw_pattern, read_frame_number
from voip.media.video.decoding import FrameDecoder
from voip.media.video.encoders import open_encoder
from voip.media.video.vpx import load

__all__ = ["check_av1", "check_opus", "check_vp8"]

_BPS = 600_000
_NUMBER = 21  # of the picture; it is read from the one that came back


def check_vp8() -> str:
    """Encode a picture, decode it, and say in a sentence which library did.

    Raises:
        MissingError: there is no VP8, or another picture came back.
    """
    try:
        told = f"libvpx {load().version}, whose rate changes without a key frame"
    except MissingError as error:
        told = f"FFmpeg's, with a key frame at each large change of rate ({error})"
    _check(Codec.VP8)
    return told


def check_av1() -> str:
    """Encode a picture as AV1, decode it, and say in a sentence what that means.

    Raises:
        MissingError: there is no AV1, or another picture came back; calls have VP8.
    """
    _check(Codec.AV1)
    return "SVT-AV1 and dav1d, offered first in a call"


def _check(codec: Codec) -> None:
    name = codec.name.lower()
    picture = draw_pattern(_NUMBER)
    encoder = open_encoder(codec, picture.width, picture.height, bps=_BPS)
    try:
        frames = FrameDecoder(codec).decode(encoder.encode(picture, 0))
    except MalformedError as error:
        raise MissingError(f"{name} does not work: {error}") from error
    finally:
        encoder.close()
    numbers = [
        read_frame_number(picture_of(frame, picture.width, picture.height))
        for frame in frames
    ]
    if numbers != [_NUMBER]:
        raise MissingError(f"{name}: expected picture {_NUMBER} back, came {numbers}")
