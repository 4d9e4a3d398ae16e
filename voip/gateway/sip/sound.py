"""Sound as a SIP stack gives it, made into ours: 48 kHz, one channel.

Rules. The stack decodes G.711 at 8 kHz and Opus in two channels, and has no filter
behind the place where we take the sound. Up from 8 kHz it goes through a low-pass of
96 taps: what lies above 4 kHz in our sound is an image of the telephone's voice.
"""

import numpy as np
from numpy.typing import NDArray

from voip.errors import MalformedError
from voip.gateway.sip.frames import NARROW_BYTES, STEREO_BYTES
from voip.media.sources import FRAME_BYTES, SILENCE

TIMES = 6  # 48 kHz of 8 kHz
SPAN = 16
"""Samples of 8 kHz under the filter: 2 ms, of which one is delay. Images of a tone of
up to 3.4 kHz, where G.711's band ends, come out 60 dB below it."""
_BETA = 6.0  # of Kaiser's window; near 60 dB in the stop band at this length


def _phases() -> NDArray[np.float64]:
    """Cut the low-pass into its phases, each of gain 1: row = tap, column = phase."""
    taps = TIMES * SPAN
    at = np.arange(taps) - (taps - 1) / 2
    kernel = np.sinc(at / TIMES) * np.kaiser(taps, _BETA)
    phases = kernel.reshape(SPAN, TIMES)[::-1]
    return np.ascontiguousarray(phases / phases.sum(axis=0))


_PHASES = _phases()


class Widened:
    """The sound of one call, whatever it comes as."""

    def __init__(self) -> None:
        """Begin in silence."""
        self._before: NDArray[np.float64] = np.zeros(SPAN - 1)

    def take(self, pcm: bytes) -> bytes:
        """Make 20 ms of what came: nothing, or a frame of one of the three sizes.

        Raises:
            MalformedError: of another size.
        """
        match len(pcm):
            case 0:
                return SILENCE
            case size if size == FRAME_BYTES:
                return pcm
            case size if size == STEREO_BYTES:
                both = np.frombuffer(pcm, dtype="=i2").astype(np.int32)
                return ((both[::2] + both[1::2]) >> 1).astype("<i2").tobytes()
            case size if size == NARROW_BYTES:
                return self._widen(np.frombuffer(pcm, dtype="=i2"))
            case size:
                raise MalformedError(f"telephone: no 20 ms of sound has {size} bytes")

    def _widen(self, narrow: NDArray[np.int16]) -> bytes:
        line = np.concatenate((self._before, narrow.astype(np.float64)))
        self._before = line[1 - SPAN :]
        windows = np.lib.stride_tricks.sliding_window_view(line, SPAN)
        wide = np.rint(windows @ _PHASES).ravel()
        return np.clip(wide, -32768, 32767).astype("<i2").tobytes()
