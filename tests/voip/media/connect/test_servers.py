"""Addresses of STUN and TURN servers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voip.errors import MalformedError
from voip.media.connect.servers import Server, parse_server


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("stun:stun.example", "stun.example", 3478),
        ("stun:192.0.2.1:19302", "192.0.2.1", 19302),
        ("stun:[2001:DB8::1]:3479", "2001:db8::1", 3479),
        ("stun:[::1]", "::1", 3478),
    ],
)
def test_a_stun_server_is_read(url: str, host: str, port: int) -> None:
    expected = Server(scheme="stun", host=host, port=port, transport="udp")

    assert parse_server(url) == expected


@pytest.mark.parametrize(
    ("url", "transport"),
    [
        ("turn:turn.example", "udp"),
        ("turn:turn.example?transport=udp", "udp"),
        ("turn:turn.example:3478?transport=tcp", "tcp"),
    ],
)
def test_a_turn_server_is_spoken_to_over_udp_or_tcp(url: str, transport: str) -> None:
    server = parse_server(url)

    assert (server.transport, server.port) == (transport, 3478)
    assert (server.is_relay, server.is_secure) == (True, False)


@pytest.mark.parametrize("end", ["", "?transport=tcp"])
def test_turns_is_tls_over_tcp(end: str) -> None:
    server = parse_server(f"turns:turn.example{end}")

    assert (server.transport, server.port, server.is_secure) == ("tcp", 5349, True)


def test_a_stun_server_is_no_relay() -> None:
    server = parse_server("stun:stun.example")

    assert (server.is_relay, server.is_secure) == (False, False)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "stun:",
        "stun.example",
        "http://stun.example",
        "stuns:stun.example",
        "STUN:stun.example",
        "stun:stun.example:0",
        "stun:stun.example:03478",
        "stun:stun.example:65536",
        "stun:stun.example?transport=udp",
        "turn:turn.example?transport=tls",
        "turns:turn.example?transport=udp",
        "turn:2001:db8::1",
        "turn:[2001:db8::1",
        "turn:[192.0.2.1]",
        "turn:[fe80::1%eth0]",
        "turn:192.0.2",
        "turn:192.0.2.256",
        "turn:-turn.example",
        "turn:turn..example",
        "turn:user@turn.example",
        "turn:turn.example\n",
        f"turn:{'a' * 64}.example",
    ],
)
def test_what_is_no_server_is_refused(url: str) -> None:
    with pytest.raises(MalformedError, match="ice server"):
        parse_server(url)


@given(st.one_of(st.text(), st.from_regex(r"(stun|turns?):.*", fullmatch=True)))
def test_any_text_is_a_server_or_malformed(text: str) -> None:
    try:
        server = parse_server(text)
    except MalformedError:
        return

    assert 0 < server.port < 65536
