"""What a side sends and takes in a call."""

from dataclasses import dataclass

from voip.media.sources import (
    AudioSink,
    AudioSource,
    DrivenSink,
    VideoSink,
    VideoSource,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaPlan:
    """What this side sends and takes in the call, which closes it at its end.

    Attributes:
        audio_source: a microphone, or what stands for one.
        audio_sink: a speaker; one that drives itself sets the pace of playing.
        video_source: a camera.
        screen_source: a screen, shown beside the camera.
        video_sink: where the other side's camera and screen are shown.
        steady: send pictures in packets of one size at a fixed beat.
        data: the call also carries text and files.
    """

    audio_source: AudioSource
    audio_sink: AudioSink | DrivenSink
    video_source: VideoSource | None = None
    screen_source: VideoSource | None = None
    video_sink: VideoSink | None = None
    steady: bool = False
    data: bool = False

    @property
    def has_pictures(self) -> bool:
        """Whether this side shows or sees pictures at some time of the call."""
        return bool(self.video_source or self.screen_source or self.video_sink)

    def close(self) -> None:
        """Let go of devices and files."""
        self.audio_source.close()
        self.audio_sink.close()
        for end in (self.video_source, self.screen_source, self.video_sink):
            if end is not None:
                end.close()
