"""The sound of one call, both ways: joins the send loop, the receiver and the ends.

A speaker that is a device pulls from a thread of its own, so one lock lies around the
receiver; it is held for the time of decoding one frame. A speaker without a clock is
handed a frame for each one that is sent.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from typing import ClassVar

from voip.media.audio.hearing import Hearing
from voip.media.audio.jitter import Reception
from voip.media.audio.opus import open_decoder
from voip.media.audio.speaking import Speaking
from voip.media.audio.states import AudioState
from voip.media.sources import (
    FRAME_SAMPLES,
    AudioSink,
    AudioSource,
    DrivenSink,
)

FEW = 2
"""Calls in one process up to which packets are held back until it does not show how
long encoding took. With more they wait for each other, which hides more, and the event
loop would do nothing but wait."""

FrameHook = Callable[[bytes, int], None]
"""Takes an Opus frame and its time in samples since the stream's first."""


class Talk:
    """What this side says and hears.

    Attributes:
        speaking: the send loop, of which the call sets `state`.
    """

    _going: ClassVar[int] = 0
    """How many of this process speak now, whoever's they are."""

    def __init__(  # noqa: PLR0913 -- two ends, two directions
        self,
        source: AudioSource,
        sink: AudioSink | DrivenSink,
        *,
        ssrc: int,
        entropy: Callable[[int], bytes],
        send: Callable[[bytes], None],
        beat: Callable[[float], None],
        failed: Callable[[str], None],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Take the ends, and who hears of packets, of each 20 ms and of a broken end.

        `sleep` holds a packet back, for a millisecond.

        Raises:
            MissingError: this machine has no Opus at all.
        """
        self._loop = asyncio.get_running_loop()
        # Told apart once: asking a protocol takes as long as sealing a packet.
        self._driven = sink if isinstance(sink, DrivenSink) else None
        self._written = None if isinstance(sink, DrivenSink) else sink
        self._send = send
        self._beat = beat
        self._failed = failed
        self._sleep = sleep
        self._lock = threading.Lock()
        self._hearing = Hearing(open_decoder())
        self._keep: FrameHook | None = None
        self._came: list[tuple[bytes, int]] = []  # frames that are to be kept
        self._is_held = False
        self.speaking = Speaking(
            source,
            self._sent,
            ssrc=ssrc,
            # RFC 3711 §3.3.1: far from the wrap, so that no count of it is guessed.
            sequence=int.from_bytes(entropy(2)) >> 1,
            timestamp=int.from_bytes(entropy(4)),
            loop=self._loop,
            sleep=self._hold_back,
        )
        self._is_going = False

    def start(self) -> None:
        """Send and play from now on."""
        if self._driven is not None:
            self._driven.drive(self._pull)
        self._set_going(on=True)
        self.speaking.start()

    def stop(self) -> None:
        """Send no more; what drives itself is its owner's to close."""
        self.speaking.stop()
        self._set_going(on=False)

    def receive(self, packet: bytes, now: float) -> None:
        """Take an RTP packet of the other side's sound, which verified."""
        with self._lock:
            self._hearing.receive(packet, now)
            came, self._came = self._came, []
        # Without the lock: a disk takes its time, and one that is full ends the
        # recording, which unhooks itself.
        if self._keep is not None:
            for frame, at in came:
                self._keep(frame, at)

    def heard_at(self, timestamp: int) -> float | None:
        """Say when the other side's sound of this RTP timestamp is handed to be heard.

        By the loop's clock; None before any was.
        """
        with self._lock:
            return self._hearing.heard_at(timestamp)

    def digits(self) -> str:
        """Give the touch tones that came since this was asked last."""
        with self._lock:
            return self._hearing.digits()

    def set_held(self, on: bool) -> None:  # noqa: FBT001 -- one switch, one value
        """Neither send the user's sound nor play the other side's."""
        self._is_held = self.speaking.is_held = on

    def hook(self, ours: FrameHook | None, theirs: FrameHook | None) -> None:
        """Hand each frame that leaves or came to these, or to nobody any more."""
        self.speaking.on_frame = ours
        self._keep = theirs
        with self._lock:
            self._hearing.on_frame = None if theirs is None else self._note

    @property
    def malformed(self) -> int:
        """How many packets verified and were no sound of ours all the same."""
        return self._hearing.malformed

    @property
    def state(self) -> AudioState:
        """What we send in."""
        return self.speaking.state

    def reception(self) -> Reception:
        """Say how the other side's sound came since this was asked last."""
        with self._lock:
            return self._hearing.receiver.reception()

    def _set_going(self, *, on: bool) -> None:
        Talk._going += on - self._is_going
        self._is_going = on

    def _hold_back(self, seconds: float) -> None:
        if Talk._going <= FEW:
            self._sleep(seconds)

    def _note(self, frame: bytes, at: int) -> None:
        self._came.append((frame, at))

    def _sent(self, packet: bytes) -> None:
        self._send(packet)
        now = self._loop.time()
        if self._written is not None:
            self._write(self._written)
        self._beat(now)

    def _write(self, sink: AudioSink) -> None:
        try:
            sink.write(self._pull(FRAME_SAMPLES))
        except OSError as error:
            # A full disk under a WAV, say. What the user says is not concerned.
            self._written = None
            self._failed(str(error))

    def _pull(self, samples: int) -> bytes:
        """Give sound to play; from any thread."""
        with self._lock:
            pcm = self._hearing.pull(samples, self._loop.time())
        # Pulled while held too: what was said then must not come out afterwards.
        return bytes(len(pcm)) if self._is_held else pcm
