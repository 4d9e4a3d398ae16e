"""Where an exchange is, and who somebody is there."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voip.errors import MalformedError
from voip.gateway.sip.host import Host, parse_host, user_at_host


@pytest.mark.parametrize(
    ("said", "name", "port"),
    [
        ("PBX.example", "pbx.example", None),
        ("192.0.2.1:5061", "192.0.2.1", 5061),
        ("[2001:db8::1]", "2001:db8::1", None),
        ("[2001:db8::1]:5061", "2001:db8::1", 5061),
    ],
)
def test_a_host_is_a_name_or_an_address(said: str, name: str, port: int | None) -> None:
    host = parse_host(said)

    assert (host, str(host)) == (Host(name, port), said.lower())


@pytest.mark.parametrize(
    ("name", "is_one"),
    [("192.0.2.1", True), ("2001:db8::1", True), ("pbx.example", False)],
)
def test_an_address_is_no_name(name: str, *, is_one: bool) -> None:
    assert Host(name).is_literal is is_one


@pytest.mark.parametrize(
    "said",
    [
        "edge:0",
        "edge:70000",
        "edge:5061:1",
        "[::1",
        "[pbx]",
        "[::1]5061",
        "[fe80::1%eth0]",
        "-edge",
        "1.2.3.999",
        "a" * 64,
        "a." * 127 + "a",
    ],
    ids=range(11),
)
def test_what_is_no_host_is_refused(said: str) -> None:
    with pytest.raises(MalformedError, match="expected HOST or HOST:PORT"):
        parse_host(said)


def test_somebody_is_at_a_host() -> None:
    assert user_at_host("sip:+49(30)1@[::1]:5061") == ("+49301", Host("::1", 5061))


@pytest.mark.parametrize(
    ("uri", "why"),
    [
        ("bob@pbx.example", "begins with sip:"),
        ("sip:pbx.example", "expected USER@HOST"),
        ("sip:1@a@b", "expected USER@HOST"),
        ("sip:1@b;transport=udp", "and no more"),
        ("sip:1@b?Replaces=x", "expected a host name"),
        ("sip:%31@b", "expected USER@HOST"),
        ("sips:1@b", "and no more"),
    ],
    ids=range(7),
)
def test_whoever_is_spelt_otherwise_is_refused(uri: str, why: str) -> None:
    with pytest.raises(MalformedError, match=why):
        user_at_host(uri)


@given(st.text(max_size=60))
def test_any_text_is_a_host_or_the_one_error(text: str) -> None:
    with suppress(MalformedError):
        host = parse_host(text)

        assert parse_host(str(host)) == host
