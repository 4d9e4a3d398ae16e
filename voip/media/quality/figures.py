"""The figures of a call at one moment, as the command line and a library show them.

Rates count whole IPv4 datagrams, as the network does. None means that there is no
such stream, or that nobody could know yet.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioFigures:
    """One second of sound, both ways.

    Attributes:
        state: name of the sender's redundancy state, `N1` to `S2`.
        codec: of what comes.
        bit_rate: of the Opus frames that come, in bit/s; 0 while none came.
        sent_kbps: kbit/s that leave.
        received_kbps: kbit/s that arrive.
        lost: share of the other side's packets that did not arrive, 0 to 1.
        run: mean length of a run of losses, in packets.
        jitter_ms: the 95th percentile of the packets' delay over the fastest.
        hold_ms: how long the frame now played had waited.
        target_ms: how long frames are meant to wait.
        concealed: share of the sound that was made up, 0 to 1.
        stretched: share of the frames that were shortened or lengthened, 0 to 1.
        their_lost: share of our packets that did not arrive there, 0 to 1.
    """

    state: str
    codec: str
    bit_rate: int
    sent_kbps: float
    received_kbps: float
    lost: float
    run: float
    jitter_ms: float
    hold_ms: float
    target_ms: float
    concealed: float
    stretched: float
    their_lost: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoFigures:
    """One second of pictures, one way.

    Attributes:
        codec: `vp8` or `av1`.
        width: of the picture, in pixels.
        height: of the picture, in pixels.
        fps: pictures a second.
        kbps: kbit/s, retransmissions included.
        freezes: gaps over 200 ms since the call began; only of what comes.
        frozen_s: how long they lasted together.
        paused: the sender shows nothing, because the path has no room for it.
    """

    codec: str
    width: int
    height: int
    fps: float
    kbps: float
    freezes: int = 0
    frozen_s: float = 0.0
    paused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaStats:
    """Where the media of a call stand.

    Attributes:
        sent: datagrams since the media began.
        received: datagrams since the media began, forged ones included.
        dropped: those of them that verified under no key, or were not wanted.
        send_epoch: number of the key epoch under which we send.
        receive_epochs: numbers of those that we accept, newest first.
        path: `direct` or `relay`; None before there is one.
        round_trip_ms: smoothed.
        available_kbps: what the path seems to carry from here.
        audio: sound.
        video_out: the camera or screen that we send.
        video_in: the camera or screen that comes.
        microphone: name of the device, if it is one.
        speaker: likewise.
    """

    sent: int
    received: int
    dropped: int
    send_epoch: int
    receive_epochs: tuple[int, ...]
    path: str | None
    round_trip_ms: float | None = None
    available_kbps: float | None = None
    audio: AudioFigures | None = None
    video_out: VideoFigures | None = None
    video_in: VideoFigures | None = None
    microphone: str | None = None
    speaker: str | None = None
