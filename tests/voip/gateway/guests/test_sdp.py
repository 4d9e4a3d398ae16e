"""Session descriptions: what is taken of a browser's offer, and nothing else."""

from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.voip.gateway.guestoffers import (
    BOTH,
    BOUND,
    OFFER,
    SECTION,
    changed,
    parsed,
)
from voip.description import Codec, Description, Kind, Stream
from voip.errors import MalformedError, TrustError
from voip.gateway.guests.sdp import (
    MAX_CANDIDATES,
    MAX_KEPT,
    GuestOffer,
    Section,
    format_fingerprint,
)

OTHER = format_fingerprint(bytes(32))


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


def test_what_we_send_is_what_the_guest_takes() -> None:
    numbers = count(1)
    one, two = parsed().ours(lambda: next(numbers), BOTH)

    assert (one, two) == (
        Stream(Kind.AUDIO, Codec.OPUS, pt=111, ssrc=1),
        Stream(Kind.VIDEO, Codec.VP8, pt=96, ssrc=2, rtx_pt=97, rtx_ssrc=3),
    )


def test_of_what_the_guest_sends_only_what_is_taken_is_expected() -> None:
    screen = SECTION.replace("mid:1", "mid:2").replace("200", "300")
    offer = parsed(changed("BUNDLE 0 1", "BUNDLE 0 1 2") + screen)
    taken = [
        [stream.kind for stream in offer.theirs(kinds).streams]
        for kinds in (BOTH, {Kind.AUDIO})
    ]

    assert len(offer.guest.streams) == 3
    assert taken == [[Kind.AUDIO, Kind.VIDEO], [Kind.AUDIO]]


@pytest.mark.parametrize(
    ("direction", "sends", "receives"),
    [
        ("sendonly", True, False),
        ("recvonly", False, True),
        ("inactive", False, False),
    ],
)
def test_a_direction_of_pictures_is_kept(
    direction: str,
    sends: bool,  # noqa: FBT001 - pytest hands it in
    receives: bool,  # noqa: FBT001 - likewise
) -> None:
    text = OFFER[: -len(SECTION)] + SECTION.replace("sendrecv", direction)
    offer = parsed(text)
    found = (len(offer.guest.streams) == 2, offer.sections[1].receives)

    assert found == (sends, receives)


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

    assert parsed(text).guest.streams[1].rtx_ssrc == 0


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
