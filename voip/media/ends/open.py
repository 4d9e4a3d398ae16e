"""Opens the ends that `voip.media.ends.choice` chose.

Carrier. Devices are looked up here, so that one that is missing is told before anybody
is called, but no microphone and no camera is switched on before its first use.
"""

from collections import deque
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import assert_never

from voip.errors import MissingError
from voip.media.ends.camera import MovingBars, open_camera
from voip.media.ends.choice import (
    AudioIn,
    AudioOut,
    Choice,
    Device,
    Drawn,
    File,
    Hum,
    Made,
    Screen,
    VideoIn,
    VideoOut,
    is_raw,
)
from voip.media.ends.devices import DeviceEnd, Microphone, Speaker
from voip.media.ends.files import FileAudio, FileVideo
from voip.media.ends.keeping import Change, DeviceChange
from voip.media.ends.listed import SoundDevice, Way, find_again, select
from voip.media.ends.recording import MovieRecording, WavRecording
from voip.media.ends.remember import SoundSettings
from voip.media.ends.screen import open_screen
from voip.media.ends.sound import MiniaudioSound, Sound
from voip.media.ends.voice import Voice
from voip.media.ends.y4m import RawPictures
from voip.media.pattern import Discard, Silence, Tone
from voip.media.plan import MediaPlan
from voip.media.sources import (
    AudioSink,
    AudioSource,
    DrivenSink,
    VideoSink,
    VideoSource,
)

Display = Callable[[Drawn], VideoSink]
"""Gives what draws pictures: terminal and window are the program's to give."""

_USUAL = SoundSettings()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """What one side hears and shows with; whoever opened it closes it.

    Attributes:
        notes: what the user should know of them, in sentences.
        changes: the newest devices lost and found, since they were opened.
    """

    audio_source: AudioSource
    audio_sink: AudioSink | DrivenSink
    video_source: VideoSource | None
    screen_source: VideoSource | None
    video_sink: VideoSink
    notes: tuple[str, ...] = ()
    changes: deque[DeviceChange] = field(default_factory=lambda: deque(maxlen=64))

    def __post_init__(self) -> None:
        for device in self.devices():
            device.on_change(self.changes.append)

    def devices(self) -> list[DeviceEnd]:
        """Give those that are devices of the sound system."""
        return [end for end in self._all() if isinstance(end, DeviceEnd)]

    def failures(self) -> list[str]:
        """Say in sentences what the user must know of the ends, each once.

        That is which have failed, what is missing, and which devices were lost.
        """
        lost = [str(each) for each in self.changes if each.change is Change.LOST]
        said = [getattr(end, "failure", None) for end in self._all()]
        sentences = [*self.notes, *lost, *said]
        return list(dict.fromkeys(sentence for sentence in sentences if sentence))

    def plan(self, *, steady: bool = False, data: bool = False) -> MediaPlan:
        """Give them to a call, which closes them when it is over.

        With `steady`, pictures are sent so that their motion does not show; with
        `data`, the call also carries text and files.
        """
        return MediaPlan(
            audio_source=self.audio_source,
            audio_sink=self.audio_sink,
            video_source=self.video_source,
            screen_source=self.screen_source,
            video_sink=self.video_sink,
            steady=steady,
            data=data,
        )

    def close(self) -> None:
        """Close all of them; a second call does nothing."""
        for end in self._all():
            end.close()

    def _all(
        self,
    ) -> list[AudioSource | AudioSink | DrivenSink | VideoSource | VideoSink]:
        pictures = [each for each in (self.video_source, self.screen_source) if each]
        return [self.audio_source, self.audio_sink, *pictures, self.video_sink]


def open_ends(
    choice: Choice,
    *,
    overwrite: bool = False,
    settings: SoundSettings = _USUAL,
    sound: Sound | None = None,
    display: Display | None = None,
) -> Ends:
    """Open the ends; `sound` stands in for the machine's sound system.

    `settings` say which devices are the usual ones, and what is done to their sound.

    Raises:
        MissingError: a device, a file, a terminal or a library is not there.
        MalformedError: a file that is no media or holds no such track.
        RefusedError: a recording exists already and `overwrite` is not set.
    """
    speech = _Speech(choice, settings, sound)
    with ExitStack() as opened:
        source = opened.enter_context(closing(_audio_source(choice.audio_in, speech)))
        camera, screen = _shown(choice)
        for pictures in (camera, screen):
            if pictures is not None:
                opened.enter_context(closing(pictures))
        sink, shown = _sinks(choice, speech, display, overwrite=overwrite)
        opened.pop_all()
    return Ends(
        audio_source=source,
        audio_sink=sink,
        video_source=camera,
        screen_source=screen,
        video_sink=shown,
        notes=speech.notes,
    )


def check_ends(
    choice: Choice,
    *,
    settings: SoundSettings = _USUAL,
    sound: Sound | None = None,
) -> None:
    """See whether the ends could be opened, before anybody waits for a call.

    Nothing is switched on and no recording is begun.

    Raises:
        MissingError: a device, a file or a library is not there.
        MalformedError: a file that is no media or holds no such track.
    """
    speech = _Speech(choice, settings, sound)
    _audio_source(choice.audio_in, speech).close()
    for pictures in _shown(choice):
        if pictures is not None:
            pictures.close()
    if isinstance(choice.audio_out, Device):
        speech.speaker(choice.audio_out).close()


class _Speech:
    """Microphone and speaker of one call, which share the voice processing."""

    def __init__(
        self, choice: Choice, settings: SoundSettings, sound: Sound | None
    ) -> None:
        self.notes: tuple[str, ...] = ()
        self._settings = settings
        self._voice: Voice | None = None
        ends = (choice.audio_in, choice.audio_out)
        if Device not in map(type, ends):
            return
        self._sound = sound or MiniaudioSound()
        if not isinstance(choice.audio_in, Device):
            return
        has_speaker = isinstance(choice.audio_out, Device)
        if not settings.voice.does_anything(with_speaker=has_speaker):
            return
        try:
            self._voice = Voice(settings.voice, with_speaker=has_speaker)
        except MissingError as error:
            # A call without echo cancellation is better than none.
            self.notes = (str(error),)

    def microphone(self, chosen: Device) -> Microphone:
        device = self._device(chosen, Way.IN, self._settings.microphone)
        gain_db = self._settings.microphone_db
        return Microphone(self._sound, device, voice=self._voice, gain_db=gain_db)

    def speaker(self, chosen: Device) -> Speaker:
        device = self._device(chosen, Way.OUT, self._settings.speaker)
        gain_db = self._settings.speaker_db
        return Speaker(self._sound, device, voice=self._voice, gain_db=gain_db)

    def _device(
        self, chosen: Device, way: Way, usual: SoundDevice | None
    ) -> SoundDevice | None:
        listed = self._sound.devices(way)
        device = select(listed, chosen.which, way)
        if chosen.which is None and usual is not None:
            # One that is away is asked for all the same: it may come during the call.
            return find_again(usual, listed) or usual
        return device


def _audio_source(chosen: AudioIn, speech: _Speech) -> AudioSource:
    match chosen:
        case Device():
            return speech.microphone(chosen)
        case File(path):
            return FileAudio(Path(path))
        case Hum(hertz):
            return Tone(hertz)
        case Made.SILENCE:
            return Silence()
        case _:
            assert_never(chosen)


def _video_source(chosen: VideoIn) -> VideoSource | None:
    match chosen:
        case Device(which):
            assert not isinstance(which, str)  # cameras have no words of names
            return open_camera(which)
        case Screen(display):
            return open_screen(display)
        case File(path):
            return FileVideo(Path(path))
        case Made.PATTERN:
            return MovingBars()
        case Made.NONE:
            return None
        case _:
            assert_never(chosen)


def _shown(choice: Choice) -> tuple[VideoSource | None, VideoSource | None]:
    """Open the camera, or what stands for one, and the screen."""
    if isinstance(choice.video_in, Screen):
        return None, _video_source(choice.video_in)
    screen = _video_source(choice.screen) if choice.screen else None
    return _video_source(choice.video_in), screen


def _sinks(
    choice: Choice, speech: _Speech, display: Display | None, *, overwrite: bool
) -> tuple[AudioSink | DrivenSink, VideoSink]:
    """Open both sinks together, since one file may be both."""
    audio, video = choice.audio_out, choice.video_out
    with ExitStack() as opened:
        is_one_file = isinstance(audio, File) and audio == video
        shown = _video_sink(video, display, sound=is_one_file, overwrite=overwrite)
        opened.callback(shown.close)
        if isinstance(shown, MovieRecording) and is_one_file:
            sink: AudioSink | DrivenSink = shown
        else:
            sink = _audio_sink(audio, speech, overwrite=overwrite)
        opened.pop_all()
    return sink, shown


def _video_sink(
    chosen: VideoOut, display: Display | None, *, sound: bool, overwrite: bool
) -> VideoSink:
    match chosen:
        case File(path) if is_raw(path):
            return RawPictures(Path(path), overwrite=overwrite)
        case File(path):
            return MovieRecording(Path(path), sound=sound, overwrite=overwrite)
        case Drawn():
            if display is None:
                raise MissingError("no terminal and no window to draw pictures in")
            return display(chosen)
        case Made.NULL:
            return Discard()
        case _:
            assert_never(chosen)


def _audio_sink(
    chosen: AudioOut, speech: _Speech, *, overwrite: bool
) -> AudioSink | DrivenSink:
    match chosen:
        case Device():
            return speech.speaker(chosen)
        case File(path):
            return WavRecording(Path(path), overwrite=overwrite)
        case Made.NULL:
            return Discard()
        case _:
            assert_never(chosen)
