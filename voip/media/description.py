"""What one side tells the other so that media can flow: its streams and addresses."""

from dataclasses import dataclass, field
from enum import IntEnum

from voip.errors import RefusedError
from voip.media.candidates import Candidate


class Kind(IntEnum):
    """What a stream carries."""

    AUDIO = 1
    VIDEO = 2


class Codec(IntEnum):
    """How a stream is coded."""

    OPUS = 1
    VP8 = 2


AUDIO_PT = 96
VIDEO_PT = 102
VIDEO_RTX_PT = 103
"""Payload types are constants of version 1; another number is refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """One stream that its owner may send; `rtx_pt` and `rtx_ssrc` 0 mean none."""

    kind: Kind
    codec: Codec
    pt: int
    rtx_pt: int
    ssrc: int
    rtx_ssrc: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """One side's ICE credentials, candidates and streams.

    A restart of the path describes no streams: those of the call go on.
    """

    ufrag: str
    pwd: str = field(repr=False)
    streams: tuple[Stream, ...] = ()
    candidates: tuple[Candidate, ...] = ()


def audio_stream(ssrc: int) -> Stream:
    """Describe the one audio stream of a side."""
    return Stream(
        kind=Kind.AUDIO,
        codec=Codec.OPUS,
        pt=AUDIO_PT,
        rtx_pt=0,
        ssrc=ssrc,
        rtx_ssrc=0,
    )


def video_stream(ssrc: int, rtx_ssrc: int) -> Stream:
    """Describe the one camera stream of a side.

    Retransmissions have an SSRC of their own: the same packet twice under one SSRC
    would repeat a GCM nonce.
    """
    return Stream(
        kind=Kind.VIDEO,
        codec=Codec.VP8,
        pt=VIDEO_PT,
        rtx_pt=VIDEO_RTX_PT,
        ssrc=ssrc,
        rtx_ssrc=rtx_ssrc,
    )


def check_streams(streams: tuple[Stream, ...]) -> None:
    """Check that this version can receive these streams, and safely.

    Raises:
        RefusedError: two equal SSRCs (they would share one AES-GCM nonce sequence),
            an SSRC of 0, two streams of one kind, no audio, or a codec or payload
            type other than version 1 has.
    """
    ssrcs = [s.ssrc for s in streams]
    ssrcs += [s.rtx_ssrc for s in streams if s.kind is Kind.VIDEO]
    if 0 in ssrcs or len(set(ssrcs)) != len(ssrcs):
        raise RefusedError("streams: expected distinct SSRCs, none of them 0")
    kinds = [stream.kind for stream in streams]
    if Kind.AUDIO not in kinds or len(set(kinds)) != len(kinds):
        raise RefusedError(
            "streams: expected one audio and at most one video stream, came "
            + (", ".join(kind.name.lower() for kind in kinds) or "none")
        )
    for stream in streams:
        expected = (
            audio_stream(stream.ssrc)
            if stream.kind is Kind.AUDIO
            else video_stream(stream.ssrc, stream.rtx_ssrc)
        )
        if stream != expected:
            raise RefusedError(f"streams: expected {expected}, came {stream}")
