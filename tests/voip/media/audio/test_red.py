"""One size per state, exact to the byte, and nothing else is taken."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voip.errors import MalformedError
from voip.media.audio.red import (
    MAX_DISTANCE,
    Blocks,
    Redundancy,
    check_frame,
    parse_red,
)
from voip.media.audio.states import AudioState, Setting

STATES = st.sampled_from(list(AudioState))
EVENT = bytes.fromhex("050a0780")  # digit 5, going on, -10 dBm0, 40 ms


def _frame(number: int, setting: Setting) -> bytes:
    """Make something that looks like an Opus frame and tells which one it is."""
    return bytes([0xF8, number & 0xFF]) * (setting.frame_bytes // 2)


def _payloads(setting: Setting, count: int) -> Iterator[bytes]:
    redundancy = Redundancy()
    for number in range(count):
        yield redundancy.payload(_frame(number, setting), setting)


@pytest.mark.parametrize(
    ("state", "first", "later"),
    [
        (AudioState.N1, "e300005061", "e10f005061"),
        (AudioState.N2, "e300003ce300003c61", "e11e003ce10f003c61"),
        (AudioState.N3, "e300003c" * 3 + "61", "e12d003ce11e003ce10f003c61"),
        (AudioState.N4, "e300003ce300003c61", "e13c003ce11e003c61"),
        (AudioState.N5, "e300003c" * 3 + "61", "e14b003ce12d003ce10f003c61"),
        (AudioState.S1, "e300003c61", "e10f003c61"),
        (AudioState.S0, "61", "61"),
        (AudioState.S2, "61", "61"),
    ],
    ids=lambda value: value.name if isinstance(value, AudioState) else "",
)
def test_a_payload_begins_as_the_format_says(
    state: AudioState, first: str, later: str
) -> None:
    payloads = list(_payloads(state.value, 10))

    assert payloads[0].startswith(bytes.fromhex(first))
    assert payloads[9].startswith(bytes.fromhex(later))


@pytest.mark.parametrize("state", AudioState, ids=lambda state: state.name)
def test_copies_are_those_of_the_state(state: AudioState) -> None:
    setting = state.value
    *_, last = _payloads(setting, 10)

    assert parse_red(last) == Blocks(
        _frame(9, setting),
        tuple((back, _frame(9 - back, setting)) for back in setting.distances[::-1]),
        None,
    )


@given(st.lists(st.tuples(STATES, st.booleans()), max_size=30))
def test_the_size_follows_from_the_state_alone(
    packets: list[tuple[AudioState, bool]],
) -> None:
    redundancy = Redundancy()
    for number, (state, has_tone) in enumerate(packets):
        setting = state.value
        event = (number % MAX_DISTANCE, EVENT) if has_tone else None
        payload = redundancy.payload(_frame(number, setting), setting, event)
        blocks = parse_red(payload)

        assert len(payload) == setting.payload_bytes
        assert blocks.event == event
        assert blocks.primary in {_frame(number, setting), None}
        assert all(
            frame == _frame(number - back, packets[number - back][0].value)
            for back, frame in blocks.copies
        )


def test_frames_of_another_size_are_no_copies() -> None:
    redundancy = Redundancy()
    redundancy.payload(_frame(0, AudioState.N1.value), AudioState.N1.value)
    payload = redundancy.payload(_frame(1, AudioState.S1.value), AudioState.S1.value)

    assert parse_red(payload).copies == ()


def test_frames_of_a_state_with_the_same_size_are() -> None:
    redundancy = Redundancy()
    old, new = AudioState.S1.value, AudioState.N2.value
    redundancy.payload(_frame(0, old), old)
    payload = redundancy.payload(_frame(1, new), new)

    assert parse_red(payload).copies == ((1, _frame(0, old)),)


def test_a_tone_stands_in_place_of_the_oldest_copy() -> None:
    setting = AudioState.N2.value
    redundancy = Redundancy()
    redundancy.payload(_frame(0, setting), setting)
    redundancy.payload(_frame(1, setting), setting)
    payload = redundancy.payload(_frame(2, setting), setting, (1, EVENT))
    heads = "e20f0004e3000034e10f003c61"

    assert payload == b"".join(
        (bytes.fromhex(heads), EVENT, bytes(52), _frame(1, setting), _frame(2, setting))
    )


def test_a_tone_stands_in_place_of_the_frame_where_there_is_no_copy() -> None:
    setting = AudioState.S2.value
    payload = Redundancy().payload(_frame(0, setting), setting, (0, EVENT))

    assert payload == bytes.fromhex("e200000463") + EVENT + bytes(32)
    assert parse_red(payload) == Blocks(None, (), (0, EVENT))


def test_blocks_of_unknown_type_are_passed_over() -> None:
    setting = AudioState.S2.value
    payload = bytes.fromhex("8000000361") + b"abc" + _frame(0, setting)

    assert parse_red(payload) == Blocks(_frame(0, setting), (), None)


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param("", id="nothing"),
        pytest.param("e1", id="half a header"),
        pytest.param("e10f0028", id="no last header"),
        pytest.param("e10f002861" + "f8" * 39, id="a copy that is cut off"),
        pytest.param("e10f002861" + "f8" * 79, id="a frame that is cut off"),
        pytest.param("e10f002961" + "f8" * 81, id="a copy of no state's size"),
        pytest.param("61" + "f8" * 41, id="a frame of no state's size"),
        pytest.param("61", id="an empty frame"),
        pytest.param("e10b002861" + "f8" * 80, id="an offset within a frame"),
        pytest.param("e187002861" + "f8" * 80, id="an offset of 9 frames"),
        pytest.param("e100002861" + "f8" * 80, id="a copy of the frame itself"),
        pytest.param("e2000004" * 2 + "63" + "00" * 8, id="two events"),
        pytest.param("e200000563" + "00" * 5, id="an event of 5 bytes"),
        pytest.param("e3000000" * 5 + "63", id="six blocks"),
    ],
)
def test_other_payloads_are_refused(payload: str) -> None:
    with pytest.raises(MalformedError):
        parse_red(bytes.fromhex(payload))


@given(st.binary(max_size=300))
def test_any_bytes_give_blocks_or_the_one_error(payload: bytes) -> None:
    try:
        blocks = parse_red(payload)
    except MalformedError:
        return

    assert len(blocks.copies) <= 4


@given(STATES, st.integers(0, 20), st.binary(min_size=1, max_size=1))
def test_a_changed_byte_is_harmless(
    state: AudioState, place: int, value: bytes
) -> None:
    *_, payload = _payloads(state.value, 6)
    try:
        blocks = parse_red(payload[:place] + value + payload[place + 1 :])
    except MalformedError:
        return

    assert all(1 <= back <= MAX_DISTANCE for back, _ in blocks.copies)


@given(STATES, st.data())
def test_a_cut_or_longer_payload_is_refused(
    state: AudioState, data: st.DataObject
) -> None:
    *_, payload = _payloads(state.value, 6)
    cut = payload[: data.draw(st.integers(0, len(payload) - 1))]
    frame = state.value.frame_bytes
    spared = {len(payload) - frame + other for other in (40, 60, 80)}
    if len(cut) in spared:
        return  # the frame of a smaller state, cut from this one

    with pytest.raises(MalformedError):
        parse_red(cut)
    with pytest.raises(MalformedError):
        parse_red(payload + b"\0")


@pytest.mark.parametrize("config", [1, 5, 9, 13, 15, 19, 23, 27, 31], ids=str)
def test_one_mono_frame_of_20_ms_is_taken(config: int) -> None:
    check_frame(bytes([config << 3]) + bytes(39))


def test_one_that_the_library_padded_is_taken() -> None:
    check_frame(bytes([9 << 3 | 3, 0x41]) + bytes(38))


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(bytes([31 << 3]) + bytes(40), id="41 bytes"),
        pytest.param(bytes([28 << 3]) + bytes(39), id="2.5 ms"),
        pytest.param(bytes([3 << 3]) + bytes(39), id="60 ms"),
        pytest.param(bytes([31 << 3 | 4]) + bytes(39), id="stereo"),
        pytest.param(bytes([31 << 3 | 1]) + bytes(39), id="two frames"),
        pytest.param(bytes([31 << 3 | 3, 2]) + bytes(38), id="counted two"),
        pytest.param(bytes([31 << 3 | 3, 0]) + bytes(38), id="counted none"),
    ],
)
def test_other_frames_never_reach_a_decoder(frame: bytes) -> None:
    with pytest.raises(MalformedError):
        check_frame(frame)
