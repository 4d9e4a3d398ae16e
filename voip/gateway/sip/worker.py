"""The SIP worker: a process that knows a SIP stack and one account, and nothing else.

Alone: it is started as ``python -I -m voip.gateway.sip.worker`` with an empty
environment, one end of a socket pair as its standard input, and no other descriptor. It
parses what strangers send, in C and with an old OpenSSL; so it holds no key of ours and
imports nothing that does. What it says is believed no more than what a stranger says:
see `voip.gateway.sip.frames`.

It decides nothing. It carries out commands, tells what the stack tells, and moves sound
and pictures. It ends when its parent closes the socket, and when the stack dies.
"""

import asyncio
import ctypes
import logging
import resource
import signal
import socket
import time
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from baresip import (
    AudioNotActive,
    AudioRestarted,
    BaresipError,
    Call,
    CallState,
    Config,
    Event,
    Runtime,
    StackEvent,
    UserAgent,
    VideoNotActive,
    VideoRestarted,
)

from voip.errors import MalformedError
from voip.gateway.sip.frames import (
    OURS_SDP,
    PICTURE_SIZE,
    THEIRS,
    THEIRS_SDP,
    Command,
    FrameReader,
    Order,
    Said,
    Shown,
    Sound,
    format_event,
    format_shown,
    format_sound,
)
from voip.gateway.sip.frames import Event as Tell
from voip.gateway.sip.pace import Cut, is_late
from voip.media.sources import FRAME_BYTES, FRAME_SAMPLES, Picture

FRAME_S = 0.02
PICTURE_EVERY = 2  # beats; more than 25 pictures a second nobody sends us
MAX_CALLS = 64
MAX_EARLY = 16
"""Events of calls that have no number yet: between dialling and the stack's answer."""
RTP_TIMEOUT_S = 10
STALL_S = 0.2  # a beat this late starts anew instead of catching up
BEHIND_BYTES = 4 * 640 * 480
"""What may wait for the parent; five frames of sound of all calls, or two pictures."""
GOODBYE_S = 2.0

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

_ADDRESS_SPACE = 4 << 30  # bytes; a call has a thread or two, of 8 MiB stack each
_FILE_SIZE = 1 << 16  # bytes; the stack writes its own settings, and nothing else
_DESCRIPTORS = 1024
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38  # prctl(2)


class _Line:
    """One call: the stack's, and what moves its sound."""

    def __init__(self, call: Call, number: int) -> None:
        self.call = call
        self.number = number
        self.has_pictures = False
        self._sample = 0
        self._cut = Cut()

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


class _Worker:
    """Joins the stack to the socket."""

    def __init__(self, tasks: asyncio.TaskGroup, writer: asyncio.StreamWriter) -> None:
        self._tasks = tasks
        self._writer = writer
        self._runtime = Runtime(native_log_level="error")
        self._config = ""
        self._agent: UserAgent | None = None
        self._lines: dict[int, _Line] = {}
        self._numbers: dict[int, int] = {}  # by the stack's handle
        self._early: dict[int, list[StackEvent]] = {}
        self._dialling = 0
        self._last = THEIRS

    async def run(self, reader: asyncio.StreamReader) -> None:
        """Obey until the parent closes the socket, and say goodbye."""
        beat = self._tasks.create_task(self._beat())
        frames = FrameReader()
        while data := await _read(reader):
            for frame in frames.feed(data):
                match frame:
                    case Sound(call, _, pcm) if call in self._lines:
                        self._lines[call].say(pcm)
                    case Shown(call) if call in self._lines:
                        self._lines[call].show(frame)
                    case Command():
                        await self._obey(frame)
                    case _:
                        pass  # of a call that ended meanwhile
        beat.cancel()
        with suppress(TimeoutError, BaresipError):
            async with asyncio.timeout(GOODBYE_S):
                await self._leave()

    async def _leave(self) -> None:
        for line in tuple(self._lines.values()):
            with suppress(BaresipError):
                await line.call.hangup()
        if self._agent is not None:
            with suppress(BaresipError):
                await self._agent.unregister(timeout=GOODBYE_S / 2)
        await self._runtime.close()

    # What the parent asks for.

    async def _obey(self, command: Command) -> None:
        match command.order:
            case Order.CONFIGURE:
                self._config = command.text
            case Order.ACCOUNT:
                await self._open(command.text)
            case Order.REGISTER:
                assert self._agent is not None
                self._spawn(self._agent.register(), 0)
            case Order.DIAL:
                self._dialling += 1
                self._spawn(self._dial(command), command.call)
            case _ if command.call in self._lines:
                self._spawn(self._act(self._lines[command.call], command), command.call)
            case _:
                pass  # it ended meanwhile, and the parent will read so

    async def _open(self, line: str) -> None:
        config = Config(
            max_concurrent_calls=MAX_CALLS,
            rtp_timeout=RTP_TIMEOUT_S,
            video_size=PICTURE_SIZE,
            native_log_level="error",
            extra_config_text=self._config,
        )
        self._runtime.on_dead = self._die
        await self._runtime.start(config)
        self._runtime.subscribe(self._heard)
        self._agent = await UserAgent.create(self._runtime, line)
        self._agent.on_incoming(self._came)
        self._tell(Tell(Said.READY))

    async def _dial(self, command: Command) -> None:
        assert self._agent is not None
        try:
            call = await self._agent.dial(command.text, video=command.on)
        except BaresipError as error:
            self._tell(Tell(Said.CLOSED, command.call, 0, str(error)))
            return
        finally:
            self._dialling -= 1
        self._add(call, command.call, pictures=command.on)

    async def _act(self, line: _Line, command: Command) -> None:
        call = line.call
        match command.order:
            case Order.ANSWER:
                line.has_pictures = command.on
                await call.answer(video=command.on)
            case Order.END:
                await call.hangup()
            case Order.HOLD if command.on:
                await call.hold()
            case Order.HOLD:
                await call.resume()
            case Order.DIGITS:
                await call.send_dtmf(command.text)
            case Order.TRANSFER:
                await call.transfer(command.text)
            case Order.REFER if command.on:
                replacing = await refer(call, command.text)
                if replacing is not None:
                    number = self._next()
                    self._tell(Tell(Said.REPLACED, number, 0, str(line.number)))
                    self._add(replacing, number)
            case _:
                await call.reject_transfer(603)

    def _spawn(self, doing: Coroutine[Any, Any, None], call: int) -> None:
        """Do something beside the rest; what cannot be is told, and ends nothing."""

        async def do() -> None:
            try:
                await doing
            except (BaresipError, ValueError) as error:
                self._tell(Tell(Said.REFUSED, call, 0, str(error)))

        self._tasks.create_task(do())

    # What the stack tells.

    def _came(self, call: Call) -> None:
        number = self._next()
        self._tell(Tell(Said.INCOMING, number, 0, call.peer or ""))
        self._add(call, number)

    def _next(self) -> int:
        self._last = THEIRS + (self._last + 1 - THEIRS) % THEIRS
        return self._last

    def _add(self, call: Call, number: int, *, pictures: bool = False) -> None:
        line = self._lines[number] = _Line(call, number)
        line.has_pictures = pictures
        self._numbers[call.handle] = number
        for event in self._early.pop(call.handle, []):
            self._heard(event)

    def _heard(self, event: StackEvent) -> None:
        said, text = _TELLS.get(event.event), event.text or ""
        if event.event in _WHOSE:
            said, text = _SDP.get(text), _WHOSE[event.event]
        if said is None:
            return
        number = self._numbers.get(event.call, 0)
        if event.call and not number:
            if self._dialling and len(self._early) < MAX_EARLY:
                waiting = self._early.setdefault(event.call, [])
                if len(waiting) < MAX_EARLY:
                    waiting.append(event)
                return
            if said is not Said.CLOSED:
                return  # the stack asks nobody yet; it tells all that counts again
        status = 0
        if said in _WITH_STATUS:
            status, text = _split(text)
        if said is Said.CLOSED and number:
            del self._lines[number], self._numbers[event.call]
        self._tell(Tell(said, number, status, text))

    def _die(self) -> None:
        self._tell(Tell(Said.DEAD))
        self._writer.close()

    # Towards the parent.

    def _tell(self, event: Tell) -> None:
        self._writer.write(format_event(event))

    async def _beat(self) -> None:
        """Move the sound of all calls every 20 ms, and their pictures."""
        due, beats = time.monotonic(), 0
        while True:
            due += FRAME_S
            late = time.monotonic() - due
            if late > STALL_S:
                due += late
            await asyncio.sleep(max(0.0, -late))
            beats += 1
            up = [
                line
                for line in self._lines.values()
                if line.call.state is CallState.ESTABLISHED
            ]
            frames = [line.hear() for line in up]
            if beats % PICTURE_EVERY == 0:
                frames += [line.see() for line in up if line.has_pictures]
            # Who does not read loses the newest: what waits is of one second at most.
            if self._writer.transport.get_write_buffer_size() < BEHIND_BYTES:
                self._writer.write(b"".join(frames))


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


def _confine() -> None:
    """Take away what a SIP stack does not need, in case it is no longer ours."""
    for what, limit in (
        (resource.RLIMIT_CORE, 0),  # a core would hold the password
        (resource.RLIMIT_AS, _ADDRESS_SPACE),
        (resource.RLIMIT_FSIZE, _FILE_SIZE),
        (resource.RLIMIT_NOFILE, _DESCRIPTORS),
    ):
        _, hard = resource.getrlimit(what)
        least = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(what, (least, least))
    libc = ctypes.CDLL(None, use_errno=True)
    for option, value in (
        (_PR_SET_PDEATHSIG, signal.SIGKILL),
        (_PR_SET_DUMPABLE, 0),
        (_PR_SET_NO_NEW_PRIVS, 1),
    ):
        if libc.prctl(option, value, 0, 0, 0):
            raise OSError(ctypes.get_errno(), f"prctl {option}")


async def _read(reader: asyncio.StreamReader) -> bytes:
    """Give what came; nothing once the parent is gone, however it went."""
    try:
        return await reader.read(1 << 16)
    except ConnectionError:
        return b""


async def _main() -> None:
    mine = socket.socket(fileno=0)
    reader, writer = await asyncio.open_unix_connection(sock=mine)
    with suppress(ConnectionError, MalformedError):
        async with asyncio.TaskGroup() as tasks:
            await _Worker(tasks, writer).run(reader)


if __name__ == "__main__":
    _confine()
    # What the stack logs holds addresses and names; what fails is told as an event.
    logging.disable(logging.CRITICAL)
    asyncio.run(_main())
