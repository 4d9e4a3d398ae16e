"""Hosts browser guests: links out, guests in, orders from the console."""

import asyncio
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

from cli.calling import signer_of
from cli.codes import Code
from cli.console import read_input
from cli.gateways.draining import draining
from cli.gateways.guestphone import GuestPhone
from cli.gateways.guestview import parse_order
from cli.gateways.lineoptions import Account, open_line
from cli.gateways.saying import refuse
from cli.gateways.seats import Seats
from cli.gateways.serving import Serving, read_certificate, serve_guests
from cli.output import escape
from cli.serve import Reason, serve_operations
from cli.wishes import Wishes
from voip.call import State
from voip.conversation import Conversation
from voip.endpoint import Settings
from voip.errors import CallError, RefusedError
from voip.gateway.bridge import Bridge, Port
from voip.gateway.counts import GatewayCounts
from voip.gateway.guests.server import BrowserGateway
from voip.gateway.joined import Joined
from voip.media.connect.config import IceConfig
from voip.media.plan import MediaPlan
from voip.news import StateChanged
from voip.open import open_endpoint
from voip.upkeep import VaultKeeper

_ME = "me"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosting:
    """What the host wants.

    Attributes:
        serving: where guests find the page, and how many are asked.
        contact: whom to call, too; None: nobody.
        account: of telephones; None if none is called.
        dial: which telephone to call with it.
        metrics: ``HOST:PORT`` for the operator's pages; None: there are none.
        drain_s: how long guests may stay when a service manager stops us, in seconds.
    """

    serving: Serving
    contact: str | None
    account: Account | None
    dial: str
    metrics: str | None
    drain_s: float


async def host_guests(store: VaultKeeper, hosting: Hosting, wishes: Wishes) -> Code:
    """Serve the page, let guests in and talk with them until all are gone.

    Raises:
        MalformedError: a URL or options that mean nothing.
        RefusedError: plain HTTP beyond this machine.
        MissingError: a device, a file or a library is not there, or the port is taken.
        UnreachableError: the port of the operator's pages is taken.
        ExceptionGroup: of what went wrong beside the calls.
    """
    ice = wishes.ice(store.read())
    certificate = read_certificate(hosting.serving)
    counted = GatewayCounts()
    checks = {} if certificate is None else {Reason.CERTIFICATE: certificate.check}
    with closing(wishes.open_ends(None)) as ends:
        async with (
            Bridge() as bridge,
            serve_guests(
                hosting.serving,
                store,
                ice=ice,
                counted=counted,
                certificate=certificate,
            ) as gateway,
            serve_operations(hosting.metrics, counted, checks) as operations,
            asyncio.TaskGroup() as tasks,
        ):
            host = _Host(gateway, bridge)
            beside = [
                tasks.create_task(host.speak(lambda: wishes.plan(ends))),
                tasks.create_task(host.obey()),
            ]
            if hosting.account is not None:
                dialling = host.dial(hosting.account, hosting.dial, counted)
                beside.append(tasks.create_task(dialling))
            if hosting.contact is not None:
                calling = host.call(store, hosting.contact, ice)
                beside.append(tasks.create_task(calling))
            with draining(
                operations,
                leave=host.interrupted,
                is_busy=lambda: not host.is_empty,
                seconds=hosting.drain_s,
                shut=host.shut,
            ):
                code = await host.welcome()
            for each in beside:
                each.cancel()
    return code


async def keep_told(joined: Joined, conversation: Conversation, port: Port) -> None:
    """Tell a contact of the guests until the call is over or this is cancelled.

    Whose program says what it must not is hung up on, and the guests stay.
    """
    try:
        await joined.add_call(conversation, port)
    except CallError as error:
        conversation.hang_up()
        refuse(f"{escape(conversation.alias)}: {escape(str(error))}")


class _Host:
    """One who has guests."""

    def __init__(self, gateway: BrowserGateway, bridge: Bridge) -> None:
        self._gateway, self._bridge = gateway, bridge
        self._port = bridge.port(_ME)
        self._port.open()
        self._joined = Joined(gateway.host.counted)
        self._seats = Seats(gateway, bridge, self._joined, changed=self._look)
        self._alias = gateway.host.alias
        self._left: Code | None = None  # we left before the guests did

    async def welcome(self) -> Code:
        """Have guests until the last is gone."""
        self._seats.present([self._alias])
        await self._seats.welcome()
        return self._seats.code if self._left is None else self._left

    @property
    def is_empty(self) -> bool:
        """Whether no guest is here."""
        return self._seats.is_empty

    def shut(self) -> None:
        """Let nobody in any more; their links are good for the next start."""
        self._gateway.is_shut = True

    def interrupted(self) -> None:
        """Hang up on everybody, because of Ctrl-C or a service manager."""
        self._leave(Code.DONE if self._seats.came else Code.INTERRUPTED)

    async def speak(self, plan: Callable[[], MediaPlan]) -> None:
        """Open microphone and camera once there is somebody to hear and see them."""
        await self._seats.first_guest.wait()
        await self._bridge.attach(self._port, plan())

    async def call(self, store: VaultKeeper, contact: str, ice: IceConfig) -> None:
        """Call the contact as soon as a guest is let in."""
        await self._seats.first_guest.wait()
        settings = Settings(plan=_refuse_calls, ice=ice)
        try:
            async with open_endpoint(
                store, settings, signer=signer_of(store)
            ) as endpoint:
                port = self._bridge.port("contact")
                conversation = await endpoint.dial(
                    contact, plan=port.plan, legs_follow=True
                )
                try:
                    await self._hold(conversation, port)
                finally:
                    conversation.hang_up()
                    await conversation.finished()
        except* CallError as errors:  # the guests are still there
            for error in errors.exceptions:
                refuse(f"{escape(contact)}: {escape(str(error))}")

    async def dial(self, account: Account, who: str, counts: GatewayCounts) -> None:
        """Call a telephone as soon as a guest is let in, who may press its keys."""
        try:
            async with open_line(account, counts) as line:
                await self._seats.first_guest.wait()
                phone = GuestPhone(line, self._bridge, self._joined, who)
                self._seats.pressed = phone.press
                await phone.call()
        except* CallError as errors:  # the guests are still there
            for error in errors.exceptions:
                refuse(f"telephone: {escape(str(error))}")

    async def _hold(self, conversation: Conversation, port: Port) -> None:
        """Keep a call with a contact joined until it is over."""
        async with asyncio.TaskGroup() as tasks:
            telling = tasks.create_task(keep_told(self._joined, conversation, port))
            async for news in conversation.news():
                if news == StateChanged(State.ACTIVE):
                    self._seats.present([self._alias, conversation.alias])
            telling.cancel()
        self._seats.present([self._alias])

    async def obey(self) -> None:
        """Carry out what is typed."""
        typed = read_input()
        rest = b""
        while chunk := await typed.get():
            *lines, rest = (rest + chunk).split(b"\n")
            for line in filter(None, lines):
                try:
                    self._do(line.decode(errors="replace"))
                except CallError as error:
                    refuse(str(error))

    def _do(self, line: str) -> None:
        order = parse_order(line)
        match order.act:
            case "mute" | "unmute":
                self._port.is_muted = order.act == "mute"
            case "leave":
                self._leave(Code.DONE)
            case _:
                self._seats.obey(order)

    def _look(self) -> None:
        """Leave once nobody is here and nobody can come."""
        if self._seats.is_empty and not self._seats.open_links:
            self._seats.leave()

    def _leave(self, code: Code) -> None:
        self._left = code
        self._seats.leave()


def _refuse_calls() -> MediaPlan:
    """Refuse calls that come meanwhile: the microphone is the guests'."""
    raise RefusedError("a gateway takes no calls")
