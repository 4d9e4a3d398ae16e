"""The quality of a call over its time, kept in bounded memory.

One entry a second. When there are too many, two neighbours become one, so that a call
of a day is still told from its beginning, more coarsely.
"""

import csv
import io
from dataclasses import asdict, dataclass, fields

from voip.media.quality.figures import AudioFigures, MediaStats, VideoFigures
from voip.media.quality.judgement import Judgement, Word, judge

MAX_ENTRIES = 7200
"""Two hours of single seconds, about 5 MB; an hour at least is kept however long."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One moment: seconds since the diary began, the figures, what they mean."""

    at_s: float
    stats: MediaStats
    judgement: Judgement | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A call in a few numbers; None where nothing was heard.

    Attributes:
        seconds: that the diary covers.
        word: of the mean rating.
        rating: R, the mean.
        worst_rating: the mean of the worst tenth of the time.
        delay_ms: from mouth to ear, the mean.
        lost: share of the packets that did not arrive.
        concealed: share of the sound that was made up.
        freezes: gaps in the pictures that came.
        paths: the kinds of path, each once, in order.
    """

    seconds: float
    word: Word | None
    rating: float | None
    worst_rating: float | None
    delay_ms: float | None
    lost: float | None
    concealed: float | None
    freezes: int
    paths: tuple[str, ...]


class Diary:
    """Takes figures once a second."""

    def __init__(self, now: float) -> None:
        """Begin at `now`, in seconds."""
        self._began = now
        self._every = 1
        self._skipped = 0
        self.entries: list[Entry] = []

    def note(self, stats: MediaStats, now: float) -> Entry:
        """Take the figures of this second; gives what they mean."""
        entry = Entry(now - self._began, stats, judge(stats))
        self._skipped += 1
        if self._skipped >= self._every:
            self._skipped = 0
            self.entries.append(entry)
            if len(self.entries) > MAX_ENTRIES:
                self.entries = self.entries[1::2]
                self._every *= 2
        return entry

    def summary(self) -> Summary:
        """Sum the call up."""
        judged = [entry for entry in self.entries if entry.judgement is not None]
        ratings = sorted(_of(entry).rating for entry in judged)
        worst = ratings[: max(len(ratings) // 10, 1)]
        audio = [entry.stats.audio for entry in judged if entry.stats.audio is not None]
        pictures = [e.stats.video_in for e in self.entries if e.stats.video_in]
        paths = [e.stats.path for e in self.entries if e.stats.path is not None]
        rating = _mean(ratings)
        return Summary(
            seconds=self.entries[-1].at_s if self.entries else 0.0,
            word=None if rating is None else Word.of(rating),
            rating=rating,
            worst_rating=_mean(worst),
            delay_ms=_mean([_of(entry).delay_ms for entry in judged]),
            lost=_mean([each.lost for each in audio]),
            concealed=_mean([each.concealed for each in audio]),
            freezes=pictures[-1].freezes if pictures else 0,
            paths=tuple(dict.fromkeys(paths)),
        )

    def table(self) -> str:
        """Write the entries as CSV (RFC 4180), `COLUMNS` first."""
        written = io.StringIO()
        writer = csv.writer(written)
        writer.writerow(COLUMNS)
        for entry in self.entries:
            row = facts(entry)
            writer.writerow([row.get(name, "") for name in COLUMNS])
        return written.getvalue()


def _names(kind: type[AudioFigures | VideoFigures], prefix: str) -> list[str]:
    return [prefix + field.name for field in fields(kind)]


_PLAIN = ["path", "round_trip_ms", "available_kbps", "sent", "received", "dropped"]
COLUMNS = (
    "at_s",
    "word",
    "rating",
    "delay_ms",
    *_PLAIN,
    *_names(AudioFigures, "audio_"),
    *_names(VideoFigures, "video_out_"),
    *_names(VideoFigures, "video_in_"),
)
"""The columns of the table, in order; more may be added at the end."""


def facts(entry: Entry) -> dict[str, str | float | bool | None]:
    """Give an entry by the names of `COLUMNS`; what nobody knows is absent, or None."""
    stats, judgement = entry.stats, entry.judgement
    row: dict[str, str | float | bool | None] = {"at_s": round(entry.at_s, 3)}
    row |= {name: getattr(stats, name) for name in _PLAIN}
    if judgement is not None:
        row |= {
            "word": judgement.word.value,
            "rating": round(judgement.rating, 1),
            "delay_ms": round(judgement.delay_ms, 1),
        }
    for prefix in ("audio", "video_out", "video_in"):
        figures = getattr(stats, prefix)
        if figures is not None:
            row |= {f"{prefix}_{name}": each for name, each in asdict(figures).items()}
    return row


def _of(entry: Entry) -> Judgement:
    assert entry.judgement is not None
    return entry.judgement


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None
