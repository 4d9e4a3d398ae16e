import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.voip.media.video.mangling import assert_only_malformed
from voip.errors import MalformedError
from voip.media.video.steady import (
    CELL_DATA_BYTES,
    FILLER,
    PACKET_BPS,
    SLOT_S,
    Cell,
    SteadySender,
    parse_cell,
)

PLENTY = 10_000_000


def sender(bps: int = PACKET_BPS) -> SteadySender:
    made = SteadySender(sequence=0xFFFF, timestamp=0xFFFF_FFFF, inner_sequence=0xFFFF)
    made.set_rate(bps, now=0.0)
    return made


def cells(sending: SteadySender, slots: int, start: float = 0.0) -> list[Cell]:
    packets = [
        packet
        for number in range(slots)
        for packet in sending.slot(start + number * SLOT_S)
    ]
    opened = [parse_cell(packet.payload) for packet in packets]
    return [cell for cell in opened if cell is not None]


def sizes(
    sending: SteadySender, bps: int, start: float, seconds: float
) -> dict[int, float]:
    """Say when each size of slot first held, asking ten times a second."""
    found: dict[int, float] = {}
    for tick in range(round(seconds * 10)):
        now = start + tick / 10
        sending.set_rate(bps, now)
        found.setdefault(sending.per_slot, now)
    return found


def test_a_cell_is_laid_out_to_the_byte() -> None:
    sending = sender()
    sending.put([b"data"], 0x01020304, key=True)

    payload = sending.slot(0.0)[0].payload

    assert payload == bytes.fromhex("03 ffff 01020304 0004") + b"data" + bytes(1127)


def test_filler_is_laid_out_to_the_byte() -> None:
    assert sender().slot(0.0)[0].payload == bytes.fromhex("04") + bytes(1139)


@given(
    st.lists(st.binary(min_size=1, max_size=CELL_DATA_BYTES), min_size=1, max_size=5),
    st.integers(0, 2**32 - 1),
    st.booleans(),
)
def test_what_is_sent_opens_to_the_same(
    payloads: list[bytes],
    timestamp: int,
    key: bool,  # noqa: FBT001 -- drawn by hypothesis
) -> None:
    sending = sender()
    sending.put(payloads, timestamp, key=key)
    last = len(payloads) - 1

    assert cells(sending, len(payloads)) == [
        Cell((0xFFFF + number) & 0xFFFF, timestamp, number == last, key, data)
        for number, data in enumerate(payloads)
    ]


def test_filler_opens_to_nothing() -> None:
    assert parse_cell(FILLER) is None


def changed(at: int, byte: int) -> bytes:
    sending = sender()
    sending.put([b"data"], 1, key=False)
    payload = bytearray(sending.slot(0.0)[0].payload)
    payload[at] = byte
    return bytes(payload)


@pytest.mark.parametrize(
    ("payload", "complaint"),
    [
        pytest.param(FILLER[:-1], "expected 1140 bytes", id="short"),
        pytest.param(changed(0, 5), "came 5", id="filler with data"),
        pytest.param(changed(0, 8), "came 8", id="unknown flag"),
        pytest.param(b"\0" * 1140, "came 0", id="no data"),
        pytest.param(changed(0, 4), "came 4", id="filler with length"),
        pytest.param(changed(7, 0xFF), "came 65284", id="length"),
        pytest.param(changed(1139, 1), "zeros after", id="padding"),
        pytest.param(FILLER[:-1] + b"\1", "zeros after", id="padding of filler"),
    ],
)
def test_what_is_no_cell_is_refused(payload: bytes, complaint: str) -> None:
    with pytest.raises(MalformedError, match=complaint):
        parse_cell(payload)


def test_mangled_cells_raise_one_error_only() -> None:
    assert_only_malformed(parse_cell, changed(0, 1))


@given(st.binary(max_size=1140))
def test_any_bytes_raise_one_error_only(data: bytes) -> None:
    for payload in (data, data.ljust(1140, b"\0")):
        try:
            parse_cell(payload)
        except MalformedError:
            continue


def test_packets_of_a_slot_share_a_timestamp_and_count_on() -> None:
    sending = sender()
    sizes(sending, PLENTY, 0.0, 11.0)

    heads = [(p.sequence, p.timestamp) for p in [*sending.slot(0.0), *sending.slot(0)]]

    assert heads == [(0xFFFF, 0xFFFF_FFFF), (0, 0xFFFF_FFFF), (1, 3599), (2, 3599)]


def test_moving_and_still_pictures_look_the_same() -> None:
    moving, still = sender(), sender()
    for number in range(100):
        now = number * SLOT_S
        moving.put([bytes(number + 1)] * (number % 3), number, key=False)

        assert [
            (packet.sequence, packet.timestamp, len(packet.payload))
            for packet in moving.slot(now)
        ] == [
            (packet.sequence, packet.timestamp, len(packet.payload))
            for packet in still.slot(now)
        ]


def test_a_large_frame_takes_many_slots_and_no_picture_meanwhile() -> None:
    sending = sender()
    sending.put([b"x"] * 3, 1, key=True)
    ready = []
    for number in range(4):
        ready.append(sending.ready)
        sending.slot(number * SLOT_S)

    assert ready == [False, False, False, True]


def test_a_lost_packet_leaves_again_under_a_new_number() -> None:
    sending = sender()
    sending.put([b"first", b"second"], 1, key=False)
    lost = sending.slot(0.0)[0]
    sending.lost(lost.sequence, 0.03)

    again = sending.slot(0.04)[0]

    assert again == lost._replace(sequence=0, timestamp=3599)


def test_what_is_still_to_be_repeated_keeps_the_next_picture_back() -> None:
    sending = sender()
    sending.put([b"first"], 1, key=False)
    sending.lost(sending.slot(0.0)[0].sequence, 0.03)

    assert not sending.ready


def test_lost_filler_is_not_repeated() -> None:
    sending = sender()
    sending.lost(sending.slot(0.0)[0].sequence, 0.03)

    assert cells(sending, 1, 0.04) == []


def test_a_packet_is_repeated_four_times_at_most() -> None:
    sending = sender()
    sending.put([b"first"], 1, key=False)
    sent = 0
    for number in range(10):
        now = number * SLOT_S
        packet = sending.slot(now)[0]
        sent += parse_cell(packet.payload) is not None
        sending.lost(packet.sequence, now + 0.01)

    assert sent == 5


def test_a_packet_is_not_repeated_after_a_second() -> None:
    sending = sender()
    sending.put([b"first"], 1, key=False)
    sending.lost(sending.slot(0.0)[0].sequence, 1.01)

    assert cells(sending, 1, 1.04) == []


def test_only_so_many_sent_packets_are_remembered() -> None:
    sending = sender()
    sending.put([b"x"] * 600, 1, key=False)
    cells(sending, 600)

    assert len(sending._sent) == 512


def test_one_packet_a_slot_takes_239_kbit_a_second() -> None:
    assert PACKET_BPS == 239_200


def test_an_encoder_aims_at_four_fifths_of_the_slots() -> None:
    assert sender().encoder_bps == 0.8 * 1131 * 8 * 25


def test_without_a_rate_nothing_leaves() -> None:
    sending = sender(bps=0)

    assert (sending.slot(0.0), sending.ready) == ([], False)


def test_any_rate_is_tried_with_one_packet_a_slot() -> None:
    assert sender(bps=60_000).per_slot == 1


def test_a_rate_that_holds_adds_a_step_each_ten_seconds() -> None:
    assert sizes(sender(), PLENTY, 0.1, 40.0) == {
        1: 0.1,
        2: pytest.approx(10.0),
        4: pytest.approx(20.0),
        8: pytest.approx(30.0),
    }


def test_a_rate_hardly_over_the_present_size_adds_none() -> None:
    assert set(sizes(sender(), round(1.39 * PACKET_BPS), 0.1, 60.0)) == {1}


def test_a_rate_that_falls_takes_a_step_each_two_seconds() -> None:
    sending = sender()
    sizes(sending, PLENTY, 0.0, 25.0)

    assert sizes(sending, 100_000, 25.0, 10.0) == {
        2: pytest.approx(25.0),
        1: pytest.approx(27.0),
        0: pytest.approx(29.0),
    }


def test_a_rate_a_little_under_the_present_size_is_left() -> None:
    sending = sender()
    sizes(sending, PLENTY, 0.0, 11.0)

    assert set(sizes(sending, round(1.8 * PACKET_BPS), 11.0, 60.0)) == {2}


def test_a_step_that_did_not_hold_is_tried_seldomer_each_time() -> None:
    sending = sender()
    tried = []
    for tick in range(15_000):
        now, before = tick / 10, sending.per_slot
        sending.set_rate(PACKET_BPS * (1 if before == 2 else 3) // 2, now)
        if before == 1 and sending.per_slot == 2:
            tried.append(now)

    waited = [round(later - earlier) for earlier, later in itertools.pairwise(tried)]

    assert waited[:6] == [32, 62, 122, 242, 242, 242]


def test_a_step_that_held_a_while_is_tried_again_sooner() -> None:
    sending = sender()
    sizes(sending, PACKET_BPS * 3 // 2, 0.0, 11.0)
    sizes(sending, 2 * PACKET_BPS, 11.0, 40.0)
    sizes(sending, PACKET_BPS, 51.0, 1.0)

    assert sizes(sending, PACKET_BPS * 3 // 2, 52.0, 40.0)[2] == pytest.approx(81.0)


def test_a_stop_is_at_once_and_drops_what_waits() -> None:
    sending = sender()
    sending.put([b"x"] * 3, 1, key=False)
    sent = sending.slot(0.0)[0]
    sending.set_rate(0, 0.1)
    sending.lost(sent.sequence, 0.1)
    sending.set_rate(0, 0.2)
    sending.set_rate(PACKET_BPS, 2.2)

    assert sending.per_slot == 1
    assert cells(sending, 3, 2.2) == []


def test_after_a_stop_it_goes_on_from_one_packet_after_two_seconds() -> None:
    sending = sender()
    sizes(sending, PLENTY, 0.0, 11.0)
    sending.set_rate(0, 11.0)

    assert sizes(sending, PACKET_BPS, 11.1, 5.0) == {
        0: pytest.approx(11.1),
        1: pytest.approx(13.0),
    }
