"""A contact and a telephone, joined by this gateway.

Carrier. The contact is told of the telephone before their device rings, so taking the
call is agreeing to it; the telephone rings, or is answered, once they have. Whoever
hangs up first ends both. ::

    phone.announce("+4930")
    over = await connect(endpoint, "bob", phone, lambda: phone.dial(uri), ...)
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from voip.call import State
from voip.conversation import Conversation
from voip.endpoint import Endpoint
from voip.errors import CallError
from voip.events import End
from voip.gateway.bridge import Bridge
from voip.gateway.joined import Joined
from voip.gateway.sip.call import CallOver
from voip.gateway.sip.telephone import Telephone
from voip.news import DigitArrived, News, StateChanged
from voip.signalling.legs import LegReason

CONTACT = "contact"
"""The contact's port in the bridge."""

Tell = Callable[[Conversation, News], None]
"""Hears what happens in the contact's call."""

_WHY_NOT = {
    End.DECLINED: LegReason.DECLINED,
    End.DECLINED_ELSEWHERE: LegReason.DECLINED,
    End.NOT_TAKEN: LegReason.REFUSED_BY_PEER,
    End.BUSY: LegReason.BUSY,
    End.NO_ANSWER: LegReason.NO_ANSWER,
    End.UNCONFIRMED: LegReason.NO_ANSWER,
    End.SECURITY: LegReason.SECURITY,
    End.UNREACHABLE: LegReason.UNREACHABLE,
}


async def connect(  # noqa: PLR0913 -- both sides, and what joins them
    endpoint: Endpoint,
    name: str,
    phone: Telephone,
    hold: Callable[[], Awaitable[CallOver]],
    *,
    joined: Joined,
    bridge: Bridge,
    tell: Tell,
    gone: Awaitable[None] | None = None,
    video: bool = False,
) -> CallOver:
    """Call a contact and, once they have taken it, hold the telephone's call.

    Args:
        endpoint: who we are.
        name: the contact.
        phone: announced already, to nobody yet.
        hold: `Telephone.dial` or `Telephone.take`.
        joined: knows the phone's leg.
        bridge: has the phone's port.
        tell: hears what happens in the contact's call.
        gone: ends when the telephone gave up; the contact's device stops ringing then.
        video: pictures may pass.

    Gives how it ended, on whichever side it did first.

    Raises:
        RefusedError: what `Endpoint.dial` raises; their device cannot be told of legs.
        UnreachableError: what `Endpoint.dial` raises.
    """
    port = bridge.port(CONTACT)
    conversation = await endpoint.dial(
        name, video=video, plan=lambda: port.plan(video=video), legs_follow=True
    )
    stands = asyncio.Event()

    async def listen() -> None:
        async for news in conversation.news():
            if isinstance(news, StateChanged) and news.state is State.ACTIVE:
                stands.set()
            if isinstance(news, DigitArrived):
                phone.press(news.digit)
            tell(conversation, news)
        phone.hang_up()

    def press(digit: str) -> None:
        with suppress(CallError):  # not connected any more, or a stuck key
            conversation.press(digit)

    phone.on_digit = press
    try:
        async with asyncio.TaskGroup() as tasks:
            telling = tasks.create_task(joined.add_call(conversation, port))
            listening = tasks.create_task(listen())
            standing = tasks.create_task(stands.wait())
            leaving = asyncio.ensure_future(gone) if gone is not None else None
            await asyncio.wait(
                {listening, standing, *([leaving] if leaving else [])},
                return_when=asyncio.FIRST_COMPLETED,
            )
            over = await hold() if stands.is_set() else None
            for task in (standing, leaving):
                if task is not None:
                    task.cancel()
            conversation.hang_up()
            await conversation.finished()
            telling.cancel()
    finally:
        conversation.hang_up()
        port.close()
    return over or _not_taken(conversation)


def _not_taken(conversation: Conversation) -> CallOver:
    """Say why the telephone was never connected."""
    end = conversation.end
    reason = LegReason.NORMAL if end is None else _WHY_NOT.get(end, LegReason.NORMAL)
    why = "nothing" if end is None else end.value
    return CallOver(reason, 0, f"the contact did not take the call: {why}")
