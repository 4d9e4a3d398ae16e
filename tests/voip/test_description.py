import pytest
from hypothesis import given
from hypothesis import strategies as st

from voip.description import (
    Codec,
    Description,
    Kind,
    Stream,
    format_description,
    read_description,
)
from voip.errors import MalformedError
from voip.wire import Reader

UFRAG, PWD = "aB3+", "0123456789abcdefABCD+/"
CANDIDATE = "candidate:0 1 udp 2130706431 192.0.2.1 50000 typ host"
AUDIO = Stream(Kind.AUDIO, Codec.OPUS, pt=96, ssrc=1)
VIDEO = Stream(Kind.VIDEO, Codec.VP8, pt=97, ssrc=2, rtx_pt=98, rtx_ssrc=0xFFFFFFFF)
MEDIA = Description(UFRAG, PWD, streams=(AUDIO, VIDEO), candidates=(CANDIDATE,))
RAW = (
    b"\x04aB3+\x160123456789abcdefABCD+/\x02"
    b"\x01\x01\x60\x00\x00\x00\x00\x01\x00\x00\x00\x00"
    b"\x02\x02\x61\x62\x00\x00\x00\x02\xff\xff\xff\xff"
    b"\x01\x35" + CANDIDATE.encode()
)


def parse(raw: bytes) -> Description:
    reader = Reader(raw)
    media = read_description(reader)
    reader.end()
    return media


def test_media_is_written_to_the_byte() -> None:
    assert format_description(MEDIA) == RAW


def test_media_is_read_back() -> None:
    assert parse(RAW) == MEDIA


@given(st.binary(max_size=120))
def test_any_bytes_are_media_or_malformed(raw: bytes) -> None:
    try:
        media = parse(raw)
    except MalformedError:
        return

    assert raw == format_description(media)


@given(st.integers(0, len(RAW) - 1), st.integers(0, 255))
def test_a_changed_byte_is_other_media_or_malformed(at: int, byte: int) -> None:
    changed = RAW[:at] + bytes([byte]) + RAW[at + 1 :]
    try:
        media = parse(changed)
    except MalformedError:
        return

    assert changed == format_description(media)


@pytest.mark.parametrize("size", range(len(RAW)))
def test_a_prefix_is_malformed(size: int) -> None:
    with pytest.raises(MalformedError):
        parse(RAW[:size])


def test_the_password_is_not_shown() -> None:
    assert PWD not in repr(MEDIA)


def test_a_stream_knows_its_sources() -> None:
    assert (AUDIO.ssrcs, VIDEO.ssrcs) == ((1,), (2, 0xFFFFFFFF))


def test_an_ssrc_used_twice_is_refused() -> None:
    again = Stream(Kind.SCREEN, Codec.VP8, pt=99, ssrc=1)

    with pytest.raises(MalformedError, match="media: an ssrc is used twice"):
        Description(UFRAG, PWD, streams=(AUDIO, again))


def test_a_retransmission_ssrc_used_twice_is_refused() -> None:
    with pytest.raises(MalformedError, match="an ssrc is used twice"):
        Description(
            UFRAG,
            PWD,
            streams=(
                Stream(Kind.VIDEO, Codec.VP8, pt=97, ssrc=2, rtx_pt=98, rtx_ssrc=2),
            ),
        )


def test_nine_streams_are_refused() -> None:
    streams = tuple(
        Stream(Kind.AUDIO, Codec.OPUS, pt=96, ssrc=ssrc) for ssrc in range(1, 10)
    )

    with pytest.raises(MalformedError, match="at most 8 streams, came 9"):
        Description(UFRAG, PWD, streams=streams)


def test_seventeen_candidates_are_refused() -> None:
    with pytest.raises(MalformedError, match="at most 16 candidates, came 17"):
        Description(UFRAG, PWD, streams=(AUDIO,), candidates=(CANDIDATE,) * 17)


@pytest.mark.parametrize("candidate", ["", "a" * 256, "a\x1b[2J", "a\n", "ä"])
def test_a_candidate_that_is_not_printable_ascii_is_refused(candidate: str) -> None:
    with pytest.raises(MalformedError, match="1-255 printable ascii"):
        Description(UFRAG, PWD, streams=(AUDIO,), candidates=(candidate,))


@pytest.mark.parametrize(
    ("ufrag", "pwd"),
    [("abc", PWD), (UFRAG, PWD[:21]), ("a b c", PWD), (UFRAG, "ä" * 22)],
)
def test_credentials_that_are_not_ice_chars_are_refused(ufrag: str, pwd: str) -> None:
    with pytest.raises(MalformedError, match="expected a user fragment and a password"):
        Description(ufrag, pwd, streams=(AUDIO,))


@pytest.mark.parametrize("pt", [0, 95, 128])
def test_a_payload_type_outside_96_to_127_is_refused(pt: int) -> None:
    with pytest.raises(
        MalformedError, match=f"expected payload type 96-127, came {pt}"
    ):
        Stream(Kind.AUDIO, Codec.OPUS, pt=pt, ssrc=1)


@pytest.mark.parametrize("rtx_pt", [95, 97])
def test_a_retransmission_type_that_collides_is_refused(rtx_pt: int) -> None:
    with pytest.raises(MalformedError, match=f"{rtx_pt} cannot carry retransmissions"):
        Stream(Kind.VIDEO, Codec.VP8, pt=97, ssrc=2, rtx_pt=rtx_pt, rtx_ssrc=3)


def test_half_a_retransmission_stream_is_refused() -> None:
    with pytest.raises(MalformedError, match="half a retransmission stream"):
        Stream(Kind.VIDEO, Codec.VP8, pt=97, ssrc=2, rtx_ssrc=3)


def test_an_ssrc_of_zero_is_refused() -> None:
    with pytest.raises(MalformedError, match="expected an ssrc, came 0"):
        Stream(Kind.AUDIO, Codec.OPUS, pt=96, ssrc=0)


@pytest.mark.parametrize(
    ("kind", "codec"),
    [(Kind.AUDIO, Codec.VP8), (Kind.VIDEO, Codec.OPUS)],
)
def test_a_codec_of_another_kind_is_refused(kind: Kind, codec: Codec) -> None:
    with pytest.raises(MalformedError, match="coded as"):
        Stream(kind, codec, pt=96, ssrc=1)


@pytest.mark.parametrize("at", [29, 30])
def test_an_unknown_kind_or_codec_is_malformed(at: int) -> None:
    with pytest.raises(MalformedError, match="unknown kind"):
        parse(RAW[:at] + b"\x09" + RAW[at + 1 :])


def test_a_candidate_that_is_not_ascii_is_malformed() -> None:
    with pytest.raises(MalformedError, match="expected ascii text"):
        parse(RAW[:-1] + b"\xff")
