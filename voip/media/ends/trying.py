"""Tries out microphone and speaker, for `doctor`.

Carrier; what the sounds mean is for `voip.media.ends.trial`. The microphone is on only
while one of these runs, and what it hears goes to nobody.
"""

import threading
from contextlib import closing

from voip.errors import MissingError
from voip.media.ends.devices import Microphone, Speaker
from voip.media.pattern import Sweep
from voip.media.sources import FRAME_SAMPLES, SAMPLE_RATE

PATIENCE_S = 3.0
"""How long a device may take beyond the time that its sound takes."""
SWEEP_S = 1.0
AFTER_S = 1.0
"""How long the end of a sweep is waited for, which `judge_loop` looks for as long."""
_FRAMES_PER_S = SAMPLE_RATE // FRAME_SAMPLES


def listen(microphone: Microphone, seconds: float) -> bytes:
    """Record with a fresh microphone, s16 mono 48 kHz, and close it.

    Raises:
        MissingError: it gives no sound.
    """
    with closing(microphone):
        return _Ear(microphone).wait(seconds)


def play(speaker: Speaker, pcm: bytes) -> None:
    """Play a sound with a fresh speaker to its end, and close it.

    Raises:
        MissingError: it takes no sound.
    """
    mouth = _Mouth(pcm)
    mouth.begin()
    with closing(speaker):
        speaker.drive(mouth.pull)
        mouth.wait_until_said(speaker)


def loop(microphone: Microphone, speaker: Speaker) -> tuple[bytes, bytes]:
    """Play a sweep and record meanwhile: what was played, and what was heard.

    Raises:
        MissingError: one of the two does not run.
    """
    source = Sweep(seconds=SWEEP_S)
    sweep = b"".join(source.read() for _ in range(round(SWEEP_S * _FRAMES_PER_S)))
    mouth = _Mouth(sweep)
    with closing(microphone), closing(speaker):
        ear = _Ear(microphone)
        speaker.drive(mouth.pull)
        ear.wait(0.5)  # both run
        ear.forget()
        mouth.begin()
        heard = ear.wait(SWEEP_S + AFTER_S)
        mouth.wait_until_said(speaker)
    return sweep, heard


class _Ear:
    """Collects what a microphone hears."""

    def __init__(self, microphone: Microphone) -> None:
        self._microphone = microphone
        self._frames: list[bytes] = []
        self._more = threading.Condition()
        microphone.pace(self._wake)

    def wait(self, seconds: float) -> bytes:
        wanted = round(seconds * _FRAMES_PER_S)
        with self._more:
            if not self._more.wait_for(
                lambda: len(self._frames) >= wanted, seconds + PATIENCE_S
            ):
                failure = self._microphone.failure
                raise MissingError(failure or "the microphone gives no sound")
            return b"".join(self._frames[:wanted])

    def forget(self) -> None:
        with self._more:
            self._frames.clear()

    def _wake(self) -> None:
        with self._more:
            self._frames.append(self._microphone.read())
            self._more.notify_all()


class _Mouth:
    """Says one thing when told to, and is silent before and after."""

    def __init__(self, pcm: bytes) -> None:
        self._rest = memoryview(pcm)
        self._seconds = len(pcm) / 2 / SAMPLE_RATE
        self._begun = threading.Event()
        self._said = threading.Event()

    def begin(self) -> None:
        self._begun.set()

    def wait_until_said(self, speaker: Speaker) -> None:
        if not self._said.wait(self._seconds + PATIENCE_S):
            raise MissingError(speaker.failure or "the speaker takes no sound")

    def pull(self, samples: int) -> bytes:
        if not self._begun.is_set():
            return bytes(2 * samples)
        said, self._rest = self._rest[: 2 * samples], self._rest[2 * samples :]
        if not said:
            self._said.set()
        return bytes(said).ljust(2 * samples, b"\0")
