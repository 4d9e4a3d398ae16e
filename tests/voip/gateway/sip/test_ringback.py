"""The tone that is heard here while it rings there."""

import numpy as np

from voip.gateway.sip.ringback import EVERY_FRAMES, HERTZ, LEVEL, ON_FRAMES, Ringback
from voip.media.sources import FRAME_BYTES, SILENCE


def test_a_second_of_tone_is_followed_by_four_of_silence() -> None:
    one = Ringback()
    frames = [one.take() for _ in range(2 * EVERY_FRAMES)]
    heard = [at for at, frame in enumerate(frames) if frame != SILENCE]

    assert {len(frame) for frame in frames} == {FRAME_BYTES}
    assert heard == [
        *range(ON_FRAMES),
        *range(EVERY_FRAMES, EVERY_FRAMES + ON_FRAMES),
    ]


def test_it_is_a_clean_tone_that_begins_and_ends_at_zero() -> None:
    one = Ringback()
    second = b"".join(one.take() for _ in range(ON_FRAMES))
    samples = np.frombuffer(second, "<i2").astype(float)
    lines = np.abs(np.fft.rfft(samples))

    assert int(np.argmax(lines)) == HERTZ
    assert np.max(np.abs(samples)) <= LEVEL
    assert abs(samples[0]) + abs(samples[-1]) < LEVEL / 10
