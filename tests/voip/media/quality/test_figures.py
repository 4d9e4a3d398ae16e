from dataclasses import FrozenInstanceError, fields

import pytest

from tests.voip.media.quality.samples import GOOD
from voip.media.quality.figures import MediaStats


def test_figures_do_not_change_in_the_hand_of_who_reads_them() -> None:
    with pytest.raises(FrozenInstanceError):
        GOOD.sent = 1  # type: ignore[misc]


def test_what_nobody_knows_yet_is_none() -> None:
    optional = {each.name for each in fields(MediaStats) if each.default is None}

    assert optional == {
        "round_trip_ms",
        "available_kbps",
        "audio",
        "video_out",
        "video_in",
        "microphone",
        "speaker",
    }
