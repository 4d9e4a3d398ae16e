"""A gateway on loopback for tests: it makes a link, lets the guest in and listens."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tests.voip.gateway.guest_peer import Moving, peak_hz
from tests.voip.gateway.network import Network
from voip.gateway.guests.invite import Invites
from voip.gateway.guests.news import GuestEnded, GuestNews
from voip.gateway.guests.server import BrowserGateway
from voip.gateway.guests.visit import Guest
from voip.media.connect.config import IceConfig, IceServer
from voip.media.pattern import Tone
from voip.media.plan import MediaPlan
from voip.media.sources import Picture


@dataclass
class Kept:
    """A speaker and a window that remember.

    Attributes:
        pcm: what was heard, s16le at 48 kHz.
        pictures: what was shown, the newest 100.
        shown: how many were.
    """

    pcm: bytearray = field(default_factory=bytearray)
    pictures: list[Picture] = field(default_factory=list)
    shown: int = 0

    def write(self, pcm: bytes) -> None:
        self.pcm += pcm

    def show(self, picture: Picture) -> None:
        self.shown += 1
        self.pictures = [*self.pictures[-99:], picture]

    def close(self) -> None:
        pass

    def hz(self, seconds: float = 1.0) -> float:
        """Give the loudest frequency of the last seconds."""
        size = int(seconds * 48_000) * 2
        return peak_hz(bytes(self.pcm[-size:]) * 2)


@dataclass
class Served:
    """What a test holds.

    Attributes:
        gateway: the server.
        invites: of it.
        link: of one guest.
        network: between guests and the page, if it can be cut.
        kept: what the guest said and showed.
        guests: who came, the newest last.
        news: of all of them.
        reopened: labels of links that were opened after their guest had left.
    """

    gateway: BrowserGateway
    invites: Invites
    link: str
    port: int
    network: Network
    kept: Kept = field(default_factory=Kept)
    guests: list[Guest] = field(default_factory=list)
    news: list[GuestNews] = field(default_factory=list)
    reopened: list[str] = field(default_factory=list)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def until(self, ready: Callable[[], object], within_s: float = 15.0) -> None:
        """Wait until something is so, looking when news come and ten times a second."""
        async with asyncio.timeout(within_s):
            while not ready():  # noqa: ASYNC110 - what it waits for has no event
                await asyncio.sleep(0.05)

    @property
    def ended(self) -> GuestEnded | None:
        """The end of the newest guest that ended."""
        ends = [each for each in self.news if isinstance(each, GuestEnded)]
        return ends[-1] if ends else None


@contextlib.asynccontextmanager
async def serving(
    *,
    hz: float = 1000.0,
    video: bool = True,
    accept: bool | None = True,
    expires_s: float = 3600.0,
    relays: Sequence[Mapping[str, str]] = (),
    lent: Sequence[Mapping[str, str]] = (),
    cuttable: bool = False,
) -> AsyncIterator[Served]:
    """Serve the page on 127.0.0.1; whoever comes hears a tone and sees a pattern.

    With `accept` None, the test itself waits for guests at the door. `relays` are TURN
    servers of the host's own, `lent` those that his relay lends him. `cuttable`: the
    page and its sockets are behind a network that can be cut.
    """
    loop = asyncio.get_running_loop()
    # The port is part of the origin, so it has to be known first.
    probe = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = probe.sockets[0].getsockname()[1]
    probe.close()
    await probe.wait_closed()
    invites = Invites(f"http://127.0.0.1:{port}")
    reopened: list[str] = []
    async with BrowserGateway(
        invites, alias="alice", ice=_ice(relays, lent), reopened=reopened.append
    ) as gateway:
        bound = await gateway.listen("127.0.0.1", 0 if cuttable else port)
        network = Network(bound)
        if cuttable:
            await network.listen(port)
        link = gateway.invite(lifetime_s=expires_s)
        served = Served(gateway, invites, link, port, network, reopened=reopened)
        host = loop.create_task(_host(served, hz=hz, video=video, accept=accept))
        try:
            yield served
        finally:
            network.close()
            host.cancel()
            await asyncio.gather(host, return_exceptions=True)


def _ice(
    relays: Sequence[Mapping[str, str]], lent: Sequence[Mapping[str, str]]
) -> IceConfig:
    async def lend() -> tuple[IceServer, ...]:
        return _servers(lent)

    return IceConfig(
        loopback=True, servers=_servers(relays), lender=lend if lent else None
    )


def _servers(listed: Sequence[Mapping[str, str]]) -> tuple[IceServer, ...]:
    return tuple(
        IceServer(url=each["url"], username=each["username"], password=each["password"])
        for each in listed
    )


async def _host(served: Served, *, hz: float, video: bool, accept: bool | None) -> None:
    if accept is None:
        return
    async with asyncio.TaskGroup() as tasks:
        while True:
            guest = await served.gateway.guest()
            served.guests.append(guest)
            if accept:
                guest.accept(plan_of(served.kept, hz=hz, video=video))
            tasks.create_task(_follow(served, guest))


async def _follow(served: Served, guest: Guest) -> None:
    async for news in guest.news():
        served.news.append(news)


def plan_of(kept: Kept, *, hz: float, video: bool) -> MediaPlan:
    """Give a plan that sends a tone and a pattern and keeps what comes."""
    if not video:
        return MediaPlan(audio_source=Tone(hz), audio_sink=kept)
    return MediaPlan(
        audio_source=Tone(hz),
        audio_sink=kept,
        video_source=Moving(),
        video_sink=kept,
    )
