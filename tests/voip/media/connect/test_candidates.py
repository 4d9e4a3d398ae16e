"""Candidates: one spelling, and none that aims at a third party."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voip.errors import MalformedError
from voip.media.connect.candidates import (
    Candidate,
    admissible,
    check_told,
    format_candidate,
    parse_candidate,
)

HOST = "16572de6 1 udp 2130706431 192.0.2.1 40000 typ host"
RELAY = "ab 1 udp 16777215 2001:db8::7 3478 typ relay raddr 0.0.0.0 rport 9"


def _at(host: str) -> Candidate:
    return Candidate(foundation="f", priority=1, host=host, port=9, kind="host")


def test_a_host_candidate_is_read() -> None:
    candidate = parse_candidate(HOST)

    assert candidate == Candidate(
        foundation="16572de6",
        priority=2130706431,
        host="192.0.2.1",
        port=40000,
        kind="host",
    )


def test_a_relayed_candidate_keeps_its_related_address() -> None:
    candidate = parse_candidate(RELAY)

    assert candidate.related == ("0.0.0.0", 9)


@pytest.mark.parametrize("text", [HOST, RELAY])
def test_what_was_read_is_written_the_same(text: str) -> None:
    assert format_candidate(parse_candidate(text)) == text


@given(
    st.one_of(
        st.text(max_size=80),
        st.tuples(
            st.sampled_from([HOST, RELAY]), st.integers(0, 60), st.text(max_size=3)
        ).map(lambda t: t[0][: t[1]] + t[2] + t[0][t[1] + 1 :]),
    )
)
def test_any_text_gives_a_candidate_or_one_error(text: str) -> None:
    try:
        candidate = parse_candidate(text)
    except MalformedError:
        return

    assert format_candidate(candidate) == text


@pytest.mark.parametrize(
    "text",
    [
        "f 1 udp 1 peer.local 9 typ host",
        "f 1 udp 1 peer.example 9 typ host",
        "f 1 tcp 1 192.0.2.1 9 typ host",
        "f 2 udp 1 192.0.2.1 9 typ host",
        "f 1 udp 1 192.0.2.1 9 typ prflx",
        "f 1 udp 1 192.0.2.1 0 typ host",
        "f 1 udp 1 192.0.2.1 65536 typ host",
        "f 1 udp 0 192.0.2.1 9 typ host",
        "f 1 udp 1 192.0.2.1 09 typ host",
        "f 1 udp 1 192.0.2.256 9 typ host",
        "f 1 udp 1 2001:db8:0::7 9 typ host",
        "f 1 udp 1 192.0.2.1 9 typ host generation 0",
        "f 1 udp 1 ::ffff:127.0.0.1 9 typ host",
        "f 1 udp 1 ::ffff:7f00:1 9 typ host",
        "f" * 33 + " 1 udp 1 192.0.2.1 9 typ host",
        "",
    ],
)
def test_a_name_a_second_spelling_and_what_we_do_not_speak_are_refused(
    text: str,
) -> None:
    with pytest.raises(MalformedError, match="candidate"):
        parse_candidate(text)


@pytest.mark.parametrize("host", ["192.0.2.1", "10.0.0.7", "2001:db8::7", "fd00::1"])
def test_an_address_of_a_network_is_tried(host: str) -> None:
    assert admissible((_at(host),)) == (_at(host),)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.8.8.8",
        "::1",
        "169.254.169.254",
        "fe80::1",
        "224.0.0.251",
        "ff02::f",
        "0.0.0.0",
        "::",
        "255.255.255.255",
        "240.0.0.1",
    ],
)
def test_an_address_that_aims_elsewhere_is_left_out(host: str) -> None:
    assert admissible((_at("192.0.2.1"), _at(host))) == (_at("192.0.2.1"),)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_rehearsal_may_use_this_machine(host: str) -> None:
    assert admissible((_at(host),), loopback=True) == (_at(host),)


def test_a_rehearsal_may_not_use_more_than_that() -> None:
    assert admissible((_at("224.0.0.251"),), loopback=True) == ()


def test_an_address_that_a_server_tells_is_looked_at() -> None:
    check_told("203.0.113.7", 9, loopback=False)
    check_told("127.0.0.1", 9, loopback=True)

    with pytest.raises(MalformedError, match="port 0"):
        check_told("203.0.113.7", 0, loopback=False)
    with pytest.raises(MalformedError, match="nobody can be reached"):
        check_told("127.0.0.1", 9, loopback=False)
    with pytest.raises(MalformedError, match="IPv4 written as IPv6"):
        check_told("::ffff:203.0.113.7", 9, loopback=False)
