import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.voip.media.video.mangling import assert_only_malformed
from voip.errors import MalformedError
from voip.media.video.vp8 import depacketize, packetize, starts_key

KEY = b"\x10\x02\x00\x9d\x01\x2a"
DELTA = b"\x11\x02\x00rest"


def test_a_frame_is_split_to_the_byte() -> None:
    frame = KEY + b"abcdef"

    assert packetize(frame, 0x1234, limit=10) == [
        bytes.fromhex("90 80 92 34 10 02 00 9d 01 2a"),
        bytes.fromhex("80 80 92 34") + b"abcdef",
    ]


def test_only_fifteen_bits_of_the_picture_number_are_sent() -> None:
    assert packetize(b"x", 0x1_8001, limit=10) == [bytes.fromhex("90 80 80 01") + b"x"]


def test_payloads_are_filled_up_to_1140_bytes() -> None:
    sizes = [len(payload) for payload in packetize(bytes(2500), 1)]

    assert sizes == [1140, 1140, 2500 - 2 * 1136 + 4]


@given(st.binary(min_size=1, max_size=5000), st.integers(0, 1 << 20))
def test_what_is_split_joins_to_the_same(frame: bytes, picture_id: int) -> None:
    assert depacketize(packetize(frame, picture_id)) == frame


# RFC 7741 §4.2: each optional field that a sender may use, and bits kept for later.
@pytest.mark.parametrize(
    "descriptor",
    [
        *("10", "30", "58", "9000", "908011", "90808111", "904011", "902011"),
        *("901011", "903011", "90f0112233", "90ff81112233"),
    ],
)
def test_any_optional_field_of_a_descriptor_is_passed_over(descriptor: str) -> None:
    payload = bytes.fromhex(descriptor) + KEY

    assert depacketize([payload]) == KEY
    assert starts_key(payload)


def test_a_delta_frame_starts_no_key_frame() -> None:
    assert not starts_key(packetize(DELTA, 1)[0])


def test_the_second_packet_of_a_key_frame_does_not_start_it() -> None:
    assert not starts_key(packetize(KEY + bytes(20), 1, limit=10)[1])


def test_a_later_partition_starts_no_frame() -> None:
    assert not starts_key(b"\x91\x80\x80\x01" + KEY)


def test_further_partitions_of_a_frame_are_joined() -> None:
    payloads = [b"\x10" + KEY, b"\x11second", b"\x12third"]

    assert depacketize(payloads) == KEY + b"secondthird"


def test_a_frame_without_its_first_packet_is_refused() -> None:
    payloads = packetize(KEY + bytes(20), 1, limit=10)

    with pytest.raises(MalformedError, match="first packet only"):
        depacketize(payloads[1:])


def test_two_frames_in_one_are_refused() -> None:
    with pytest.raises(MalformedError, match="came 0x90 in packet 1"):
        depacketize(packetize(DELTA, 1) * 2)


@pytest.mark.parametrize("payload", ["", "10", "90", "9080", "908080", "90808001"])
def test_a_payload_without_data_is_refused(payload: str) -> None:
    with pytest.raises(MalformedError, match="a descriptor and data"):
        starts_key(bytes.fromhex(payload))


def test_mangled_payloads_raise_one_error_only() -> None:
    for payload in packetize(KEY + bytes(20), 1, limit=16):
        assert_only_malformed(starts_key, payload)
        assert_only_malformed(lambda data: depacketize([data]), payload)


@given(st.lists(st.binary(max_size=40), max_size=5))
def test_any_bytes_raise_one_error_only(payloads: list[bytes]) -> None:
    with contextlib.suppress(MalformedError):
        depacketize(payloads)
    for payload in payloads:
        with contextlib.suppress(MalformedError):
            starts_key(payload)
