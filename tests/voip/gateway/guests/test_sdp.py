"""Session descriptions: what is taken of a browser's offer, and nothing else."""

from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voip.description import Codec, Description, Kind, Stream
from voip.errors import MalformedError, TrustError
from voip.gateway.guests.sdp import (
    MAX_CANDIDATES,
    MAX_KEPT,
    GuestOffer,
    Section,
    format_answer,
    format_fingerprint,
    parse_offer,
)

BOUND = bytes(range(32))
OFFER = f"""v=0
o=- 4611731400430051336 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1
a=extmap-allow-mixed
a=msid-semantic: WMS
m=audio 38213 UDP/TLS/RTP/SAVPF 111 63
c=IN IP4 192.0.2.1
a=rtcp:9 IN IP4 0.0.0.0
a=candidate:211 1 udp 2122260223 192.0.2.1 38213 typ host generation 0 network-id 1
a=candidate:212 1 udp 2122194687 0b9c1f4e-aaaa.local 38214 typ host generation 0
a=candidate:213 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active generation 0
a=candidate:214 1 UDP 1686052607 198.51.100.1 4000 typ srflx raddr 0.0.0.0 rport 0
a=ice-ufrag:EsAw
a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1
a=ice-options:trickle
a=fingerprint:sha-256 {format_fingerprint(BOUND)}
a=setup:actpass
a=mid:0
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=sendrecv
a=msid:- b8
a=rtcp-mux
a=rtcp-rsize
a=rtpmap:111 opus/48000/2
a=rtcp-fb:111 transport-cc
a=fmtp:111 minptime=10;useinbandfec=1
a=rtpmap:63 red/48000/2
a=fmtp:63 111/111
a=ssrc:1001 cname:9a
a=ssrc:1001 msid:- b8
m=video 9 UDP/TLS/RTP/SAVPF 96 97
c=IN IP4 0.0.0.0
a=ice-ufrag:EsAw
a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1
a=fingerprint:sha-256 {format_fingerprint(BOUND)}
a=setup:actpass
a=mid:1
a=sendrecv
a=rtcp-mux
a=rtpmap:96 VP8/90000
a=rtcp-fb:96 goog-remb
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96
a=ssrc-group:FID 2001 2002
a=ssrc:2001 cname:9a
a=ssrc:2002 cname:9a
""".replace("\n", "\r\n")
SECTION = OFFER[OFFER.index("m=video") :]
OPUS = "minptime=20;useinbandfec=1;cbr=1;usedtx=0;stereo=0;maxaveragebitrate=32000"
OTHER = format_fingerprint(bytes(32))
OWN = Description(
    "abcd",
    "x" * 22,
    candidates=("1 1 udp 2130706431 192.0.2.9 5000 typ host",),
)
BOTH = {Kind.AUDIO, Kind.VIDEO}


def parsed(text: str = OFFER) -> GuestOffer:
    return parse_offer(text, BOUND)


def changed(old: str, new: str, times: int = -1) -> str:
    assert old in OFFER
    return OFFER.replace(old, new, times)


def answered(text: str = OFFER) -> list[str]:
    offer, numbers = parsed(text), count(1)
    own = Description(
        OWN.ufrag,
        OWN.pwd,
        candidates=OWN.candidates,
        streams=offer.ours(lambda: next(numbers), BOTH),
    )
    return format_answer(offer, own, fingerprint=BOUND, takes=BOTH).split("\r\n")


def test_streams_and_addresses_are_taken() -> None:
    assert parsed() == GuestOffer(
        (
            Section("0", Kind.AUDIO, pt=111),
            Section("1", Kind.VIDEO, pt=96, rtx_pt=97),
        ),
        Description(
            "EsAw",
            "P2uYro0UCOQ4zxjKXaWCBui1",
            streams=(
                Stream(Kind.AUDIO, Codec.OPUS, pt=111, ssrc=1001),
                Stream(
                    *(Kind.VIDEO, Codec.VP8),
                    pt=96,
                    ssrc=2001,
                    rtx_pt=97,
                    rtx_ssrc=2002,
                ),
            ),
            candidates=(
                "211 1 udp 2122260223 192.0.2.1 38213 typ host",
                "214 1 udp 1686052607 198.51.100.1 4000 typ srflx",
            ),
        ),
    )


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


def test_of_what_the_guest_sends_only_what_is_taken_is_expected() -> None:
    screen = SECTION.replace("mid:1", "mid:2").replace("200", "300")
    offer = parsed(changed("BUNDLE 0 1", "BUNDLE 0 1 2") + screen)
    taken = [
        [stream.kind for stream in offer.theirs(kinds).streams]
        for kinds in (BOTH, {Kind.AUDIO})
    ]

    assert len(offer.guest.streams) == 3
    assert taken == [[Kind.AUDIO, Kind.VIDEO], [Kind.AUDIO]]


def test_no_header_extension_is_ever_agreed_on() -> None:
    assert not [line for line in answered() if "extmap" in line]


@pytest.mark.parametrize(
    ("direction", "sends", "receives", "answer"),
    [
        ("sendonly", True, False, "recvonly"),
        ("recvonly", False, True, "sendonly"),
        ("inactive", False, False, "inactive"),
    ],
)
def test_a_direction_of_pictures_is_kept_and_answered(
    direction: str,
    sends: bool,  # noqa: FBT001 - pytest hands it in
    receives: bool,  # noqa: FBT001 - likewise
    answer: str,
) -> None:
    text = OFFER[: -len(SECTION)] + SECTION.replace("sendrecv", direction)
    offer = parsed(text)
    found = (len(offer.guest.streams) == 2, offer.sections[1].receives)
    lines = answered(text)
    said = lines[lines.index("a=mid:1") :]

    assert found == (sends, receives)
    assert f"a={answer}" in said


def test_a_guest_without_a_microphone_listens() -> None:
    text = changed("a=sendrecv", "a=recvonly", 1)

    assert [stream.kind for stream in parsed(text).guest.streams] == [Kind.VIDEO]


@pytest.mark.parametrize("direction", ["sendonly", "inactive"])
def test_a_guest_who_takes_no_sound_is_refused(direction: str) -> None:
    with pytest.raises(MalformedError, match="a guest who takes sound"):
        parsed(changed("a=sendrecv", f"a={direction}", 1))


def test_without_a_direction_it_is_both() -> None:
    assert parsed(changed("a=sendrecv\r\n", "")) == parsed()


def test_without_retransmissions_there_are_none() -> None:
    text = changed("a=fmtp:97 apt=96\r\n", "")
    lines = answered(text)

    assert (
        parsed(text).guest.streams[1].rtx_ssrc,
        "a=rtpmap:97 rtx/90000" in lines,
    ) == (
        0,
        False,
    )


def test_retransmissions_without_a_source_are_not_expected() -> None:
    text = changed("a=ssrc-group:FID 2001 2002\r\n", "")

    assert parsed(text).guest.streams[1].rtx_pt == 0


def test_another_certificate_is_an_attack() -> None:
    with pytest.raises(TrustError, match="certificate in the session description"):
        parsed(changed(format_fingerprint(BOUND), OTHER))


@pytest.mark.parametrize(
    "line",
    [f"a=fingerprint:sha-256 {OTHER}", "a=fingerprint:sha-512 " + OTHER],
    ids=["another", "another hash"],
)
def test_a_second_fingerprint_is_an_attack(line: str) -> None:
    with pytest.raises(TrustError):
        parsed(changed("a=mid:1", f"{line}\r\na=mid:1"))


def test_no_fingerprint_is_an_attack() -> None:
    bound = f"a=fingerprint:sha-256 {format_fingerprint(BOUND)}\r\n"
    with pytest.raises(TrustError):
        parsed(changed(bound, ""))


def test_the_case_of_a_fingerprint_means_nothing() -> None:
    text = changed(format_fingerprint(BOUND), format_fingerprint(BOUND).lower())

    assert parsed(text) == parsed()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("x" * 2**20, "at most 24576 bytes", id="1 MiB"),
        pytest.param("\r\n" * 900, "at most 800 lines", id="lines"),
        pytest.param("v=0\r\n", "expected 1-3 sections, came 0", id="no sections"),
        pytest.param(OFFER + SECTION * 2, "1-3 sections, came 4", id="sections"),
        pytest.param(changed("m=audio", "m=text"), "no audio over SRTP", id="medium"),
        pytest.param(changed("UDP/TLS/RTP/SAVPF", "RTP/AVP"), "over SRTP", id="plain"),
        pytest.param(changed("a=rtcp-mux\r\n", ""), "expected rtcp-mux", id="mux"),
        pytest.param(changed("actpass", "passive"), "setup:actpass", id="setup"),
        pytest.param(changed("a=mid:1", "a=mid:0"), "a bundle", id="mid twice"),
        pytest.param(changed("a=mid:1", "a=mid:<b>"), "alphabet", id="mid"),
        pytest.param(changed("a=mid:1\r\n", ""), "expected one mid", id="no mid"),
        pytest.param(changed("BUNDLE 0 1", "BUNDLE 0"), "a bundle", id="bundle"),
        pytest.param(changed("VP8/", "H264/"), "Opus or VP8", id="codec"),
        pytest.param(changed("111 opus", "112 opus"), "Opus or VP8", id="not offered"),
        pytest.param(OFFER.replace("111", "20"), "payload type 96-127", id="type"),
        pytest.param(OFFER.replace("111", "\u0661" * 3), "Opus or VP8", id="digits"),
        pytest.param(changed("ssrc:1001 c", "ssrc:x c"), "ssrc of 32", id="ssrc"),
        pytest.param(changed("FID 2001", f"FID {1 << 32}"), "ssrc of 32", id="large"),
        pytest.param(changed("FID 2001 2002", "FID 2001"), "ssrc of 32", id="half"),
        pytest.param(changed("ssrc:1001 c", "ssrc:2001 c"), "ssrc is used", id="same"),
        pytest.param(changed("FID 2001 2002", "FID 0 2002"), "came 0", id="zero"),
        pytest.param(changed("ufrag:EsAw", "ufrag:Esöw"), "ice", id="ufrag"),
        pytest.param(changed("ufrag:EsAw", "ufrag:EsAx", 1), "one ice-ufrag", id="two"),
        pytest.param(changed("P2uYro0UCOQ4zxjK", ""), "ice", id="pwd"),
        pytest.param(
            changed("a=mid:0", "a=mid:0" + "\r\na=candidate:1" * (MAX_CANDIDATES + 1)),
            "at most 32 candidates, came 37",
            id="candidates",
        ),
    ],
)
def test_what_the_page_does_not_offer_is_refused(text: str, why: str) -> None:
    with pytest.raises(MalformedError, match=why):
        parsed(text)


@pytest.mark.parametrize(
    "candidate",
    [
        "1 1 udp 2122260223 talk.example 5000 typ host",
        "1 1 udp 4294967295 192.0.2.1 5000 typ host",
        "1 1 udp 2122260223 192.0.2.1 70000 typ host",
        "1 2 udp 2122260223 192.0.2.1 5000 typ host",
        "1 1 udp 2122260223 fe80::1%eth0 5000 typ host",
        "1 1 udp 2122260223 192.0.2.1 5000 typ prflx",
        "rubbish",
    ],
)
def test_a_candidate_of_another_kind_is_passed_over(candidate: str) -> None:
    text = changed("a=mid:0", f"a=candidate:{candidate}\r\na=mid:0")

    assert parsed(text) == parsed()


def test_of_many_candidates_the_first_are_kept() -> None:
    line = "\r\na=candidate:9 1 udp 1 192.0.2.7 5000 typ host"
    text = changed("a=mid:0", "a=mid:0" + 20 * line)

    assert len(parsed(text).guest.candidates) == MAX_KEPT


def test_an_address_has_one_spelling() -> None:
    old = "192.0.2.1 38213"
    text = changed(old, "2001:DB8:0::1 38213")

    assert "2001:db8::1 38213" in parsed(text).guest.candidates[0]


@given(st.lists(st.sampled_from(OFFER.split("\r\n")), max_size=60))
def test_any_lines_are_an_offer_or_refused(lines: list[str]) -> None:
    try:
        offer = parsed("\r\n".join(lines))
    except (MalformedError, TrustError):
        return

    assert offer.sections


@given(st.integers(0, len(OFFER) - 1), st.text(max_size=3))
def test_any_change_is_an_offer_or_refused(place: int, text: str) -> None:
    try:
        offer = parsed(OFFER[:place] + text + OFFER[place + 1 :])
    except (MalformedError, TrustError):
        return

    assert offer.sections
