"""Where sound and pictures come from and go to: four small protocols.

Sound is signed 16-bit little-endian mono at 48 kHz, in frames of 20 ms. A
picture is planar 4:2:0 (I420). Nothing of a source is read before the call lets it
be, and a source that has nothing gives silence rather than waiting.
"""

from dataclasses import dataclass, field
from typing import Protocol

from voip.errors import MalformedError

SAMPLE_RATE = 48_000  # Hz; what Opus works in
FRAME_SAMPLES = 960  # 20 ms
FRAME_BYTES = 2 * FRAME_SAMPLES
SILENCE = bytes(FRAME_BYTES)

MAX_WIDTH, MAX_HEIGHT = 1920, 1080  # a larger picture is a way to exhaust memory


class AudioSource(Protocol):
    """A microphone, or what stands for one."""

    def read(self) -> bytes:
        """Give the next frame, `FRAME_BYTES` long, at once; zeros if there is none."""

    def close(self) -> None:
        """Let go of the device."""


class AudioSink(Protocol):
    """A speaker, or what stands for one."""

    def write(self, pcm: bytes) -> None:
        """Take one frame, `FRAME_BYTES` long, without waiting."""

    def close(self) -> None:
        """Play or write what is left, and let go of the device."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture: the Y plane, then U and V at half size; sides are even.

    Raises:
        MalformedError: a side is odd, zero or too large, or the bytes do not fit it.
    """

    width: int
    height: int
    i420: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if not (0 < self.width <= MAX_WIDTH and 0 < self.height <= MAX_HEIGHT):
            raise MalformedError(
                f"picture: expected at most {MAX_WIDTH}x{MAX_HEIGHT}, "
                f"came {self.width}x{self.height}"
            )
        if self.width % 2 or self.height % 2:
            raise MalformedError(
                f"picture: expected even sides, came {self.width}x{self.height}"
            )
        expected = self.width * self.height * 3 // 2
        if len(self.i420) != expected:
            raise MalformedError(
                f"picture: expected {expected} bytes, came {len(self.i420)}"
            )


class VideoSource(Protocol):
    """A camera, or what stands for one."""

    async def picture(self) -> Picture:
        """Give the next picture when it is due: the source sets the pace."""

    def close(self) -> None:
        """Let go of the device."""


class VideoSink(Protocol):
    """A window, or what stands for one."""

    def show(self, picture: Picture) -> None:
        """Take one picture without waiting; dropping it is fine."""

    def close(self) -> None:
        """Let go of the window."""
