"""What an encoder of pictures does, and the best one that this machine has.

Carrier. VP8 is libvpx, called directly; where the library is not as we know it,
FFmpeg's wrapper of the same library does, and must be opened again for each larger
change of rate. So must AV1, which is SVT-AV1 through FFmpeg.
"""

import fractions
from typing import Protocol, assert_never

import av
from av.video.codeccontext import VideoCodecContext

from voip.description import Codec
from voip.errors import MissingError
from voip.media.sources import Picture
from voip.media.video.limits import CLOCK_RATE
from voip.media.video.reopened import Reopened
from voip.media.video.svt import open_av1
from voip.media.video.vpx import Vp8Encoder, load


class Encoder(Protocol):
    """Makes coded frames of pictures; used by one thread at a time."""

    def encode(self, picture: Picture, pts: int, *, key: bool = False) -> bytes:
        """Encode one picture, of the size set, shown at `pts` (90 kHz, rising).

        Gives nothing when the encoder leaves this picture out to keep its rate.

        Raises:
            MalformedError: a picture of another size.
            MissingError: the encoder is closed, or failed.
        """

    def set_rate(self, bps: int) -> None:
        """Aim at so many bits a second from the next picture on."""

    def set_size(self, width: int, height: int) -> None:
        """Expect pictures of this size from now on; the next is a key frame."""

    @property
    def quantizer(self) -> int | None:
        """How coarse the last frame was, 0 to 63; None where nobody can know."""

    def close(self) -> None:
        """Free it; a second call does nothing."""


def open_encoder(
    codec: Codec, width: int, height: int, *, bps: int, screen: bool = False
) -> Encoder:
    """Open the best encoder that there is, for faces or for a screen.

    Raises:
        MissingError: this machine has none.
    """
    match codec:
        case Codec.VP8:
            try:
                load()
            except MissingError:
                return open_plain_vp8(width, height, bps=bps)
            return Vp8Encoder(width, height, bps=bps)
        case Codec.AV1:
            return open_av1(width, height, bps=bps, screen=screen)
        case Codec.OPUS | Codec.RED | Codec.H264:
            raise MissingError(f"no encoder of pictures for {codec.name.lower()}")
        case _:
            assert_never(codec)


def open_plain_vp8(width: int, height: int, *, bps: int) -> Encoder:
    """Open FFmpeg's VP8, whose rate only changes by opening it again.

    Raises:
        MissingError: PyAV was built without it.
    """
    return Reopened(_vp8_context, width, height, bps=bps)


def _vp8_context(width: int, height: int, bps: int) -> VideoCodecContext:
    context = av.CodecContext.create("libvpx", "w")
    assert isinstance(context, VideoCodecContext)
    context.width, context.height = width, height
    context.pix_fmt = "yuv420p"
    context.time_base = fractions.Fraction(1, CLOCK_RATE)
    context.bit_rate = bps
    context.gop_size = 3000  # frames; key frames come when asked for
    context.thread_count = 1
    context.options = {  # the same as `voip.media.video.vpx` sets, in FFmpeg's words
        "deadline": "realtime",
        "cpu-used": "-12",
        "noise-sensitivity": "0",
        "static-thresh": "1",
        "max-intra-rate": "300",
        "lag-in-frames": "0",
        "qmin": "2",
        "qmax": "56",
        "minrate": str(bps),  # least = most: a constant rate
        "maxrate": str(bps),
        "bufsize": str(bps),
        "undershoot-pct": "100",
        "overshoot-pct": "15",
    }
    return context
