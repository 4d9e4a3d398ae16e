"""How a call goes, as its user reads it: from figures to lines and facts.

Pure. The facts have the names of the columns of `--quality-csv`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from voip.media.ends.listed import Way
from voip.media.ends.meter import Level
from voip.media.quality.diary import Entry, Summary, facts
from voip.media.quality.figures import AudioFigures, MediaStats, VideoFigures
from voip.media.quality.judgement import Judgement, Word
from voip.news import Json

_BAR = 16  # characters
_QUIETEST_DB = -64.0  # where a bar begins; rooms hum at -70
_LOUDEST_DB = -1.0  # from here on samples are about to be cut off
_DIGITS = 4  # of a figure; more would be noise
_PATHS = {"direct": "direct", "relay": "through a relay"}


@dataclass(frozen=True, slots=True)
class Live:
    """How a call goes at this moment; levels are those of ends that are devices."""

    entry: Entry
    levels: Mapping[Way, Level] = field(default_factory=dict)

    @property
    def stats(self) -> MediaStats:
        """The figures."""
        return self.entry.stats


def path_words(kind: str) -> str:
    """Say what kind of path it is."""
    return _PATHS.get(kind, kind)


def stats_facts(entry: Entry) -> Json:
    """Give all figures of one moment."""
    judgement = entry.judgement
    figures: Json = {
        name: round(each, _DIGITS) if isinstance(each, float) else each
        for name, each in facts(entry).items()
    }
    return {
        **figures,
        "epoch": entry.stats.send_epoch,
        "blame": judgement.blame if judgement is not None else None,
        "microphone": entry.stats.microphone,
        "speaker": entry.stats.speaker,
    }


def stats_lines(live: Live) -> list[str]:
    """Say how a call goes, in lines."""
    stats = live.stats
    said = [f"quality: {judged(live.entry.judgement)}"]
    if stats.audio is not None:
        said.append(f"sound: {_sound(stats.audio)}")
        said.append(f"delay: {_delay(live.entry, stats.audio)}")
    if stats.video_out is not None:
        said.append(f"pictures up: {_pictures(stats.video_out)}")
    if stats.video_in is not None:
        said.append(f"pictures down: {_pictures(stats.video_in)}")
    if live.levels:
        said.append(f"level: {'  '.join(_level(*each) for each in _named(live))}")
    said.append(f"media: {counted(stats)}")
    return said


def judged(judgement: Judgement | None) -> str:
    """Say what a moment of a call was like, and why."""
    if judgement is None:
        return "nothing heard yet"
    word = judgement.word.value
    return f"{word}: {judgement.blame}" if judgement.blame else word


def counted(stats: MediaStats) -> str:
    """Say what went and came."""
    return (
        f"{stats.sent} packets sent, {stats.received} received, "
        f"{stats.dropped} dropped; keys of epoch {stats.send_epoch}"
    )


def summary_facts(summary: Summary) -> Json:
    """Give a whole call in a few facts."""
    return {
        "event": "summary",
        "seconds": round(summary.seconds, 1),
        "word": summary.word.value if summary.word is not None else None,
        "rating": _rounded(summary.rating),
        "worst_rating": _rounded(summary.worst_rating),
        "delay_ms": _rounded(summary.delay_ms),
        "lost": _rounded(summary.lost),
        "concealed": _rounded(summary.concealed),
        "freezes": summary.freezes,
        "paths": list(summary.paths),
    }


def summed(summary: Summary) -> str:
    """Say in a sentence what a call was like."""
    minutes, seconds = divmod(round(summary.seconds), 60)
    said = [f"{minutes}:{seconds:02}"]
    if summary.word is not None and summary.worst_rating is not None:
        worst = Word.of(summary.worst_rating)
        at_worst = "" if worst is summary.word else f", at worst {worst.value}"
        said.append(f"it sounded {summary.word.value}{at_worst}")
    if summary.delay_ms is not None:
        said.append(f"{summary.delay_ms:.0f} ms from mouth to ear")
    if summary.lost is not None:
        said.append(f"{summary.lost:.1%} of the packets lost")
    if summary.concealed is not None:
        said.append(f"{summary.concealed:.1%} of the sound made up")
    if summary.freezes:
        said.append(f"pictures froze {summary.freezes} times")
    said += [path_words(path) for path in summary.paths]
    return "; ".join(said)


def _sound(audio: AudioFigures) -> str:
    there = f", {audio.their_lost:.1%} there" if audio.their_lost is not None else ""
    return (
        f"{audio.codec} in {audio.state}, {audio.sent_kbps:.0f} kbit/s up, "
        f"{audio.received_kbps:.0f} down; lost {audio.lost:.1%} here{there}"
    )


def _delay(entry: Entry, audio: AudioFigures) -> str:
    said = []
    if entry.judgement is not None:
        said.append(f"{entry.judgement.delay_ms:.0f} ms from mouth to ear")
    if entry.stats.round_trip_ms is not None:
        said.append(f"{entry.stats.round_trip_ms:.0f} ms there and back")
    return "; ".join([*said, f"buffer {audio.hold_ms:.0f} of {audio.target_ms:.0f} ms"])


def _pictures(video: VideoFigures) -> str:
    if video.paused:
        return "paused: the path has no room for them"
    said = (
        f"{video.codec} {video.width}x{video.height}, {video.fps:.0f} a second, "
        f"{video.kbps:.0f} kbit/s"
    )
    if not video.freezes:
        return said
    return f"{said}; froze {video.freezes} times, {video.frozen_s:.1f} s"


def _named(live: Live) -> list[tuple[str, Level]]:
    who = {Way.IN: "you", Way.OUT: "they"}
    return [(who[way], live.levels[way]) for way in who if way in live.levels]


def _level(who: str, level: Level) -> str:
    share = 1 - level.peak_db / _QUIETEST_DB
    filled = round(min(max(share, 0.0), 1.0) * _BAR)
    end = " too loud" if level.peak_db > _LOUDEST_DB else f" {level.peak_db:.0f} dB"
    return f"{who} [{'=' * filled}{' ' * (_BAR - filled)}]{end}"


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)
