"""Sound: one size, one rhythm, and zeros where nothing may be heard."""

import asyncio
import random

import av
import pytest
from aiortc.mediastreams import MediaStreamError

from tests.voip.media.call_media import Spoken, Voice
from voip.media.audio.track import FRAME_S, OpusEncoder, OutgoingAudio, mono
from voip.media.rtp import AUDIO_PAYLOAD_BYTES
from voip.media.similarity import similarity
from voip.media.sources import FRAME_BYTES, FRAME_SAMPLES, SILENCE


def _decode(packets: list[bytes]) -> bytes:
    codec = av.CodecContext.create("libopus", "r")
    assert isinstance(codec, av.AudioCodecContext)
    codec.format, codec.layout, codec.sample_rate = "s16", "stereo", 48000
    return b"".join(
        mono(frame) for raw in packets for frame in codec.decode(av.Packet(raw))
    )


def test_every_frame_has_one_size_whatever_is_said() -> None:
    noise, voice, encoder = random.Random(1), Voice(), OpusEncoder()
    frames = [
        *([SILENCE] * 20),
        *(voice.read() for _ in range(20)),
        *(noise.randbytes(FRAME_BYTES) for _ in range(20)),
        *([b"\xff\x7f" * FRAME_SAMPLES] * 5),
        *([SILENCE] * 20),
    ]
    sizes = {encoder.encode(pcm, 960 * n).size for n, pcm in enumerate(frames)}

    assert sizes == {AUDIO_PAYLOAD_BYTES}


def test_what_was_said_can_be_understood() -> None:
    voice, encoder = Voice(), OpusEncoder()
    said = [voice.read() for _ in range(50)]
    heard = _decode([bytes(encoder.encode(pcm, 960 * n)) for n, pcm in enumerate(said)])

    assert similarity(b"".join(said), heard).correlation > 0.9


def test_timestamps_count_samples_from_zero() -> None:
    encoder = OpusEncoder()
    stamps = [encoder.encode(SILENCE, 960 * n).pts for n in range(3)]

    assert stamps == [0, 960, 1920]


async def test_a_packet_is_due_every_20_ms() -> None:
    track = OutgoingAudio(Voice())
    began = asyncio.get_running_loop().time()
    stamps = [(await track.recv()).pts for _ in range(10)]
    took = asyncio.get_running_loop().time() - began

    assert (stamps, took >= 9.9 * FRAME_S) == ([960 * n for n in range(10)], True)


async def test_a_short_stall_is_caught_up_with() -> None:
    loop = asyncio.get_running_loop()
    track = OutgoingAudio(Voice())
    track._due -= 4 * FRAME_S
    began = loop.time()
    for _ in range(4):
        await track.recv()

    assert loop.time() - began < 2 * FRAME_S


async def test_after_a_long_stall_the_schedule_moves() -> None:
    loop = asyncio.get_running_loop()
    track = OutgoingAudio(Voice())
    track._due -= 10
    began = loop.time()
    for _ in range(4):
        await track.recv()

    assert loop.time() - began >= 2.9 * FRAME_S


async def test_the_source_is_not_read_before_it_may_be() -> None:
    spoken = Spoken(Voice())
    track = OutgoingAudio(spoken)
    await track.recv()
    before = len(spoken.pcm)
    track.is_open = True
    await track.recv()

    assert (before, len(spoken.pcm)) == (0, FRAME_BYTES)


async def test_a_stopped_track_gives_nothing() -> None:
    track = OutgoingAudio(Voice())
    track.stop()

    with pytest.raises(MediaStreamError):
        await track.recv()


def test_of_two_equal_channels_one_is_kept() -> None:
    frame = av.AudioFrame(format="s16", layout="stereo", samples=4)
    frame.planes[0].update(bytes(range(16)).ljust(frame.planes[0].buffer_size, b"\xff"))

    assert mono(frame) == bytes([0, 1, 4, 5, 8, 9, 12, 13])
