"""A relay from its start to its end: the store, the clients, the operator's pages.

Several processes of one relay listen on one port and share a store. The first process
is their parent, serves nobody itself, starts who died again, and passes the wish to end
on to all.
"""

import asyncio
import contextlib
import gc
import os
import signal
import socket
import sys
from asyncio.sslproto import SSLProtocol
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from cli.journal import Event, Journal
from cli.output import note, show
from cli.relayplace import StorePlace, read_secret
from cli.serve import Operations, Reason, parse_listen, serve_operations
from voip.errors import UnreachableError
from voip.identity.card import RelayAddress, format_relay
from voip.signalling.counts import RelayCounts
from voip.signalling.mailbox import Limits
from voip.signalling.relay import RunningRelay, Service, serve_store
from voip.signalling.store import Store
from voip.signalling.store_redis import open_redis
from voip.signalling.store_sqlite import open_sqlite

FIRST_RETRY_S = 1.0
LAST_RETRY_S = 60.0
STEADY_S = 300.0  # who ran for so long did not die of how it was started
TLS_BUFFER_BYTES = 5 << 10  # a frame, and what TLS and the WebSocket put around it
GC_SELDOM = 50_000, 20, 100
"""New objects, and younger collections, before each of the three generations."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the command line asks for.

    Attributes:
        service: how the relay is offered.
        store: where it keeps blobs.
        password_file: the engine's password.
        limits: what it may take up.
        name: how others reach it, where that is not the host.
        workers: how many processes.
        worker: which of them this one is; None is the parent, or the only one.
        metrics: where the operator's pages are; a worker adds its number to the port.
        drain_s: seconds to send clients away in.
        is_json_log: whether events go to stderr as JSON, and nothing else does.
    """

    service: Service
    store: StorePlace
    password_file: Path | None
    limits: Limits
    name: str | None
    workers: int
    worker: int | None
    metrics: str | None
    drain_s: float
    is_json_log: bool


def run(wanted: Wanted) -> None:
    """Serve until interrupted or told to end."""
    journal = Journal(is_json=wanted.is_json_log)
    # Thousands of clients are some million objects that live long. Python would look at
    # all of them several times a second, and everybody would wait: a p99 of 150 ms.
    gc.freeze()
    gc.set_threshold(*GC_SELDOM)
    # asyncio gives each TLS connection a buffer of 256 KiB, and clients are idle: room
    # for a frame is enough, and who sends more at once is read from more often.
    SSLProtocol.max_size = TLS_BUFFER_BYTES
    if wanted.worker is None and wanted.workers > 1:
        asyncio.run(_Parent(wanted, journal).run())
        return
    with asyncio.Runner(loop_factory=_loop_factory(wanted.store)) as runner:
        runner.run(_serve(wanted, journal))


def _loop_factory(
    store: StorePlace,
) -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Give the faster loop, which comes with the same extra as the shared store."""
    if not store.is_shared or sys.platform == "win32":
        return None
    import uvloop  # noqa: PLC0415 - an optional dependency

    return uvloop.new_event_loop


async def _serve(wanted: Wanted, journal: Journal) -> None:
    ended = _asked_to_end()
    counts = RelayCounts()
    journal.write(Event.STARTED)
    async with (
        _open_store(wanted) as store,
        serve_store(store, wanted.service, counts=counts) as running,
        serve_operations(
            _metrics_of(wanted),
            counts,
            {Reason.STORE: running.check},
            _teller(journal),
            warn=_hush if wanted.is_json_log else note,
        ) as operations,
    ):
        if wanted.worker in (None, 0):
            _say(wanted, running.address)
        await ended.wait()
        await _leave(wanted, running, operations, journal)
    journal.write(Event.STOPPED)


async def _leave(
    wanted: Wanted, running: RunningRelay, operations: Operations, journal: Journal
) -> None:
    operations.drain()
    journal.write(Event.DRAINING, clients=running.counts.connections)
    await running.drain(wanted.drain_s)


def _hush(_: str) -> None:
    """Leave stderr to JSON."""


def _teller(journal: Journal) -> Callable[[tuple[Reason, ...]], None]:
    def tell(reasons: tuple[Reason, ...]) -> None:
        if reasons:
            journal.write(Event.NOT_READY, level="error", reasons=[*reasons])
        else:
            journal.write(Event.READY)

    return tell


def _say(wanted: Wanted, bound: RelayAddress) -> None:
    ours = RelayAddress(wanted.name or bound.host, bound.port, pin=bound.pin)
    line = format_relay(ours)
    show({"relay": line}, line)
    if wanted.is_json_log:
        return
    if ours.is_everywhere:
        note(f"nobody can call {ours.host}: --name says how others reach it")
    note("give this line to 'ringfence identity create --relay'; Ctrl-C stops")


@asynccontextmanager
async def _open_store(wanted: Wanted) -> AsyncIterator[Store]:
    place = wanted.store
    if place.path is not None:
        async with open_sqlite(
            place.path, limits=wanted.limits, entropy=os.urandom
        ) as embedded:
            yield embedded
        return
    assert place.url is not None  # one of the two
    password = read_secret(wanted.password_file) if wanted.password_file else None
    async with open_redis(
        place.url, password=password, limits=wanted.limits, entropy=os.urandom
    ) as shared:
        yield shared


def _metrics_of(wanted: Wanted) -> str | None:
    if wanted.metrics is None:
        return None
    host, port = parse_listen(wanted.metrics)
    return f"{host}:{port + (wanted.worker or 0)}"


def _asked_to_end() -> asyncio.Event:
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    return ended


def next_retry_s(retry_s: float, up_s: float) -> float:
    """Say how long to wait before a process that died is started again, in seconds.

    Args:
        retry_s: how long the wait was before; 0 is the first time.
        up_s: how long it ran since.
    """
    if up_s >= STEADY_S:
        return FIRST_RETRY_S
    return max(FIRST_RETRY_S, min(2 * retry_s, LAST_RETRY_S))


class _Parent:
    """Keeps the workers running."""

    def __init__(self, wanted: Wanted, journal: Journal) -> None:
        self._wanted = wanted
        self._journal = journal
        self._ended = asyncio.Event()

    async def run(self) -> None:
        """Start all, and end them together."""
        self._ended = _asked_to_end()
        with _reserved(self._wanted.service) as port:
            async with asyncio.TaskGroup() as tasks:
                for number in range(self._wanted.workers):
                    tasks.create_task(self._keep(number, port))

    async def _keep(self, number: int, port: int) -> None:
        loop, retry_s = asyncio.get_running_loop(), 0.0
        while not self._ended.is_set():
            # The same command line; of an option given twice the last counts.
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "cli", *sys.argv[1:]),
                *("--port", str(port), "--worker", str(number)),
            )
            self._journal.write(Event.WORKER_STARTED, worker=number)
            began = loop.time()
            await self._until_end_of(process)
            self._journal.write(
                Event.WORKER_ENDED,
                level="info" if self._ended.is_set() else "error",
                worker=number,
                code=process.returncode or 0,
            )
            retry_s = next_retry_s(retry_s, loop.time() - began)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(retry_s):
                    await self._ended.wait()

    async def _until_end_of(self, process: asyncio.subprocess.Process) -> None:
        exited = asyncio.create_task(process.wait())
        ended = asyncio.create_task(self._ended.wait())
        try:
            await asyncio.wait([exited, ended], return_when=asyncio.FIRST_COMPLETED)
            if not exited.done():
                process.terminate()
                await exited
        finally:
            ended.cancel()
            if not exited.done():  # we were interrupted
                process.terminate()
                await process.wait()


@contextlib.contextmanager
def _reserved(service: Service) -> Iterator[int]:
    """Hold the port for workers to share; nobody reaches a socket that only binds."""
    family = socket.AF_INET6 if ":" in service.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        try:
            holder.bind((service.host, service.port))
        except OSError as error:
            raise UnreachableError(
                f"cannot listen on {service.host}:{service.port}: {error.strerror}"
            ) from error
        yield int(holder.getsockname()[1])
