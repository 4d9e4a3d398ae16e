from dataclasses import replace
from pathlib import Path

import av
import pytest

from tests.voip.media.quality.samples import GOOD, speech
from voip.errors import MissingError
from voip.media.quality.diary import Diary
from voip.media.quality.plot import check_plot, save_plot

pytest.importorskip("matplotlib", reason="matplotlib is an extra: ringfence[plot]")


def _diary() -> Diary:
    diary = Diary(0.0)
    diary.note(replace(GOOD, audio=None), 1.0)
    for second in range(2, 60):
        diary.note(speech(concealed=0.001 * second, hold_ms=20.0 + second), second)
    return diary


def test_a_plot_is_a_png_of_the_size_it_says(tmp_path: Path) -> None:
    path = tmp_path / "call.png"

    save_plot(_diary(), path)

    with av.open(path) as image:
        assert (image.streams.video[0].width, image.streams.video[0].height) == (
            1200,
            900,
        )


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="nowhere"):
        save_plot(_diary(), tmp_path / "nowhere" / "call.png")


def test_the_library_is_found() -> None:
    check_plot()
