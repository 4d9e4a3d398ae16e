"""The SIP worker: a process that knows a SIP stack and one account, and nothing else.

Alone: it is started as ``python -I -m voip.gateway.sip.worker AUTHORITIES`` in an empty
folder, with an empty environment, one end of a socket pair as its standard input, and
no other descriptor. It parses what strangers send, in C and with an old OpenSSL; so it
holds no key of ours, imports nothing that does, and shuts itself in before it reads a
byte (`voip.gateway.sip.confine`). What it says is believed no more than what a stranger
says: see `voip.gateway.sip.frames`.

It decides nothing. It carries out commands, tells what the stack tells, and moves sound
and pictures. It ends when its parent closes the socket, and when the stack dies.
"""

import asyncio
import logging
import socket
import sys
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

from baresip import BaresipError, Call, Config, Runtime, StackEvent, UserAgent

from voip.errors import MalformedError
from voip.gateway.sip.confine import can_look_up, confine
from voip.gateway.sip.frames import (
    PICTURE_SIZE,
    THEIRS,
    Command,
    FrameReader,
    Order,
    Said,
    Shown,
    Sound,
    format_event,
    format_traced,
)
from voip.gateway.sip.frames import Event as Tell
from voip.gateway.sip.stack import Line, refer, said_of

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
LOOK_S = 30.0  # after a change of network, files about names may be out of reach
_SIP_LOG = "baresip.native.sip"


class _Worker:
    """Joins the stack to the socket."""

    def __init__(
        self,
        tasks: asyncio.TaskGroup,
        writer: asyncio.StreamWriter,
        walls: tuple[str, ...],
    ) -> None:
        self._tasks = tasks
        self._walls = walls
        self._writer = writer
        self._runtime = Runtime(native_log_level="error")
        self._loop = asyncio.get_running_loop()
        self._config = ""
        self._is_traced = False
        self._agent: UserAgent | None = None
        self._lines: dict[int, Line] = {}
        self._numbers: dict[int, int] = {}  # by the stack's handle
        self._early: dict[int, list[StackEvent]] = {}
        self._dialling = 0
        self._last = THEIRS

    async def run(self, reader: asyncio.StreamReader) -> None:
        """Obey until the parent closes the socket, and say goodbye."""
        beside = [
            self._tasks.create_task(each)
            for each in (self._beat(), self._look_around())
        ]
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
        for each in beside:
            each.cancel()
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
            case Order.PING:
                self._tell(Tell(Said.PONG))
            case Order.CONFIGURE:
                self._config, self._is_traced = command.text, command.on
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
            sip_trace=self._is_traced,
            extra_config_text=self._config,
        )
        if self._is_traced:
            trace_to(self._trace)
        self._runtime.on_dead = self._die
        await self._runtime.start(config)
        self._runtime.subscribe(self._heard)
        self._agent = await UserAgent.create(self._runtime, line)
        self._agent.on_incoming(self._came)
        self._tell(Tell(Said.READY, text=" ".join(self._walls)))

    async def _dial(self, command: Command) -> None:
        assert self._agent is not None
        try:
            call = await self._agent.dial(command.text, video=command.on)
        except BaresipError as error:
            self._tell(Tell(Said.CLOSED, command.call, 0, str(error)))
        else:
            self._add(call, command.call, pictures=command.on)
        finally:
            self._dialling -= 1
            if not self._dialling:
                self._early.clear()  # of calls that came, and that the stack refused

    async def _act(self, line: Line, command: Command) -> None:
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
        while True:  # to one that no call has: there are fewer of these
            self._last = THEIRS + (self._last + 1 - THEIRS) % THEIRS
            if self._last not in self._lines:
                return self._last

    def _add(self, call: Call, number: int, *, pictures: bool = False) -> None:
        line = self._lines[number] = Line(call, number)
        line.has_pictures = pictures
        self._numbers[call.handle] = number
        for event in self._early.pop(call.handle, []):
            self._heard(event)

    def _heard(self, event: StackEvent) -> None:
        number = self._numbers.get(event.call, 0)
        told = said_of(event, number)
        if told is None:
            return
        if event.call and not number:
            if self._dialling and len(self._early) < MAX_EARLY:
                waiting = self._early.setdefault(event.call, [])
                if len(waiting) < MAX_EARLY:
                    waiting.append(event)
                return
            if told.said is not Said.CLOSED:
                return  # the stack asks nobody yet; it tells all that counts again
        if told.said is Said.CLOSED and number:
            del self._lines[number], self._numbers[event.call]
        self._tell(told)

    async def _look_around(self) -> None:
        """End where no name can be found any more: a fresh worker can again."""
        while True:
            await asyncio.sleep(LOOK_S)
            if not (self._lines or self._dialling or can_look_up()):
                self._writer.close()

    def _die(self) -> None:
        self._tell(Tell(Said.DEAD))
        self._writer.close()

    # Towards the parent.

    def _tell(self, event: Tell) -> None:
        self._writer.write(format_event(event))

    def _trace(self, text: str) -> None:
        """Tell of a message of SIP; called on a thread of the stack's."""
        with suppress(RuntimeError):  # the loop is closed, and the stack not yet
            self._loop.call_soon_threadsafe(self._tell_trace, text)

    def _tell_trace(self, text: str) -> None:
        if self._writer.transport.get_write_buffer_size() < BEHIND_BYTES:
            self._writer.write(format_traced(text))

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
            heard = [line for line in self._lines.values() if line.has_sound]
            frames = [line.hear() for line in heard]
            if beats % PICTURE_EVERY == 0:
                frames += [
                    line.see() for line in heard if line.has_pictures and line.is_up
                ]
            # Who does not read loses the newest: what waits is of one second at most.
            if self._writer.transport.get_write_buffer_size() < BEHIND_BYTES:
                self._writer.write(b"".join(frames))


class _Tracing(logging.Handler):
    """Hands on what the stack logs of SIP."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        super().__init__(logging.DEBUG)
        self._hand_on = tell

    def emit(self, record: logging.LogRecord) -> None:
        """See `logging.Handler`."""
        self._hand_on(record.getMessage())


def trace_to(tell: Callable[[str], None]) -> None:
    """Hand on the stack's log of SIP, on its own threads; no other log is kept."""
    logging.disable(logging.NOTSET)
    log = logging.getLogger(_SIP_LOG)
    log.setLevel(logging.DEBUG)
    log.propagate = False
    log.addHandler(_Tracing(tell))


async def _read(reader: asyncio.StreamReader) -> bytes:
    """Give what came; nothing once the parent is gone, however it went."""
    try:
        return await reader.read(1 << 16)
    except ConnectionError:
        return b""


async def _main(walls: tuple[str, ...]) -> None:
    mine = socket.socket(fileno=0)
    reader, writer = await asyncio.open_unix_connection(sock=mine)
    with suppress(ConnectionError, MalformedError):
        async with asyncio.TaskGroup() as tasks:
            await _Worker(tasks, writer, walls).run(reader)


if __name__ == "__main__":
    standing = confine(Path(sys.argv[1]), Path.cwd())
    # What the stack logs holds addresses and names; what fails is told as an event.
    logging.disable(logging.CRITICAL)
    asyncio.run(_main(standing))
