"""Which streams version 1 has, as an RTP profile says it (RFC 3550 §13).

A description may hold more; what a side sends is made here, and what it would receive
is checked here first.
"""

from voip.description import Codec, Description, Kind, Stream
from voip.errors import RefusedError

AUDIO_PT = 96
VIDEO_PT = 102
VIDEO_RTX_PT = 103
"""Payload types are constants of version 1; another number is refused."""

_PROFILE = {
    Kind.AUDIO: (Codec.OPUS, AUDIO_PT, 0),
    Kind.VIDEO: (Codec.VP8, VIDEO_PT, VIDEO_RTX_PT),
}


def audio_stream(ssrc: int) -> Stream:
    """Describe the one audio stream of a side."""
    return Stream(Kind.AUDIO, Codec.OPUS, pt=AUDIO_PT, ssrc=ssrc)


def video_stream(ssrc: int, rtx_ssrc: int) -> Stream:
    """Describe the one camera stream of a side."""
    return Stream(
        Kind.VIDEO,
        Codec.VP8,
        pt=VIDEO_PT,
        ssrc=ssrc,
        rtx_pt=VIDEO_RTX_PT,
        rtx_ssrc=rtx_ssrc,
    )


def check_streams(remote: Description) -> None:
    """Check that this version can receive what the peer may send.

    Raises:
        RefusedError: two streams of one kind, no audio, or a kind, codec or payload
            type other than version 1 has.
    """
    kinds = [stream.kind for stream in remote.streams]
    if Kind.AUDIO not in kinds or len(set(kinds)) != len(kinds):
        raise RefusedError(
            "streams: expected one audio and at most one video stream, came "
            + (", ".join(kind.name.lower() for kind in kinds) or "none")
        )
    for stream in remote.streams:
        if _PROFILE.get(stream.kind) != (stream.codec, stream.pt, stream.rtx_pt):
            raise RefusedError(f"streams: not one of version 1: {stream}")
