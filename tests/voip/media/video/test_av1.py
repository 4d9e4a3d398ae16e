import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.voip.media.video.mangling import assert_only_malformed
from voip.errors import MalformedError
from voip.media.video.av1 import depacketize, packetize, starts_key
from voip.media.video.limits import MAX_FRAME_BYTES
from voip.media.video.obu import Obu, format_obu

DELIMITER = bytes.fromhex("1200")
SEQUENCE = bytes.fromhex("0a0b") + b"sequence---"
PIXELS = bytes(range(250)) * 10
FRAME = bytes.fromhex("32c413") + PIXELS
KEY_UNIT = DELIMITER + SEQUENCE + FRAME
DELTA_UNIT = DELIMITER + bytes.fromhex("3205") + b"delta"


def test_a_key_frame_is_split_over_three_packets_to_the_byte() -> None:
    first = bytes.fromhex("680c08") + b"sequence---" + b"\x30"
    cut = 1140 - len(first)

    assert packetize(KEY_UNIT) == [
        first + PIXELS[:cut],
        b"\xd0" + PIXELS[cut : cut + 1139],
        b"\x90" + PIXELS[cut + 1139 :],
    ]


def test_a_delta_frame_of_one_packet_has_no_lengths() -> None:
    assert packetize(DELTA_UNIT) == [bytes.fromhex("1030") + b"delta"]


def test_delimiters_and_tile_lists_are_not_sent() -> None:
    unit = DELTA_UNIT + bytes.fromhex("420161")

    assert packetize(unit) == [bytes.fromhex("1030") + b"delta"]


def test_more_than_three_elements_all_have_lengths() -> None:
    unit = bytes.fromhex("320161 320162 320163 320164")

    payloads = packetize(unit)

    assert payloads == [bytes.fromhex("00 023061 023062 023063 023064")]
    assert depacketize(payloads) == DELIMITER + unit


def test_a_unit_that_does_not_fit_begins_the_next_packet() -> None:
    unit = bytes.fromhex("320461616161 320162")

    assert packetize(unit, limit=7) == [
        bytes.fromhex("10 3061616161"),
        bytes.fromhex("10 3062"),
    ]


def test_a_header_is_not_cut_from_its_data() -> None:
    unit = bytes.fromhex("320461616161 3203626262")

    assert packetize(unit, limit=8)[0] == bytes.fromhex("10 3061616161")


units = st.lists(
    st.tuples(
        st.sampled_from((b"\x08", b"\x30", b"\x28", b"\x34\x28")),
        st.binary(max_size=90),
    ).map(lambda parts: Obu(*parts)),
    min_size=1,
    max_size=8,
).map(lambda obus: b"".join(map(format_obu, obus)))


@given(units, st.integers(8, 60))
def test_what_is_split_joins_to_the_same(unit: bytes, limit: int) -> None:
    payloads = packetize(unit, limit)

    assert depacketize(payloads) == DELIMITER + unit
    assert max(map(len, payloads)) <= limit


def test_a_packet_with_a_sequence_header_starts_a_key_frame() -> None:
    assert [starts_key(payload) for payload in packetize(KEY_UNIT)] == [
        True,
        False,
        False,
    ]


def test_a_delta_frame_starts_no_key_frame() -> None:
    assert not starts_key(packetize(DELTA_UNIT)[0])


def test_units_that_kept_their_size_are_joined_too() -> None:
    assert depacketize([bytes.fromhex("10 3205") + b"delta"]) == DELTA_UNIT


def test_delimiters_that_came_are_not_doubled() -> None:
    payload = bytes.fromhex("20 0110 30") + b"delta"

    assert depacketize([payload]) == DELTA_UNIT


def test_nothing_to_send_is_refused() -> None:
    with pytest.raises(MalformedError, match="something to send"):
        packetize(DELIMITER)


def test_a_frame_without_its_first_packet_is_refused() -> None:
    with pytest.raises(MalformedError, match="each part to have its rest"):
        depacketize(packetize(KEY_UNIT)[1:])


def test_a_frame_without_its_last_packet_is_refused() -> None:
    with pytest.raises(MalformedError, match="the rest of a part"):
        depacketize(packetize(KEY_UNIT)[:-1])


def test_a_part_that_does_not_go_on_is_refused() -> None:
    first, *_ = packetize(KEY_UNIT)

    with pytest.raises(MalformedError, match="each part to have its rest"):
        depacketize([first, *packetize(DELTA_UNIT)])


@pytest.mark.parametrize("payload", ["", "10"])
def test_a_payload_without_elements_is_refused(payload: str) -> None:
    with pytest.raises(MalformedError, match="a header and an element"):
        starts_key(bytes.fromhex(payload))
    with pytest.raises(MalformedError, match="a header and an element"):
        depacketize([bytes.fromhex(payload)])


def test_fewer_elements_than_counted_are_refused() -> None:
    with pytest.raises(MalformedError, match="expected 2 elements, came 1"):
        depacketize([bytes.fromhex("20 023061")])


def test_an_element_longer_than_its_packet_is_refused() -> None:
    with pytest.raises(MalformedError, match="expected 9 bytes, came 2"):
        depacketize([bytes.fromhex("00 093061")])


def test_an_empty_element_is_refused() -> None:
    with pytest.raises(MalformedError, match="the header of a unit"):
        depacketize([bytes.fromhex("00 00")])


def test_a_unit_over_the_limit_is_refused() -> None:
    payloads = packetize(format_obu(Obu(b"\x30", bytes(MAX_FRAME_BYTES))))

    with pytest.raises(MalformedError, match="at most 512000 bytes"):
        depacketize(payloads)


def test_mangled_payloads_raise_one_error_only() -> None:
    for payload in packetize(DELIMITER + SEQUENCE + DELTA_UNIT[2:], limit=16):
        assert_only_malformed(starts_key, payload)
        assert_only_malformed(lambda case: depacketize([case]), payload)


def test_mangled_packets_among_good_ones_raise_one_error_only() -> None:
    first, second, *rest = packetize(DELIMITER + SEQUENCE + DELTA_UNIT[2:], limit=8)

    assert_only_malformed(lambda case: depacketize([first, case, *rest]), second)


@given(st.lists(st.binary(max_size=40), max_size=5))
def test_any_bytes_raise_one_error_only(payloads: list[bytes]) -> None:
    with contextlib.suppress(MalformedError):
        depacketize(payloads)
    with contextlib.suppress(MalformedError):
        packetize(b"".join(payloads))
