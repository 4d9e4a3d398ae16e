"""Sound: Opus at a constant rate out, aiortc's receiver in.

Every 20 ms one packet leaves, and each has the same size: constant bit rate, no
silence suppression, and zeros through the same encoder while muted, on hold or before
the microphone may open. An observer learns that there is a call, not who talks when.
"""

import asyncio
import fractions

import av
from aiortc import MediaStreamTrack, RTCRtpReceiver
from aiortc.mediastreams import MediaStreamError
from av.audio.codeccontext import AudioCodecContext

from voip.media.sources import (
    FRAME_BYTES,
    FRAME_SAMPLES,
    SAMPLE_RATE,
    SILENCE,
    AudioSink,
    AudioSource,
)

FRAME_S = FRAME_SAMPLES / SAMPLE_RATE
BIT_RATE = 32_000  # 80 bytes a frame: clear speech with in-band FEC
MAX_LATE_FRAMES = 5  # after a longer stall the schedule moves, rather than a burst
_TIME_BASE = fractions.Fraction(1, SAMPLE_RATE)
_OPUS_OPTIONS = {
    "application": "voip",
    "vbr": "off",  # one packet size whatever is said
    "fec": "1",
    "packet_loss": "10",  # per cent; how much of the rate FEC may use
    "frame_duration": "20",
}


class OpusEncoder:
    """One frame of sound in, one packet of 80 bytes out."""

    def __init__(self) -> None:
        codec = av.CodecContext.create("libopus", "w")
        assert isinstance(codec, AudioCodecContext)
        codec.bit_rate = BIT_RATE
        codec.format = "s16"
        codec.layout = "mono"
        codec.sample_rate = SAMPLE_RATE
        codec.time_base = _TIME_BASE
        codec.options = dict(_OPUS_OPTIONS)
        self._codec = codec

    def encode(self, pcm: bytes, timestamp: int) -> "av.Packet[av.AudioStream]":
        """Encode one frame; `timestamp` counts samples."""
        frame = av.AudioFrame(format="s16", layout="mono", samples=FRAME_SAMPLES)
        frame.planes[0].update(pcm)
        frame.sample_rate = SAMPLE_RATE
        frame.time_base = _TIME_BASE
        frame.pts = timestamp
        (packet,) = self._codec.encode(frame)
        packet.pts = timestamp  # without the encoder's own delay in it
        packet.time_base = _TIME_BASE
        return packet


class OutgoingAudio(MediaStreamTrack):
    """The track that aiortc's sender takes finished packets from."""

    kind = "audio"

    def __init__(self, source: AudioSource) -> None:
        """Take the microphone; it is not read before `is_open`."""
        super().__init__()
        self.is_open = False
        self.is_muted = False
        self.is_held = False
        self._source = source
        self._encoder = OpusEncoder()
        self._clock = asyncio.get_running_loop().time
        self._due = self._clock()
        self._timestamp = 0

    async def recv(self) -> "av.Packet[av.AudioStream]":
        """Wait until the next frame is due and give its packet."""
        if self.readyState != "live":
            raise MediaStreamError
        self._due += FRAME_S
        now = self._clock()
        if now > self._due + MAX_LATE_FRAMES * FRAME_S:
            self._due = now
        await asyncio.sleep(self._due - now)
        packet = self._encoder.encode(self._frame(), self._timestamp)
        self._timestamp += FRAME_SAMPLES
        return packet

    def _frame(self) -> bytes:
        if not self.is_open:
            return SILENCE
        # Read while muted too: what was said then must not come out afterwards.
        pcm = self._source.read()
        return SILENCE if self.is_muted or self.is_held else pcm


class IncomingAudio:
    """Plays what aiortc's receiver decoded, which is only what verified."""

    def __init__(self, receiver: RTCRtpReceiver, sink: AudioSink) -> None:
        """Take where it comes from and where it goes."""
        self.is_held = False
        self._track = receiver.track
        self._sink = sink

    async def run(self) -> None:
        """Play until the track ends."""
        while True:
            try:
                frame = await self._track.recv()
            except MediaStreamError:
                return
            assert isinstance(frame, av.AudioFrame)
            pcm = mono(frame)
            for start in range(0, len(pcm), FRAME_BYTES):
                piece = pcm[start : start + FRAME_BYTES]
                self._sink.write(SILENCE if self.is_held else piece)


def mono(frame: av.AudioFrame) -> bytes:
    """Take the left of aiortc's two channels: our Opus is mono, so both are equal."""
    samples = memoryview(bytes(frame.planes[0])).cast("h")
    return samples[: 2 * frame.samples : 2].tobytes()
