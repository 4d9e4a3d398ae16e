"""The sound of a microphone made fit for a call.

Carrier, and the only door to pywebrtc-audio: echo cancellation, noise suppression, a
high pass and gain control, as browsers do them.

The echo canceller compares what the microphone hears with what the speaker was given.
The two come from two callbacks on two clocks, so what was played waits in a short ring
until the microphone's next 10 ms. Whatever the ring loses or lacks, because the clocks
drift or a callback is late, shifts the comparison by some milliseconds, which the
canceller finds again. One callback for both (a duplex stream) would instead cut those
milliseconds out of what is said, and lose the microphone together with the speaker.
"""

import importlib
import threading
from typing import Any

import numpy as np

from voip.errors import MissingError
from voip.media.ends.remember import VoiceSettings
from voip.media.ends.ring import Ring
from voip.media.sources import SAMPLE_RATE

BLOCK_BYTES = 960
"""10 ms: what the canceller takes at a time."""

PLAYED_RING = 4 * BLOCK_BYTES
PLAYED_PRIME = 2 * BLOCK_BYTES
"""The ring delays what was played by 20 ms, 40 at most. It must stay below what devices
delay the echo, some 50 ms: an echo cannot be foreseen, only recognised."""

DELAY_MS = 50
"""A hint, from speaker to microphone, through two devices of 3 periods each."""


class Voice:
    """Voice processing of one microphone.

    `played` and `clean` may be called from two threads.
    """

    def __init__(self, settings: VoiceSettings, *, with_speaker: bool) -> None:
        """Load the library; without a speaker there is no echo to take out.

        Raises:
            MissingError: pywebrtc-audio is not installed.
        """
        try:
            # Loaded on demand: it is an extra, and a call with files does not need it.
            library = importlib.import_module("pywebrtc_audio")
        except ImportError as error:
            raise MissingError("no echo cancellation: use headphones") from error
        self.cancels_echo = settings.cancels_echo(with_speaker=with_speaker)
        self._processor: Any = library.AudioProcessor(
            SAMPLE_RATE,
            1,
            echo_cancellation=self.cancels_echo,
            noise_suppression=settings.noise,
            high_pass_filter=settings.high_pass,
            auto_gain_control=settings.gain,
            stream_delay_ms=DELAY_MS,
        )
        self._played = Ring(PLAYED_RING, PLAYED_PRIME)
        self._lock = threading.Lock()
        self._rest = b""

    def played(self, pcm: bytes) -> None:
        """Take what the speaker was given, after its volume."""
        if self.cancels_echo:
            with self._lock:
                self._played.push(pcm)

    def clean(self, pcm: bytes) -> bytes:
        """Process what the microphone heard; gives whole blocks of 10 ms."""
        self._rest += pcm
        whole = len(self._rest) - len(self._rest) % BLOCK_BYTES
        blocks, self._rest = self._rest[:whole], self._rest[whole:]
        return b"".join(
            self._clean(blocks[at : at + BLOCK_BYTES])
            for at in range(0, whole, BLOCK_BYTES)
        )

    def _clean(self, block: bytes) -> bytes:
        near = np.frombuffer(block, np.int16)
        far = None
        if self.cancels_echo:
            with self._lock:
                far = np.frombuffer(self._played.pull(BLOCK_BYTES), np.int16)
        cleaned: bytes = self._processor.process(near, far).tobytes()
        return cleaned
