"""What an operator's tools ask of a process: /metrics, /healthz and /readyz.

With `cli.series` the only door to prometheus-client. The pages answer on an address of
their own, off unless asked for, and hold counts and reasons from closed lists: no
alias, key, tag or address of anybody. A scrape must not become a record of calls.

::

    /metrics   counters, as Prometheus reads them
    /healthz   200 while the event loop turns; else 503: start the process again
    /readyz    200 while new work may come here; else 503 and why:
               {"ready": false, "reasons": ["store"]}
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from enum import StrEnum

from aiohttp import web

from cli.output import note
from cli.series import Series
from voip.errors import MalformedError, UnreachableError
from voip.gateway.counts import GatewayCounts
from voip.signalling.address import is_loopback
from voip.signalling.counts import RelayCounts

LAG_S = 1.0  # a loop that is as late does nothing in time any more
_BEAT_S = 0.25
CHECK_S = 10.0  # how old what /readyz says may be
PATIENCE_S = 10.0  # for one check

Check = Callable[[], Awaitable[object]]
"""Raises where new work should not come here."""
Told = Callable[["tuple[Reason, ...]"], None]
"""Told why new work should not come here, whenever that changes."""


class Reason(StrEnum):
    """Why a process does not want new work."""

    STARTING = "starting"
    DRAINING = "draining"
    STORE = "store"
    CERTIFICATE = "certificate"
    SIP_WORKER = "sip_worker"
    SIP_REGISTRATION = "sip_registration"


class Operations:
    """What the pages say; fed by the tasks of `serve_operations`."""

    def __init__(self, checks: Mapping[Reason, Check], told: Told) -> None:
        self.lag_s = 0.0
        self._checks = checks
        self._told = told
        self._reasons: tuple[Reason, ...] = (Reason.STARTING,) if checks else ()
        self._is_draining = False

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Why not to send new work here; empty while it is welcome."""
        return (Reason.DRAINING,) if self._is_draining else self._reasons

    def drain(self) -> None:
        """Want no new work any more."""
        self._is_draining = True

    async def keep_checking(self) -> None:
        """Make all checks, for ever."""
        while True:
            reasons = tuple(
                [reason for reason in self._checks if await self._fails(reason)]
            )
            if reasons != self._reasons:
                self._reasons = reasons
                self._told(reasons)
            await asyncio.sleep(CHECK_S)

    async def keep_beating(self) -> None:
        """See how late the loop is, for ever."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + _BEAT_S
            await asyncio.sleep(_BEAT_S)
            self.lag_s = loop.time() - due

    async def _fails(self, reason: Reason) -> bool:
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._checks[reason]()
        except Exception:  # noqa: BLE001 - also of a bug: who cannot tell is not ready
            return True
        return False


@asynccontextmanager
async def serve_operations(
    address: str | None,
    counts: RelayCounts | GatewayCounts,
    checks: Mapping[Reason, Check] | None = None,
    told: Told = lambda _: None,
    *,
    warn: Callable[[str], None] = note,
) -> AsyncIterator[Operations]:
    """Serve the pages for the length of a block.

    Args:
        address: ``HOST:PORT`` to listen on; None serves nothing.
        counts: what `/metrics` shows.
        checks: what `/readyz` asks, every ten seconds.
        told: is told when the answer changes.
        warn: is told where others than this machine can read the pages.

    Raises:
        ModuleNotFoundError: the library `prometheus_client` is not installed.
        MalformedError: another form of address.
        UnreachableError: the address is taken or not ours.
    """
    operations = Operations(checks or {}, told)
    async with contextlib.AsyncExitStack() as stack:
        tasks = [
            asyncio.create_task(operations.keep_checking()),
            asyncio.create_task(operations.keep_beating()),
        ]
        stack.push_async_callback(_end, tasks)
        if address is not None:
            await stack.enter_async_context(_pages(address, operations, counts, warn))
        yield operations


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


@asynccontextmanager
async def _pages(
    address: str,
    operations: Operations,
    counts: RelayCounts | GatewayCounts,
    warn: Callable[[str], None],
) -> AsyncIterator[None]:
    from prometheus_client import (  # noqa: PLC0415 - an optional dependency
        CONTENT_TYPE_LATEST,
        CollectorRegistry,
        generate_latest,
    )

    registry = CollectorRegistry()
    registry.register(Series(counts, is_ready=lambda: not operations.reasons))
    host, port = parse_listen(address)

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(
            body=generate_latest(registry),
            headers={"Content-Type": CONTENT_TYPE_LATEST},
        )

    async def healthz(_: web.Request) -> web.Response:
        is_well = operations.lag_s < LAG_S
        return web.json_response(
            {"healthy": is_well, "lag_seconds": round(operations.lag_s, 3)},
            status=200 if is_well else 503,
        )

    async def readyz(_: web.Request) -> web.Response:
        reasons = operations.reasons
        return web.json_response(
            {"ready": not reasons, "reasons": list(reasons)},
            status=503 if reasons else 200,
        )

    application = web.Application()
    application.router.add_get("/metrics", metrics)
    application.router.add_get("/healthz", healthz)
    application.router.add_get("/readyz", readyz)
    silent = logging.Logger("operations")  # noqa: LOG001 - outside the tree
    silent.addHandler(logging.NullHandler())
    runner = web.AppRunner(
        application, access_log=None, logger=silent, shutdown_timeout=1.0
    )
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise UnreachableError(
                f"cannot listen on {address}: {error.strerror}"
            ) from error
        if not all(is_loopback(bound[0]) for bound in runner.addresses):
            warn(f"{address}: others can read these pages, which ask nobody who he is")
        yield
    finally:
        await runner.cleanup()


def parse_listen(address: str) -> tuple[str, int]:
    """Read ``HOST:PORT``; an IPv6 address stands in brackets.

    Raises:
        MalformedError: another form.
    """
    host, colon, port = address.rpartition(":")
    if not (colon and host and port.isdecimal() and int(port) <= 65535):
        raise MalformedError(f"expected HOST:PORT, came {address!r}")
    return host.removeprefix("[").removesuffix("]"), int(port)
