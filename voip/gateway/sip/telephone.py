"""One telephone call, joined to those in a bridge who know of it.

Carrier. First everybody is told how weak the leg will be; then the telephone rings, or
is answered; then sound passes, once the stream has keys. If those turn out weaker than
was told, the port shuts and everybody is told again. ::

    phone = Telephone(line, joined, bridge.port("telephone"))
    phone.announce("+4930")
    over = await phone.dial("sip:+4930@pbx.example")       to its end
    over = await phone.take(leg)                           likewise; a call that came
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from voip.errors import NotAllowedError, RefusedError, UnreachableError
from voip.gateway.admission import admitted
from voip.gateway.bridge import Port
from voip.gateway.joined import Joined
from voip.gateway.sip.account import SipAccount, parse_uri
from voip.gateway.sip.call import (
    Answered,
    CallOver,
    EarlyMedia,
    Happened,
    Held,
    Pressed,
    Referred,
    Secured,
)
from voip.gateway.sip.leg import Replaced, SipLeg
from voip.gateway.sip.mark import expected
from voip.gateway.tickets import LegTicket
from voip.signalling.legs import (
    MAX_HOST_BYTES,
    MAX_NAME_BYTES,
    MAX_TEXT_BYTES,
    LegKind,
    LegReason,
)

MOVE_S = 5.0
"""Within which the worker calls whom it was told to; if it does not, they named yet
another meanwhile."""
UNCHECKED = "not checked yet"
"""In place of the suite until the stack has named it."""

Tell = Callable[[Happened], None]
"""Hears of what happens on the telephone's side."""


class Line(Protocol):
    """Makes telephone calls: a `SipLine`, or what stands for one."""

    @property
    def account(self) -> SipAccount:
        """What its file says."""

    def dial(self, uri: str, *, video: bool = False) -> SipLeg:
        """Call somebody; raises what `SipLine.dial` does."""


@dataclass(slots=True)
class _Party:
    """Who is at the other end, what they are called, and what their keys are."""

    leg: SipLeg
    name: str
    secured: Secured | EarlyMedia | None = None


class Telephone:
    """A place in the bridge for one call.

    Attributes:
        ticket: as the others know the leg; None before `announce`.
        on_digit: hears of each key that is pressed on the telephone.
    """

    def __init__(
        self,
        line: Line,
        joined: Joined,
        port: Port,
        *,
        video: bool = False,
        tell: Tell = lambda _: None,
    ) -> None:
        """Take the port, which `joined` opens and shuts.

        With `video` pictures are offered, if the account has them; `tell` hears of what
        happens.
        """
        self.ticket: LegTicket | None = None
        self.on_digit: Callable[[str], None] = lambda _: None
        self._line = line
        self._joined = joined
        self._port = port
        self._has_video = video and line.account.has_video
        self._tell = tell
        self._parties: list[_Party] = []  # two, during a transfer; the newest last
        self._is_moving = False
        self._moved = asyncio.Event()
        self._end = CallOver(LegReason.NORMAL, 0, "")

    @property
    def is_safe(self) -> bool:
        """Whether the telephone may hear and be heard, as far as its leg goes."""
        return self._leg is not None and self._leg.is_safe

    @property
    def _leg(self) -> SipLeg | None:
        return self._parties[-1].leg if self._parties else None

    def announce(self, name: str) -> LegTicket:
        """Tell everybody of the leg; to be called once, before `dial` and `take`.

        `name` is what they are told of who it is. No mark is promised that was not
        checked: it is what the account leads to at best, and nothing passes before the
        stream is known to be as good.

        Raises:
            LimitError: what `Joined.want` raises.
        """
        account = self._line.account
        self.ticket = self._joined.want(
            LegKind.SIP,
            self._port,
            mark=expected(account),
            host=account.exchange.name[:MAX_HOST_BYTES],
            suite=UNCHECKED,
            name=_cut(name),
            video=self._has_video,
            authenticated=account.is_authenticated,
            changed=self._changed,
        )
        return self.ticket

    async def dial(self, uri: str) -> CallOver:
        """Make a call once everybody knows of it, and hold it to its end.

        Raises:
            MalformedError: what `parse_uri` raises.
        """
        uri = parse_uri(uri)
        try:
            return await self._hold(lambda: self._line.dial(uri, video=self._has_video))
        except UnreachableError as error:
            return self._over(CallOver(LegReason.UNREACHABLE, 0, str(error)))

    async def take(self, leg: SipLeg) -> CallOver:
        """Answer a call that came once everybody knows of it, and hold it."""

        def answer() -> SipLeg:
            leg.answer(video=self._has_video)
            return leg

        try:
            return await self._hold(answer)
        finally:
            leg.end()

    def press(self, digits: str) -> None:
        """Send touch tones; raises what `SipLeg.press` does."""
        if self._leg is not None:
            self._leg.press(digits)

    def hold(self, *, on: bool) -> None:
        """Put the telephone on hold, or take it off."""
        if self._leg is not None and self.ticket is not None:
            self._leg.hold(on=on)
            self.ticket.change(held=on)

    def transfer(self, uri: str) -> None:
        """Ask the telephone to call somebody else; raises what `SipLeg.transfer` does.

        If it does, this call ends.
        """
        if self._leg is not None:
            self._leg.transfer(uri)

    def hang_up(self, reason: LegReason = LegReason.NORMAL, *, text: str = "") -> None:
        """End the call, or give it up; nothing if there is none.

        Those who are told of the leg hear why.
        """
        if self.ticket is not None:
            self.ticket.end(reason, text=text)

    def leave(self) -> None:
        """End the call, if there is one, and leave the bridge."""
        self.hang_up()
        self._port.close()

    async def _hold(self, begin: Callable[[], SipLeg]) -> CallOver:
        """Begin the call when the leg has joined, and see it to its end."""
        assert self.ticket is not None
        try:
            await self.ticket.shown()
        except RefusedError as error:
            return self._over(self._why_not(error))
        leg = begin()
        self._end = CallOver(LegReason.LOST, 0, "the call was left")
        try:
            async with asyncio.TaskGroup() as tasks:
                self._adopt(leg, tasks)
        finally:
            self._over(self._end)
            self._end_all()
        return self._end

    def _why_not(self, error: RefusedError) -> CallOver:
        """Say why the call never began."""
        assert self.ticket is not None
        ended = self.ticket.ended
        reason = LegReason.REFUSED_BY_PEER if ended is None else ended.reason
        return CallOver(reason, 0, (ended.text if ended else "") or str(error))

    def _adopt(self, leg: SipLeg, tasks: asyncio.TaskGroup) -> None:
        """Answer for a call from now on, whether its task ever begins or not."""
        assert self.ticket is not None
        party = _Party(leg, self.ticket.leg.name)
        self._parties.append(party)
        self._moved.set()
        tasks.create_task(self._follow(party, tasks))

    async def _follow(self, party: "_Party", tasks: asyncio.TaskGroup) -> None:
        """Follow one call to its end; one that replaces it beside it."""
        assert self.ticket is not None
        leg = party.leg
        if self.ticket.ended is not None:  # while it was on its way
            leg.end()
        leg.carry(self._port.plan(video=self._has_video))
        try:
            async for happened in leg.happenings():
                if isinstance(happened, Replaced):
                    self._adopt(happened.leg, tasks)
                    continue
                self._obey(party, happened, tasks)
                self._tell(happened)
        finally:
            leg.end()
            self._parties.remove(party)
            self._moved.set()
            if self._parties:
                self._list()
            else:
                self._over(self._end)  # now: somebody may wait for an answer to it

    def _obey(
        self, party: "_Party", happened: Happened, tasks: asyncio.TaskGroup
    ) -> None:
        ticket = self.ticket
        assert ticket is not None
        match happened:
            case Answered():
                self._part_with_others(party)
            case Secured() | EarlyMedia():
                party.secured = happened
                self._list()
            case Held(on):
                ticket.change(held=on)
            case Pressed(digit):
                self.on_digit(digit)
            case Referred(uri) if self._admits(uri) and not self._is_moving:
                self._is_moving = True
                tasks.create_task(self._move(party, uri))
            case Referred(uri):
                party.leg.refer(uri, accept=False)
            case CallOver():
                self._end = happened
            case _:
                pass

    def _list(self) -> None:
        """List who is there now, and as weak as the weakest of them."""
        assert self.ticket is not None
        if not self._is_moving:
            self.ticket.change(name=self._parties[-1].name)
        known = [each.secured for each in self._parties if each.secured is not None]
        if known:
            weakest = max(known, key=lambda each: each.mark)
            self.ticket.change(mark=weakest.mark, suite=weakest.suite)

    async def _move(self, party: "_Party", uri: str) -> None:
        """Call whom they named, once everybody has shown that it is somebody else.

        Both are named: until the other has answered, they are heard.
        """
        ticket, leg = self.ticket, party.leg
        assert ticket is not None
        ticket.change(name=_cut(f"{who_is(uri)}, by {party.name}"))
        try:
            await ticket.shown()
        except RefusedError:
            leg.refer(uri, accept=False)
        else:
            leg.refer(uri, accept=True)
            self._moved.clear()
            with suppress(TimeoutError):  # they named yet another: nobody is called
                async with asyncio.timeout(MOVE_S):
                    await self._moved.wait()
        self._is_moving = False
        if self._parties:
            self._list()

    def _part_with_others(self, party: "_Party") -> None:
        """End those in whose place somebody has answered: they would hear on."""
        for other in self._parties[: self._parties.index(party)]:
            other.leg.end()

    def _admits(self, uri: str) -> bool:
        """Say whether they may send us to somebody else: toll fraud begins so."""
        try:
            admitted(uri, self._line.account.rules)
        except NotAllowedError:
            return False
        return True

    def _changed(self, ticket: LegTicket) -> None:
        if ticket.ended is not None:
            self._end_all()

    def _end_all(self) -> None:
        for party in self._parties:
            party.leg.end()

    def _over(self, over: CallOver) -> CallOver:
        assert self.ticket is not None
        text = over.text.encode()[:MAX_TEXT_BYTES].decode(errors="ignore")
        self.ticket.end(over.reason, status=over.status, text=text)
        return over


def who_is(uri: str) -> str:
    """Give the number or user of a SIP URI that a stranger wrote, to be shown."""
    user = uri.removeprefix("sip:").partition("@")[0]
    return "".join(each for each in user if each.isprintable())


def _cut(text: str) -> str:
    return text.encode()[:MAX_NAME_BYTES].decode(errors="ignore")
