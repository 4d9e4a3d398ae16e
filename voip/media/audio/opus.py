"""The door to Opus: libopus by ctypes, as the wheel of PyAV or the system brings it.

Carrier, and the only door. Through FFmpeg there would be no concealment, no in-band
FEC of a lost frame, and no change of rate without a new encoder. Where no libopus is
found PyAV's codec does, as `voip.media.audio.spare` says.
"""

import ctypes
import ctypes.util
import importlib.util
import re
from functools import cache
from pathlib import Path
from typing import Protocol

from voip.errors import MalformedError, MissingError
from voip.media.audio.states import AudioState, Setting
from voip.media.sources import FRAME_BYTES, FRAME_SAMPLES, SAMPLE_RATE, SILENCE


class Encoder(Protocol):
    """Frames of sound in, Opus frames of one size out."""

    def set(self, setting: Setting) -> None:
        """Change rate, band and FEC from the next frame on."""

    def encode(self, pcm: bytes) -> bytes:
        """Encode 20 ms, `FRAME_BYTES` long, to exactly `setting.frame_bytes`."""


class Decoder(Protocol):
    """Opus frames in, sound out: each call gives 20 ms, `FRAME_BYTES` long."""

    def decode(self, frame: bytes) -> bytes:
        """Decode the next frame.

        Raises:
            MalformedError: it is none.
        """

    def recover(self, following: bytes) -> bytes:
        """Make up a lost frame from what the one after it repeats of it.

        Raises:
            MalformedError: that is no frame.
        """

    def conceal(self) -> bytes:
        """Make up a lost frame from what was heard before."""


def open_encoder(setting: Setting) -> Encoder:
    """Open an encoder.

    Raises:
        MissingError: this machine has no Opus at all.
    """
    raise NotImplementedError


def open_decoder() -> Decoder:
    """Open a decoder.

    Raises:
        MissingError: this machine has no Opus at all.
    """
    raise NotImplementedError


def backend() -> str:
    """Say where Opus comes from, for `ringfence doctor`: a sentence.

    Raises:
        MissingError: this machine has no Opus at all.
    """
    raise NotImplementedError


def check_opus() -> None:
    """Encode a frame of sound in each state and decode it.

    Raises:
        MissingError: there is no Opus, or its frames have not the size of their state.
    """
    raise NotImplementedError
