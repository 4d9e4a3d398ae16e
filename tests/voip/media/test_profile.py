"""Streams that this version can send and receive, and how two sides agree on them."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from voip.description import Codec, Description, Kind, Stream
from voip.errors import RefusedError
from voip.media.profile import (
    audio_stream,
    check_offer,
    check_selection,
    is_steady,
    offer,
    picture_stream,
    select,
    selected,
)

AUDIO = audio_stream(1)
VIDEO = picture_stream(Kind.VIDEO, Codec.VP8, 2, 3)
BETTER = picture_stream(Kind.VIDEO, Codec.AV1, 4, 5)
SCREEN = picture_stream(Kind.SCREEN, Codec.VP8, 6, 7)
STEADY = picture_stream(Kind.VIDEO, Codec.VP8, 8, 0)


def describe(streams: tuple[Stream, ...]) -> Description:
    return Description("abcd", "p" * 22, streams=streams)


def counting() -> Callable[[int], bytes]:
    numbers = iter(range(1, 100))
    return lambda size: next(numbers).to_bytes(size, "big")


@pytest.mark.parametrize(
    "streams",
    [
        (AUDIO,),
        (AUDIO, VIDEO),
        (VIDEO, AUDIO),
        (AUDIO, BETTER, VIDEO, SCREEN),
        (AUDIO, STEADY),
    ],
)
def test_what_we_offer_ourselves_is_taken(streams: tuple[Stream, ...]) -> None:
    check_offer(describe(streams))


@pytest.mark.parametrize(
    ("streams", "reason"),
    [
        ((), "came none"),
        ((VIDEO,), "came video"),
        ((AUDIO, audio_stream(9)), "came audio, audio"),
        ((AUDIO, VIDEO, replace(VIDEO, ssrc=9, rtx_ssrc=10)), "came audio, video"),
        ((replace(AUDIO, pt=97),), "pt=97"),
        ((replace(AUDIO, codec=Codec.OPUS, pt=100),), "OPUS"),
        ((replace(AUDIO, rtx_pt=101, rtx_ssrc=9),), "rtx_pt=101"),
        ((AUDIO, replace(VIDEO, rtx_pt=0, rtx_ssrc=0)), "rtx_pt=0"),
        ((AUDIO, replace(VIDEO, codec=Codec.H264)), "H264"),
        ((AUDIO, replace(VIDEO, kind=Kind.SCREEN)), "SCREEN"),
        ((AUDIO, replace(STEADY, rtx_pt=103, rtx_ssrc=9)), "pt=110"),
    ],
)
def test_other_streams_are_refused(streams: tuple[Stream, ...], reason: str) -> None:
    with pytest.raises(RefusedError, match=reason):
        check_offer(describe(streams))


def test_a_selection_has_one_stream_of_each_kind() -> None:
    check_selection(describe((AUDIO, BETTER, SCREEN)))

    with pytest.raises(RefusedError, match="came audio, video, video"):
        check_selection(describe((AUDIO, BETTER, VIDEO)))


def test_everything_that_could_be_sent_is_offered() -> None:
    streams = offer((Codec.AV1, Codec.VP8), steady=False, entropy=counting())

    assert [(each.kind.name, each.codec.name, each.pt) for each in streams] == [
        ("AUDIO", "RED", 96),
        ("VIDEO", "AV1", 104),
        ("VIDEO", "VP8", 102),
        ("SCREEN", "AV1", 108),
        ("SCREEN", "VP8", 106),
    ]


def test_an_offer_has_distinct_numbers_even_from_bad_luck() -> None:
    numbers = iter(
        [bytes(4), b"\0\0\0\1", b"\0\0\0\1", *(bytes([n] * 4) for n in b"2345")]
    )
    streams = offer((Codec.VP8,), steady=False, entropy=lambda _: next(numbers))
    ssrcs = [ssrc for stream in streams for ssrc in stream.ssrcs]

    assert (ssrcs[0], len(set(ssrcs)), 0 in ssrcs) == (1, 5, False)


def test_sound_has_the_number_that_the_other_side_knows_and_nothing_else_has() -> None:
    numbers = iter([b"\0\0\0\7", *(bytes([n] * 4) for n in b"2345")])
    streams = offer(
        (Codec.VP8,), steady=False, entropy=lambda _: next(numbers), sound_ssrc=7
    )
    ssrcs = [ssrc for stream in streams for ssrc in stream.ssrcs]

    assert (ssrcs[0], ssrcs.count(7), len(set(ssrcs))) == (7, 1, 5)


def test_without_pictures_only_sound_is_offered() -> None:
    assert offer((), steady=False, entropy=counting()) == (AUDIO,)


def test_steady_pictures_have_a_type_of_their_own_and_no_retransmissions() -> None:
    streams = offer((Codec.VP8,), steady=True, entropy=counting())

    assert [is_steady(stream) for stream in streams] == [False, True, True]
    assert [stream.rtx_ssrc for stream in streams] == [0, 0, 0]


def test_the_first_offered_codec_that_both_have_is_selected() -> None:
    offered = (AUDIO, BETTER, VIDEO, SCREEN)
    both = (replace(AUDIO, ssrc=11), replace(VIDEO, ssrc=12), replace(BETTER, ssrc=13))

    assert select(both, offered) == (both[0], both[2])
    assert select(both[:2], offered) == both[:2]


def test_steady_or_not_is_each_sides_own_wish() -> None:
    ours = (replace(AUDIO, ssrc=11), replace(VIDEO, ssrc=12))

    assert select(ours, (AUDIO, STEADY)) == ours


def test_a_selection_says_which_of_our_streams_are_used() -> None:
    ours = (AUDIO, BETTER, VIDEO, SCREEN)
    theirs = (replace(AUDIO, ssrc=11), replace(VIDEO, ssrc=12, rtx_ssrc=13))

    assert selected(ours, theirs) == (AUDIO, VIDEO)


def test_what_was_not_offered_cannot_be_selected() -> None:
    with pytest.raises(RefusedError, match="not offered"):
        selected((AUDIO, VIDEO), (AUDIO, BETTER))
