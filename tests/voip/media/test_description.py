"""Streams that version 1 can receive, safely."""

from dataclasses import replace

import pytest

from voip.errors import RefusedError
from voip.media.description import (
    Codec,
    Description,
    Kind,
    Stream,
    audio_stream,
    check_streams,
    video_stream,
)

AUDIO = audio_stream(1)
VIDEO = video_stream(2, 3)


@pytest.mark.parametrize("streams", [(AUDIO,), (AUDIO, VIDEO), (VIDEO, AUDIO)])
def test_what_we_describe_ourselves_is_taken(streams: tuple[Stream, ...]) -> None:
    check_streams(streams)


@pytest.mark.parametrize(
    ("streams", "reason"),
    [
        ((audio_stream(0),), "distinct"),
        ((AUDIO, video_stream(1, 3)), "distinct"),
        ((AUDIO, video_stream(2, 2)), "distinct"),
        ((AUDIO, video_stream(2, 1)), "distinct"),
        ((AUDIO, video_stream(2, 0)), "distinct"),
        ((), "none"),
        ((VIDEO,), "came video"),
        ((AUDIO, audio_stream(9)), "came audio, audio"),
        ((replace(AUDIO, pt=97),), "pt=97"),
        ((replace(AUDIO, rtx_ssrc=9),), "rtx_ssrc=9"),
        ((AUDIO, replace(VIDEO, rtx_pt=0)), "rtx_pt=0"),
        ((replace(AUDIO, codec=Codec.VP8),), "VP8"),
    ],
)
def test_other_streams_are_refused(streams: tuple[Stream, ...], reason: str) -> None:
    with pytest.raises(RefusedError, match=reason):
        check_streams(streams)


def test_a_description_does_not_show_its_password() -> None:
    shown = repr(Description(ufrag="u", pwd="very secret"))

    assert "secret" not in shown


def test_kinds_and_codecs_have_their_numbers_on_the_wire() -> None:
    numbers = (Kind.AUDIO, Kind.VIDEO, Codec.OPUS, Codec.VP8)

    assert numbers == (1, 2, 1, 2)
