"""The loop that sends sound: 20 ms taken, encoded, packed and handed on at once.

Carrier. From `start` to `stop` a packet leaves every 20 ms, each of its state's size:
while muted, on hold, before the other side verified and while a device is away zeros go
through the same encoder. No task, no queue and no other thread is between the timer and
the socket.
"""

import asyncio
from collections.abc import Callable

from voip.media.audio.opus import Encoder
from voip.media.audio.states import START, AudioState
from voip.media.sources import AudioSource

Recorder = Callable[[bytes, int], None]
"""Gets an encoded frame and its time in samples since the first."""


class Speaking:
    """What this side says.

    Attributes:
        is_open: the source may be read; False until the other side has verified.
        is_muted: the source is read, and zeros are sent.
        is_held: likewise.
        state: what the next packet is sent as.
        on_frame: gets each Opus frame that leaves; None, unless somebody records.
        sent: packets since the start.
        octets: bytes of their payloads, as RTCP's sender report counts them.
        timestamp: the RTP timestamp of the next packet.
        sequence: the sequence number of the next packet.
        silent: packets that the loop's own clock sent as the device owed them.
        dropped: frames of a device that came too late to be sent.
    """

    def __init__(  # noqa: PLR0913 - the start values of a stream
        self,
        source: AudioSource,
        send: Callable[[bytes], None],
        *,
        ssrc: int,
        sequence: int,
        timestamp: int,
        loop: asyncio.AbstractEventLoop,
        encoder: Encoder | None = None,
    ) -> None:
        """Take the source, which is not touched before `is_open`.

        `send` gets each RTP packet, on the loop, and does not raise.

        Raises:
            MissingError: this machine has no Opus at all.
        """
        self.is_open = False
        self.is_muted = False
        self.is_held = False
        self.state: AudioState = START
        self.on_frame: Recorder | None = None

    def start(self) -> None:
        """Send the first packet at once, and one every 20 ms from then on."""
        raise NotImplementedError

    def stop(self) -> None:
        """Send no more; the source stays open. A second call does nothing."""
        raise NotImplementedError

    def tone(self, digits: str) -> None:
        """Send touch tones, after those that wait already.

        Raises:
            MalformedError: a character that is no touch tone.
            LimitError: too many wait.
        """
        raise NotImplementedError
