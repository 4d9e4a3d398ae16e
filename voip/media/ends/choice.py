"""What the words for a call's ends mean: `mic:1`, `tone:440`, `file:hello.ogg`.

Rules only; `voip.media.ends.open` opens what was chosen here.

::

    sound in      mic[:N|:NAME] | tone[:HERTZ] | silence | file:PATH
    sound out     speaker[:N|:NAME] | null | file:PATH.wav or the pictures' own file
    pictures in   camera[:N] | screen[:DISPLAY] | pattern | none | file:PATH
    pictures out  terminal | kitty | window | null | file:PATH.mkv, .webm or .y4m

N counts from 0 as `ringfence doctor` lists the devices, NAME is a part of the name that
only one of them has. Without either, it is the device that the user chose for good, or
else the system's default. A .y4m file may be a pipe that another program reads.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Literal

from voip.errors import MalformedError

MAX_INDEX = 99
"""No machine lists more devices; a longer number is a slip of the finger."""

LOWEST_HERTZ, HIGHEST_HERTZ = 20, 20_000
"""What people hear."""

_INDEXES = {str(index): index for index in range(MAX_INDEX + 1)}
_DIGITS = frozenset("0123456789")

WAV = ".wav"
MOVIES = {".mkv": "matroska", ".webm": "webm"}
"""What pictures can be recorded as, by ending: both take Opus and VP8 as they are."""
Y4M = ".y4m"
"""Pictures as they are, for other programs."""


class Made(Enum):
    """An end that needs neither device nor file."""

    SILENCE = "silence"
    PATTERN = "pattern"
    NONE = "none"
    NULL = "null"


class Drawn(Enum):
    """Where and how pictures are drawn."""

    BLOCKS = "terminal"
    KITTY = "kitty"
    WINDOW = "window"


@dataclass(frozen=True, slots=True)
class Device:
    """A device by its place in the list or a part of its name; None is the usual."""

    which: int | str | None


@dataclass(frozen=True, slots=True)
class Screen:
    """A screen, by the name that the system has for it; None is the usual."""

    display: str | None


@dataclass(frozen=True, slots=True)
class Hum:
    """A steady sine."""

    hertz: int


@dataclass(frozen=True, slots=True)
class File:
    """A file to play or to record to."""

    path: str


AudioIn = Device | File | Hum | Literal[Made.SILENCE]
AudioOut = Device | File | Literal[Made.NULL]
VideoIn = Device | File | Screen | Literal[Made.PATTERN, Made.NONE]
VideoOut = File | Drawn | Literal[Made.NULL]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The ends of one person's side of a call; a screen may be beside a camera."""

    audio_in: AudioIn
    audio_out: AudioOut
    video_in: VideoIn
    video_out: VideoOut
    screen: Screen | None = None


def parse_choice(
    audio_in: str = "mic",
    audio_out: str = "speaker",
    *,
    video_in: str = "none",
    video_out: str = "null",
) -> Choice:
    """Read the four words, one for each end.

    Sound is recorded as WAV, pictures as Matroska, WebM or YUV4MPEG2; where both name
    the same Matroska or WebM file, it holds both.

    Raises:
        MalformedError: a word that means nothing here (the message lists those that
            do), or a recording whose name does not end as its format does.
    """
    choice = Choice(
        audio_in=_parse_audio_in(audio_in),
        audio_out=_parse_audio_out(audio_out),
        video_in=_parse_video_in(video_in),
        video_out=_parse_video_out(video_out),
    )
    _check_recordings(choice.audio_out, choice.video_out)
    return choice


def movie_format(path: str) -> str | None:
    """Name the container that a movie of this name has; None if no ending says."""
    return next(
        (name for end, name in MOVIES.items() if path.lower().endswith(end)), None
    )


def is_raw(path: str) -> bool:
    """Say whether pictures are written to a file of this name as they are."""
    return path.lower().endswith(Y4M)


def _parse_audio_in(text: str) -> AudioIn:
    name, colon, rest = text.partition(":")
    if text == "silence":
        return Made.SILENCE
    if name == "tone" and (rest or not colon):
        return Hum(_parse_hertz(rest) if colon else 440)
    return _parse_device(
        text, "mic", "mic[:N|:NAME], tone[:HERTZ], silence or file:PATH"
    )


def _parse_audio_out(text: str) -> AudioOut:
    if text == "null":
        return Made.NULL
    return _parse_device(text, "speaker", "speaker[:N|:NAME], null or file:PATH")


def _parse_video_in(text: str) -> VideoIn:
    expected = "camera[:N], screen[:DISPLAY], pattern, none or file:PATH"
    name, colon, rest = text.partition(":")
    match name:
        case "pattern" | "none" if not colon:
            return Made(name)  # type: ignore[return-value] # one of these two
        case "screen" if rest or not colon:
            return Screen(rest or None)
        case "camera" if colon and rest not in _INDEXES:
            raise MalformedError(f"expected {expected}, got {text!r}")
        case _:
            return _parse_device(text, "camera", expected)


def _parse_video_out(text: str) -> VideoOut:
    name, _, path = text.partition(":")
    match name:
        case "null" if text == name:
            return Made.NULL
        case "terminal" | "kitty" | "window" if text == name:
            return Drawn(name)
        case "file" if path:
            return File(path)
        case _:
            raise MalformedError(
                f"expected terminal, kitty, window, null or file:PATH, got {text!r}"
            )


def _parse_device(text: str, device: str, expected: str) -> Device | File:
    name, colon, rest = text.partition(":")
    if name == "file" and rest:
        return File(rest)
    if name == device and not colon:
        return Device(None)
    if name != device or not rest:
        raise MalformedError(f"expected {expected}, got {text!r}")
    if not _DIGITS.issuperset(rest):
        return Device(rest)
    if rest not in _INDEXES:  # whoever means a name of digits gives another part
        raise MalformedError(f"expected {expected}, got {text!r}")
    return Device(_INDEXES[rest])


def _parse_hertz(text: str) -> int:
    is_number = 0 < len(text) <= 5 and _DIGITS.issuperset(text)
    hertz = int(text) if is_number else 0
    if not LOWEST_HERTZ <= hertz <= HIGHEST_HERTZ:
        raise MalformedError(
            f"expected a tone of {LOWEST_HERTZ} to {HIGHEST_HERTZ} hertz, got {text!r}"
        )
    return hertz


def _check_recordings(audio: AudioOut, video: VideoOut) -> None:
    if isinstance(video, File) and not _is_movie(video) and not is_raw(video.path):
        endings = ", ".join(MOVIES)
        raise MalformedError(
            f"pictures are recorded as {endings} or {Y4M}, got {video.path!r}"
        )
    if not isinstance(audio, File) or (audio == video and _is_movie(audio)):
        return
    if not audio.path.lower().endswith(WAV):
        raise MalformedError(
            f"sound is recorded as {WAV}, or into the pictures' own file,"
            f" got {audio.path!r}"
        )


def _is_movie(file: File) -> bool:
    return movie_format(file.path) is not None
