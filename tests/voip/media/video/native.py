"""What FFmpeg's own encoders make of frames, with settings that a test chooses."""

from collections.abc import Sequence
from fractions import Fraction

import av
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from voip.media.video.svt import Svt

TRIES = 3  # SVT-AV1 stands still about once in a thousand openings


def encoded(
    codec: str,
    frames: Sequence[VideoFrame],
    options: dict[str, str],
    *,
    bps: int = 600_000,
) -> list[bytes]:
    for left in reversed(range(TRIES)):
        try:
            return _encoded(_context(codec, frames[0], options, bps), frames)
        except TimeoutError:
            if not left:
                raise
    raise AssertionError


def _encoded(context: VideoCodecContext, frames: Sequence[VideoFrame]) -> list[bytes]:
    encoder: VideoCodecContext | Svt = context
    if context.name == "libsvtav1":
        encoder = Svt(context)
        encoder.open(strict=False)
    packets = [packet for frame in frames for packet in encoder.encode(frame)]
    return [bytes(packet) for packet in (*packets, *encoder.encode(None))]


def _context(
    codec: str, frame: VideoFrame, options: dict[str, str], bps: int
) -> VideoCodecContext:
    context = av.CodecContext.create(codec, "w")
    assert isinstance(context, VideoCodecContext)
    context.width, context.height = frame.width, frame.height
    context.pix_fmt, context.time_base = "yuv420p", Fraction(1, 30)
    context.bit_rate = bps
    context.options = options
    return context
