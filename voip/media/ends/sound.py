"""Microphone and speaker.

Carrier, and the only door to miniaudio. A device runs on a thread of its system; a ring
stands between it and the call, so that neither waits for the other. Nothing here raises
once it runs: an unplugged device is silence, and is opened again as soon as it, or the
system's default, is back.
"""

import contextlib
import ctypes
import importlib
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol

from voip.errors import MissingError
from voip.media.ends.ring import Ring
from voip.media.sources import FRAME_BYTES, SAMPLE_RATE

PERIOD_MS = 10
PERIODS = 3
"""The shortest that sound servers serve without gaps: PulseAudio gave 52 ms from
microphone to speaker, and 80 ms with 2 periods of 20."""

MIC_RING = 4 * FRAME_BYTES
"""80 ms: one late turn of the event loop, no more. Full: the oldest sound goes."""
SPEAKER_RING = 6 * FRAME_BYTES
"""120 ms, as the network delivers in bursts. Full: the oldest sound goes."""
SPEAKER_PRIME = 2 * FRAME_BYTES
"""40 ms in hand before playing starts: a frame, and one to spare."""

LOST_S = 0.5
"""A device that asked for nothing this long is gone; its period is 0.01 s."""
RETRY_S = 1.0
"""How often a lost device is tried again."""

_ALSA_NULL = "Discard all samples"
"""The one device that ALSA lists where there is none: it takes and gives silence, and
would pass for a microphone."""

_Complaint = ctypes.CFUNCTYPE(
    None,
    *(ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p),
)
_IGNORE = _Complaint(lambda *_: None)  # alsa-lib keeps the pointer: it must not go away


class Way(Enum):
    """Which way sound goes through a device."""

    IN = "microphone"
    OUT = "speaker"


@dataclass(frozen=True, slots=True)
class SoundDevice:
    """A device as the system lists it; names repeat, handles do not."""

    name: str
    backend: str
    handle: Any = field(repr=False, compare=False)  # the library's own, opaque to us


class Running(Protocol):
    """A device that is playing or recording."""

    def close(self) -> None:
        """Stop it; no callback comes after."""


class Sound(Protocol):
    """The sound system of a machine."""

    def devices(self, way: Way) -> list[SoundDevice]:
        """List the devices of one direction, the system's order."""

    def record(
        self, device: SoundDevice | None, push: Callable[[bytes], None]
    ) -> Running:
        """Open a microphone, None for the default; `push` gets 48 kHz mono s16.

        Raises:
            MissingError: it cannot be opened.
        """

    def play(self, device: SoundDevice | None, pull: Callable[[int], bytes]) -> Running:
        """Open a speaker, None for the default; `pull` is asked for so many bytes.

        Raises:
            MissingError: it cannot be opened.
        """


class MiniaudioSound:
    """The sound system through miniaudio."""

    def __init__(self, backends: list[str] | None = None) -> None:
        """Load the library; `backends` are miniaudio's names, by default all real ones.

        Raises:
            MissingError: miniaudio is not installed.
        """
        try:
            # Loaded on demand: it is an extra, and a call with files does not need it.
            self._library: Any = importlib.import_module("miniaudio")
        except ImportError as error:
            raise MissingError(
                "sound devices need miniaudio: pip install 'ringfence[devices]'"
            ) from error
        # Without a sound card miniaudio falls back to a silent clock, which would pass
        # for a microphone; a person must be told instead.
        self._backends = [
            backend
            for backend in self._library.Backend
            if (backend.name in backends if backends else backend.name != "NULL")
        ]
        _hush_alsa()

    def devices(self, way: Way) -> list[SoundDevice]:
        """List the devices; empty where no sound system answers."""
        try:
            listed = self._library.Devices(self._backends)
        except self._library.MiniaudioError:
            return []
        found = listed.get_captures() if way is Way.IN else listed.get_playbacks()
        return [
            SoundDevice(one["name"], listed.backend, one["id"])
            for one in found
            if not one["name"].startswith(_ALSA_NULL)
        ]

    def record(
        self, device: SoundDevice | None, push: Callable[[bytes], None]
    ) -> Running:
        """Open a microphone."""

        def fill() -> Generator[None, bytearray]:
            while True:
                push(bytes((yield)))

        return self._run(self._library.CaptureDevice, "input_format", device, fill())

    def play(self, device: SoundDevice | None, pull: Callable[[int], bytes]) -> Running:
        """Open a speaker."""

        def drain() -> Generator[bytes, int]:
            frames = yield b""
            while True:
                frames = yield pull(2 * frames)

        return self._run(self._library.PlaybackDevice, "output_format", device, drain())

    def _run(
        self,
        kind: Callable[..., Any],
        sample_format: str,
        device: SoundDevice | None,
        callback: Generator[Any, Any],
    ) -> Running:
        next(callback)
        try:
            opened = kind(
                **{sample_format: self._library.SampleFormat.SIGNED16},
                nchannels=1,
                sample_rate=SAMPLE_RATE,
                buffersize_msec=PERIOD_MS,
                callback_periods=PERIODS,
                device_id=device.handle if device else None,
                backends=self._backends,
                app_name="ringfence",
            )
            opened.start(callback)
        except self._library.MiniaudioError as error:
            reason = error.args[0]  # a number of the library follows
            raise MissingError(f"cannot open the sound device: {reason}") from error
        running: Running = opened
        return running


class Microphone:
    """A microphone, opened at the first read and not before.

    Nobody is heard before their own call has verified who listens.
    """

    def __init__(
        self, sound: Sound, index: int | None = None, *, retry_s: float = RETRY_S
    ) -> None:
        """Choose microphone `index` of the list, or the system's default.

        Raises:
            MissingError: the system lists no such microphone.
        """
        device = _chosen(sound, Way.IN, index)
        self._ring = Ring(MIC_RING)
        self._lock = threading.Lock()
        self._kept = _Kept(
            lambda one: sound.record(one, self._push), device, Way.IN, retry_s
        )

    @property
    def failure(self) -> str | None:
        """Why there is silence now, in a sentence; None while the device runs."""
        return self._kept.failure

    def read(self) -> bytes:
        """Return the next 20 ms; silence while the device is away."""
        self._kept.start()
        with self._lock:
            return self._ring.pull(FRAME_BYTES)

    def close(self) -> None:
        """Switch it off; a second call does nothing."""
        self._kept.close()

    def _push(self, pcm: bytes) -> None:
        self._kept.beat()
        with self._lock:
            self._ring.push(pcm)


class Speaker:
    """A speaker, opened at the first write."""

    def __init__(
        self, sound: Sound, index: int | None = None, *, retry_s: float = RETRY_S
    ) -> None:
        """Choose speaker `index` of the list, or the system's default.

        Raises:
            MissingError: the system lists no such speaker.
        """
        device = _chosen(sound, Way.OUT, index)
        self._ring = Ring(SPEAKER_RING, SPEAKER_PRIME)
        self._lock = threading.Lock()
        self._kept = _Kept(
            lambda one: sound.play(one, self._pull), device, Way.OUT, retry_s
        )

    @property
    def failure(self) -> str | None:
        """Why nothing is heard now, in a sentence; None while the device runs."""
        return self._kept.failure

    def write(self, pcm: bytes) -> None:
        """Queue sound to be played; forgotten while the device is away."""
        self._kept.start()
        with self._lock:
            self._ring.push(pcm)

    def close(self) -> None:
        """Switch it off; a second call does nothing."""
        self._kept.close()

    def _pull(self, size: int) -> bytes:
        self._kept.beat()
        with self._lock:
            return self._ring.pull(size)


class _Kept:
    """Opens one device, watches it and opens it again, on a thread of its own.

    A thread, as opening a device can take a second and must not hold up the call.
    """

    def __init__(
        self,
        opener: Callable[[SoundDevice | None], Running],
        device: SoundDevice | None,
        way: Way,
        retry_s: float,
    ) -> None:
        self.failure: str | None = None
        self._opener = opener
        self._device = device
        self._way = way
        self._retry_s = retry_s
        self._alive = threading.Event()
        self._closed = threading.Event()
        # A daemon, since a driver can hang in a call that nothing interrupts.
        self._thread = threading.Thread(target=self._keep, daemon=True)

    def start(self) -> None:
        """Open the device, unless it was before."""
        if self._thread.ident is None and not self._closed.is_set():
            self._thread.start()

    def beat(self) -> None:
        """Note that the device called back."""
        self._alive.set()

    def close(self) -> None:
        self._closed.set()
        if self._thread.ident is not None:
            self._thread.join(timeout=LOST_S + 1.0)

    def _keep(self) -> None:
        while not self._closed.is_set():
            try:
                running = self._open()
            except MissingError as error:
                self.failure = f"no {self._way.value}: {error}"
            else:
                self._watch(running)
            self._closed.wait(self._retry_s)

    def _open(self) -> Running:
        if self._device is not None:
            # Gone or taken, the default will do: a call on the wrong speaker is better
            # than none.
            with contextlib.suppress(MissingError):
                return self._opener(self._device)
        return self._opener(None)

    def _watch(self, running: Running) -> None:
        """Return when the device has died or shall be closed."""
        with contextlib.closing(running):
            self.failure = None
            while not self._closed.wait(LOST_S):
                if not self._alive.is_set():
                    self.failure = f"the {self._way.value} is gone"
                    return
                self._alive.clear()


def _hush_alsa() -> None:
    """Stop alsa-lib from writing 20 lines over the screen for a device it cannot open.

    What went wrong is in the error.
    """
    with contextlib.suppress(OSError, AttributeError):  # no ALSA, nothing to hush
        ctypes.CDLL("libasound.so.2").snd_lib_error_set_handler(_IGNORE)


def _chosen(sound: Sound, way: Way, index: int | None) -> SoundDevice | None:
    found = sound.devices(way)
    if not found:
        raise MissingError(f"no {way.value}: the system lists none")
    if index is None:
        return None  # the default, which the sound server may move during the call
    if index >= len(found):
        raise MissingError(
            f"no {way.value} {index}: the system lists {len(found)}, from 0"
        )
    return found[index]
