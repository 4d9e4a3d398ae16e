"""Telephone calls, through a worker that knows SIP and nothing else.

Carrier: starts the worker, and again if it ends, and joins it to the calls. ::

    async with SipLine(account, password=..., ca_file=...) as line:
        await line.registered()
        leg = await line.dial("sip:+4930@pbx.example")
        leg.carry(port.plan())
        async for happened in leg.happenings(): ...

The worker is another process and holds the account's password, and nothing of ours: not
a key, not a file, not a variable of the environment. If it ends, telephone calls end.
"""

import asyncio
import importlib.util
import logging
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from voip.errors import (
    NotAllowedError,
    RefusedError,
    UnreachableError,
)
from voip.gateway.counts import End, GatewayCounts, Kind
from voip.gateway.sip.account import SipAccount, parse_uri
from voip.gateway.sip.calls import Calls
from voip.gateway.sip.confine import WALLS
from voip.gateway.sip.frames import (
    Command,
    Event,
    Order,
    Said,
    format_command,
)
from voip.gateway.sip.leg import SipLeg
from voip.gateway.sip.mark import may_be_called
from voip.gateway.sip.pipe import Pipe
from voip.gateway.sip.process import WORKER, running_worker, was_stopped
from voip.gateway.sip.registration import AGAIN_S, Registration
from voip.gateway.sip.settings import format_account_line, format_config
from voip.gateway.sip.statuses import why_unregistered

FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 60.0
"""Before a worker is started again; doubled each time, until one has begun to work."""
START_S = 20.0  # a worker that says nothing for so long is none
BEHIND_BYTES = 4 * 640 * 480
"""What may wait for a worker that does not read; it then loses sound and pictures."""

_NO_WORKER = "the SIP worker does not begin"
_ASKED_FOR_MORE = "the SIP worker asked for what no telephone needs, and was stopped"
_FILTERED = "a filter of system calls around the gateway stops the SIP worker"

_log = logging.getLogger(__name__)


class SipLine:
    """One account, its worker and its calls. Use as ``async with SipLine(...)``.

    Attributes:
        account: what its file says.
        counts: for the metrics page.
        worker_pid: the process that speaks SIP; None while there is none.
        walls: what shuts that process in, of `confine.WALLS`.
    """

    def __init__(  # noqa: PLR0913 -- everything that may be different
        self,
        account: SipAccount,
        *,
        password: str | None = None,
        ca_file: Path | None = None,
        allow_unencrypted: bool = False,
        interface: str | None = None,
        counts: GatewayCounts | None = None,
        trace: Callable[[str], None] | None = None,
        complain: Callable[[str], None] | None = None,
        worker: tuple[str, ...] = WORKER,
        start_s: float = START_S,
        again_s: float = AGAIN_S,
    ) -> None:
        """Take what the account stands on.

        Args:
            account: what its file says.
            password: for the exchange, if it asks for one.
            ca_file: who may vouch for the exchange, PEM; by default whom the system
                trusts.
            allow_unencrypted: the user's word for calls that others can hear, where the
                account's file allows it too.
            interface: the network interface or address to use; by default all.
            counts: where to count.
            trace: hears every message of SIP, with the keys and passwords' proofs that
                are in it: see `voip.gateway.sip.trace`.
            complain: hears, in a sentence, of a worker that cannot be what it should;
                by default the log.
            worker: arguments of the Python that runs it.
            start_s: how long it may take to begin.
            again_s: when to register again, where that failed.

        Raises:
            NotAllowedError: calls of this account can be heard on their way, and that
                was not allowed on the command line and in the file.
        """
        if not may_be_called(account, allowed=allow_unencrypted):
            raise NotAllowedError(
                f"calls by {account.exchange.name} can be heard on their way"
                f" ({account.keying} over {account.transport}): expected"
                " --allow-unencrypted and the account's line 'unencrypted allowed'"
            )
        if importlib.util.find_spec("baresip") is None:
            raise ModuleNotFoundError("no module baresip", name="baresip")
        self.account: Final = account
        self._ca_file = (ca_file or system_authorities()).resolve()
        self._lines = (
            format_config(account, ca_file=str(self._ca_file), interface=interface),
            format_account_line(account, password),
        )
        self._trace = trace
        self._complain = complain or _log.warning
        self._program = worker
        self._start_s, self._again_s = start_s, again_s
        self.counts = counts or GatewayCounts()
        self.worker_pid: int | None = None
        self.walls: tuple[str, ...] = ()
        self._calls = Calls(
            account,
            self.counts,
            may_be_weak=account.may_be_plain and allow_unencrypted,
            send=self._send,
            spare=self._spare,
        )
        self._pipe: Pipe | None = None
        self._is_ready = False
        self._incoming: asyncio.Queue[SipLeg | RefusedError] = asyncio.Queue()

    async def __aenter__(self) -> Self:
        self._registration = Registration(
            self.counts,
            lambda: self._send(format_command(Command(Order.REGISTER))),
            is_trunk=not self.account.register_s,
            again_s=self._again_s,
        )
        self.counts.sip_accounts += 1
        self._keeping = asyncio.create_task(self._keep())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._keeping.cancel()
        with suppress(asyncio.CancelledError):
            await self._keeping
        self.counts.sip_accounts -= 1
        self._registration.close()

    async def registered(self) -> None:
        """Wait until calls can be made, and come.

        Raises:
            NotAllowedError: the exchange does not accept the password; nothing is
                tried again.
            TrustError: its certificate is not accepted; likewise.
            UnreachableError: it does not answer, or the worker cannot begin.
        """
        await self._registration.outcome()

    def dial(self, uri: str, *, video: bool = False) -> SipLeg:
        """Call somebody; who may be called is for `admission` to say before.

        Raises:
            MalformedError: what `parse_uri` raises.
            UnreachableError: there is no worker now.
        """
        uri = parse_uri(uri)
        if self._pipe is None or not self._is_ready:
            raise UnreachableError("the SIP worker is being started again")
        return self._calls.dial(uri, video=video)

    async def incoming(self) -> AsyncIterator[SipLeg]:
        """Give each call that comes.

        Raises:
            RefusedError: what `registered` raises, whenever it comes to that.
        """
        while True:
            came = await self._incoming.get()
            if isinstance(came, RefusedError):
                raise came
            yield came

    @property
    def is_registered(self) -> bool:
        """Whether the exchange knows where we are; a trunk always does."""
        return self._registration.is_on

    @property
    def missing(self) -> tuple[str, ...]:
        """Which of `confine.WALLS` do not stand around the worker of now."""
        return tuple(wall for wall in WALLS if wall not in self.walls)

    # The worker.

    async def _keep(self) -> None:
        """Start the worker, and again whenever it ends, later each time."""
        wait_s = FIRST_WAIT_S
        while True:
            try:
                has_begun = await self._work()
            except OSError as error:  # no descriptor, memory or folder left for one
                self._complain(f"the SIP worker cannot be started: {error.strerror}")
                has_begun = False
            if (refusal := self._registration.refusal) is not None:
                self._incoming.put_nowait(refusal)
                return
            if not has_begun:
                self._registration.fail(UnreachableError(_NO_WORKER))
                self._registration.lose()
            wait_s = FIRST_WAIT_S if has_begun else min(2 * wait_s, LONGEST_WAIT_S)
            self.counts.worker_restarts += 1
            await asyncio.sleep(wait_s)

    async def _work(self) -> bool:
        """Run one worker to its end; gives whether it ever began to work."""
        pipe = Pipe(
            self._take, self._calls.hear, self._calls.see, self._trace or _unheard
        )
        async with running_worker(self._program, self._ca_file, pipe) as process:
            self._pipe, self.worker_pid = pipe, process.pid
            config, account = self._lines
            traces = self._trace is not None
            pipe.write(format_command(Command(Order.CONFIGURE, 0, config, traces)))
            pipe.write(format_command(Command(Order.ACCOUNT, 0, account)))
            loop = asyncio.get_running_loop()
            self._silence = loop.call_later(self._start_s, pipe.close)
            try:
                await pipe.closed.wait()
                has_begun = self._is_ready
            finally:
                self._silence.cancel()
                self._pipe, self.worker_pid, self._is_ready = None, None, False
                self._registration.lose()
                self._calls.lose()
        if was_stopped(process):
            self._complain(_ASKED_FOR_MORE if has_begun else _FILTERED)
        return has_begun

    def _take(self, event: Event) -> None:
        """Take what the worker tells."""
        match event.said:
            case Said.READY:
                self._begin(event.text.split())
            case Said.REGISTERED:
                self._registration.succeed()
            case Said.UNREGISTERED:
                self._unregistered(event)
            case Said.INCOMING:
                self._come(event)
            case Said.REPLACED:
                self._calls.replace(event)
            case Said.CLOSED if event.call == 0:
                # It never rang: the stack found no keys, or no codec, in the offer.
                self.counts.leg_ended(Kind.SIP, End.NO_ENCRYPTION)
            case _:
                self._calls.tell(event)

    def _begin(self, walls: list[str]) -> None:
        self._is_ready = True
        self.walls = tuple(wall for wall in WALLS if wall in walls)
        self._silence.cancel()
        self._registration.begin()

    def _unregistered(self, event: Event) -> None:
        error = why_unregistered(event, self.account)
        self._registration.fail(error)
        if isinstance(error, RefusedError) and self._pipe is not None:
            self._pipe.close()

    def _come(self, event: Event) -> None:
        leg = self._calls.come(event, self._incoming.qsize())
        if leg is not None:
            self._incoming.put_nowait(leg)

    def _send(self, frame: bytes) -> None:
        if self._pipe is not None:
            self._pipe.write(frame)

    def _spare(self, frames: bytes) -> None:
        """Send sound or a picture, unless the worker is behind."""
        if self._pipe is not None and self._pipe.waiting < BEHIND_BYTES:
            self._pipe.write(frames)


def _unheard(text: str) -> None:
    """Hear of a message that nobody asked for."""


def system_authorities() -> Path:
    """Give the file of those whom this system lets vouch for servers.

    Raises:
        UnreachableError: it has none.
    """
    for name in (
        ssl.get_default_verify_paths().cafile,
        "/etc/ssl/certs/ca-certificates.crt",
    ):
        if name and Path(name).is_file():
            return Path(name)
    raise UnreachableError("expected a file of certificate authorities, found none")
