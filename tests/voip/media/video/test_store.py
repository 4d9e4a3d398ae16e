import pytest
from hypothesis import given
from hypothesis import strategies as st

from voip.errors import MalformedError
from voip.media.rtp import Header, format_header, parse_header
from voip.media.video.store import Original, Store, unwrap, wrap

RTT = 0.05
RICH = 8_000_000  # bit/s, of which repeats may take 250 000 bytes a second


def header(payload_type: int, sequence: int, ssrc: int) -> Header:
    return Header(
        marker=True,
        payload_type=payload_type,
        sequence=sequence,
        timestamp=9000,
        ssrc=ssrc,
    )


def packet(sequence: int, payload: bytes = b"payload") -> bytes:
    return format_header(header(102, sequence, 0x1111)) + payload


def store(bps: int = RICH) -> Store:
    made = Store(payload_type=103, ssrc=0x2222, sequence=0xFFFF)
    made.set_rate(bps)
    return made


def numbers(repeats: list[bytes]) -> list[int]:
    return [unwrap(repeat[12:]).sequence for repeat in repeats]


def test_a_repeat_keeps_timestamp_and_marker() -> None:
    repeat = wrap(packet(7), payload_type=103, sequence=9, ssrc=0x2222)

    assert parse_header(repeat) == header(103, 9, 0x2222)


def test_a_repeat_has_the_original_number_before_the_payload() -> None:
    repeat = wrap(packet(0x1234), payload_type=103, sequence=9, ssrc=0x2222)

    assert repeat[12:] == b"\x12\x34payload"


@given(st.integers(0, 0xFFFF), st.binary(min_size=1, max_size=1140))
def test_what_is_wrapped_unwraps_to_the_same(sequence: int, payload: bytes) -> None:
    repeat = wrap(packet(sequence, payload), payload_type=103, sequence=1, ssrc=2)

    assert unwrap(repeat[12:]) == Original(sequence, payload)


@pytest.mark.parametrize("payload", [b"", b"\0", b"\0\1"])
def test_a_repeat_of_nothing_is_refused(payload: bytes) -> None:
    with pytest.raises(MalformedError, match="over 2 bytes"):
        unwrap(payload)


def test_what_is_lost_is_repeated_under_numbers_of_its_own() -> None:
    kept = store()
    for sequence in range(3):
        kept.keep(packet(sequence), now=0.0)

    repeats = kept.answer([0, 2], RTT, now=0.1)

    assert numbers(repeats) == [0, 2]
    assert [parse_header(repeat).sequence for repeat in repeats] == [0xFFFF, 0]


def test_what_was_never_sent_is_not_repeated() -> None:
    kept = store()
    kept.keep(packet(1), now=0.0)

    assert kept.answer([2], RTT, now=0.1) == []


def test_a_packet_is_not_repeated_twice_within_a_round_trip() -> None:
    kept = store()
    kept.keep(packet(1), now=0.0)
    kept.answer([1], RTT, now=0.1)

    assert kept.answer([1], RTT, now=0.14) == []
    assert numbers(kept.answer([1], RTT, now=0.16)) == [1]


def test_a_packet_is_repeated_four_times_at_most() -> None:
    kept = store()
    kept.keep(packet(1), now=0.0)

    repeats = [kept.answer([1], RTT, now=0.1 * time) for time in range(1, 8)]

    assert [len(repeat) for repeat in repeats] == [1, 1, 1, 1, 0, 0, 0]


def test_a_packet_is_not_repeated_after_a_second() -> None:
    kept = store()
    kept.keep(packet(1), now=0.0)

    assert kept.answer([1], RTT, now=1.01) == []


def test_packets_older_than_a_second_are_let_go() -> None:
    kept = store()
    kept.keep(packet(1), now=0.0)
    kept.keep(packet(2), now=1.01)

    assert list(kept._kept) == [2]


def test_no_more_than_512_packets_are_kept() -> None:
    kept = store()
    for sequence in range(600):
        kept.keep(packet(sequence), now=0.0)

    assert numbers(kept.answer([87, 88], RTT, now=0.1)) == [88]


def test_repeats_take_a_quarter_of_the_rate() -> None:
    kept = store(bps=1_000_000)
    for sequence in range(500):
        kept.keep(packet(sequence, bytes(1000)), now=0.0)
    kept.answer(range(500), RTT, now=0.0)

    repeated = [len(kept.answer(range(500), 0.0, now=0.1 * at)) for at in range(1, 9)]

    assert sum(repeated) * (1000 + 12 + 2 + 44) <= 0.8 * 1_000_000 / 8 / 4
    assert sum(repeated) * (1000 + 12 + 2 + 44) >= 0.8 * 1_000_000 / 8 / 4 - 1058


def test_two_packets_are_repeated_at_the_lowest_rate() -> None:
    kept = store(bps=0)
    for sequence in range(4):
        kept.keep(packet(sequence, bytes(1140)), now=0.0)

    assert numbers(kept.answer(range(4), RTT, now=0.1)) == [0, 1]


def test_what_repeats_took_in_the_last_second_is_known() -> None:
    kept = store()
    kept.keep(packet(1, bytes(1000)), now=0.0)
    kept.answer([1], RTT, now=0.1)
    kept.answer([1], RTT, now=0.3)

    assert [kept.spent_bps(now) for now in (1.05, 1.2, 1.4)] == [
        2 * 8 * 1058,
        8 * 1058,
        0,
    ]
