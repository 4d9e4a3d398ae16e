"""The machine's sound system.

Carrier, and the only door to miniaudio. A device runs on a thread of its system, which
calls back here; `voip.media.ends.devices` stands on the other side of the callbacks.
"""

import contextlib
import ctypes
import importlib
from collections.abc import Callable, Generator
from typing import Any, Protocol

from voip.errors import MissingError
from voip.media.ends.listed import SoundDevice, Way
from voip.media.sources import SAMPLE_RATE

PERIOD_MS = 10
PERIODS = 3
"""The shortest that sound servers serve without gaps: PulseAudio gave 52 ms from
microphone to speaker, and 80 ms with 2 periods of 20."""

_ALSA_NULL = "Discard all samples"
"""The one device that ALSA lists where there is none: it takes and gives silence, and
would pass for a microphone."""

_Complaint = ctypes.CFUNCTYPE(
    None,
    *(ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p),
)
_Remark = ctypes.CFUNCTYPE(None, ctypes.c_char_p)
# The libraries keep these pointers: they must not go away.
_IGNORE_COMPLAINT = _Complaint(lambda *_: None)
_IGNORE_REMARK = _Remark(lambda _: None)


class Running(Protocol):
    """A device that is playing or recording."""

    def close(self) -> None:
        """Stop it; no callback comes after."""


class Sound(Protocol):
    """The sound system of a machine.

    Callbacks come from a thread of the system. `ended` may be called when a device is
    unplugged; not every system says so.
    """

    def devices(self, way: Way) -> list[SoundDevice]:
        """List the devices of one direction, the system's order."""

    def record(
        self,
        device: SoundDevice | None,
        push: Callable[[bytes], None],
        ended: Callable[[], None],
    ) -> Running:
        """Open a microphone, None for the default; `push` gets 48 kHz mono s16.

        Raises:
            MissingError: it cannot be opened.
        """

    def play(
        self,
        device: SoundDevice | None,
        pull: Callable[[int], bytes],
        ended: Callable[[], None],
    ) -> Running:
        """Open a speaker, None for the default; `pull` is asked for so many samples.

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
        _hush()

    def devices(self, way: Way) -> list[SoundDevice]:
        """List the devices; empty where no sound system answers.

        What the system cannot say anything about is left out, as it cannot be opened
        either: ALSA lists a server of sound also where none runs.
        """
        try:
            listed = self._library.Devices(self._backends)
        except self._library.MiniaudioError:
            return []
        ask = type(listed)._get_info  # noqa: SLF001 - one that fails spoils all

        def answer(kind: Any, info: Any) -> dict[str, Any]:
            try:
                ask(listed, kind, info)
            except self._library.MiniaudioError:
                return {"answers": False}
            return {"answers": True}

        listed._get_info = answer  # noqa: SLF001 - likewise; held by a contract test
        found = listed.get_captures() if way is Way.IN else listed.get_playbacks()
        # Or it would hold itself, and its connection to the server, until collected.
        del listed._get_info  # noqa: SLF001 - likewise
        return [
            SoundDevice(one["name"], listed.backend, id=self._id(one["id"]))
            for one in found
            if one["answers"] and not one["name"].startswith(_ALSA_NULL)
        ]

    def record(
        self,
        device: SoundDevice | None,
        push: Callable[[bytes], None],
        ended: Callable[[], None],
    ) -> Running:
        """Open a microphone."""

        def fill() -> Generator[None, bytearray]:
            while True:
                push(bytes((yield)))

        return self._run(
            self._library.CaptureDevice, "input_format", device, fill(), ended
        )

    def play(
        self,
        device: SoundDevice | None,
        pull: Callable[[int], bytes],
        ended: Callable[[], None],
    ) -> Running:
        """Open a speaker."""

        def drain() -> Generator[bytes, int]:
            samples = yield b""
            while True:
                samples = yield pull(samples)

        return self._run(
            self._library.PlaybackDevice, "output_format", device, drain(), ended
        )

    def _run(
        self,
        kind: Any,
        sample_format: str,
        device: SoundDevice | None,
        callback: Generator[Any, Any],
        ended: Callable[[], None],
    ) -> Running:
        next(callback)
        opened = kind.__new__(kind)  # so that a constructor that fails can be undone
        running = _Opened(self._library.lib, opened)
        try:
            opened.__init__(
                **{sample_format: self._library.SampleFormat.SIGNED16},
                nchannels=1,
                sample_rate=SAMPLE_RATE,
                buffersize_msec=PERIOD_MS,
                callback_periods=PERIODS,
                device_id=self._handle(device) if device else None,
                backends=self._backends,
                app_name="ringfence",
            )
            opened.stop_callback = ended
            opened.start(callback)
        except self._library.MiniaudioError as error:
            running.close()
            reason = error.args[0]  # a number of the library follows
            raise MissingError(f"cannot open the sound device: {reason}") from error
        return running

    def _id(self, handle: Any) -> bytes:
        # A union of what the systems use, of fixed size; the rest of it is zeros.
        return bytes(self._library.ffi.buffer(handle)).rstrip(b"\0")

    def _handle(self, device: SoundDevice) -> Any:
        handle = self._library.ffi.new("ma_device_id *")
        self._library.ffi.memmove(handle, device.id, len(device.id))
        return handle


class _Opened:
    """A device with the connection to its sound system, which miniaudio forgets.

    A microphone that is away is tried every second; each try would leave a descriptor
    open, and after some minutes the call could open nothing at all.
    """

    def __init__(self, library: Any, device: Any) -> None:
        self._library = library
        self._device = device

    def close(self) -> None:
        self._device.stop_callback = None  # closing is no loss
        if "_device" in vars(self._device):
            self._device.close()
        context = vars(self._device).pop("_context", None)
        if context is not None:
            self._library.ma_context_uninit(context)


def _hush() -> None:
    """Stop alsa-lib and JACK from writing 20 lines over the screen.

    They do for each device that they cannot open; what went wrong is in the error.
    """
    with contextlib.suppress(OSError, AttributeError):  # no ALSA, nothing to hush
        alsa = ctypes.CDLL("libasound.so.2")
        alsa.snd_lib_error_set_handler(_IGNORE_COMPLAINT)
    with contextlib.suppress(OSError, AttributeError):
        jack = ctypes.CDLL("libjack.so.0")
        jack.jack_set_error_function(_IGNORE_REMARK)
        jack.jack_set_info_function(_IGNORE_REMARK)
