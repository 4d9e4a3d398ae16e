"""Addresses are values; the secret of a mailbox does not show."""

import pytest

from voip.identity.card import parse_relay
from voip.signalling.address import Address, Mailbox, is_loopback

RELAY = parse_relay("relay.example:5349 -")


def test_two_names_of_one_place_are_equal() -> None:
    assert {
        Address(b"t" * 16, b"i" * 32, RELAY),
        Address(b"t" * 16, b"i" * 32, parse_relay("relay.example:5349 -")),
    } == {Address(b"t" * 16, b"i" * 32, RELAY)}


def test_repr_does_not_hold_what_reads_a_mailbox() -> None:
    assert "fff" not in repr(Mailbox(b"f" * 32, RELAY))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.0.1", "::1"])
def test_an_address_of_this_machine_is_known(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["localhost", "192.0.2.1", ""])
def test_a_name_and_another_address_are_not_this_machine(host: str) -> None:
    assert not is_loopback(host)
