"""GStreamer reads our redundancy, and repairs a loss with it."""

import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from voip.media.audio.red import OPUS_PT, Redundancy
from voip.media.audio.states import AudioState
from voip.media.profile import AUDIO_PT
from voip.media.rtp import HEADER_BYTES, Header, format_header, parse_header

SSRC = 0x1234
CAPS = f"application/x-rtp-stream,media=audio,clock-rate=48000,payload={AUDIO_PT}"
LENGTH = struct.Struct(">H")  # RFC 4571: how packets stand in a file


def _decoder(sent: Path, heard: Path) -> list[str]:
    inspect = shutil.which("gst-inspect-1.0")
    if inspect is None:
        pytest.skip("needs gst-inspect-1.0, gst-launch-1.0 and GStreamer's rtp plugin")
    if subprocess.run([inspect, "--exists", "rtpreddec"], check=False).returncode:
        pytest.skip("needs the rtp plugin of GStreamer (gst-plugins-good)")
    pipeline = [
        f"filesrc location={sent}",
        f"{CAPS},encoding-name=RED",
        "rtpstreamdepay",
        f"rtpreddec pt={AUDIO_PT}",
        "rtpstreampay",
        f"filesink location={heard}",
    ]
    return ["gst-launch-1.0", "-q", *" ! ".join(pipeline).split()]


def _packets(stream: bytes) -> dict[int, bytes]:
    packets = {}
    while stream:
        (length,) = LENGTH.unpack_from(stream)
        packet = stream[2 : 2 + length]
        stream = stream[2 + length :]
        header = parse_header(packet)
        assert header.payload_type == OPUS_PT
        packets[header.sequence] = packet[HEADER_BYTES:]
    return packets


@pytest.mark.parametrize(
    ("state", "lost"),
    [(AudioState.N1, {5}), (AudioState.N2, {5, 6}), (AudioState.N4, {5, 6})],
    ids=lambda value: getattr(value, "name", "lost"),
)
def test_gstreamer_finds_every_frame(
    tmp_path: Path, state: AudioState, lost: set[int]
) -> None:
    frames = [
        bytes([0xF8, number]) * (state.value.frame_bytes // 2) for number in range(20)
    ]
    redundancy = Redundancy()
    with (tmp_path / "sent").open("wb") as stream:
        for number, frame in enumerate(frames):
            header = Header(
                marker=False,
                payload_type=AUDIO_PT,
                sequence=number,
                timestamp=960 * number,
                ssrc=SSRC,
            )
            payload = redundancy.payload(frame, state.value)
            packet = format_header(header) + payload
            if number not in lost:
                stream.write(LENGTH.pack(len(packet)) + packet)
    subprocess.run(_decoder(tmp_path / "sent", tmp_path / "heard"), check=True)

    assert _packets((tmp_path / "heard").read_bytes()) == dict(enumerate(frames))
