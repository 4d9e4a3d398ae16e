"""Touch tones: in time, once each, and never more than a person could press."""

import math
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voip.errors import LimitError, MalformedError
from voip.media.audio.dtmf import (
    DIGITS,
    MAX_BURST,
    MAX_WAITING,
    ToneReceiver,
    ToneSender,
    code_of,
    format_event,
    parse_event,
    sound_of,
)

WRAP = 1 << 32


def _events(sender: ToneSender, count: int) -> list[tuple[int, str] | None]:
    sent = (sender.next() for _ in range(count))
    return [event and (event[0], event[1].hex()) for event in sent]


def test_a_digit_lasts_100_ms_and_its_end_is_said_three_times() -> None:
    sender = ToneSender()
    sender.press("5")

    assert _events(sender, 12) == [
        (0, "050a03c0"),
        (1, "050a0780"),
        (2, "050a0b40"),
        (3, "050a0f00"),
        (4, "050a12c0"),
        (5, "058a12c0"),
        (6, "058a12c0"),
        (7, "058a12c0"),
        *[None] * 4,
    ]


def test_a_pause_of_60_ms_parts_two_digits() -> None:
    sender = ToneSender()
    sender.press("12")
    events = _events(sender, 22)

    assert [event is None for event in events] == 2 * ([False] * 8 + [True] * 3)
    assert events[11] == (0, "020a03c0")


def test_nothing_pressed_gives_nothing() -> None:
    assert ToneSender().next() is None


def test_a_stuck_key_is_refused_whole() -> None:
    sender = ToneSender()
    sender.press("1" * MAX_WAITING)

    with pytest.raises(LimitError, match="at most 32 to wait, came 34"):
        sender.press("12")


@pytest.mark.parametrize("digits", ["x", "1a", "¹", "1 2"], ids=ascii)
def test_what_is_no_touch_tone_is_refused_whole(digits: str) -> None:
    sender = ToneSender()
    with pytest.raises(MalformedError, match="expected one of"):
        sender.press(digits)

    assert sender.next() is None


@pytest.mark.parametrize("digit", ["", "12"], ids=["none", "two"])
def test_a_digit_is_one_character(digit: str) -> None:
    with pytest.raises(MalformedError, match="expected one of"):
        code_of(digit)


@given(st.text(DIGITS, min_size=1, max_size=MAX_WAITING), st.data())
def test_every_digit_is_heard_once_if_one_of_eight_arrives(
    digits: str, data: st.DataObject
) -> None:
    began = data.draw(st.integers(0, WRAP - 1))
    sender, receiver = ToneSender(), ToneReceiver()
    sender.press(digits)
    arriving = st.sets(st.integers(0, 7), min_size=1)
    arrives = [data.draw(arriving) for _ in digits]
    heard = []
    for number in range(11 * len(digits)):
        event = sender.next()
        if event is not None and event[0] in arrives[number // 11]:
            stamp = (began + 960 * (number - event[0])) % WRAP
            heard.append(receiver.receive(stamp, event[1], 0.02 * number))

    assert "".join(filter(None, heard)) == digits


def _press(receiver: ToneReceiver, began: int, now: float) -> str | None:
    return receiver.receive(began, format_event(7, 960, is_over=False), now)


def test_a_late_packet_of_an_earlier_digit_is_no_digit() -> None:
    receiver = ToneReceiver()
    _press(receiver, 100_000, 1.0)

    assert _press(receiver, 100_000 - 10_560, 1.1) is None


def test_tones_nearer_than_60_ms_are_one() -> None:
    receiver = ToneReceiver()
    heard = [_press(receiver, 960 * frame, 0.02 * frame) for frame in range(7)]

    assert heard == ["7", None, None, "7", None, None, "7"]


def test_a_flood_of_tones_is_held_to_one_in_60_ms() -> None:
    receiver = ToneReceiver()
    heard = [_press(receiver, 2880 * number, 0.001 * number) for number in range(601)]

    assert len(list(filter(None, heard))) == MAX_BURST + 10


def test_half_a_day_without_a_digit_does_not_deafen() -> None:
    receiver = ToneReceiver()
    _press(receiver, 0, 0.0)
    later_s = 13 * 3600

    assert _press(receiver, later_s * 48_000 % WRAP, float(later_s)) == "7"


def test_events_that_are_no_digits_are_passed_over() -> None:
    assert ToneReceiver().receive(0, bytes([16, 10, 3, 192]), 0.0) is None


@given(st.binary(max_size=8))
def test_any_bytes_are_an_event_or_the_one_error(event: bytes) -> None:
    try:
        digit = parse_event(event)
    except MalformedError:
        return

    assert digit is None or code_of(digit) == event[0]


def _strength(pcm: bytes, hz: int) -> float:
    """Say how much of one tone is in it, 0 to 1 of full scale."""
    turn = 2 * math.pi * hz / 48_000
    samples = array("h", pcm)
    real = sum(each * math.cos(turn * at) for at, each in enumerate(samples))
    imaginary = sum(each * math.sin(turn * at) for at, each in enumerate(samples))
    return 2 * math.hypot(real, imaginary) / len(samples) / 0x7FFF


@pytest.mark.parametrize(
    ("digit", "low", "high"),
    [("1", 697, 1209), ("6", 770, 1477), ("0", 941, 1336), ("#", 941, 1477)],
    ids=["1", "6", "0", "hash"],
)
def test_a_digit_sounds_as_its_two_tones(digit: str, low: int, high: int) -> None:
    pcm = sound_of(digit, 2400)
    heard = {
        hz: _strength(pcm, hz) for hz in (697, 770, 852, 941, 1209, 1336, 1477, 1633)
    }

    assert len(pcm) == 4800
    assert {hz for hz, strength in heard.items() if strength > 0.15} == {low, high}


def test_a_sound_of_no_digit_is_refused() -> None:
    with pytest.raises(MalformedError):
        sound_of("x", 960)
