"""A picture of a call's quality over its time, as PNG.

Carrier, and the only door to matplotlib, an extra: one call in a hundred is plotted.
"""

import importlib
from pathlib import Path
from typing import Any

from voip.errors import MissingError
from voip.media.quality.diary import Diary, Entry


def check_plot() -> None:
    """See whether a plot could be made, before there is a call to plot.

    Raises:
        MissingError: matplotlib is not installed.
    """
    _library()


def save_plot(diary: Diary, path: Path) -> None:
    """Draw rating, delay, loss and rates over time; 1200 by 900 pixels.

    Raises:
        MissingError: matplotlib is not installed, or `path` cannot be written.
    """
    figure = _library().Figure(figsize=(12, 9), dpi=100, layout="constrained")
    upper, middle, lower = figure.subplots(3, 1, sharex=True)
    at = [entry.at_s for entry in diary.entries]
    upper.plot(at, [_judged(entry, "rating") for entry in diary.entries])
    upper.set(ylabel="quality, R", ylim=(0, 100))
    middle.plot(at, [_judged(entry, "delay_ms") for entry in diary.entries])
    middle.set(ylabel="mouth to ear, ms", ylim=(0, None))
    for name, label in (("lost", "lost"), ("concealed", "made up")):
        share = [100 * _audio(entry, name) for entry in diary.entries]
        lower.plot(at, share, label=f"{label}, %")
    lower.set(ylabel="packets and sound, %", xlabel="seconds", ylim=(0, None))
    lower.legend()
    try:
        figure.savefig(path, format="png", metadata={"Software": None})
    except OSError as error:
        raise MissingError(f"cannot write {path}: {error.strerror}") from error


def _library() -> Any:
    try:
        return importlib.import_module("matplotlib.figure")
    except ImportError as error:
        raise MissingError(
            "a plot needs matplotlib: pip install 'ringfence[plot]'"
        ) from error


def _judged(entry: Entry, name: str) -> float:
    return float("nan") if entry.judgement is None else getattr(entry.judgement, name)


def _audio(entry: Entry, name: str) -> float:
    return (
        float("nan") if entry.stats.audio is None else getattr(entry.stats.audio, name)
    )
