"""What each hears of all others, and whose picture it sees."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voip.gateway.mixing import (
    HOLD_S,
    MAX_WAITING,
    QUIET,
    WINDOW,
    View,
    Waiting,
    faded,
    mix,
    peak,
)
from voip.media.sources import FRAME_SAMPLES, SILENCE

LOUD = QUIET * 4.0


def frame(sample: int) -> bytes:
    return struct.pack(f"<{FRAME_SAMPLES}h", *[sample] * FRAME_SAMPLES)


def numbered(count: int) -> list[bytes]:
    return [frame(number) for number in range(count)]


def test_nothing_is_silence() -> None:
    assert mix([]) == SILENCE


def test_one_is_heard_as_it_is() -> None:
    assert mix([frame(7)]) == frame(7)


@pytest.mark.parametrize(
    ("samples", "heard"),
    [
        ((1, 2, 3), 6),
        ((32767, 32767), 32767),
        ((-32768, -32768), -32768),
        ((32767, 32767, -32768), 32766),  # cut off once, at the end
    ],
)
def test_several_are_added_up(samples: tuple[int, ...], heard: int) -> None:
    assert mix([frame(sample) for sample in samples]) == frame(heard)


@given(st.lists(st.integers(-32768, 32767), max_size=8))
def test_a_mix_is_never_out_of_range(samples: list[int]) -> None:
    mixed = struct.unpack("<h", mix([frame(s) for s in samples])[:2])[0]

    assert mixed == max(-32768, min(32767, sum(samples)))


def test_frames_are_read_in_order() -> None:
    waiting = Waiting()
    for each in numbered(3):
        waiting.put(each)

    assert [waiting.take() for _ in range(4)] == [*numbered(3), None]


def test_the_oldest_goes_when_nobody_reads() -> None:
    waiting = Waiting()
    for each in numbered(MAX_WAITING + 2):
        waiting.put(each)

    assert waiting.take() == frame(2)
    assert waiting.dropped == 2


def test_what_was_forgotten_is_not_heard() -> None:
    waiting = Waiting()
    waiting.put(frame(1))
    waiting.clear()

    assert waiting.take() is None


def test_what_waits_for_a_second_unused_shrinks() -> None:
    waiting = Waiting()
    for each in numbered(4):
        waiting.put(each)
    for each in numbered(WINDOW):
        waiting.take()
        waiting.put(each)

    assert waiting.dropped == 1


def test_what_is_needed_for_the_jitter_of_two_beats_stays() -> None:
    waiting = Waiting()
    waiting.put(frame(0))
    for each in numbered(3 * WINDOW):
        waiting.put(each)
        waiting.take()

    assert waiting.dropped == 0


@pytest.mark.parametrize(("sample", "high"), [(0, 0), (5, 5), (-5, 5), (-32768, 32768)])
def test_a_peak_has_no_sign(sample: int, high: int) -> None:
    assert peak(frame(sample)) == high


def test_a_level_rises_at_once_and_fades_slowly() -> None:
    assert faded(100.0, frame(1000)) == 1000.0
    assert faded(1000.0, SILENCE) == 950.0


def test_the_only_one_is_seen() -> None:
    assert View().choose(["bob"], {}, 0.0) == "bob"


def test_nobody_is_seen_where_nobody_shows() -> None:
    view = View()
    view.choose(["bob"], {}, 0.0)

    assert view.choose([], {}, 1.0) is None
    assert view.shown is None


def test_the_loudest_is_seen() -> None:
    levels = {"bob": 1.0, "carol": LOUD}

    assert View().choose(["bob", "carol"], levels, 0.0) == "carol"


def test_whoever_is_seen_stays_for_2_s() -> None:
    view = View()
    view.choose(["bob"], {"bob": LOUD}, 0.0)
    levels = {"bob": 0.0, "carol": LOUD}
    at = (HOLD_S - 0.01, HOLD_S)

    assert [view.choose(["bob", "carol"], levels, now) for now in at] == [
        "bob",
        "carol",
    ]


def test_whoever_is_seen_without_a_word_goes_when_another_speaks() -> None:
    view = View()
    view.choose(["bob"], {}, 0.0)

    assert view.choose(["bob", "carol"], {"carol": LOUD}, 0.1) == "carol"


def test_whoever_is_seen_stays_while_nobody_speaks() -> None:
    view = View()
    view.choose(["bob"], {}, 0.0)

    assert view.choose(["bob", "carol"], {"carol": QUIET - 1.0}, 60.0) == "bob"


def test_whoever_is_seen_stays_while_they_are_the_loudest() -> None:
    view = View()
    view.choose(["bob"], {}, 0.0)
    levels = {"bob": 2 * LOUD, "carol": LOUD}

    assert view.choose(["bob", "carol"], levels, 60.0) == "bob"


def test_another_is_seen_when_the_one_leaves() -> None:
    view = View()
    view.choose(["bob"], {}, 0.0)

    assert view.choose(["carol"], {}, 0.5) == "carol"
