"""`ringfence gateway sip` at work: which line it is, who talks, and what is done."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path

from cli.calling import signer_of
from cli.codes import Code
from cli.gateways.draining import draining
from cli.gateways.frontdesk import FrontDesk
from cli.gateways.lineaccount import read_account
from cli.gateways.lineoptions import Account
from cli.gateways.phonedesk import Desk, refuse
from cli.gateways.phoneside import Side
from cli.gateways.siptrace import sip_trace_to
from cli.home import Home
from cli.output import note, show
from cli.serve import Check, Reason, serve_operations
from cli.wishes import Wishes
from voip.endpoint import Settings
from voip.errors import RefusedError, UnreachableError
from voip.gateway.sip.account import parse_uri
from voip.gateway.sip.asking import uri_of
from voip.gateway.sip.reception import NeverBusy
from voip.gateway.sip.telephony import SipLine
from voip.media.connect.config import check_config
from voip.media.plan import MediaPlan
from voip.open import open_endpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Phoning:
    """What the command's own options say.

    Attributes:
        account: the line, and how it is reached.
        dial: whom to call: a URI, or a contact with a number; None takes calls.
        ring: the contact that is called when the telephone rings; None, we are asked.
        serve: take calls of contacts who may ask for telephones; nobody sits here.
        contact: whom to join with whom we dial; None, we talk ourselves.
        trace: where all SIP is written down; None for nowhere.
        metrics: ``HOST:PORT`` for the operator's pages; None: there are none.
        drain_s: how long calls may take to end when a service manager stops us.
    """

    account: Account
    dial: str | None
    ring: str | None
    serve: bool
    contact: str | None
    trace: Path | None
    metrics: str | None
    drain_s: float


async def phone(home: Home, phoning: Phoning, wishes: Wishes) -> Code:
    """Make a telephone call, or take them until interrupted.

    Raises:
        MalformedError: the account's file.
        RefusedError: the exchange does not want us; there is no such contact.
        MissingError: a file, a device or the SIP stack is not there.
        UnreachableError: the exchange does not answer; the port of the operator's
            pages is taken.
    """
    # While we begin, a service manager's wish to stop is as good as the user's.
    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))
    account, password = read_account(phoning.account.file)
    uri = None if phoning.dial is None else parse_uri(uri_of(account, phoning.dial))
    contact = phoning.contact if uri else phoning.ring or account.ring
    with sip_trace_to(phoning.trace) as trace:
        line = SipLine(
            account,
            password=password,
            ca_file=phoning.account.ca_file,
            allow_unencrypted=phoning.account.allow_unencrypted,
            interface=phoning.account.interface,
            trace=trace,
            complain=refuse,
        )
        async with (
            serve_operations(phoning.metrics, line.counts, _checks(line)) as operations,
            line,
            _side(home, contact, wishes, serve=phoning.serve) as side,
        ):
            await line.registered()
            _tell_ready(line)
            desk = Desk(line, side)
            front = FrontDesk(line, side, desk.is_closed) if phoning.serve else None
            with draining(
                operations,
                leave=desk.leave,
                is_busy=lambda: desk.is_busy or (front is not None and front.is_busy),
                seconds=phoning.drain_s,
            ) as drain:
                desk.close_when(lambda: drain.is_draining)
                async with asyncio.TaskGroup() as tasks:
                    obeying = tasks.create_task(desk.obey())
                    if uri is not None:
                        code = await desk.dial(uri)
                    else:
                        serving = None if front is None else front.serve()
                        code = await desk.take_calls(serving)
                    obeying.cancel()
            return code


def _tell_ready(line: SipLine) -> None:
    host = line.account.exchange.name
    show({"event": "registered", "walls": list(line.walls)}, f"ready: {host} knows us")
    if line.missing:
        note(
            f"the SIP worker is not shut in by {' and '.join(line.missing)}: the kernel"
            " has none, or does not let us"
        )


def _checks(line: SipLine) -> dict[Reason, Check]:
    """Say what must be so for calls to be made, and come."""

    async def works() -> None:
        if line.worker_pid is None:
            raise UnreachableError("the SIP worker is being started")

    async def is_registered() -> None:
        if not line.is_registered:
            raise UnreachableError("the exchange does not know where we are")

    return {Reason.SIP_WORKER: works, Reason.SIP_REGISTRATION: is_registered}


@asynccontextmanager
async def _side(
    home: Home, contact: str | None, wishes: Wishes, *, serve: bool
) -> AsyncIterator[Side]:
    if contact is None and not serve:
        # Opened now, so that nobody is called before there is a microphone.
        with closing(wishes.open_ends(None)) as ends:
            plan = wishes.plan(ends)
            yield Side(None, "", lambda: plan, video=wishes.video)
        return
    store = home.open()
    vault = store.read()
    if contact is not None:
        vault.contacts.find(contact)
    ice = wishes.ice(vault)
    check_config(ice)
    settings = Settings(plan=_no_plan, ice=ice, can_ask=False)
    keeper = NeverBusy(store) if serve else store
    async with open_endpoint(keeper, settings, signer=signer_of(store)) as endpoint:
        if serve:
            await endpoint.listening()
        yield Side(endpoint, contact or "", _no_plan, video=wishes.video, store=keeper)


def _no_plan() -> MediaPlan:
    raise RefusedError("a gateway takes no calls")
