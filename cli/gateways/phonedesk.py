"""One account before whoever sits here: one telephone call at a time.

What happens is shown, and orders are carried out.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, assert_never

from cli.codes import Code
from cli.console import read_input
from cli.gateways.phoneside import Call, Hold, Side
from cli.gateways.phoneview import (
    Act,
    Digits,
    Order,
    Transfer,
    code_of,
    facts,
    line_of,
    mark_facts,
    mark_line,
    parse_order,
)
from cli.output import complain, escape, is_for_programs, note, show
from voip.errors import CallError, RefusedError
from voip.gateway.bridge import Bridge, Port
from voip.gateway.joined import Joined
from voip.gateway.sip.account import parse_uri
from voip.gateway.sip.asking import uri_of
from voip.gateway.sip.call import CallOver, Happened, Secured
from voip.gateway.sip.leg import SipLeg
from voip.gateway.sip.telephone import Telephone, who_is
from voip.gateway.sip.telephony import SipLine

_MAX_LINE = 4096  # bytes; a URI has 128


class Desk:
    """One account before its user; one call at a time."""

    def __init__(self, line: SipLine, side: Side) -> None:
        self._line = line
        self._side = side
        self._telephone: Telephone | None = None
        self._port: Port | None = None
        self._answer: asyncio.Future[bool] | None = None
        self._is_busy = False
        self._closed: Callable[[], bool] = lambda: False
        self._is_leaving = asyncio.Event()

    @property
    def is_busy(self) -> bool:
        """Whether a call goes on, or is being made."""
        return self._is_busy

    def close_when(self, is_closed: Callable[[], bool]) -> None:
        """Refuse calls that come while this is so."""
        self._closed = is_closed

    def is_closed(self) -> bool:
        """Whether nobody new is served."""
        return self._closed()

    async def dial(self, uri: str) -> Code:
        """Make a call, and hold it to its end; one that comes meanwhile is refused."""
        self._is_busy = True
        coming = asyncio.create_task(self._take_calls())
        try:
            return code_of(await self._hold(who_is(uri), lambda one: one.dial(uri)))
        finally:
            coming.cancel()

    async def take_calls(
        self, serving: Coroutine[Any, Any, None] | None = None
    ) -> Code:
        """Take calls until the user leaves; one that comes meanwhile is refused.

        `serving` runs beside it, and ends with it.
        """
        note("waiting for calls; Ctrl-C stops")
        leaving = asyncio.create_task(self._is_leaving.wait())
        work = {
            asyncio.create_task(each)
            for each in (self._take_calls(), serving)
            if each is not None
        }
        done, _ = await asyncio.wait(
            {*work, leaving}, return_when=asyncio.FIRST_COMPLETED
        )
        for each in {*work, leaving} - done:
            each.cancel()
        await asyncio.wait({*work, leaving})
        for each in work & done:
            each.result()
        return Code.DONE

    async def _take_calls(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            async for leg in self._line.incoming():
                if self._is_busy or self._side.is_empty or self.is_closed():
                    leg.end()
                    continue
                # Here, as another may come before the task has begun.
                self._is_busy = True
                tasks.create_task(self._take(leg))

    async def _take(self, leg: SipLeg) -> None:
        who = who_is(leg.peer)
        show({"event": "incoming", "peer": leg.peer}, f"{escape(leg.peer)} calls")
        try:
            if self._side.contact or await self._accepts(leg):
                await self._hold(who, lambda one: one.take(leg), came=leg)
        except* CallError as errors:
            # One call that cannot be is no end of all others.
            refuse(str(_first(errors)))
        finally:
            leg.end()
            self._is_busy = False

    async def _accepts(self, leg: SipLeg) -> bool:
        """Ask the user, until the telephone gives up."""
        answer = self._answer = asyncio.get_running_loop().create_future()
        gone = asyncio.create_task(leg.finished())
        try:
            await asyncio.wait({answer, gone}, return_when=asyncio.FIRST_COMPLETED)
            return answer.done() and answer.result()
        finally:
            gone.cancel()
            self._answer = None

    async def _hold(
        self, name: str, hold: Hold, *, came: SipLeg | None = None
    ) -> CallOver:
        joined = Joined(self._line.counts)
        async with Bridge() as bridge:
            self._port = bridge.port("me")
            self._telephone = telephone = Telephone(
                self._line,
                joined,
                bridge.port("telephone"),
                video=self._side.has_video,
                tell=self._tell,
            )
            ticket = telephone.announce(name)
            show({"event": "announced", **mark_facts(ticket)}, mark_line(ticket))
            try:
                call = Call(
                    telephone=telephone,
                    joined=joined,
                    bridge=bridge,
                    port=self._port,
                    came=came,
                )
                over = await self._side.talk(call, hold)
            finally:
                telephone.hang_up()
                self._telephone = None
        show(facts(over, telephone.ticket), line_of(over))
        return over

    def leave(self) -> None:
        """End the call, and take no other."""
        self._is_leaving.set()
        if self._telephone is not None:
            self._telephone.hang_up()

    def _tell(self, happened: Happened) -> None:
        ticket = None if self._telephone is None else self._telephone.ticket
        if isinstance(happened, CallOver):
            return  # told once, at the end of all
        lines = [line_of(happened)]
        if isinstance(happened, Secured) and ticket is not None:
            lines = [mark_line(ticket)]
        show(facts(happened, ticket), *lines)

    # Orders.

    async def obey(self) -> None:
        """Carry out what is typed."""
        typed, rest = read_input(), b""
        while True:
            *whole, rest = (rest + await typed.get()).split(b"\n")
            rest = rest[-_MAX_LINE:]
            for line in whole:
                try:
                    self._do(parse_order(line.decode(errors="replace")))
                except CallError as error:
                    refuse(str(error))

    def _do(self, order: Order) -> None:
        if isinstance(order, Act) and order in {Act.ACCEPT, Act.DECLINE}:
            if self._answer is None or self._answer.done():
                raise RefusedError("nobody calls")
            self._answer.set_result(order is Act.ACCEPT)
            return
        telephone, port = self._telephone, self._port
        if telephone is None or port is None:
            raise RefusedError("there is no call")
        match order:
            case Digits(digits):
                telephone.press(digits)
            case Transfer(uri):
                telephone.transfer(parse_uri(uri_of(self._line.account, uri)))
            case Act.HOLD | Act.RESUME:
                telephone.hold(on=order is Act.HOLD)
            case Act.MUTE | Act.UNMUTE:
                port.is_muted = order is Act.MUTE
            case Act.HANG_UP:
                telephone.hang_up()
            case Act.ACCEPT | Act.DECLINE:
                raise AssertionError(order)
            case _:
                assert_never(order)


def _first(errors: BaseExceptionGroup[CallError]) -> BaseException:
    error: BaseException = errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def refuse(why: str) -> None:
    """Say what cannot be, or what went wrong."""
    if is_for_programs():
        show({"event": "error", "sentence": why})
    else:
        complain(why)
