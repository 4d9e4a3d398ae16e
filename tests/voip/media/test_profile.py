"""Streams that version 1 can receive."""

from dataclasses import replace

import pytest

from voip.description import Codec, Description, Kind, Stream
from voip.errors import RefusedError
from voip.media.profile import audio_stream, check_streams, video_stream

AUDIO = audio_stream(1)
VIDEO = video_stream(2, 3)


def describe(streams: tuple[Stream, ...]) -> Description:
    return Description("abcd", "p" * 22, streams=streams)


@pytest.mark.parametrize("streams", [(AUDIO,), (AUDIO, VIDEO), (VIDEO, AUDIO)])
def test_what_we_describe_ourselves_is_taken(streams: tuple[Stream, ...]) -> None:
    check_streams(describe(streams))


@pytest.mark.parametrize(
    ("streams", "reason"),
    [
        ((), "none"),
        ((VIDEO,), "came video"),
        ((AUDIO, audio_stream(9)), "came audio, audio"),
        ((replace(AUDIO, pt=97),), "pt=97"),
        ((replace(AUDIO, rtx_pt=98, rtx_ssrc=9),), "rtx_pt=98"),
        ((AUDIO, replace(VIDEO, rtx_pt=0, rtx_ssrc=0)), "rtx_pt=0"),
        ((AUDIO, replace(VIDEO, codec=Codec.H264)), "H264"),
        ((AUDIO, replace(VIDEO, kind=Kind.SCREEN)), "SCREEN"),
    ],
)
def test_other_streams_are_refused(streams: tuple[Stream, ...], reason: str) -> None:
    with pytest.raises(RefusedError, match=reason):
        check_streams(describe(streams))
