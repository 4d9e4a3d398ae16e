"""How packets leave, on a clock that the tests turn."""

import pytest

from voip.description import Codec, Kind, Stream
from voip.media.profile import picture_stream
from voip.media.rtp import HEADER_BYTES, Header, parse_header
from voip.media.video.outlets import Outlet, Paced, Start, Steady, open_outlet
from voip.media.video.steady import SLOT_S, parse_cell

START = Start(sequence=7, timestamp=0xFFFFFFF0, second=100)
USUAL = picture_stream(Kind.VIDEO, Codec.VP8, 11, 12)
SLOTTED = picture_stream(Kind.VIDEO, Codec.VP8, 11, 0)


def opened(stream: Stream = USUAL, bps: int = 1_000_000) -> Outlet:
    outlet = open_outlet(stream, START, 0.0)
    outlet.set_rate(bps, 0.0)
    return outlet


def leave(outlet: Outlet, *, until: float) -> list[bytes]:
    """Collect what leaves up to a time, asking when the outlet wants to be asked."""
    packets = outlet.due(0.0)
    while (at := outlet.next_at) is not None and at <= until:
        packets += outlet.due(at)
    return packets


def headers(packets: list[bytes]) -> list[Header]:
    return [parse_header(packet) for packet in packets]


@pytest.mark.parametrize(("stream", "kind"), [(USUAL, Paced), (SLOTTED, Steady)])
def test_the_description_says_which_it_is(
    stream: Stream, kind: type[Paced | Steady]
) -> None:
    assert isinstance(open_outlet(stream, START, 0.0), kind)


def test_packets_of_a_frame_are_numbered_and_the_last_is_marked() -> None:
    outlet = opened()
    outlet.put([b"one", b"two", b"three"], 0x20, 0.0, key=True)

    assert headers(leave(outlet, until=1.0)) == [
        Header(number == 9, USUAL.pt, number, 0x10, USUAL.ssrc) for number in (7, 8, 9)
    ]


def test_payloads_leave_as_they_are() -> None:
    outlet = opened()
    outlet.put([b"one", b"two"], 0, 0.0, key=False)
    packets = leave(outlet, until=1.0)

    assert [packet[HEADER_BYTES:] for packet in packets] == [b"one", b"two"]


@pytest.mark.parametrize(("bps", "limit"), [(599_999, 600), (600_000, 1140)], ids=str)
def test_payloads_are_small_where_sound_would_wait_for_large_ones(
    bps: int, limit: int
) -> None:
    assert opened(bps=bps).payload_limit == limit


def test_a_steady_stream_fills_its_slots_at_any_rate() -> None:
    assert opened(SLOTTED, bps=250_000).payload_limit == 1131


def test_a_long_frame_leaves_over_time() -> None:
    outlet = opened(bps=800_000)
    outlet.put([bytes(1000)] * 20, 0, 0.0, key=False)
    at_once = len(outlet.due(0.0))

    assert at_once < 5
    assert len(leave(outlet, until=0.2)) == 20 - at_once


def test_nothing_is_due_when_nothing_waits() -> None:
    outlet = opened()
    outlet.put([b"one"], 0, 0.0, key=False)
    leave(outlet, until=0.1)

    assert outlet.next_at is None


def test_a_packet_asked_for_leaves_again_on_the_other_stream() -> None:
    outlet = opened()
    outlet.put([b"one", b"two"], 0, 0.0, key=False)
    leave(outlet, until=0.1)
    outlet.nack([8], 0.2)
    outlet.nack([8], 0.21)  # within the round trip
    again = outlet.due(0.25)

    assert headers(again)[0][1:3] == (USUAL.rtx_pt, 100)
    assert [packet[HEADER_BYTES:] for packet in again] == [b"\0\x08two"]


def test_the_numbers_go_on_after_a_repeat() -> None:
    outlet = opened()
    outlet.put([b"one"], 0, 0.0, key=False)
    leave(outlet, until=0.1)
    outlet.nack([7], 0.2)
    outlet.due(0.25)
    outlet.put([b"two"], 3000, 0.3, key=False)

    assert headers(outlet.due(0.35))[0].sequence == 8


def test_repeats_are_taken_from_the_encoder_for_a_while() -> None:
    outlet = opened(bps=400_000)
    before = outlet.encoder_bps
    outlet.put([bytes(1000)] * 5, 0, 0.0, key=False)
    leave(outlet, until=0.3)
    outlet.nack(range(7, 12), 0.4)
    during = outlet.encoder_bps
    outlet.set_rate(400_000, 1.5)

    assert before == 368_000 > during > before - 6 * 8 * 1070
    assert outlet.encoder_bps == before


def test_the_encoder_keeps_half_the_rate_whatever_is_asked_for() -> None:
    outlet = opened(bps=60_000)
    outlet.put([bytes(1000)] * 3, 0, 0.0, key=False)
    leave(outlet, until=0.6)
    outlet.set_rate(20_000, 0.6)
    outlet.nack(range(7, 10), 0.61)

    assert outlet.encoder_bps == 10_000


def test_no_picture_is_taken_while_much_waits() -> None:
    outlet = opened(bps=400_000)
    empty = outlet.is_ready(0.0)
    outlet.put([bytes(1000)] * 20, 0, 0.0, key=False)

    assert (empty, outlet.is_ready(0.0)) == (True, False)


def test_no_picture_is_taken_without_a_rate() -> None:
    outlet = opened(bps=0)

    assert (outlet.is_ready(0.0), outlet.encoder_bps) == (False, 0)


def test_too_much_is_dropped_once_and_leaves_a_gap() -> None:
    outlet = opened(bps=400_000)
    outlet.put([bytes(1000)] * 50, 0, 0.0, key=False)
    told = outlet.overflowed(), outlet.overflowed()
    outlet.put([b"key"], 3000, 0.1, key=True)

    assert told == (True, False)
    assert headers(leave(outlet, until=0.2))[0].sequence == 8


def test_a_pause_within_a_frame_leaves_a_gap() -> None:
    outlet = opened(bps=100_000)
    outlet.put([bytes(1000)] * 3, 0, 0.0, key=False)
    sent = len(outlet.due(0.0)) + len(outlet.due(0.005))
    outlet.set_rate(0, 0.01)
    outlet.set_rate(100_000, 0.02)
    outlet.put([b"key"], 3000, 0.1, key=True)

    assert 0 < sent < 3
    assert headers(leave(outlet, until=0.3))[0].sequence == 7 + sent + 1


def test_reports_of_loss_do_not_repeat_what_may_be_asked_for() -> None:
    outlet = opened()
    outlet.put([b"one"], 0, 0.0, key=False)
    leave(outlet, until=0.1)
    outlet.lost([7], 0.2)

    assert outlet.due(0.3) == []


def test_slots_are_filled_whether_there_is_a_picture_or_not() -> None:
    outlet = opened(SLOTTED, bps=300_000)
    packets = leave(outlet, until=0.1)

    assert [len(packet) for packet in packets] == [HEADER_BYTES + 1140] * 3
    assert headers(packets) == [
        Header(
            marker=False,
            payload_type=SLOTTED.pt,
            sequence=7 + slot,
            timestamp=(START.timestamp + slot * 3600) & 0xFFFFFFFF,
            ssrc=SLOTTED.ssrc,
        )
        for slot in range(3)
    ]


def test_a_picture_lies_in_the_slots() -> None:
    outlet = opened(SLOTTED, bps=300_000)
    ready = outlet.is_ready(0.0)
    outlet.put([b"one", b"two"], 0x20, 0.0, key=True)
    busy = outlet.is_ready(0.0)
    cells = [parse_cell(packet[HEADER_BYTES:]) for packet in leave(outlet, until=0.1)]

    assert (ready, busy) == (True, False)
    assert cells == [
        (100, 0x10, False, True, b"one"),
        (101, 0x10, True, True, b"two"),
        None,
    ]


def test_what_a_report_calls_lost_lies_in_a_later_slot() -> None:
    outlet = opened(SLOTTED, bps=300_000)
    outlet.put([b"one"], 0, 0.0, key=True)
    outlet.due(0.0)
    outlet.nack([7], 0.01)  # which a steady stream does not hear
    ignored = parse_cell(outlet.due(SLOT_S)[0][HEADER_BYTES:])
    outlet.lost([7, 5000], 0.05)
    repeated = parse_cell(outlet.due(2 * SLOT_S)[0][HEADER_BYTES:])

    assert ignored is None
    assert repeated is not None
    assert repeated.data == b"one"


def test_slots_that_were_slept_through_are_not_made_up_for() -> None:
    outlet = opened(SLOTTED, bps=300_000)
    outlet.due(0.0)

    assert len(outlet.due(60.0)) == 1
    assert outlet.next_at == 60.0 + SLOT_S


def test_slots_never_overflow() -> None:
    outlet = opened(SLOTTED, bps=300_000)
    outlet.put([bytes(1000)] * 100, 0, 0.0, key=True)

    assert not outlet.overflowed()
    assert outlet.encoder_bps == int(0.8 * 1131 * 8 / SLOT_S)
