"""One call of the SIP stack, and the stack's words for what happens to it in ours.

Alone, as `voip.gateway.sip.worker` is, and a part of it: it knows the stack and nothing
of ours but frames.
"""

from contextlib import suppress

from baresip import (
    AudioNotActive,
    AudioRestarted,
    Call,
    CallState,
    Event,
    StackEvent,
    VideoNotActive,
    VideoRestarted,
)

from voip.errors import MalformedError
from voip.gateway.sip.frames import (
    OURS_SDP,
    PICTURE_SIZE,
    THEIRS_SDP,
    Said,
    Shown,
    format_shown,
    format_sound,
)
from voip.gateway.sip.frames import Event as Tell
from voip.gateway.sip.pace import Cut, is_late
from voip.media.sources import FRAME_BYTES, FRAME_SAMPLES, Picture

_TELLS = {
    Event.REGISTER_OK: Said.REGISTERED,
    Event.REGISTER_FAIL: Said.UNREGISTERED,
    Event.CALL_RINGING: Said.RINGING,
    Event.CALL_PROGRESS: Said.PROGRESS,
    Event.CALL_ESTABLISHED: Said.ESTABLISHED,
    Event.CALL_MENC: Said.ENCRYPTED,
    Event.CALL_HOLD: Said.HELD,
    Event.CALL_RESUME: Said.RESUMED,
    Event.CALL_DTMF_START: Said.DIGIT,
    Event.CALL_TRANSFER: Said.REFERRED,
    Event.CALL_TRANSFER_FAILED: Said.TRANSFER_FAILED,
    Event.CALL_CLOSED: Said.CLOSED,
}
_SDP = {"offer": Said.OFFER, "answer": Said.AGREED}
_WHOSE = {Event.CALL_LOCAL_SDP: OURS_SDP, Event.CALL_REMOTE_SDP: THEIRS_SDP}
_WITH_STATUS = frozenset({Said.UNREGISTERED, Said.TRANSFER_FAILED, Said.CLOSED})


class Line:
    """One call: the stack's, and what moves its sound."""

    def __init__(self, call: Call, number: int) -> None:
        """Take the stack's call, and our number for it."""
        self.call = call
        self.number = number
        self.has_pictures = False
        self._sample = 0
        self._cut = Cut()

    @property
    def is_up(self) -> bool:
        """Whether it was answered."""
        return bool(self.call.state is CallState.ESTABLISHED)

    @property
    def has_sound(self) -> bool:
        """Whether there may be sound: where we called, also before the answer."""
        return self.is_up or bool(self.call.state is CallState.OUTGOING)

    def hear(self) -> bytes:
        """Give the next 20 ms as a frame; an empty one is the beat, and silence."""
        at = self._sample
        self._sample += FRAME_SAMPLES
        return format_sound(self.number, at, self._heard())

    def _heard(self) -> bytes:
        audio = self.call.audio
        try:
            info = audio.info()
            frame = info.rx_sample_rate // 50 * info.rx_channels * 2
            if not (info.rx_ready and frame):
                return b""
            return self._cut.take(audio.read(16 * frame), frame)
        except (AudioNotActive, AudioRestarted):
            self._cut.clear()
            return b""

    def say(self, pcm: bytes) -> None:
        """Hand 20 ms to the stack, unless too much waits there."""
        with suppress(AudioNotActive, AudioRestarted):
            info = self.call.audio.info()
            if info.tx_ready and not is_late(info.tx_buffered, FRAME_BYTES):
                self.call.audio.write(pcm)

    def see(self) -> bytes:
        """Give a picture that came, as a frame; nothing if none did."""
        with suppress(VideoNotActive, VideoRestarted, MalformedError):
            seen = self.call.video.read_frame()
            if seen is not None:
                picture = Picture(seen.width, seen.height, seen.data)
                return format_shown(self.number, seen.timestamp_us, picture)
        return b""

    def show(self, shown: Shown) -> None:
        """Hand a picture to the stack."""
        size = shown.picture.width, shown.picture.height
        with suppress(VideoNotActive, VideoRestarted):
            if size == PICTURE_SIZE:
                self.call.video.write_frame(shown.picture.i420)


def said_of(event: StackEvent, number: int) -> Tell | None:
    """Say in our words what the stack tells of the call of this number; None: nothing.

    Zero is no call, or one that never rang.
    """
    said, text = _TELLS.get(event.event), event.text or ""
    if event.event in _WHOSE:
        said, text = _SDP.get(text), _WHOSE[event.event]
    if said is None:
        return None
    status = 0
    if said in _WITH_STATUS:
        status, text = _split(text)
    return Tell(said, number, status, text)


async def refer(call: Call, checked: str) -> Call | None:
    """Call whom they asked us to call, if it is still whom the parent has checked.

    The stack calls who was named last: between the check and now that may be another,
    and another number may cost money.
    """
    request = call.transfer_request
    if request is None or request.raw != checked:
        await call.reject_transfer(603)
        return None
    return await call.accept_transfer()


def _split(text: str) -> tuple[int, str]:
    """Part `486 Busy Here` into its status and its words; 0 where there is none."""
    head, _, words = text.partition(" ")
    if len(head) == 3 and head.isascii() and head.isdecimal() and "1" <= head[0] <= "6":
        return int(head), words
    return 0, text
