"""Where sound and pictures come from and go to: four small protocols.

Sound is signed 16-bit little-endian mono at 48 kHz, in frames of 20 ms. A
picture is planar 4:2:0 (I420). Nothing of a source is read before the call lets it
be, and a source that has nothing gives silence rather than waiting.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

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


@runtime_checkable
class PacedSource(AudioSource, Protocol):
    """A source with a clock of its own, as a microphone has.

    Sound is sent when it says so: a call that counted its own 20 ms would run empty or
    over, by a frame every 40 s where two clocks differ by 500 parts in a million.
    """

    def pace(self, wake: Callable[[], None]) -> None:
        """Call `wake`, from any thread, whenever a further frame can be read."""


class AudioSink(Protocol):
    """A speaker that is handed sound at the pace of the call, as a file is."""

    def write(self, pcm: bytes) -> None:
        """Take one frame, `FRAME_BYTES` long, without waiting."""

    def close(self) -> None:
        """Play or write what is left, and let go of the device."""


Pull = Callable[[int], bytes]
"""Gives exactly so many samples, at once, from any thread; silence if there is none."""


@runtime_checkable
class DrivenSink(Protocol):
    """A speaker with a clock of its own, which asks for sound when it needs some."""

    def drive(self, pull: Pull) -> None:
        """Begin to play what `pull` gives; called once, returns at once."""

    def close(self) -> None:
        """Stop, and let go of the device; `pull` is not called after."""


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


class Lent:
    """A camera or a screen whose user does not close it: others go on with it."""

    def __init__(self, source: VideoSource) -> None:
        """Take a source, which stays its owner's."""
        self._source = source

    async def picture(self) -> Picture:
        """See `VideoSource`."""
        return await self._source.picture()

    def close(self) -> None:
        """Leave it open."""


class VideoSink(Protocol):
    """A window, or what stands for one."""

    def show(self, picture: Picture) -> None:
        """Take one picture without waiting; dropping it is fine."""

    def close(self) -> None:
        """Let go of the window."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """Which pictures these are.

    Attributes:
        ours: of our side, else of the other.
        kind: `video` or `screen`.
        codec: `vp8` or `av1`.
    """

    ours: bool
    kind: str
    codec: str


class Recorder(Protocol):
    """Keeps a call as it was coded on the wire; nothing is coded a second time.

    `at_s` counts from the beginning of the recording and is evenly spaced, whenever
    the packets came; what was lost leaves a gap. Any method may raise `OSError`, which
    ends the recording and not the call.
    """

    def sound(self, frame: bytes, at_s: float, *, ours: bool) -> None:
        """Keep one Opus frame of 20 ms, of our side or of the other."""

    def picture(self, frame: bytes, at_s: float, *, track: Track) -> None:
        """Keep one coded picture."""

    def close(self) -> None:
        """Finish the file."""
