"""What the words for a call's ends mean: `mic:1`, `tone`, `file:hello.ogg`.

Rules only; `voip.media.ends.open` opens what was chosen here.

::

    sound in      mic[:N] | tone | silence | file:PATH
    sound out     speaker[:N] | null | file:PATH.wav or the pictures' own file
    pictures in   camera[:N] | pattern | none | file:PATH
    pictures out  null | file:PATH.mkv | file:PATH.webm

N counts from 0 as `ringfence doctor` lists the devices; without it the system chooses.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Literal

from voip.errors import MalformedError

MAX_INDEX = 99
"""No machine lists more devices; a longer number is a slip of the finger."""

_INDEXES = {str(index): index for index in range(MAX_INDEX + 1)}

WAV = ".wav"
MOVIES = {".mkv": "matroska", ".webm": "webm"}
"""What pictures can be recorded as, by ending: both take Opus and VP8 as they are."""


class Made(Enum):
    """An end that needs neither device nor file."""

    TONE = "tone"
    SILENCE = "silence"
    PATTERN = "pattern"
    NONE = "none"
    NULL = "null"


@dataclass(frozen=True, slots=True)
class Device:
    """A device by its place in the list; None is the system's default."""

    index: int | None


@dataclass(frozen=True, slots=True)
class File:
    """A file to play or to record to."""

    path: str


AudioIn = Device | File | Literal[Made.TONE, Made.SILENCE]
AudioOut = Device | File | Literal[Made.NULL]
VideoIn = Device | File | Literal[Made.PATTERN, Made.NONE]
VideoOut = File | Literal[Made.NULL]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The four ends of one person's side of a call."""

    audio_in: AudioIn
    audio_out: AudioOut
    video_in: VideoIn
    video_out: VideoOut


def parse_choice(
    audio_in: str = "mic",
    audio_out: str = "speaker",
    *,
    video_in: str = "none",
    video_out: str = "null",
) -> Choice:
    """Read the four words, one for each end.

    Sound is recorded as WAV, pictures as Matroska or WebM; where both name the same
    file, it holds both.

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


def _parse_audio_in(text: str) -> AudioIn:
    match text:
        case "tone":
            return Made.TONE
        case "silence":
            return Made.SILENCE
        case _:
            return _parse_named(text, "mic", "mic[:N], tone, silence or file:PATH")


def _parse_audio_out(text: str) -> AudioOut:
    if text == "null":
        return Made.NULL
    return _parse_named(text, "speaker", "speaker[:N], null or file:PATH")


def _parse_video_in(text: str) -> VideoIn:
    match text:
        case "pattern":
            return Made.PATTERN
        case "none":
            return Made.NONE
        case _:
            return _parse_named(
                text, "camera", "camera[:N], pattern, none or file:PATH"
            )


def _parse_video_out(text: str) -> VideoOut:
    if text == "null":
        return Made.NULL
    name, _, path = text.partition(":")
    if name == "file" and path:
        return File(path)
    raise MalformedError(f"expected null or file:PATH, got {text!r}")


def _parse_named(text: str, device: str, expected: str) -> Device | File:
    name, colon, rest = text.partition(":")
    if name == "file" and rest:
        return File(rest)
    if name == device and not colon:
        return Device(None)
    if name == device and rest in _INDEXES:
        return Device(_INDEXES[rest])
    raise MalformedError(f"expected {expected}, got {text!r}")


def _check_recordings(audio: AudioOut, video: VideoOut) -> None:
    if isinstance(video, File) and movie_format(video.path) is None:
        raise MalformedError(
            f"pictures are recorded as {' or '.join(MOVIES)}, got {video.path!r}"
        )
    if not isinstance(audio, File) or audio == video:
        return
    if not audio.path.lower().endswith(WAV):
        raise MalformedError(
            f"sound is recorded as {WAV}, or into the pictures' own file,"
            f" got {audio.path!r}"
        )
