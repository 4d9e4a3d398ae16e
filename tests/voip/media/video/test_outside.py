"""Our packets as others read and write them: real encoders, and GStreamer."""

import shutil
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, cast

import av
import numpy as np
import pytest

from tests.voip.media.video.native import encoded
from voip.media.rtp import HEADER_BYTES, Header, format_header
from voip.media.video import av1, headers, vp8

if TYPE_CHECKING:
    from av.video.codeccontext import VideoCodecContext

WIDTH, HEIGHT, FRAMES, FORCED = 320, 240, 12, 6
VP8 = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}
AV1 = {"preset": "12", "svtav1-params": "rtc=1:pred-struct=1:rc=2:lp=1"}


def noise() -> list[av.VideoFrame]:
    """Frames of moving noise; one key frame is forced."""
    still = np.random.default_rng(1).integers(
        0, 255, (HEIGHT * 3 // 2, WIDTH), dtype=np.uint8
    )
    frames = []
    for number in range(FRAMES):
        picture = np.roll(still, number, 1)
        frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
        frame.pts = number
        if number == FORCED:
            frame.pict_type = av.video.frame.PictureType.I
        frames.append(frame)
    return frames


@pytest.fixture(scope="module")
def vp8_frames() -> list[bytes]:
    return encoded("libvpx", noise(), VP8)


@pytest.fixture(scope="module")
def av1_units() -> list[bytes]:
    if "libsvtav1" not in av.codecs_available:
        pytest.skip("this build of FFmpeg has no libsvtav1")
    return encoded("libsvtav1", noise(), AV1)


def decoded(codec: str, frames: list[bytes]) -> int:
    context = cast("VideoCodecContext", av.CodecContext.create(codec, "r"))
    pictures = [
        picture for frame in frames for picture in context.decode(av.Packet(frame))
    ]
    pictures += context.decode(None)

    assert {(picture.width, picture.height) for picture in pictures} == {
        (WIDTH, HEIGHT)
    }

    return len(pictures)


def test_vp8_frames_of_an_encoder_come_through(vp8_frames: list[bytes]) -> None:
    joined = [
        vp8.depacketize(vp8.packetize(frame, number))
        for number, frame in enumerate(vp8_frames)
    ]

    assert joined == vp8_frames


def test_av1_units_of_an_encoder_come_through(av1_units: list[bytes]) -> None:
    joined = [av1.depacketize(av1.packetize(unit)) for unit in av1_units]

    assert joined == av1_units


def test_av1_that_came_through_is_decoded(av1_units: list[bytes]) -> None:
    joined = [av1.depacketize(av1.packetize(unit)) for unit in av1_units]

    assert decoded("libdav1d", joined) == FRAMES


def test_whole_pictures_of_vp8_are_seen_in_header_and_packet(
    vp8_frames: list[bytes],
) -> None:
    keys = [headers.parse_vp8(frame).key for frame in vp8_frames]

    assert keys == [number in {0, FORCED} for number in range(FRAMES)]
    assert keys == [vp8.starts_key(vp8.packetize(frame, 1)[0]) for frame in vp8_frames]


def test_whole_pictures_of_av1_are_seen_in_header_and_packet(
    av1_units: list[bytes],
) -> None:
    keys = [headers.parse_av1(unit).key for unit in av1_units]

    assert keys == [number in {0, FORCED} for number in range(FRAMES)]
    assert keys == [av1.starts_key(av1.packetize(unit)[0]) for unit in av1_units]


def test_sizes_are_read_as_the_encoder_wrote_them(
    vp8_frames: list[bytes], av1_units: list[bytes]
) -> None:
    expected = headers.FrameHeader(key=True, width=WIDTH, height=HEIGHT)

    assert headers.parse_vp8(vp8_frames[0]) == expected
    assert headers.parse_av1(av1_units[0]) == expected


def gstreamer(*pipeline: str) -> None:
    """Run a pipeline to its end."""
    if shutil.which("gst-launch-1.0") is None:
        pytest.skip("gst-launch-1.0 is not installed")
    wanted = [word for word in pipeline if word.startswith(("rtp", "ivf"))]
    for element in wanted:
        found = subprocess.run(
            ["gst-inspect-1.0", element], capture_output=True, check=False
        )
        if found.returncode != 0:
            pytest.skip(f"GStreamer has no {element}")
    subprocess.run(["gst-launch-1.0", "-q", *pipeline], check=True, timeout=30)


def framed(packets: list[bytes]) -> bytes:
    """Write packets one after the other, each with its length (RFC 4571)."""
    return b"".join(len(packet).to_bytes(2) + packet for packet in packets)


def unframed(data: bytes) -> Iterator[bytes]:
    begin = 0
    while begin < len(data):
        size = int.from_bytes(data[begin : begin + 2])
        yield data[begin + 2 : begin + 2 + size]
        begin += 2 + size


def rtp(frames: list[bytes]) -> list[bytes]:
    packets: list[bytes] = []
    for number, frame in enumerate(frames):
        payloads = vp8.packetize(frame, number)
        for place, payload in enumerate(payloads, start=1):
            header = Header(
                marker=place == len(payloads),
                payload_type=102,
                sequence=len(packets),
                timestamp=number * 3000,
                ssrc=1,
            )
            packets.append(format_header(header) + payload)
    return packets


def ivf(frames: list[bytes]) -> bytes:
    """Write the plainest container of VP8 that there is."""
    head = struct.pack(
        "<4sHH4sHHIIII", b"DKIF", 0, 32, b"VP80", WIDTH, HEIGHT, 30, 1, len(frames), 0
    )
    return head + b"".join(
        struct.pack("<IQ", len(frame), number) + frame
        for number, frame in enumerate(frames)
    )


CAPS = "application/x-rtp-stream,media=video,clock-rate=90000,encoding-name=VP8"


def test_gstreamer_reads_our_packets(vp8_frames: list[bytes], tmp_path: Path) -> None:
    there, back = tmp_path / "packets", tmp_path / "frames"
    there.write_bytes(framed(rtp(vp8_frames)))
    gstreamer(
        *("filesrc", f"location={there}", "!", CAPS, "!", "rtpstreamdepay"),
        *("!", "rtpvp8depay", "!", "filesink", f"location={back}"),
    )

    assert back.read_bytes() == b"".join(vp8_frames)


@pytest.mark.parametrize("mode", ["none", "7-bit", "15-bit"])
def test_we_read_packets_of_gstreamer(
    vp8_frames: list[bytes], tmp_path: Path, mode: str
) -> None:
    there, back = tmp_path / "frames.ivf", tmp_path / "packets"
    there.write_bytes(ivf(vp8_frames))
    gstreamer(
        *("filesrc", f"location={there}", "!", "ivfparse", "!", "rtpvp8pay"),
        *(f"picture-id-mode={mode}", "!", "rtpstreampay", "!", "filesink"),
        f"location={back}",
    )
    frames, payloads = [], []
    for packet in unframed(back.read_bytes()):
        payloads.append(packet[HEADER_BYTES:])
        if packet[1] & 0x80:
            frames.append(vp8.depacketize(payloads))
            payloads = []

    assert frames == vp8_frames
