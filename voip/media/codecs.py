"""Whether this machine can encode and decode at all; `ringfence doctor` asks.

Carrier: the codecs are FFmpeg's, as PyAV brings it. Each is used once, there and back.
"""

import fractions

import av
from av.audio.codeccontext import AudioCodecContext
from av.video.codeccontext import VideoCodecContext

from voip.errors import MissingError
from voip.media.audio.track import OpusEncoder
from voip.media.i420 import frame_of, picture_of
from voip.media.pattern import Tone, draw_pattern, read_frame_number
from voip.media.rtp import AUDIO_PAYLOAD_BYTES
from voip.media.sources import SAMPLE_RATE

_NUMBER = 21  # of the picture; it is read from the one that came back


def check_opus() -> None:
    """Encode a frame of sound and decode it.

    Raises:
        MissingError: there is no Opus, or its packets have not the one size.
    """
    try:
        packet = OpusEncoder().encode(Tone().read(), 0)
        decoder = av.CodecContext.create("libopus", "r")
        assert isinstance(decoder, AudioCodecContext)
        decoder.sample_rate = SAMPLE_RATE
        decoder.layout = "mono"
        frames = decoder.decode(packet)
    except av.FFmpegError as error:
        raise MissingError(f"opus does not work: {error}") from error
    if packet.size != AUDIO_PAYLOAD_BYTES or not frames:
        raise MissingError(
            f"opus: expected {AUDIO_PAYLOAD_BYTES} bytes and sound, "
            f"came {packet.size} bytes and {len(frames)} frames"
        )


def check_vp8() -> None:
    """Encode a picture and decode it.

    Raises:
        MissingError: there is no VP8, or another picture came back.
    """
    picture = draw_pattern(_NUMBER)
    try:
        encoder = av.CodecContext.create("libvpx", "w")
        assert isinstance(encoder, VideoCodecContext)
        encoder.width, encoder.height = picture.width, picture.height
        encoder.pix_fmt = "yuv420p"
        encoder.time_base = fractions.Fraction(1, 30)
        packets = [*encoder.encode(frame_of(picture)), *encoder.encode(None)]
        decoder = av.CodecContext.create("libvpx", "r")
        assert isinstance(decoder, VideoCodecContext)
        frames = [frame for packet in packets for frame in decoder.decode(packet)]
    except av.FFmpegError as error:
        raise MissingError(f"vp8 does not work: {error}") from error
    numbers = [
        read_frame_number(picture_of(frame, picture.width, picture.height))
        for frame in frames
    ]
    if numbers != [_NUMBER]:
        raise MissingError(f"vp8: expected picture {_NUMBER} back, came {numbers}")
