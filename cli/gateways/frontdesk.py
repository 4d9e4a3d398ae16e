"""Contacts who ask for telephones, as whoever runs the gateway sees them."""

import asyncio
from collections.abc import Callable

from cli.gateways.phoneside import Side
from cli.gateways.phoneview import facts, line_of, mark_facts, mark_line
from cli.output import escape, is_for_programs, note, show
from voip.endpoint import Endpoint
from voip.gateway.sip.call import Secured
from voip.gateway.sip.caller import AskRefused, PhoneNews
from voip.gateway.sip.reception import CallLeft, CallTaken, Reception, Told
from voip.gateway.sip.telephony import SipLine


class FrontDesk:
    """Takes the calls of contacts, and shows what becomes of them."""

    def __init__(
        self, line: SipLine, side: Side, is_closed: Callable[[], bool]
    ) -> None:
        """While it `is_closed`, nobody new is served."""
        assert side.endpoint is not None
        assert side.store is not None
        self._endpoint = side.endpoint
        self._reception = Reception(
            side.endpoint,
            side.store,
            line,
            counts=line.counts,
            tell=show_told,
            is_closed=is_closed,
        )

    @property
    def is_busy(self) -> bool:
        """Whether anybody is in a call with us."""
        return self._reception.serves > 0

    async def serve(self) -> None:
        """Serve until cancelled."""
        show({"event": "serving"}, "contacts who may ask for a telephone can call now")
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_tell_problems(self._endpoint))
            await self._reception.serve()


async def _tell_problems(endpoint: Endpoint) -> None:
    async for sentence in endpoint.problems():
        if is_for_programs():
            show({"event": "problem", "sentence": sentence})
        else:
            note(escape(sentence))


def show_told(told: Told) -> None:
    """Show what happened, to a program or a person."""
    who = {"alias": told.alias}
    alias = escape(told.alias)
    match told:
        case CallTaken():
            show({"event": "caller", **who}, f"{alias} is here")
        case CallLeft(_, why):
            tail = f": {escape(why)}" if why else ""
            show(
                {"event": "caller-left", **who, "sentence": why}, f"{alias} left{tail}"
            )
        case AskRefused(_, target, refused):
            show(
                {
                    "event": "ask-refused",
                    **who,
                    "target": target,
                    "reason": refused.reason.name.lower(),
                    "sentence": refused.why,
                },
                f"{alias} asks for {escape(target)}: {escape(refused.why)}",
            )
        case PhoneNews():
            _show_phone(told)


def _show_phone(told: PhoneNews) -> None:
    who = {"alias": told.alias}
    happened, ticket = told.happened, told.ticket
    if happened is None:
        show({"event": "announced", **who, **mark_facts(ticket)}, mark_line(ticket))
        return
    line = mark_line(ticket) if isinstance(happened, Secured) else line_of(happened)
    show({**facts(happened, ticket), **who}, f"{escape(told.alias)}: {line}")
