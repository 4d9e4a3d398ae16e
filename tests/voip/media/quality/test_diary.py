import csv
import io
from dataclasses import replace

import pytest

from tests.voip.media.quality.samples import GOOD, PICTURES, speech
from voip.media.quality.diary import COLUMNS, MAX_ENTRIES, Diary
from voip.media.quality.judgement import Word


def test_a_summary_has_the_mean_and_the_worst_tenth() -> None:
    diary = Diary(100.0)
    for second in range(9):
        diary.note(GOOD, 101.0 + second)
    diary.note(speech(concealed=0.5, lost=0.6), 110.0)

    summary = diary.summary()

    assert summary.seconds == 10.0
    assert summary.word is Word.GOOD
    assert summary.worst_rating == pytest.approx(4.4, abs=0.1)
    assert (summary.lost, summary.concealed) == (0.06, 0.05)


def test_a_call_without_sound_is_summed_up_without_a_word() -> None:
    diary = Diary(0.0)
    diary.note(replace(GOOD, audio=None, path=None), 1.0)

    summary = diary.summary()

    assert (summary.word, summary.rating, summary.worst_rating) == (None, None, None)
    assert (summary.delay_ms, summary.lost, summary.paths) == (None, None, ())


def test_an_empty_diary_is_summed_up() -> None:
    assert Diary(0.0).summary().seconds == 0.0


def test_freezes_are_the_last_count_and_paths_are_named_once() -> None:
    diary = Diary(0.0)
    diary.note(replace(GOOD, video_in=replace(PICTURES, freezes=2)), 1.0)
    diary.note(replace(GOOD, video_in=replace(PICTURES, freezes=5)), 2.0)
    diary.note(replace(GOOD, path="relay"), 3.0)

    summary = diary.summary()

    assert (summary.freezes, summary.paths) == (5, ("direct", "relay"))


def test_a_long_call_is_kept_more_coarsely_from_its_beginning_to_its_end() -> None:
    diary = Diary(0.0)
    for second in range(3 * MAX_ENTRIES):
        diary.note(GOOD, 1.0 + second)

    times = [entry.at_s for entry in diary.entries]

    assert MAX_ENTRIES // 2 <= len(times) <= MAX_ENTRIES
    assert times[0] <= 4.0
    assert times[-1] > 3 * MAX_ENTRIES - 4.0


def test_the_table_is_csv_with_a_column_for_each_figure() -> None:
    diary = Diary(0.0)
    diary.note(replace(GOOD, video_out=PICTURES), 1.0)
    diary.note(replace(GOOD, audio=None), 2.0)

    first, second = csv.DictReader(io.StringIO(diary.table()))

    assert tuple(first) == COLUMNS
    assert (first["word"], first["audio_state"]) == ("excellent", "N1")
    assert (first["video_out_width"], first["video_in_width"]) == ("640", "")
    assert (second["at_s"], second["word"]) == ("2.0", "")


@pytest.mark.parametrize("worse", [0.01, 0.02])
def test_each_entry_comes_with_its_meaning(worse: float) -> None:
    entry = Diary(0.0).note(speech(concealed=worse), 1.0)

    assert entry.judgement is not None
    assert entry.judgement.word is not Word.EXCELLENT
