"""Packets of other makes are brought to our form, or refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voip.errors import MalformedError
from voip.media.foreign import plain_rtp
from voip.media.rtp import parse_header

FIXED = bytes.fromhex("e0 0001 00000002 00000003".replace(" ", ""))  # without flags


def packet(flags: int, rest: bytes) -> bytes:
    return bytes([flags]) + FIXED + rest


def test_a_packet_of_our_form_stays_as_it_is() -> None:
    ours = packet(0x80, b"payload")

    assert plain_rtp(ours) is ours


@pytest.mark.parametrize(
    ("flags", "rest"),
    [
        pytest.param(0xA0, b"payload\x00\x00\x03", id="padding"),
        pytest.param(0x82, bytes(8) + b"payload", id="sources"),
        pytest.param(0x90, b"\xbe\xde\x00\x01\x10\xff\x00\x00payload", id="extension"),
        pytest.param(
            0xB1, bytes(4) + b"\xbe\xde\x00\x00payload\x00\x02", id="everything"
        ),
    ],
)
def test_what_other_makes_add_is_cut_off(flags: int, rest: bytes) -> None:
    assert plain_rtp(packet(flags, rest)) == packet(0x80, b"payload")


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        pytest.param(packet(0x80, b"")[:-1], "expected 12 to 1500", id="short"),
        pytest.param(packet(0x80, bytes(1500)), "expected 12 to 1500", id="long"),
        pytest.param(packet(0x40, b""), "expected version 2", id="version"),
        pytest.param(packet(0xA0, b"\x00"), "expected padding", id="no padding"),
        pytest.param(packet(0xA0, b"\x09"), "bytes of header", id="too much padding"),
        pytest.param(packet(0x8F, bytes(8)), "bytes of header", id="sources"),
        pytest.param(
            packet(0x90, b"\xbe\xde\xff\xff"), "bytes of head", id="extension"
        ),
    ],
)
def test_what_cannot_be_a_packet_is_refused(raw: bytes, why: str) -> None:
    with pytest.raises(MalformedError, match=why):
        plain_rtp(raw)


@given(st.binary(max_size=80))
def test_any_bytes_become_a_packet_of_ours_or_malformed(raw: bytes) -> None:
    try:
        plain = plain_rtp(raw)
    except MalformedError:
        return

    assert parse_header(plain).ssrc == int.from_bytes(raw[8:12])
