"""The header as it leaves and comes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voip.errors import MalformedError
from voip.media.profile import AUDIO_PT
from voip.media.rtp import (
    MAX_DATAGRAM_BYTES,
    MAX_PACKET_BYTES,
    Header,
    check_outgoing,
    format_header,
    is_rtcp,
    is_srtp,
    parse_header,
    read_stream,
)

HEADER = Header(
    marker=True, payload_type=96, sequence=7, timestamp=960, ssrc=0xA1B2C3D4
)
RAW = bytes.fromhex("80e00007000003c0a1b2c3d4")


def _audio(payload_bytes: int, first_byte: int = 0x80) -> bytes:
    header = Header(
        marker=False, payload_type=AUDIO_PT, sequence=1, timestamp=2, ssrc=3
    )
    return bytes([first_byte]) + format_header(header)[1:] + bytes(payload_bytes)


def test_a_header_is_written_as_rfc_3550_says() -> None:
    written = format_header(HEADER)

    assert written == RAW


def test_a_header_is_read_back() -> None:
    header = parse_header(RAW + b"payload")

    assert header == HEADER


@given(st.binary(max_size=40))
def test_any_bytes_give_a_header_or_one_error(raw: bytes) -> None:
    try:
        header = parse_header(raw)
    except MalformedError:
        return

    assert format_header(header) == raw[:12]


@pytest.mark.parametrize("first_byte", [0x00, 0x40, 0x81, 0x90, 0xA0])
def test_padding_extension_csrc_and_other_versions_are_refused(first_byte: int) -> None:
    with pytest.raises(MalformedError, match="first byte"):
        parse_header(bytes([first_byte]) + RAW[1:])


@pytest.mark.parametrize("size", [0, 11, MAX_PACKET_BYTES + 1])
def test_a_packet_of_an_impossible_size_is_refused(size: int) -> None:
    with pytest.raises(MalformedError, match="bytes"):
        parse_header(RAW.ljust(size, b"\0")[:size])


def test_a_bare_header_may_leave() -> None:
    assert check_outgoing(_audio(80)) == (AUDIO_PT, 1, 2, 3)


def test_the_stream_of_a_packet_is_its_type_and_its_source() -> None:
    assert read_stream(RAW) == (96, 0xA1B2C3D4)


@given(st.binary(max_size=40))
def test_any_bytes_are_of_a_stream_or_malformed(raw: bytes) -> None:
    try:
        stream = read_stream(raw)
    except MalformedError:
        return
    header = parse_header(raw)

    assert stream == (header.payload_type, header.ssrc)


def test_audio_with_a_header_extension_does_not_leave() -> None:
    with pytest.raises(MalformedError, match="0x90"):
        check_outgoing(_audio(80, first_byte=0x90))


@pytest.mark.parametrize(
    ("datagram", "expected"),
    [(b"\x80\xc8", True), (b"\x80\xdf", True), (b"\x80\x60", False), (b"\x80", False)],
)
def test_rtcp_is_told_by_its_second_byte(datagram: bytes, *, expected: bool) -> None:
    assert is_rtcp(datagram) is expected


@pytest.mark.parametrize(
    ("datagram", "expected"),
    [
        (b"", False),
        (b"\x00", False),
        (b"\x30", False),
        (b"\x7f", False),
        (b"\x80", True),
        (b"\xbf", True),
        (b"\xc0", False),
        (b"\x80" * MAX_DATAGRAM_BYTES, True),
        (b"\x80" * (MAX_DATAGRAM_BYTES + 1), False),
    ],
)
def test_srtp_is_told_by_its_first_byte_and_size(
    datagram: bytes, *, expected: bool
) -> None:
    assert is_srtp(datagram) is expected
