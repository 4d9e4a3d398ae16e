"""Addresses are values; the secret of a mailbox does not show."""

from voip.identity.card import parse_relay
from voip.signalling.address import Address, Mailbox

RELAY = parse_relay("relay.example:5349 -")


def test_two_names_of_one_place_are_equal() -> None:
    assert {
        Address(b"t" * 16, b"i" * 32, RELAY),
        Address(b"t" * 16, b"i" * 32, parse_relay("relay.example:5349 -")),
    } == {Address(b"t" * 16, b"i" * 32, RELAY)}


def test_repr_does_not_hold_what_reads_a_mailbox() -> None:
    assert "fff" not in repr(Mailbox(b"f" * 32, RELAY))
