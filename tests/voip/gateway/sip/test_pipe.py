"""Our end of the socket pair: a worker that hangs is a worker that ended."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.voip.gateway.phones import need_stack, python_worker, until, watch
from tests.voip.simulated import simulated
from voip.gateway.sip.account import parse_account
from voip.gateway.sip.call import CallOver
from voip.gateway.sip.frames import (
    Command,
    Event,
    FrameReader,
    Order,
    Said,
    Sound,
    Traced,
    format_command,
    format_event,
    format_sound,
    format_traced,
)
from voip.gateway.sip.pipe import CLOSE_S, PING_S, SILENT_S, Pipe
from voip.gateway.sip.telephony import SipLine
from voip.signalling.legs import LegReason

TRUNK = parse_account(b"account sip:a@pbx.example\nregister never\n")
HUNG = """\
import os, signal
sock.sendall(format_event(Event(Said.READY)))
os.kill(os.getpid(), signal.SIGSTOP)
"""


@dataclass
class Scene:
    """A pipe, what came through it, and the worker's end, which the test holds."""

    pipe: Pipe
    worker: asyncio.StreamWriter
    reader: asyncio.StreamReader
    taken: list[Event] = field(default_factory=list)
    heard: list[list[Sound]] = field(default_factory=list)
    traced: list[str] = field(default_factory=list)

    async def say(self, data: bytes) -> None:
        self.worker.write(data)
        await asyncio.sleep(0.1)

    async def pings(self) -> int:
        """Read what the parent wrote so far; gives how often it asked."""
        await asyncio.sleep(0.1)
        data = await self.reader.read(1 << 16)
        return FrameReader().feed(data).count(Command(Order.PING))


@asynccontextmanager
async def scene() -> AsyncIterator[Scene]:
    ours, theirs = socket.socketpair()
    taken: list[Event] = []
    heard: list[list[Sound]] = []
    traced: list[str] = []
    _, pipe = await asyncio.get_running_loop().create_unix_connection(
        lambda: Pipe(taken.append, heard.append, lambda _: None, traced.append),
        sock=ours,
    )
    reader, writer = await asyncio.open_unix_connection(sock=theirs)
    yield Scene(pipe, writer, reader, taken, heard, traced)
    pipe.close()
    writer.close()
    await pipe.closed.wait()


@simulated
async def test_what_comes_is_handed_over_by_its_kind() -> None:
    async with scene() as here:
        await here.say(
            format_event(Event(Said.READY))
            + format_sound(1, 0, b"")
            + format_sound(2, 0, b"")
            + format_traced("INVITE")
            + format_event(Event(Said.PONG))
        )

    assert here.taken == [Event(Said.READY)]
    assert here.heard == [[Sound(1, 0, b""), Sound(2, 0, b"")]]
    assert here.traced == [Traced("INVITE").text]


@simulated
async def test_a_worker_is_asked_from_its_first_word_on() -> None:
    async with scene() as here:
        await asyncio.sleep(10 * SILENT_S)
        before = here.pipe.closed.is_set()
        await here.say(format_event(Event(Said.READY)))
        first = await here.pings()
        await asyncio.sleep(PING_S)
        second = await here.pings()

    assert (before, first, second) == (False, 1, 1)


@simulated
async def test_a_worker_that_falls_silent_has_ended() -> None:
    async with scene() as here:
        await here.say(format_event(Event(Said.READY)))
        await asyncio.sleep(SILENT_S - 1)
        before = here.pipe.closed.is_set()
        await asyncio.sleep(PING_S)

        assert (before, here.pipe.closed.is_set()) == (False, True)


@simulated
async def test_a_worker_that_answers_goes_on() -> None:
    async with scene() as here:
        for _ in range(20):
            await here.say(format_event(Event(Said.PONG)))
            await asyncio.sleep(SILENT_S - 1)

        assert not here.pipe.closed.is_set()


@simulated
async def test_a_worker_that_reads_nothing_is_closed_in_time() -> None:
    async with scene() as here:
        here.pipe.write(bytes(1 << 22))  # more than a socket holds
        here.pipe.close()
        here.pipe.close()
        before = here.pipe.closed.is_set()
        await asyncio.sleep(CLOSE_S + 0.1)

        assert (before, here.pipe.closed.is_set()) == (False, True)


@simulated
async def test_a_worker_that_gives_orders_is_none_of_ours() -> None:
    async with scene() as here:
        await here.say(format_command(Command(Order.END, 1)))

        assert here.pipe.closed.is_set()


@simulated
async def test_what_is_no_frame_closes() -> None:
    async with scene() as here:
        await here.say(bytes(8))

        assert here.pipe.closed.is_set()


@pytest.mark.slow
async def test_a_worker_that_hangs_is_replaced_and_its_calls_are_over(
    tmp_path: Path,
) -> None:
    need_stack()
    (tmp_path / "ca").touch()
    line = SipLine(TRUNK, ca_file=tmp_path / "ca", worker=python_worker(HUNG))
    async with line:
        await line.registered()
        first = line.worker_pid
        call = watch(line.dial("sip:1@pbx.example"))
        over = await call.over()
        await until(lambda: line.worker_pid not in {None, first}, 20)

        assert over == CallOver(LegReason.LOST, 0, "the SIP worker ended")
    assert line.worker_pid is None


@pytest.mark.slow
async def test_hanging_up_does_not_wait_for_a_worker_that_hangs(tmp_path: Path) -> None:
    need_stack()
    (tmp_path / "ca").touch()
    line = SipLine(TRUNK, ca_file=tmp_path / "ca", worker=python_worker(HUNG))
    async with line:
        await line.registered()
        call = watch(line.dial("sip:1@pbx.example"))
        call.leg.end()
        over = await call.over()

    assert over.text == "the SIP worker does not answer"
