"""Answers to offers: written by us alone, from what was taken of them."""

from itertools import count

import pytest

from tests.voip.gateway.guestoffers import BOTH, BOUND, OFFER, SECTION, changed, parsed
from voip.description import Description
from voip.gateway.guests.answer import format_answer
from voip.gateway.guests.sdp import format_fingerprint

OPUS = "minptime=20;useinbandfec=1;cbr=1;usedtx=0;stereo=0;maxaveragebitrate=32000"
OWN = Description(
    "abcd",
    "x" * 22,
    candidates=("1 1 udp 2130706431 192.0.2.9 5000 typ host",),
)


def answered(text: str = OFFER) -> list[str]:
    offer, numbers = parsed(text), count(1)
    own = Description(
        OWN.ufrag,
        OWN.pwd,
        candidates=OWN.candidates,
        streams=offer.ours(lambda: next(numbers), BOTH),
    )
    return format_answer(offer, own, fingerprint=BOUND, takes=BOTH).split("\r\n")


def test_the_answer_is_written_by_us_alone() -> None:
    fingerprint = f"a=fingerprint:sha-256 {format_fingerprint(BOUND)}"

    assert answered() == [
        "v=0",
        "o=- 1 1 IN IP4 0.0.0.0",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE 0 1",
        "a=msid-semantic: WMS *",
        "m=audio 9 UDP/TLS/RTP/SAVPF 111",
        "c=IN IP4 0.0.0.0",
        "a=mid:0",
        "a=ice-ufrag:abcd",
        "a=ice-pwd:" + "x" * 22,
        fingerprint,
        "a=setup:active",
        "a=rtcp-mux",
        "a=sendrecv",
        "a=rtpmap:111 opus/48000/2",
        f"a=fmtp:111 {OPUS}",
        "a=ptime:20",
        "a=maxptime:20",
        "a=msid:audio audio",
        "a=ssrc:1 cname:call",
        "a=candidate:1 1 udp 2130706431 192.0.2.9 5000 typ host",
        "a=end-of-candidates",
        "m=video 9 UDP/TLS/RTP/SAVPF 96 97",
        "c=IN IP4 0.0.0.0",
        "a=mid:1",
        "a=ice-ufrag:abcd",
        "a=ice-pwd:" + "x" * 22,
        fingerprint,
        "a=setup:active",
        "a=rtcp-mux",
        "a=sendrecv",
        "a=rtpmap:96 VP8/90000",
        "a=rtcp-fb:96 nack",
        "a=rtcp-fb:96 nack pli",
        "a=rtpmap:97 rtx/90000",
        "a=fmtp:97 apt=96",
        "a=msid:video video",
        "a=ssrc-group:FID 2 3",
        "a=ssrc:2 cname:call",
        "a=ssrc:3 cname:call",
        "",
    ]


def test_no_header_extension_is_ever_agreed_on() -> None:
    assert not [line for line in answered() if "extmap" in line]


@pytest.mark.parametrize(
    ("direction", "answer"),
    [
        ("sendonly", "recvonly"),
        ("recvonly", "sendonly"),
        ("inactive", "inactive"),
    ],
)
def test_a_direction_of_pictures_is_answered(direction: str, answer: str) -> None:
    text = OFFER[: -len(SECTION)] + SECTION.replace("sendrecv", direction)
    lines = answered(text)

    assert f"a={answer}" in lines[lines.index("a=mid:1") :]


def test_retransmissions_that_are_not_offered_are_not_answered() -> None:
    lines = answered(changed("a=fmtp:97 apt=96\r\n", ""))

    assert "a=rtpmap:97 rtx/90000" not in lines
    assert "a=ssrc:3 cname:call" not in lines
