"""Opus through PyAV's codec, for a machine where no libopus can be opened by name.

Carrier. The same frames go out as through `voip.media.audio.opus`; a change of state
costs a new encoder, and thus a small click. What comes in decodes the same, but a lost
frame can only be repeated, softer and softer.
"""

import fractions
from array import array

import av
from av.audio.codeccontext import AudioCodecContext

from voip.errors import MalformedError, MissingError
from voip.media.audio.states import Setting
from voip.media.sources import FRAME_BYTES, FRAME_SAMPLES, SAMPLE_RATE, SILENCE

FADE = (0.75, 0.5, 0.25)
"""How loud a repeated frame is; after these 60 ms there is silence. Longer, and a
vowel becomes a machine's."""

_TIME_BASE = fractions.Fraction(1, SAMPLE_RATE)
_COMPLEXITY = "9"  # less costs far more quality than it saves time
_FEC_LOSS = "5"  # per cent; how much of the rate FEC may use


class SpareEncoder:
    """Frames of sound in, Opus frames of one size out."""

    def __init__(self, setting: Setting) -> None:
        """Open a codec.

        Raises:
            MissingError: PyAV was built without Opus.
        """
        self.set(setting)

    def set(self, setting: Setting) -> None:
        """Open a codec anew: this one takes no change while it runs."""
        self._setting = setting
        try:
            codec = av.CodecContext.create("libopus", "w")
        except av.FFmpegError as error:
            raise MissingError(f"no opus: {error}") from error
        assert isinstance(codec, AudioCodecContext)
        codec.bit_rate = setting.bit_rate
        codec.format = "s16"
        codec.layout = "mono"
        codec.sample_rate = SAMPLE_RATE
        codec.time_base = _TIME_BASE
        codec.options = {
            "application": "audio",
            "vbr": "off",  # one packet size whatever is said
            "compression_level": _COMPLEXITY,
            "cutoff": "20000" if setting.full_band else "8000",
            "fec": str(int(setting.fec)),
            "packet_loss": _FEC_LOSS if setting.fec else "0",
            "frame_duration": "20",
        }
        self._codec = codec
        self._timestamp = 0

    def encode(self, pcm: bytes) -> bytes:
        """Encode 20 ms, `FRAME_BYTES` long, to exactly `setting.frame_bytes`.

        Raises:
            MissingError: the codec gave something else, which must not leave.
        """
        frame = av.AudioFrame(format="s16", layout="mono", samples=FRAME_SAMPLES)
        frame.planes[0].update(pcm)
        frame.sample_rate = SAMPLE_RATE
        frame.time_base = _TIME_BASE
        frame.pts = self._timestamp
        self._timestamp += FRAME_SAMPLES
        try:
            encoded = [bytes(packet) for packet in self._codec.encode(frame)]
        except av.FFmpegError as error:
            raise MissingError(f"opus does not work: {error}") from error
        sizes = [len(one) for one in encoded]
        if sizes != [self._setting.frame_bytes]:
            raise MissingError(
                f"opus: expected {self._setting.frame_bytes} bytes, came {sizes}"
            )
        return encoded[0]


class SpareDecoder:
    """Opus frames in, sound out: each call gives 20 ms, `FRAME_BYTES` long."""

    def __init__(self) -> None:
        """Open a codec.

        Raises:
            MissingError: PyAV was built without Opus.
        """
        try:
            codec = av.CodecContext.create("libopus", "r")
        except av.FFmpegError as error:
            raise MissingError(f"no opus: {error}") from error
        assert isinstance(codec, AudioCodecContext)
        codec.format = "s16"
        codec.layout = "mono"
        codec.sample_rate = SAMPLE_RATE
        self._codec = codec
        self._heard = SILENCE
        self._made_up = 0

    def decode(self, frame: bytes) -> bytes:
        """Decode the next frame.

        Raises:
            MalformedError: it is none of 20 ms.
        """
        if not frame:  # to this codec that would mean the end of the stream
            raise MalformedError("opus: expected a frame, came nothing")
        try:
            decoded = self._codec.decode(av.Packet(frame))
        except av.FFmpegError as error:
            raise MalformedError(f"opus: {error}") from error
        if [one.samples for one in decoded] != [FRAME_SAMPLES]:
            raise MalformedError("opus: expected one frame of 20 ms, came another")
        self._heard = bytes(decoded[0].planes[0])[:FRAME_BYTES]
        self._made_up = 0
        return self._heard

    def recover(self, following: bytes) -> bytes:
        """Repeat what was heard: this codec gives no access to in-band FEC."""
        del following
        return self.conceal()

    def conceal(self) -> bytes:
        """Repeat what was heard, softer each time."""
        if self._made_up >= len(FADE):
            return SILENCE
        loudness = FADE[self._made_up]
        self._made_up += 1
        samples = array("h", self._heard)
        return array("h", (int(loudness * one) for one in samples)).tobytes()
