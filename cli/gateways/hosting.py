"""Hosts browser guests: links out, guests in, orders from the console."""

import asyncio
import contextlib
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path

import click

from cli.calling import signer_of
from cli.codes import Code
from cli.console import read_input
from cli.gateways import guestview
from cli.gateways.certificate import Certificate
from cli.gateways.guestview import Order, parse_order
from cli.gateways.interrupted import on_interrupt
from cli.output import complain, escape, is_for_programs, note, show
from cli.serve import Reason, serve_operations
from cli.wishes import Wishes
from voip import marks
from voip.conversation import Conversation
from voip.endpoint import Settings
from voip.errors import (
    CallError,
    MalformedError,
    MissingError,
    RefusedError,
    TrustError,
)
from voip.gateway.bridge import Bridge, Port
from voip.gateway.guests.handshake import Media
from voip.gateway.guests.invite import Invites, host_of
from voip.gateway.guests.messages import Server
from voip.gateway.guests.news import GuestEnded
from voip.gateway.guests.pages import fingerprint
from voip.gateway.guests.server import BrowserGateway
from voip.gateway.guests.visit import Guest
from voip.gateway.joined import Joined, LegTicket
from voip.identity.vault import Vault
from voip.media.connect.config import IceConfig
from voip.media.connect.servers import parse_server
from voip.media.plan import MediaPlan
from voip.news import Json
from voip.open import open_endpoint
from voip.signalling.legs import LegKind, LegReason, Mark
from voip.signalling.messages import HangupReason
from voip.upkeep import VaultKeeper

_CODES = {
    HangupReason.NORMAL: Code.DONE,
    HangupReason.DECLINED: Code.REFUSED,
    HangupReason.BUSY: Code.BUSY,
    HangupReason.TIMEOUT: Code.NO_ANSWER,
    HangupReason.SECURITY: Code.DISTRUST,
}
"""How the program ends after its last guest did; else as if nobody was reached."""

_LEG_REASONS = {
    HangupReason.NORMAL: LegReason.NORMAL,
    HangupReason.DECLINED: LegReason.DECLINED,
    HangupReason.BUSY: LegReason.BUSY,
    HangupReason.TIMEOUT: LegReason.NO_ANSWER,
    HangupReason.SECURITY: LegReason.SECURITY,
}
_ME = "me"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosting:
    """What the host wants.

    Attributes:
        url: where guests find the page.
        listen: host and port to serve it on.
        cert, key: PEM files; both or none.
        expires_s: how long a link lives.
        guests: how many links.
        contact: whom to call, too; None: nobody.
        qr: draw links for a telephone's camera.
        metrics: ``HOST:PORT`` for the operator's pages; None: there are none.
    """

    url: str
    listen: tuple[str, int]
    cert: Path | None
    key: Path | None
    expires_s: float
    guests: int
    contact: str | None
    qr: bool
    metrics: str | None


async def host_guests(store: VaultKeeper, hosting: Hosting, wishes: Wishes) -> Code:
    """Serve the page, let guests in and talk with them until all are gone.

    Raises:
        MalformedError: a URL or options that mean nothing.
        RefusedError: plain HTTP beyond this machine.
        MissingError: a device, a file or a library is not there, or the port is taken.
        UnreachableError: the port of the operator's pages is taken.
        ExceptionGroup: of what went wrong beside the calls.
    """
    vault = store.read()
    ice = wishes.ice(vault)
    invites = Invites(hosting.url)
    certificate = _certificate(hosting)
    with closing(wishes.open_ends(None)) as ends:
        async with (
            Bridge() as bridge,
            _gateway(invites, vault, ice, hosting, certificate) as gateway,
            serve_operations(
                hosting.metrics,
                gateway.host.counted,
                {} if certificate is None else {Reason.CERTIFICATE: certificate.check},
            ),
            asyncio.TaskGroup() as tasks,
        ):
            port = bridge.port(_ME)
            port.open()
            host = _Host(gateway, bridge, port, tasks, guests=hosting.guests)
            speaking = tasks.create_task(_speak(host, port, lambda: wishes.plan(ends)))
            calling = tasks.create_task(_call(store, hosting, ice, host))
            _print_links(gateway, hosting)
            with on_interrupt(host.interrupted):
                code = await host.run()
            for each in (speaking, calling):
                each.cancel()
    return code


@asynccontextmanager
async def _gateway(
    invites: Invites,
    vault: Vault,
    ice: IceConfig,
    hosting: Hosting,
    certificate: Certificate | None,
) -> AsyncIterator[BrowserGateway]:
    context = None if certificate is None else certificate.context
    gateway = BrowserGateway(
        invites,
        alias=vault.alias,
        media=Media.AUDIO | Media.VIDEO,
        ice=ice,
        servers=_told(ice),
        reopened=lambda label: _tell(
            {"event": "link opened again", "invite": label}, guestview.reopened(label)
        ),
    )
    async with gateway:
        try:
            await gateway.listen(*hosting.listen, context)
        except OSError as error:
            where = "{}:{}".format(*hosting.listen)
            raise MissingError(f"cannot serve on {where}: {error.strerror}") from error
        whole = fingerprint(gateway.pages)
        files = [f"{page.sha256}  {path}" for path, page in gateway.pages.items()]
        _tell(
            {"event": "serving", "sha256": whole, "files": files},
            f"serving this version's page, sha256 {whole}",
        )
        yield gateway


def _certificate(hosting: Hosting) -> Certificate | None:
    """Read the certificate, and again whenever SIGHUP comes."""
    if hosting.cert is None or hosting.key is None:
        return None
    certificate = Certificate(hosting.cert, hosting.key)
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, certificate.renew)
    return certificate


def _told(ice: IceConfig) -> tuple[Server, ...]:
    """Tell guests of our relays, which are the only ones that both can use."""
    return tuple(
        Server(each.url, each.username or "", credential=each.password or "")
        for each in ice.servers
        if parse_server(each.url).is_relay
    )


def _print_links(gateway: BrowserGateway, hosting: Hosting) -> None:
    for number in range(1, hosting.guests + 1):
        link = gateway.invite(f"link {number}", lifetime_s=hosting.expires_s)
        expires = int(time.time() + hosting.expires_s)
        show({"event": "link", "link": link, "expires": expires}, link)
        if hosting.qr:
            _draw(link)
    note(
        "each link is for one person and one call; whoever gets it first is your"
        " guest, so send it on a way that you trust"
    )


def _draw(link: str) -> None:
    import segno  # noqa: PLC0415 - an extra

    segno.make(link, error="m").terminal(sys.stderr, compact=True)


async def _speak(host: "_Host", port: Port, plan: Callable[[], MediaPlan]) -> None:
    """Open microphone and camera once there is somebody to hear and see them."""
    await host.first_guest.wait()
    await host.bridge.attach(port, plan())


async def _call(
    store: VaultKeeper, hosting: Hosting, ice: IceConfig, host: "_Host"
) -> None:
    """Call the contact, if one is wished for, as soon as a guest is let in."""
    if hosting.contact is None:
        return
    await host.first_guest.wait()
    settings = Settings(plan=host.unused_plan, ice=ice)
    try:
        async with open_endpoint(store, settings, signer=signer_of(store)) as endpoint:
            port = host.bridge.port("contact")
            conversation = await endpoint.dial(
                hosting.contact, plan=port.plan, legs_follow=True
            )
            try:
                await host.hold(conversation, port)
            finally:
                conversation.hang_up()
                await conversation.finished()
    except* CallError as errors:  # the guests are still there
        for error in errors.exceptions:
            _refuse(f"{escape(hosting.contact)}: {escape(str(error))}")


async def keep_told(joined: Joined, conversation: Conversation, port: Port) -> None:
    """Tell a contact of the guests until the call is over or this is cancelled.

    Whose program says what it must not is hung up on, and the guests stay.
    """
    try:
        await joined.add_call(conversation, port)
    except CallError as error:
        conversation.hang_up()
        _refuse(f"{escape(conversation.alias)}: {escape(str(error))}")


def _tell(facts: Json, *lines: str) -> None:
    """Say what happens: to a program on stdout, to a person beside the links."""
    if is_for_programs():
        show(facts)
    else:
        for line in lines:
            click.echo(line, err=True)


def _refuse(why: str) -> None:
    """Say what cannot be."""
    if is_for_programs():
        show({"event": "error", "sentence": why})
    else:
        complain(why)


@dataclass(slots=True)
class _Seat:
    """One guest as the host sees him."""

    number: int
    guest: Guest
    port: Port | None = None
    leg: LegTicket | None = None
    has_matched: bool = False  # the words


class _Host:
    """One who has guests."""

    def __init__(
        self,
        gateway: BrowserGateway,
        bridge: Bridge,
        port: Port,
        tasks: asyncio.TaskGroup,
        *,
        guests: int,
    ) -> None:
        self.bridge = bridge
        self.first_guest = asyncio.Event()
        self._gateway, self._port, self._tasks = gateway, port, tasks
        self._expected = guests
        self._seats: dict[int, _Seat] = {}
        self._count = 0
        self._joined = Joined(gateway.host.counted)
        self._code = Code.DONE
        self._is_over = asyncio.Event()

    async def run(self) -> Code:
        """Have guests until the last is gone."""
        beside = [
            self._tasks.create_task(work) for work in (self._welcome(), self._obey())
        ]
        await self._is_over.wait()
        for each in beside:
            each.cancel()
        return self._code

    def leave(self) -> None:
        """Hang up on everybody."""
        for seat in list(self._seats.values()):
            seat.guest.hang_up()
        self._code = Code.DONE
        self._is_over.set()

    def interrupted(self) -> None:
        """Hang up on everybody, because of Ctrl-C or a service manager."""
        had_guests = self._count > 0
        self.leave()
        if not had_guests:
            self._code = Code.INTERRUPTED

    def unused_plan(self) -> MediaPlan:
        """Refuse calls that come meanwhile: the microphone is the guests'."""
        raise RefusedError("a gateway takes no calls")

    async def hold(self, conversation: Conversation, port: Port) -> None:
        """Keep a call with a contact joined until it is over."""
        telling = self._tasks.create_task(keep_told(self._joined, conversation, port))
        try:
            async for _ in conversation.news():
                pass
        finally:
            telling.cancel()

    async def _welcome(self) -> None:
        while True:
            guest = await self._gateway.guest()
            self._count += 1
            seat = self._seats[self._count] = _Seat(self._count, guest)
            host = host_of(self._gateway.host.origin)
            _tell(
                {
                    "event": "guest at the door",
                    "guest": seat.number,
                    "name": guest.name,
                    "invite": guest.label,
                    "mark": "browser guest",
                    "code": int(Mark.BROWSER_GUEST),
                    "host": host,
                },
                *guestview.at_door(seat.number, guest.name, guest.label, host),
            )
            self._tasks.create_task(self._follow(seat))

    async def _follow(self, seat: _Seat) -> None:
        async for news in seat.guest.news():
            _tell(
                guestview.facts(seat.number, news),
                guestview.sentence(seat.number, news),
            )
            if isinstance(news, GuestEnded):
                self._gone(seat, news)

    def _gone(self, seat: _Seat, ended: GuestEnded) -> None:
        del self._seats[seat.number]
        if seat.leg is not None:
            seat.leg.end(_LEG_REASONS.get(ended.reason, LegReason.LOST))
        if seat.port is not None:
            seat.port.close()
        self._code = _CODES.get(ended.reason, Code.UNREACHABLE)
        if self._count >= self._expected and not self._seats:
            self._is_over.set()

    async def _obey(self) -> None:
        typed = read_input()
        rest = b""
        while chunk := await typed.get():
            *lines, rest = (rest + chunk).split(b"\n")
            for line in filter(None, lines):
                try:
                    self._do(parse_order(line.decode(errors="replace")))
                except CallError as error:
                    _refuse(str(error))

    def _do(self, order: Order) -> None:
        match order.act:
            case "mute" | "unmute":
                self._port.is_muted = order.act == "mute"
            case "leave":
                self.leave()
            case _:
                self._do_with(self._seat(order.guest), order)

    def _seat(self, number: int) -> _Seat:
        seat = self._seats.get(number or max(self._seats, default=0))
        if seat is None:
            raise MalformedError("there is no such guest")
        return seat

    def _do_with(self, seat: _Seat, order: Order) -> None:
        match order.act:
            case "accept":
                self._accept(seat)
            case "decline":
                seat.guest.decline()
            case "hangup":
                seat.guest.hang_up()
            case _:
                self._compare(seat, order.choice)

    def _accept(self, seat: _Seat) -> None:
        guest = seat.guest
        port = self.bridge.port(f"guest {seat.number}")
        guest.accept(port.plan(video=guest.wants_video))
        seat.port = port
        self._tasks.create_task(self._join(seat, port))
        self.first_guest.set()
        assert guest.choices is not None
        _tell(
            {
                "event": "words",
                "guest": seat.number,
                "options": [" ".join(each) for each in guest.choices.options],
            },
            *guestview.offered(seat.number, guest.choices.options),
        )

    async def _join(self, seat: _Seat, port: Port) -> None:
        """Tell everybody of the guest, and him of everybody, before he is heard."""
        guest = seat.guest
        peer = self._joined.add_peer(
            f"guest {seat.number}",
            guest.say,
            refused=lambda: guest.hang_up(
                HangupReason.DECLINED, "does not want who is heard already"
            ),
        )
        guest.acknowledged = peer.acknowledge
        seat.leg = self._joined.want(
            LegKind.BROWSER,
            port,
            mark=Mark.BROWSER_GUEST,
            host=host_of(self._gateway.host.origin),
            name=guest.name,
            video=guest.wants_video,
            peer=peer,
            changed=self._show_leg,
        )
        if seat.has_matched:
            seat.leg.change(words_matched=True)
        try:
            await seat.leg.joined()
        except RefusedError as error:
            guest.hang_up(HangupReason.DECLINED, str(error))
        with contextlib.suppress(asyncio.CancelledError):
            await guest.ended()
        peer.leave()

    def _show_leg(self, ticket: LegTicket) -> None:
        """Show how weak the call is by its legs, and this one by itself."""
        legs, via = self._joined.legs.legs, self._gateway.host.alias
        weakest = marks.weakest(legs)
        _tell(
            {
                "event": "legs",
                "code": int(weakest),
                "mark": marks.NAMES[weakest],
                "legs": [marks.leg_facts(leg, via) for leg in legs],
            },
            *([] if ticket.ended else [escape(marks.sentence(ticket.leg, via))]),
        )

    def _compare(self, seat: _Seat, choice: int | None) -> None:
        try:
            seat.guest.compare(choice)
        except TrustError as error:
            _refuse(f"guest {seat.number}: {escape(str(error))}")
            return
        seat.has_matched = True
        if seat.leg is not None:
            seat.leg.change(words_matched=True)
        _tell(
            {"event": "words", "guest": seat.number, "matched": True},
            f"the words of guest {seat.number} are the same",
        )
