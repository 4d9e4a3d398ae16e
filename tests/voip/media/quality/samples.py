"""Figures of a call for tests, good unless said otherwise."""

from dataclasses import replace

from voip.media.quality.figures import AudioFigures, MediaStats, VideoFigures

SPEECH = AudioFigures(
    state="N1",
    codec="opus",
    bit_rate=32_000,
    sent_kbps=88.4,
    received_kbps=88.4,
    lost=0.0,
    run=1.0,
    jitter_ms=4.0,
    hold_ms=30.0,
    target_ms=30.0,
    concealed=0.0,
    stretched=0.0,
    their_lost=None,
)
PICTURES = VideoFigures(codec="vp8", width=640, height=480, fps=20.0, kbps=500.0)
GOOD = MediaStats(
    sent=50,
    received=50,
    dropped=0,
    send_epoch=0,
    receive_epochs=(0,),
    path="direct",
    round_trip_ms=40.0,
    audio=SPEECH,
)


def speech(**changes: float | str | None) -> MediaStats:
    """Give good figures with some changes to the sound."""
    return replace(GOOD, audio=replace(SPEECH, **changes))  # type: ignore[arg-type]  # by name
