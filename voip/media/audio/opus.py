"""The door to Opus: libopus by ctypes, as the wheel of PyAV or the system brings it.

Carrier, and the only door. Through FFmpeg there would be no concealment, no in-band
FEC of a lost frame, and no change of rate without a new encoder. Where no libopus is
found PyAV's codec does, as `voip.media.audio.spare` says.
"""

import ctypes
import re
import weakref
from collections.abc import Callable
from functools import cache
from typing import Protocol

from voip.errors import MalformedError, MissingError
from voip.media.audio.red import check_frame
from voip.media.audio.spare import SpareDecoder, SpareEncoder
from voip.media.audio.states import START, AudioState, Setting
from voip.media.sources import FRAME_BYTES, FRAME_SAMPLES, SAMPLE_RATE, SILENCE
from voip.media.wheel import find_library

OLDEST = (1, 3)
"""Version 1.3 is from 2018; before it the constant rate could be missed."""

_APPLICATION_AUDIO = 2049  # opus_defines.h, as all numbers here
_SET_BITRATE = 4002
_SET_VBR = 4006
_SET_BANDWIDTH = 4008
_SET_COMPLEXITY = 4010
_SET_INBAND_FEC = 4012
_SET_PACKET_LOSS_PERC = 4014
_SET_DTX = 4016
_WIDE_BAND, _FULL_BAND = 1103, 1105
_COMPLEXITY = 9  # below 8 the cheapest mode is taken, at half the quality
_FEC_LOSS = 5  # per cent; how much of the rate FEC may use


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


class Library:
    """One libopus that was opened and tried."""

    def __init__(self, path: str) -> None:
        """Open it, and send a frame there and back.

        Raises:
            MissingError: it does not open, is too old, or does not do its work.
        """
        try:
            # Not CDLL, which lets other threads run meanwhile: beside one that is busy
            # with Python a frame of 0.2 ms took 5, until the interpreter was back.
            self.calls = _declared(ctypes.PyDLL(path))
        except (OSError, AttributeError) as error:
            raise MissingError(f"libopus does not open: {error}") from error
        self.version = str(self.calls.opus_get_version_string(), "ascii", "replace")
        self.path = path
        numbers = re.match(r"libopus (\d+)\.(\d+)", self.version)
        if numbers is None or (int(numbers[1]), int(numbers[2])) < OLDEST:
            raise MissingError(
                f"libopus: expected version {OLDEST[0]}.{OLDEST[1]} or newer, "
                f"came {self.version!r}"
            )
        _try(OpusEncoder(START.value, self), OpusDecoder(self))


class OpusEncoder:
    """Frames of sound in, Opus frames of one size out."""

    def __init__(self, setting: Setting, library: Library) -> None:
        """Make an encoder.

        Raises:
            MissingError: the library refuses.
        """
        self._calls = library.calls
        error = ctypes.c_int()
        self._state = self._calls.opus_encoder_create(
            SAMPLE_RATE, 1, _APPLICATION_AUDIO, ctypes.byref(error)
        )
        _check(library, "opus_encoder_create", error.value)
        _destroy(self, self._calls.opus_encoder_destroy, self._state)
        self._library = library
        self._buffer = ctypes.create_string_buffer(FRAME_BYTES)
        self._control(_SET_VBR, 0)  # one packet size whatever is said
        self._control(_SET_DTX, 0)  # and a packet every 20 ms
        self._control(_SET_COMPLEXITY, _COMPLEXITY)
        self.set(setting)

    def set(self, setting: Setting) -> None:
        """Change rate, band and FEC from the next frame on."""
        self._frame_bytes = setting.frame_bytes
        self._control(_SET_BITRATE, setting.bit_rate)
        self._control(_SET_BANDWIDTH, _FULL_BAND if setting.full_band else _WIDE_BAND)
        self._control(_SET_INBAND_FEC, int(setting.fec))
        self._control(_SET_PACKET_LOSS_PERC, _FEC_LOSS if setting.fec else 0)

    def encode(self, pcm: bytes) -> bytes:
        """Encode 20 ms, `FRAME_BYTES` long, to exactly `setting.frame_bytes`.

        Raises:
            MalformedError: the sound is not so long.
            MissingError: the library gave something else, which must not leave.
        """
        if len(pcm) != FRAME_BYTES:  # so much of our memory the library would read
            raise MalformedError(
                f"sound: expected {FRAME_BYTES} bytes, came {len(pcm)}"
            )
        size = self._calls.opus_encode(
            self._state, pcm, FRAME_SAMPLES, self._buffer, self._frame_bytes
        )
        if size != self._frame_bytes:
            raise MissingError(f"opus: expected {self._frame_bytes} bytes, came {size}")
        return self._buffer.raw[:size]

    def _control(self, request: int, value: int) -> None:
        result = self._calls.opus_encoder_ctl(
            self._state, request, ctypes.c_int32(value)
        )
        _check(self._library, f"opus_encoder_ctl {request}", result)


class OpusDecoder:
    """Opus frames in, sound out: each call gives 20 ms, `FRAME_BYTES` long."""

    def __init__(self, library: Library) -> None:
        """Make a decoder.

        Raises:
            MissingError: the library refuses.
        """
        self._calls = library.calls
        error = ctypes.c_int()
        self._state = self._calls.opus_decoder_create(
            SAMPLE_RATE, 1, ctypes.byref(error)
        )
        _check(library, "opus_decoder_create", error.value)
        _destroy(self, self._calls.opus_decoder_destroy, self._state)
        self._buffer = ctypes.create_string_buffer(FRAME_BYTES)

    def decode(self, frame: bytes) -> bytes:
        """Decode the next frame.

        Raises:
            MalformedError: it is none of 20 ms.
        """
        if not frame:  # to the library that would mean a lost one
            raise MalformedError("opus: expected a frame, came nothing")
        return self._decode(frame, fec=0)

    def recover(self, following: bytes) -> bytes:
        """Make up a lost frame from the in-band FEC of the one after it.

        Where that one has none it is concealed.

        Raises:
            MalformedError: that is no frame of 20 ms.
        """
        if not following:
            raise MalformedError("opus: expected a frame, came nothing")
        return self._decode(following, fec=1)

    def conceal(self) -> bytes:
        """Make up a lost frame from what was heard before."""
        return self._decode(None, fec=0)

    def _decode(self, frame: bytes | None, *, fec: int) -> bytes:
        samples = self._calls.opus_decode(
            *(self._state, frame, len(frame or b"")),
            *(self._buffer, FRAME_SAMPLES, fec),
        )
        if samples != FRAME_SAMPLES:
            raise MalformedError(
                f"opus: expected {FRAME_SAMPLES} samples, came {samples}"
            )
        return self._buffer.raw


@cache
def installed() -> Library | None:
    """Give the libopus of this machine; None where there is none that works."""
    return load(find_library("opus"))


def load(path: str | None) -> Library | None:
    """Give the libopus of this path; None where it is none that works."""
    if path is None:
        return None
    try:
        return Library(path)
    except MissingError:
        return None  # `SpareEncoder` and `SpareDecoder` do then, and `backend` says so


def open_encoder(
    setting: Setting, find: Callable[[], Library | None] = installed
) -> Encoder:
    """Open an encoder of the libopus that `find` gives, or the spare one.

    Raises:
        MissingError: this machine has no Opus at all.
    """
    library = find()
    return OpusEncoder(setting, library) if library else SpareEncoder(setting)


def open_decoder(find: Callable[[], Library | None] = installed) -> Decoder:
    """Open a decoder of the libopus that `find` gives, or the spare one.

    Raises:
        MissingError: this machine has no Opus at all.
    """
    library = find()
    return OpusDecoder(library) if library else SpareDecoder()


def backend(find: Callable[[], Library | None] = installed) -> str:
    """Say where Opus comes from, as `ringfence doctor` does."""
    library = find()
    if library is None:
        return "opus of PyAV: no libopus, so lost sound is only repeated"
    return f"{library.version} from {library.path}"


def check_opus() -> None:
    """Encode a frame of sound in each state and decode it.

    Raises:
        MissingError: there is no Opus, or its frames have not the size of their state.
    """
    encoder = open_encoder(START.value)
    for state in AudioState:
        encoder.set(state.value)
        _try(encoder, open_decoder())


def _declared(calls: ctypes.PyDLL) -> ctypes.PyDLL:
    """Say what each function takes and gives; a wrong guess of ctypes is a crash."""
    state, number, text = ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p
    size, error = ctypes.c_int32, ctypes.POINTER(ctypes.c_int)
    calls.opus_get_version_string.argtypes = []
    calls.opus_get_version_string.restype = text
    calls.opus_encoder_create.argtypes = [size, number, number, error]
    calls.opus_encoder_create.restype = state
    calls.opus_encoder_destroy.argtypes = [state]
    calls.opus_encoder_destroy.restype = None
    # Variadic: with the fixed two declared, ctypes passes the rest as arm64 wants it.
    calls.opus_encoder_ctl.argtypes = [state, number]
    calls.opus_encoder_ctl.restype = number
    calls.opus_encode.argtypes = [state, text, number, text, size]
    calls.opus_encode.restype = size
    calls.opus_decoder_create.argtypes = [size, number, error]
    calls.opus_decoder_create.restype = state
    calls.opus_decoder_destroy.argtypes = [state]
    calls.opus_decoder_destroy.restype = None
    calls.opus_decode.argtypes = [state, text, size, text, number, number]
    calls.opus_decode.restype = number
    return calls


def _destroy(owner: object, call: Callable[[int], None], state: int) -> None:
    """Let the library free its state together with the object that has it.

    Not at the exit of the process: a device's thread may be in the middle of a frame.
    """
    weakref.finalize(owner, call, state).atexit = False


def _check(library: Library, call: str, result: int) -> None:
    if result != 0:  # OPUS_OK
        raise MissingError(f"{library.version}: {call} gave {result}")


def _try(encoder: Encoder, decoder: Decoder) -> None:
    """Send a frame there and back.

    Raises:
        MissingError: it did not come back as sound.
    """
    frame = encoder.encode(SILENCE)
    try:
        check_frame(frame)
        decoder.decode(frame)
    except MalformedError as error:
        raise MissingError(f"opus does not work: {error}") from error
