"""Telephones at the console: what happens is shown, orders are carried out."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import assert_never

from cli.calling import signer_of
from cli.codes import Code
from cli.console import read_input
from cli.gateways.interrupted import on_interrupt
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
from cli.home import Home
from cli.output import complain, escape, is_for_programs, note, show
from cli.serve import Check, Reason, serve_operations
from cli.view import sentence
from cli.wishes import Wishes
from voip.conversation import Conversation
from voip.endpoint import Endpoint, Settings
from voip.errors import CallError, MissingError, RefusedError, UnreachableError
from voip.gateway.bridge import Bridge, Port
from voip.gateway.joined import Joined
from voip.gateway.sip.account import (
    SipAccount,
    parse_account,
    parse_password,
    parse_uri,
)
from voip.gateway.sip.call import CallOver, Happened, Secured
from voip.gateway.sip.connecting import connect
from voip.gateway.sip.leg import SipLeg
from voip.gateway.sip.telephone import Telephone, who_is
from voip.gateway.sip.telephony import SipLine
from voip.media.connect.config import check_config
from voip.media.plan import MediaPlan
from voip.news import News, format_json
from voip.open import open_endpoint

_MAX_LINE = 4096  # bytes; a URI has 128
_MAX_FILE = 1 << 17  # bytes; more is no account and no password

Hold = Callable[[Telephone], Awaitable[CallOver]]
"""Makes or takes a call, once its leg is announced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Phoning:
    """What the command's own options say.

    Attributes:
        account: the account's file.
        dial: whom to call: a URI, or a contact with a number; None takes calls.
        ring: the contact that is called when the telephone rings; None, we are asked.
        contact: whom to join with whom we dial; None, we talk ourselves.
        allow_unencrypted: the user's word for calls that others can hear.
        ca_file: who may vouch for the exchange; None for whom the system trusts.
        interface: the network interface or address for SIP; None for all.
        metrics: ``HOST:PORT`` for the operator's pages; None: there are none.
    """

    account: Path
    dial: str | None
    ring: str | None
    contact: str | None
    allow_unencrypted: bool
    ca_file: Path | None
    interface: str | None
    metrics: str | None


async def phone(home: Home, phoning: Phoning, wishes: Wishes) -> Code:
    """Make a telephone call, or take them until interrupted.

    Raises:
        MalformedError: the account's file.
        RefusedError: the exchange does not want us; there is no such contact.
        MissingError: a file, a device or the SIP stack is not there.
        UnreachableError: the exchange does not answer; the port of the operator's
            pages is taken.
    """
    # A service manager's wish to stop is as good as the user's.
    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))
    account, password = _read_account(phoning.account)
    uri = None if phoning.dial is None else _target(account, phoning.dial)
    contact = phoning.contact if uri else phoning.ring or account.ring
    line = SipLine(
        account,
        password=password,
        ca_file=phoning.ca_file,
        allow_unencrypted=phoning.allow_unencrypted,
        interface=phoning.interface,
    )
    async with (
        serve_operations(phoning.metrics, line.counts, _checks(line)),
        line,
        _side(home, contact, wishes) as side,
    ):
        await line.registered()
        show({"event": "registered"}, f"ready: {account.exchange.name} knows us")
        async with asyncio.TaskGroup() as tasks:
            desk = Desk(line, side)
            obeying = tasks.create_task(desk.obey())
            with on_interrupt(desk.leave):
                code = await (desk.dial(uri) if uri else desk.take_calls())
            obeying.cancel()
        return code


def _checks(line: SipLine) -> dict[Reason, Check]:
    """Say what must be so for calls to be made, and come."""

    async def works() -> None:
        if line.worker_pid is None:
            raise UnreachableError("the SIP worker is being started")

    async def is_registered() -> None:
        if not line.is_registered:
            raise UnreachableError("the exchange does not know where we are")

    return {Reason.SIP_WORKER: works, Reason.SIP_REGISTRATION: is_registered}


def _target(account: SipAccount, said: str) -> str:
    return account.number_of(said) or parse_uri(said)


def _read_account(path: Path) -> tuple[SipAccount, str | None]:
    account = parse_account(_read(path))
    if account.password_file is None:
        return account, None
    secret = path.parent / account.password_file
    try:
        mode = secret.stat().st_mode
    except OSError as error:
        raise MissingError(f"cannot read {str(secret)!r}: {error.strerror}") from error
    if mode & 0o077:
        raise RefusedError(f"password: others can read {str(secret)!r}; chmod 600 it")
    return account, parse_password(_read(secret))


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_MAX_FILE)
    except OSError as error:
        raise MissingError(f"cannot read {str(path)!r}: {error.strerror}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """One telephone call, its leg announced; `came` if they called."""

    telephone: Telephone
    joined: Joined
    bridge: Bridge
    port: Port
    came: SipLeg | None


class Side:
    """Who talks with the telephone: a contact, or whoever sits here."""

    def __init__(
        self,
        endpoint: Endpoint | None,
        contact: str,
        plan: Callable[[], MediaPlan],
        *,
        video: bool,
    ) -> None:
        self.contact = contact
        self.has_video = video
        self._endpoint = endpoint
        self._plan = plan

    async def talk(self, call: _Call, hold: Hold) -> CallOver:
        """Hold a call to its end."""
        if self._endpoint is not None:
            return await connect(
                self._endpoint,
                self.contact,
                call.telephone,
                lambda: hold(call.telephone),
                joined=call.joined,
                bridge=call.bridge,
                tell=_tell_news,
                gone=None if call.came is None else call.came.finished(),
                video=self.has_video,
            )
        call.port.open()
        async with asyncio.TaskGroup() as tasks:
            attaching = call.bridge.attach(call.port, self._plan())
            attached = tasks.create_task(attaching)
            over = await hold(call.telephone)
            attached.cancel()
        return over


@asynccontextmanager
async def _side(home: Home, contact: str | None, wishes: Wishes) -> AsyncIterator[Side]:
    if contact is None:
        # Opened now, so that nobody is called before there is a microphone.
        with closing(wishes.open_ends(None)) as ends:
            plan = wishes.plan(ends)
            yield Side(None, "", lambda: plan, video=wishes.video)
        return
    store = home.open()
    vault = store.read()
    vault.contacts.find(contact)
    ice = wishes.ice(vault)
    check_config(ice)
    settings = Settings(plan=_no_plan, ice=ice, can_ask=False)
    async with open_endpoint(store, settings, signer=signer_of(store)) as endpoint:
        yield Side(endpoint, contact, _no_plan, video=wishes.video)


def _no_plan() -> MediaPlan:
    raise RefusedError("a gateway takes no calls")


class Desk:
    """One account before its user; one call at a time."""

    def __init__(self, line: SipLine, side: Side) -> None:
        self._line = line
        self._side = side
        self._telephone: Telephone | None = None
        self._port: Port | None = None
        self._answer: asyncio.Future[bool] | None = None
        self._is_busy = False
        self._is_leaving = asyncio.Event()

    async def dial(self, uri: str) -> Code:
        """Make a call, and hold it to its end."""
        return code_of(await self._hold(who_is(uri), lambda one: one.dial(uri)))

    async def take_calls(self) -> Code:
        """Take calls until the user leaves; one that comes meanwhile is refused."""
        coming = asyncio.create_task(self._take_calls())
        leaving = asyncio.create_task(self._is_leaving.wait())
        await asyncio.wait({coming, leaving}, return_when=asyncio.FIRST_COMPLETED)
        leaving.cancel()
        if coming.done():
            coming.result()
        else:
            coming.cancel()
        return Code.DONE

    async def _take_calls(self) -> None:
        note("waiting for calls; Ctrl-C stops")
        async with asyncio.TaskGroup() as tasks:
            async for leg in self._line.incoming():
                if self._is_busy:
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
            _refuse(str(_first(errors)))
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
                call = _Call(
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
                    _refuse(str(error))

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
                telephone.transfer(_target(self._line.account, uri))
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


def _refuse(why: str) -> None:
    if is_for_programs():
        show({"event": "error", "sentence": why})
    else:
        complain(why)


def _tell_news(conversation: Conversation, news: News) -> None:
    told = sentence(news)
    if told or is_for_programs():
        lines = [f"{escape(conversation.alias)}: {told}"] if told else []
        show({**format_json(news), "alias": conversation.alias}, *lines)
