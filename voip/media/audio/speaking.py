"""The loop that sends sound: 20 ms taken, encoded, packed and handed on.

Carrier. From `start` to `stop` a packet leaves every 20 ms, each of its state's size:
while muted, on hold, before the other side verified and while a device is away zeros go
through the same encoder. No task, no queue and no other thread is between the timer and
the socket; speech takes longer to encode than silence, so what was quick is held back.

The beat is that of the source where it has a clock, as a microphone has; else, and
while a device is away, it is the loop's::

    own clock ── the device has a frame ──> device's clock
        ^                                        │
        └─────── it owes more than 40 ms ────────┘
"""

import contextlib
import time
from collections.abc import Callable
from typing import Protocol

from voip.media.audio.dtmf import ToneSender
from voip.media.audio.opus import Encoder, open_encoder
from voip.media.audio.red import Redundancy
from voip.media.audio.states import START, AudioState
from voip.media.profile import AUDIO_PT
from voip.media.rtp import Header, format_header
from voip.media.sources import (
    FRAME_SAMPLES,
    SAMPLE_RATE,
    SILENCE,
    AudioSource,
    PacedSource,
)

FRAME_S = FRAME_SAMPLES / SAMPLE_RATE
OWED_S = 0.040
"""How late a device may be before silence goes in its place; sound servers hand out
blocks of 20 to 60 ms."""
AHEAD_S = 0.040
"""How early a device may be. What is earlier was said while silence went in its place:
sent as well, it would make the call later by that much for good."""
MAX_LATE_FRAMES = 5
"""After a longer stall the schedule moves, rather than a burst leave."""
TAKES_S = 0.0015
"""From the beat to the packet, whatever was said: encoding takes a third of it on a
machine of today. Where it takes longer the packet leaves when it is ready, and its
time tells speech from silence."""
LATE_S = 0.002
"""Nothing is held back beyond this and `TAKES_S` after it was due: a process with many
calls has no time to wait, and its packets wait for each other anyway."""

_GAIN = 0.05  # how fast the schedule follows a device: a second, far from its jitter
_EARLY_S = 0.001  # loops fire a timer up to the resolution of their clock too early


class Timer(Protocol):
    """What a loop gives for a call that is to come."""

    def cancel(self) -> None:
        """Let it not come."""


class Loop(Protocol):
    """As much of asyncio's loop as sound needs."""

    def time(self) -> float:
        """Say what time it is, in seconds."""

    def call_at(self, when: float, callback: Callable[[], None]) -> Timer:
        """Call once at a time."""

    def call_soon_threadsafe(self, callback: Callable[[], None]) -> object:
        """Call once, soon, on the loop; from any thread.

        Raises:
            RuntimeError: the loop is closed.
        """


class Speaking:
    """What this side says.

    Attributes:
        is_muted: the source is read, and zeros are sent.
        is_held: likewise.
        state: what the next packet is sent as.
        on_frame: gets each Opus frame that leaves, and its time in samples since the
            first; None, unless somebody records.
        sequence: of the next packet.
        timestamp: of the next packet, in samples.
        sent: packets since the start.
        sent_at: the loop's time of the last one, for RTCP's sender report.
        octets: bytes of their payloads, likewise.
        silent: packets with silence because a device had nothing.
        dropped: frames of a device that came too early or too late to be sent.
    """

    def __init__(  # noqa: PLR0913 - the start values of a stream
        self,
        source: AudioSource,
        send: Callable[[bytes], None],
        *,
        ssrc: int,
        sequence: int,
        timestamp: int,
        loop: Loop,
        encoder: Encoder | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Take the source, which is not touched before `is_open`.

        `send` gets each RTP packet, on the loop, and does not raise. `sleep` holds
        one back, for less than `TAKES_S`.

        Raises:
            MissingError: this machine has no Opus at all.
        """
        self.is_muted = False
        self.is_held = False
        self.state: AudioState = START
        self.on_frame: Callable[[bytes, int], None] | None = None
        self.sequence = sequence
        self.timestamp = timestamp
        self.sent = self.octets = self.silent = self.dropped = 0
        self.sent_at = loop.time()
        self._source = source
        # Asked for once: Python takes 10 us to find it out.
        self._paced = source if isinstance(source, PacedSource) else None
        self._send = send
        self._ssrc = ssrc
        self._loop = loop
        self._sleep = sleep
        self._setting = self.state.value
        self._encoder = encoder or open_encoder(self._setting)
        self._encoder.set(self._setting)
        self._redundancy = Redundancy()
        self._tones = ToneSender()
        self._is_open = False
        self._is_paced = False
        self._device_leads = False
        self._due = 0.0  # the beat of the next packet
        self._beat = 0.0  # that of this one
        self._timer: Timer | None = None

    @property
    def is_open(self) -> bool:
        """Whether the source may be read: once the other side has verified."""
        return self._is_open

    @is_open.setter
    def is_open(self, value: bool) -> None:
        if value and self._paced is not None and not self._is_paced:
            self._is_paced = True
            self._paced.pace(self._wake)
        self._is_open = value

    def start(self) -> None:
        """Send the first packet at once, and one every 20 ms from then on."""
        self._due = self._loop.time()
        self._on_time()

    def stop(self) -> None:
        """Send no more; the source stays open. A second call does nothing."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def tone(self, digits: str) -> None:
        """Send touch tones, after those that wait already.

        Raises:
            MalformedError: a character that is no touch tone.
            LimitError: too many wait.
        """
        self._tones.press(digits)

    def _on_time(self) -> None:
        """Send what is due by the loop's clock, unless a device does so by its own."""
        now = self._loop.time()
        self._beat = self._due
        late = now - self._due + _EARLY_S
        owed = 0
        if not self._device_leads or late >= OWED_S:
            self._device_leads = False
            owed = min(int(late / FRAME_S) + 1, MAX_LATE_FRAMES)
            self._due += owed * FRAME_S
            if self._due <= now:
                self._due = now + FRAME_S
        # Before the work: should a source raise, the stream goes on.
        wait = OWED_S if self._device_leads else 0.0
        self._timer = self._loop.call_at(self._due + wait, self._on_time)
        for _ in range(owed):
            if self._is_paced:
                self.silent += 1
                self._speak(SILENCE)
            else:
                self._speak(self._take())

    def _wake(self) -> None:
        """Take note, on any thread, that the device has a frame."""
        with contextlib.suppress(RuntimeError):  # the loop was closed before the device
            self._loop.call_soon_threadsafe(self._on_wake)

    def _on_wake(self) -> None:
        if self._timer is None:
            return
        self._device_leads = True
        self._beat = self._loop.time()
        pcm = self._take()
        now = self._loop.time()
        late = now - self._due
        if late < -AHEAD_S:
            self.dropped += 1
        elif late > MAX_LATE_FRAMES * FRAME_S:
            self.dropped += 1
            self._due += FRAME_S
        else:
            self._due += FRAME_S + _GAIN * late
            self._speak(pcm)

    def _take(self) -> bytes:
        if not self._is_open:
            return SILENCE
        # Read while muted too: what was said then must not come out afterwards.
        pcm = self._source.read()
        return SILENCE if self.is_muted or self.is_held else pcm

    def _speak(self, pcm: bytes) -> None:
        """Encode, pack and send one frame."""
        began = self._loop.time()
        setting = self.state.value
        if setting is not self._setting:
            self._setting = setting
            self._encoder.set(setting)
        frame = self._encoder.encode(pcm)
        payload = self._redundancy.payload(frame, setting, self._tones.next())
        header = Header(
            marker=False,
            payload_type=AUDIO_PT,
            sequence=self.sequence,
            timestamp=self.timestamp,
            ssrc=self._ssrc,
        )
        at = self.sent * FRAME_SAMPLES
        self.sequence = self.sequence + 1 & 0xFFFF
        self.timestamp = self.timestamp + FRAME_SAMPLES & 0xFFFF_FFFF
        self.sent += 1
        self.octets += len(payload)
        self._hold_back(began)
        self.sent_at = self._loop.time()
        self._send(format_header(header) + payload)
        if self.on_frame is not None:
            self.on_frame(frame, at)

    def _hold_back(self, began: float) -> None:
        """Wait until it does not show any more how long encoding took.

        Not by a timer: epoll wakes in whole milliseconds after it began to wait, which
        was when encoding ended.
        """
        left = min(began, self._beat + LATE_S) + TAKES_S - self._loop.time()
        if left > 0:
            self._sleep(left)
