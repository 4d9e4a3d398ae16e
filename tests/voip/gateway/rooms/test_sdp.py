"""SDP with a forwarding server: ours as it was accepted, theirs as Janus says it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voip.description import Codec, Description, Kind
from voip.errors import MalformedError
from voip.gateway.rooms.sdp import (
    Far,
    Line,
    Near,
    format_answer,
    format_offer,
    parse_far,
)
from voip.gateway.rooms.sfu import MAX_SDP_BYTES, Sdp
from voip.media.profile import audio_stream, picture_stream

FINGERPRINT = bytes(range(32))
SPELT = FINGERPRINT.hex(":").upper()
NEAR = Near(
    description=Description(
        "ufrag", "p" * 22, candidates=("1 1 udp 1 192.0.2.1 9000 typ host",)
    ),
    fingerprint=FINGERPRINT,
)
STREAMS = (audio_stream(11), picture_stream(Kind.VIDEO, Codec.VP8, 22, 23))
OFFER = """\
v=0
o=- 1 1 IN IP4 0.0.0.0
s=-
t=0 0
a=group:BUNDLE 0 1
m=audio 9 UDP/TLS/RTP/SAVPF 96
a=mid:0
a=sendonly
c=IN IP4 0.0.0.0
a=rtcp-mux
a=ice-ufrag:ufrag
a=ice-pwd:pppppppppppppppppppppp
a=fingerprint:sha-256 FINGERPRINT
a=setup:actpass
a=candidate:1 1 udp 1 192.0.2.1 9000 typ host
a=end-of-candidates
a=rtpmap:96 opus/48000/2
a=ssrc:11 cname:call
m=video 9 UDP/TLS/RTP/SAVPF 102 103
a=mid:1
a=sendonly
c=IN IP4 0.0.0.0
a=rtcp-mux
a=ice-ufrag:ufrag
a=ice-pwd:pppppppppppppppppppppp
a=fingerprint:sha-256 FINGERPRINT
a=setup:actpass
a=candidate:1 1 udp 1 192.0.2.1 9000 typ host
a=end-of-candidates
a=rtpmap:102 VP8/90000
a=rtcp-fb:102 nack
a=rtcp-fb:102 nack pli
a=rtpmap:103 rtx/90000
a=fmtp:103 apt=102
a=ssrc-group:FID 22 23
a=ssrc:22 cname:call
a=ssrc:23 cname:call
""".replace("FINGERPRINT", SPELT).replace("\n", "\r\n")

# What Janus 1.1.2 offers to a subscriber, shortened.
JANUS = """\
v=0
o=- 1795352097397919 1 IN IP4 192.0.2.2
s=VideoRoom 1067720943648553
t=0 0
a=group:BUNDLE 0 1 2
a=ice-options:trickle
a=fingerprint:sha-256 FINGERPRINT
m=audio 9 UDP/TLS/RTP/SAVPF 111
a=sendonly
a=mid:0
a=ice-ufrag:5Ene
a=ice-pwd:yrlLAcpELTJVWZgAhU3g5X
a=setup:actpass
a=rtpmap:111 opus/48000/2
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a=ssrc:2702102657 cname:janus
a=candidate:1 1 UDP 2015363327 192.0.2.2 22915 typ host generation 0
a=candidate:2 1 tcp 2015363327 192.0.2.2 22915 typ host
a=candidate:3 1 udp 100 198.51.100.7 80 typ srflx raddr 192.0.2.2 rport 22915
m=video 9 UDP/TLS/RTP/SAVPF 96 97
a=mid:1
a=ice-ufrag:5Ene
a=ice-pwd:yrlLAcpELTJVWZgAhU3g5X
a=setup:actpass
a=rtpmap:96 VP8/90000
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96
a=ssrc-group:FID 1722428019 928262571
a=ssrc:1722428019 cname:janus
a=candidate:1 1 udp 2015363327 192.0.2.2 22915 typ host
m=video 0 UDP/TLS/RTP/SAVPF 0
a=mid:2
a=inactive
""".replace("FINGERPRINT", SPELT)


def far(sdp: str = JANUS) -> Far:
    return parse_far(Sdp(sdp))


def test_our_offer_to_the_byte() -> None:
    assert format_offer(NEAR, STREAMS) == OFFER


def test_what_janus_offers_is_read() -> None:
    assert far() == Far(
        description=Description(
            "5Ene",
            "yrlLAcpELTJVWZgAhU3g5X",
            candidates=(
                "1 1 udp 2015363327 192.0.2.2 22915 typ host",
                "3 1 udp 100 198.51.100.7 80 typ srflx raddr 192.0.2.2 rport 22915",
            ),
        ),
        fingerprint=FINGERPRINT,
        is_client=False,
        is_lite=False,
        lines=(
            Line(mid="0", media="audio", kind=Kind.AUDIO, pt=111, ssrc=2702102657),
            Line(
                mid="1",
                media="video",
                kind=Kind.VIDEO,
                pt=96,
                rtx_pt=97,
                ssrc=1722428019,
                rtx_ssrc=928262571,
            ),
            Line(mid="2", media="video"),
        ),
    )


def test_our_own_offer_is_read_as_what_it_says() -> None:
    read = far(OFFER)

    assert read.description == NEAR.description
    assert [line.ssrc for line in read.lines] == [11, 22]


def test_an_answer_takes_what_we_know_and_declines_the_rest() -> None:
    read = far(format_answer(NEAR, far()))

    assert read.is_client
    assert [(line.mid, line.kind, line.pt, line.rtx_pt) for line in read.lines] == [
        ("0", Kind.AUDIO, 111, 0),
        ("1", Kind.VIDEO, 96, 97),
        ("2", None, 0, 0),
    ]


def test_an_answer_bundles_what_it_takes() -> None:
    assert "a=group:BUNDLE 0 1\r\n" in format_answer(NEAR, far())


def test_a_server_that_looks_for_no_way_says_so() -> None:
    assert far("a=ice-lite\n" + JANUS).is_lite


def test_a_repeat_type_that_is_the_stream_itself_is_none() -> None:
    assert far(JANUS.replace("fmtp:97 apt=96", "fmtp:96 apt=96")).lines[1].rtx_pt == 0


def test_an_answer_names_no_repeats_where_there_are_none() -> None:
    answer = format_answer(NEAR, far(JANUS.replace("a=fmtp", "a=x-fmtp")))

    assert "rtx" not in answer


def test_a_second_line_of_sound_is_not_taken() -> None:
    sdp = JANUS.replace("m=video 0", "m=audio 9").replace("a=inactive\n", "")

    assert far(sdp).lines[2].kind is None


def test_a_line_without_a_codec_of_ours_is_not_taken() -> None:
    assert far(JANUS.replace("VP8", "H264")).lines[1].kind is None


def test_a_line_of_data_is_not_taken() -> None:
    sdp = JANUS.replace("m=video 0 UDP/TLS/RTP/SAVPF 0", "m=application 9 SCTP 5000")

    assert far(sdp).lines[2] == Line(mid="2", media="application")


def test_a_line_may_name_one_source_without_a_group() -> None:
    sdp = JANUS.replace("a=ssrc-group:FID 1722428019 928262571\n", "")

    assert (far(sdp).lines[1].ssrc, far(sdp).lines[1].rtx_ssrc) == (1722428019, 0)


def test_a_line_may_name_no_source() -> None:
    assert far(JANUS.replace("a=ssrc", "a=x-ssrc")).lines[0].ssrc == 0


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a=ice-ufrag:5Ene\n", ""),
        ("a=ice-pwd:yrlLAcpELTJVWZgAhU3g5X\n", ""),
        ("ice-pwd:yrlLAcpELTJVWZgAhU3g5X", "ice-pwd:short"),
        ("a=setup:actpass\n", ""),
        ("sha-256", "sha-1"),
        (SPELT, SPELT.lower()),
        ("a=mid:0\n", "a=fingerprint:sha-256 " + "00:" * 31 + "00\na=mid:0\n"),
        ("a=mid:0\n", ""),
        ("a=mid:0", "a=mid:a b"),
        ("m=audio 9", "m=audio nine"),
        ("m=", "x="),
        ("ssrc:2702102657", "ssrc:4294967296"),
        ("ssrc:2702102657", "ssrc:0"),
        ("s=VideoRoom", "s=Vidéo"),
    ],
)
def test_what_a_leg_cannot_be_made_of_is_refused(before: str, after: str) -> None:
    with pytest.raises(MalformedError):
        far(JANUS.replace(before, after))


def test_more_lines_than_a_feed_has_are_refused() -> None:
    with pytest.raises(MalformedError, match="1 to 8 media lines, came 9"):
        far(JANUS + "m=video 0 UDP/TLS/RTP/SAVPF 0\na=mid:2\n" * 6)


def test_a_long_text_is_refused() -> None:
    with pytest.raises(MalformedError, match="at most"):
        far(JANUS + "a=x\n" * MAX_SDP_BYTES)


@given(st.text(max_size=400))
def test_any_text_is_read_or_malformed(text: str) -> None:
    for sdp in (text, JANUS + text, JANUS[:600] + text + JANUS[600:]):
        try:
            parse_far(Sdp(sdp))
        except MalformedError:
            continue
