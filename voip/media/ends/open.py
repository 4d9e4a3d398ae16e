"""Opens the ends that `voip.media.ends.choice` chose.

Carrier. Devices are looked up here, so that one that is missing is told before anybody
is called, but no microphone and no camera is switched on before its first use.
"""

from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import assert_never

from voip.media.ends.camera import MovingBars, open_camera
from voip.media.ends.choice import (
    AudioIn,
    AudioOut,
    Choice,
    Device,
    File,
    Made,
    VideoIn,
    VideoOut,
)
from voip.media.ends.files import FileAudio, FileVideo
from voip.media.ends.recording import MovieRecording, WavRecording
from voip.media.ends.sound import Microphone, MiniaudioSound, Sound, Speaker
from voip.media.pattern import Discard, Silence, Tone
from voip.media.plan import MediaPlan
from voip.media.sources import AudioSink, AudioSource, VideoSink, VideoSource


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """What one side hears and shows with; whoever opened it closes it."""

    audio_source: AudioSource
    audio_sink: AudioSink
    video_source: VideoSource | None
    video_sink: VideoSink

    def failures(self) -> list[str]:
        """Say in sentences which ends have failed, each once."""
        said = [getattr(end, "failure", None) for end in self._all()]
        return list(dict.fromkeys(sentence for sentence in said if sentence))

    def plan(self, *, data: bool = False) -> MediaPlan:
        """Give them to a call, which closes them when it is over.

        With `data`, the call also carries text and files.
        """
        return MediaPlan(
            audio_source=self.audio_source,
            audio_sink=self.audio_sink,
            video_source=self.video_source,
            video_sink=self.video_sink,
            data=data,
        )

    def close(self) -> None:
        """Close all of them; a second call does nothing."""
        for end in self._all():
            end.close()

    def _all(self) -> list[AudioSource | AudioSink | VideoSource | VideoSink]:
        pictures = [] if self.video_source is None else [self.video_source]
        return [self.audio_source, self.audio_sink, *pictures, self.video_sink]


def open_ends(
    choice: Choice, *, overwrite: bool = False, sound: Sound | None = None
) -> Ends:
    """Open the four ends; `sound` stands in for the machine's sound system.

    Raises:
        MissingError: a device, a file or a library is not there.
        MalformedError: a file that is no media or holds no such track.
        RefusedError: a recording exists already and `overwrite` is not set.
    """
    with ExitStack() as opened:
        source = opened.enter_context(closing(_audio_source(choice.audio_in, sound)))
        pictures = _video_source(choice.video_in)
        if pictures is not None:
            opened.enter_context(closing(pictures))
        sink, screen = _sinks(
            choice.audio_out, choice.video_out, sound, overwrite=overwrite
        )
        opened.pop_all()
    return Ends(
        audio_source=source,
        audio_sink=sink,
        video_source=pictures,
        video_sink=screen,
    )


def check_ends(choice: Choice, *, sound: Sound | None = None) -> None:
    """See whether the ends could be opened, before anybody waits for a call.

    Nothing is switched on and no recording is begun.

    Raises:
        MissingError: a device, a file or a library is not there.
        MalformedError: a file that is no media or holds no such track.
    """
    _audio_source(choice.audio_in, sound).close()
    pictures = _video_source(choice.video_in)
    if pictures is not None:
        pictures.close()
    if isinstance(choice.audio_out, Device):
        _audio_sink(choice.audio_out, sound, overwrite=False).close()


def _audio_source(chosen: AudioIn, sound: Sound | None) -> AudioSource:
    match chosen:
        case Device(index):
            return Microphone(sound or MiniaudioSound(), index)
        case File(path):
            return FileAudio(Path(path))
        case Made.TONE:
            return Tone()
        case Made.SILENCE:
            return Silence()
        case _:
            assert_never(chosen)


def _video_source(chosen: VideoIn) -> VideoSource | None:
    match chosen:
        case Device(index):
            return open_camera(index)
        case File(path):
            return FileVideo(Path(path))
        case Made.PATTERN:
            return MovingBars()
        case Made.NONE:
            return None
        case _:
            assert_never(chosen)


def _sinks(
    audio: AudioOut, video: VideoOut, sound: Sound | None, *, overwrite: bool
) -> tuple[AudioSink, VideoSink]:
    """Open both sinks together, since one file may be both."""
    with ExitStack() as opened:
        movie: MovieRecording | Discard = Discard()
        if isinstance(video, File):
            movie = MovieRecording(
                Path(video.path), sound=audio == video, overwrite=overwrite
            )
            opened.callback(movie.close)
        if isinstance(audio, File) and audio == video:
            sink: AudioSink = movie
        else:
            sink = _audio_sink(audio, sound, overwrite=overwrite)
        opened.pop_all()
    return sink, movie


def _audio_sink(chosen: AudioOut, sound: Sound | None, *, overwrite: bool) -> AudioSink:
    match chosen:
        case Device(index):
            return Speaker(sound or MiniaudioSound(), index)
        case File(path):
            return WavRecording(Path(path), overwrite=overwrite)
        case Made.NULL:
            return Discard()
        case _:
            assert_never(chosen)
