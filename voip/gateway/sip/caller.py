"""One contact's call to the gateway, and the telephones that they ask for in it.

Carrier. ::

    contact                         gateway                           exchange
       │ calls ───────────────────────▶│ LEGS, empty, then ACCEPT          │
       │ LEG_ASK office ──────────────▶│ trust, grant, rules, time         │
       │◀──────── LEGS, office announced│                                  │
       │ LEGS_ACK shown ──────────────▶│ only now: INVITE ────────────────▶│
       │◀────────── LEG_END 0: refused  │                                  │
       │ LEG_END 1 ───────────────────▶│ BYE ─────────────────────────────▶│

Whoever hangs up ends every telephone with it.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from voip.asides import Aside
from voip.conversation import Conversation
from voip.errors import CallError, LimitError, NotAllowedError
from voip.gateway.bridge import Bridge, Port
from voip.gateway.counts import GatewayCounts
from voip.gateway.joined import Joined
from voip.gateway.sip.allowance import Allowance
from voip.gateway.sip.asking import Asker, Asking, Refused, Wanted
from voip.gateway.sip.call import CallOver, Happened
from voip.gateway.sip.connecting import CONTACT
from voip.gateway.sip.telephone import Line, Telephone
from voip.gateway.tickets import LegTicket
from voip.identity.contact import Grant
from voip.identity.trust import TrustState
from voip.news import DigitArrived, News, TrustKnown
from voip.signalling.legs import (
    MAX_TEXT_BYTES,
    LegAsk,
    LegEnd,
    LegReason,
)
from voip.upkeep import VaultKeeper


@dataclass(frozen=True, slots=True)
class AskRefused:
    """Nobody is called for them.

    Attributes:
        alias: our name for the contact.
        target: whom they asked for; theirs, so escape it.
        refused: why.
    """

    alias: str
    target: str
    refused: Refused


@dataclass(frozen=True, slots=True)
class PhoneNews:
    """What became of a telephone that a contact asked for.

    Attributes:
        alias: our name for the contact.
        ticket: the leg, as they see it.
        happened: what the telephone did; None: it was announced.
    """

    alias: str
    ticket: LegTicket
    happened: Happened | None


CLOSED = "this gateway is about to stop"

Told = AskRefused | PhoneNews
Tell = Callable[[Told], None]


class Caller:
    """A contact in a call with the gateway."""

    def __init__(  # noqa: PLR0913 -- who calls, and what they may ask for
        self,
        conversation: Conversation,
        line: Line,
        asking: Asking,
        *,
        store: VaultKeeper,
        counts: GatewayCounts | None = None,
        tell: Tell,
        is_closed: Callable[[], bool] = lambda: False,
    ) -> None:
        """Take a call that rings; `store` says what its contact may ask for.

        While it `is_closed`, nobody is dialled for them.
        """
        self._conversation = conversation
        self._line = line
        self._asking = asking
        self._store = store
        self._tell = tell
        self._is_closed = is_closed
        self._has_video = line.account.has_video
        self._joined = Joined(counts)
        self._phones: dict[int, Telephone] = {}
        self._last = 0

    async def run(self) -> None:
        """Accept the call, and serve it to its end.

        Raises:
            UnexpectedEventError: the caller has given up.
            LimitError: they said more than anybody reads.
            MalformedError: they answered to what was never said.
        """
        conversation = self._conversation
        async with Bridge() as self._bridge:
            port = self._bridge.port(CONTACT)
            try:
                async with asyncio.TaskGroup() as self._tasks:
                    telling = self._tasks.create_task(self._hear(port))
                    await asyncio.sleep(0)  # they are told of our legs before ACCEPT
                    conversation.accept(
                        video=self._has_video,
                        plan=lambda: port.plan(video=self._has_video),
                    )
                    async for news in conversation.news():
                        self._take(news)
                    self._end_all(LegReason.NORMAL)
                    telling.cancel()
            except ExceptionGroup as group:
                expected, faults = group.split(CallError)
                if expected is None or faults is not None:
                    raise  # a fault of ours, which must not pass for one of theirs
                raise _first(expected) from None
            finally:
                self._end_all(LegReason.NORMAL)
                conversation.hang_up()

    async def _hear(self, port: Port) -> None:
        await self._joined.add_call(self._conversation, port, heard=self._heard)

    def _take(self, news: News) -> None:
        match news:
            case DigitArrived(digit) if self._phones:
                with suppress(CallError):
                    self._phones[max(self._phones)].press(digit)
            case TrustKnown(trust) if trust.state is TrustState.BROKEN:
                self._end_all(LegReason.SECURITY)
                self._conversation.hang_up()
            case _:
                pass

    def _heard(self, message: Aside) -> None:
        match message:
            case LegAsk():
                self._ask(message)
            case LegEnd(number) if number in self._phones:
                self._phones[number].hang_up()
            case _:
                pass  # of rooms, or of a leg that is over

    def _ask(self, ask: LegAsk) -> None:
        conversation = self._conversation
        identity = conversation.identity
        if self._is_closed():
            self._refuse(ask.target, _CLOSED)
            return
        try:
            vault = self._store.read()
        except CallError as error:
            self._refuse(ask.target, _because(error))
            return
        contact = vault.contacts.by_identity(identity)
        judged = self._asking.judge(
            ask,
            Asker(
                identity,
                conversation.trust,
                Grant.NONE if contact is None else contact.grant,
            ),
            asyncio.get_running_loop().time(),
        )
        if isinstance(judged, Refused):
            self._refuse(ask.target, judged)
        else:
            calling = self._tasks.create_task(self._call(ask.target, judged))
            # Also where it is cancelled before its first step.
            calling.add_done_callback(lambda _: self._asking.over(identity))

    def _refuse(self, target: str, refused: Refused) -> None:
        self._tell(AskRefused(self._conversation.alias, target, refused))
        end = LegEnd(0, refused.reason, text=_cut(refused.text))
        try:
            self._conversation.say(end)
        except CallError:  # they take none of our answers
            self._conversation.hang_up()

    async def _call(self, target: str, wanted: Wanted) -> None:
        """Call a telephone, and hold it to its end."""
        phone = self._phone()
        allowance = Allowance(self._store, self._conversation.identity)

        def ran_out(error: CallError) -> None:
            refused = _because(error)
            phone.hang_up(refused.reason, text=_cut(refused.text))

        try:
            async with allowance.spending(ran_out):
                await self._hold(phone, wanted)
        except CallError as error:
            self._refuse(target, _because(error))
        finally:
            phone.leave()

    def _phone(self) -> Telephone:
        self._last += 1
        port = self._bridge.port(f"telephone {self._last}")
        phone = Telephone(
            self._line,
            self._joined,
            port,
            video=self._has_video,
            tell=lambda happened: self._follow(phone, happened),
        )
        phone.on_digit = self._press
        return phone

    def _follow(self, phone: Telephone, happened: Happened) -> None:
        if phone.ticket is not None and not isinstance(happened, CallOver):
            self._tell(PhoneNews(self._conversation.alias, phone.ticket, happened))

    async def _hold(self, phone: Telephone, wanted: Wanted) -> None:
        if self._conversation.end is not None:
            return  # they have left meanwhile
        ticket = phone.announce(wanted.name)
        number = ticket.leg.id
        self._phones[number] = phone
        alias = self._conversation.alias
        self._tell(PhoneNews(alias, ticket, None))
        try:
            over = await phone.dial(wanted.uri)
        finally:
            del self._phones[number]
        self._tell(PhoneNews(alias, ticket, over))

    def _press(self, digit: str) -> None:
        with suppress(CallError):  # not connected any more, or a stuck key
            self._conversation.press(digit)

    def _end_all(self, reason: LegReason) -> None:
        for phone in tuple(self._phones.values()):
            phone.hang_up(reason)


_NO_GRANT = "nobody allows you to telephone here any more"
_NOT_NOW = "this gateway cannot call now"
_CLOSED = Refused(LegReason.UNREACHABLE, CLOSED, CLOSED)


def _because(error: CallError) -> Refused:
    """Say why nobody is called, or no longer; paths of ours are not for them."""
    match error:
        case LimitError():
            return Refused(LegReason.NOT_ALLOWED, str(error), str(error))
        case NotAllowedError():
            return Refused(LegReason.NOT_ALLOWED, _NO_GRANT, str(error))
        case _:
            return Refused(LegReason.UNREACHABLE, _NOT_NOW, str(error))


def _cut(text: str) -> str:
    return text.encode()[:MAX_TEXT_BYTES].decode(errors="ignore")


def _first(group: ExceptionGroup[Exception]) -> Exception:
    error: Exception = group
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error
