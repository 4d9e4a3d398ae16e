"""How a call goes, in words."""

from dataclasses import replace

import pytest

from cli.quality import Live, judged, stats_facts, stats_lines, summary_facts, summed
from tests.voip.media.quality.samples import GOOD, PICTURES, speech
from voip.media.ends.listed import Way
from voip.media.ends.meter import Level
from voip.media.quality.diary import Diary, Entry
from voip.media.quality.figures import MediaStats
from voip.media.quality.judgement import judge

_BAD = speech(concealed=0.1, lost=0.25, their_lost=0.02)
_WIDTH = 80


def _entry(stats: MediaStats = GOOD) -> Entry:
    return Entry(5.0, stats, judge(stats))


def test_a_call_that_goes_well_is_told_in_a_few_lines() -> None:
    assert stats_lines(Live(_entry())) == [
        "quality: excellent",
        "sound: opus in N1, 88 kbit/s up, 88 down; lost 0.0% here",
        "delay: 96 ms from mouth to ear; 40 ms there and back; buffer 30 of 30 ms",
        "media: 50 packets sent, 50 received, 0 dropped; keys of epoch 0",
    ]


def test_what_hurts_is_said() -> None:
    first, second, *_ = stats_lines(Live(_entry(_BAD)))

    assert first == "quality: bad: 10% of the sound is missing"
    assert second.endswith("lost 25.0% here, 2.0% there")


def test_pictures_have_lines_of_their_own() -> None:
    froze = replace(PICTURES, freezes=2, frozen_s=1.25)
    paused = replace(PICTURES, paused=True)
    lines = stats_lines(Live(_entry(replace(GOOD, video_in=froze, video_out=paused))))

    assert lines[3:5] == [
        "pictures up: paused: the path has no room for them",
        "pictures down: vp8 640x480, 20 a second, 500 kbit/s; froze 2 times, 1.2 s",
    ]


@pytest.mark.parametrize(
    ("peak_db", "bar"),
    [
        (-96.0, "you [                ] -96 dB"),
        (-32.0, "you [========        ] -32 dB"),
        (-0.5, "you [================] too loud"),
    ],
)
def test_a_level_is_a_bar(peak_db: float, bar: str) -> None:
    levels = {Way.IN: Level(peak_db, -40.0)}

    assert f"level: {bar}" in stats_lines(Live(_entry(), levels))


def test_both_levels_stand_side_by_side() -> None:
    levels = {way: Level(-32.0, -40.0) for way in (Way.OUT, Way.IN)}
    (line,) = [
        each for each in stats_lines(Live(_entry(), levels)) if each[:5] == "level"
    ]

    assert line.startswith("level: you [")
    assert "  they [" in line
    assert len(line) <= _WIDTH


def test_before_anything_is_heard_nothing_is_judged() -> None:
    silent = replace(GOOD, audio=None, round_trip_ms=None)

    assert judged(judge(silent)) == "nothing heard yet"
    assert stats_facts(_entry(silent))["blame"] is None


def test_a_path_without_a_round_trip_says_what_it_knows() -> None:
    lines = stats_lines(Live(_entry(replace(GOOD, round_trip_ms=None))))

    assert lines[2] == "delay: 76 ms from mouth to ear; buffer 30 of 30 ms"


def test_sound_that_nobody_judged_has_figures_all_the_same() -> None:
    unheard = speech(bit_rate=0)

    assert stats_lines(Live(_entry(unheard)))[2].startswith("delay: 40 ms there")


def test_facts_are_flat_and_short() -> None:
    facts = stats_facts(_entry(speech(lost=0.123456789)))

    assert facts["audio_lost"] == 0.1235
    assert (facts["epoch"], facts["path"], facts["word"]) == (0, "direct", "excellent")


def _diary(*seconds: MediaStats) -> Diary:
    diary = Diary(0.0)
    for second, stats in enumerate(seconds, 1):
        diary.note(stats, float(second))
    return diary


def test_a_call_is_summed_up_in_a_sentence() -> None:
    froze = replace(GOOD, video_in=replace(PICTURES, freezes=3), path="relay")
    summary = _diary(*[GOOD] * 64, _BAD, froze).summary()

    assert summed(summary) == (
        "1:06; it sounded excellent, at worst good; 96 ms from mouth to ear; 0.4% of"
        " the packets lost; 0.2% of the sound made up; pictures froze 3 times; direct;"
        " through a relay"
    )


def test_a_call_that_was_good_throughout_was_good_at_worst() -> None:
    assert "it sounded excellent;" in summed(_diary(GOOD, GOOD).summary())


def test_a_call_in_which_nothing_was_heard_has_a_length() -> None:
    summary = _diary(replace(GOOD, audio=None, path=None)).summary()

    assert summed(summary) == "0:01"
    assert summary_facts(summary) == {
        "event": "summary",
        "seconds": 1.0,
        **dict.fromkeys(("word", "rating", "worst_rating", "delay_ms"), None),
        **dict.fromkeys(("lost", "concealed"), None),
        "freezes": 0,
        "paths": [],
    }
