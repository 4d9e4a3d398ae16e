"""Contact cards: seven lines with one spelling."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.voip.identity.people import assert_mangled_is_refused
from voip.errors import MalformedError
from voip.identity.card import (
    Card,
    RelayAddress,
    check_alias,
    format_card,
    format_relay,
    parse_card,
    parse_relay,
)
from voip.identity.keys import parse_identity

TEXT = """\
ringfence card 1
alias: alice
identity: rkeohxlubhyzl7ks3mwtzos5olfgocn7dwkbeg7toseadnapn5oa
board: baeaqcaibaeaqcaibaeaqcaibaeaqcaibaeaqcaibaeaqcaibaea
key: beeqscijbeeqscijbeeqscijbeeqscijbeeqscijbeeqscijbeeq
relay: relay.example:5349 bifaucqkbifaucqkbifaucqkbifaucqkbifaucqkbifaucqkbifa
check: tknza53b
"""
PIN = b"\x0a" * 32
CARD = Card(
    "alice",
    parse_identity("rkeohxlubhyzl7ks3mwtzos5olfgocn7dwkbeg7toseadnapn5oa"),
    board=b"\x08" * 32,
    key=b"\x09" * 32,
    relay=RelayAddress("relay.example", 5349, pin=PIN),
)


def test_the_published_card_is_read() -> None:
    assert parse_card(TEXT) == CARD


def test_a_card_is_written_as_it_was_published() -> None:
    assert format_card(CARD) == TEXT


def test_a_card_without_a_relay_is_read_back() -> None:
    card = replace(CARD, relay=None)

    assert parse_card(format_card(card)) == card


def test_mangled_cards_are_malformed() -> None:
    def parse(raw: bytes) -> Card:
        return parse_card(raw.decode(errors="surrogateescape"))

    assert_mangled_is_refused(parse, lambda c: format_card(c).encode(), TEXT.encode())


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("card 1", "card 2", "expected 'ringfence card 1'"),
        ("\n", "\r\n", "expected 'ringfence card 1'"),
        ("alias: alice\n", "", "and the lines alias"),
        ("tknza53b\n", "tknza53b", "and the lines alias"),
        ("alias: alice", "alias: alicf", "mistyped"),
        ("alias: alice", "alias: ", "expected 1 to 48 bytes"),
        ("tknza53b", "tknza53c", "mistyped"),
        ("identity: rkeo", "identity: rke\udc80", "mistyped"),
    ],
)
def test_a_changed_line_is_refused(old: str, new: str, sentence: str) -> None:
    with pytest.raises(MalformedError, match=sentence):
        parse_card(TEXT.replace(old, new))


@pytest.mark.parametrize("name", ["identity", "board"])
def test_a_key_of_small_order_is_refused(name: str) -> None:
    weak: dict[str, Any] = {name: bytes(32)}
    text = format_card(replace(CARD, **weak))

    with pytest.raises(MalformedError, match="small order"):
        parse_card(text)


@given(st.text())
def test_any_text_is_a_card_or_malformed(text: str) -> None:
    with pytest.raises(MalformedError):
        parse_card(text)


def test_the_key_of_a_card_is_not_shown() -> None:
    assert "key" not in repr(CARD)


@pytest.mark.parametrize(
    "alias", ["a", "Åsa", "x" * 48, "Zoë B.", "\u0907\u0928\u094d"]
)
def test_a_name_is_an_alias(alias: str) -> None:
    check_alias(alias)


@pytest.mark.parametrize(
    ("alias", "sentence"),
    [
        ("", "expected 1 to 48 bytes"),
        ("x" * 49, "came 49"),
        ("\u00e9" * 25, "came 50"),
        (" a", "outer spaces"),
        ("a\u00a0", "outer spaces"),
        ("A\u030asa", "NFC"),
        ("a\tb", "control or format"),
        ("a\u202eb", "control or format"),  # right-to-left override
        ("a\u2066b", "control or format"),  # bidi isolate
        ("a\u200bb", "control or format"),  # zero width space
        ("a\u2028b", "control or format"),  # line separator
        ("a\udc80", "control or format"),
    ],
)
def test_what_hides_or_moves_text_is_no_alias(alias: str, sentence: str) -> None:
    with pytest.raises(MalformedError, match=sentence):
        check_alias(alias)


@pytest.mark.parametrize(
    "text",
    [
        "relay.example:5349 -",
        "10.0.0.1:443 " + "bifaucqk" * 6 + "bifa",
        "[2001:db8::1]:1 -",
        f"{'a' * 56}.onion:65535 -",
        "localhost:80 -",
    ],
)
def test_a_relay_is_read_and_written_alike(text: str) -> None:
    assert format_relay(parse_relay(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "relay.example:5349",  # no pin
        "relay.example:0 -",
        "relay.example:65536 -",
        "relay.example:05349 -",
        "relay.example:\u0665 -",
        "Relay.example:1 -",
        "relay..example:1 -",
        "-relay.example:1 -",
        "relay.example:1 bifa",
        "relay.example:1 - ",
        "10.0.0.256:1 -",
        "10.0.0:1 -",
        "010.0.0.1:1 -",
        "2001:db8::1:1 -",
        "[2001:DB8::1]:1 -",
        "[2001:db8:0::1]:1 -",
        "[::ffff:10.0.0.1]:1 -",
        "[fe80::1%eth0]:1 -",
        f"{'a' * 60}.{'b' * 50}:1 -",
        "",
    ],
)
def test_a_second_spelling_of_a_relay_is_refused(text: str) -> None:
    with pytest.raises(MalformedError, match=r"expected|no such address"):
        parse_relay(text)


@given(
    st.from_regex(r"[a-z0-9.:\[\]-]{1,30}:[0-9]{1,6} (-|[a-z2-7]{52})", fullmatch=True)
)
def test_any_relay_is_read_and_written_alike_or_malformed(text: str) -> None:
    try:
        relay = parse_relay(text)
    except MalformedError:
        return

    assert format_relay(relay) == text


@pytest.mark.parametrize(
    ("host", "is_everywhere"), [("0.0.0.0", True), ("::", True), ("192.0.2.7", False)]
)
def test_where_nobody_can_be_called_is_known(host: str, *, is_everywhere: bool) -> None:
    assert RelayAddress(host, 5349).is_everywhere == is_everywhere
