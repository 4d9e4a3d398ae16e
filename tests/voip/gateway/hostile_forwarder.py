"""A forwarding server in this process, which a test may have misbehave."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

from voip.description import Codec, Kind, Stream
from voip.errors import RefusedError
from voip.gateway.rooms.sdp import Far, Near, format_answer, format_offer, parse_far
from voip.gateway.rooms.sfu import Closed, FeedAdded, FeedGone, FeedId, Sdp, SfuEvent
from voip.media.connect.config import IceConfig
from voip.media.dtls import Certificate, DtlsTransport
from voip.media.forwarding import SERVER, SealedPacket
from voip.media.profile import audio_stream, picture_stream
from voip.media.rtp import HEADER_BYTES
from voip.signalling.group import Room

LOOPBACK = IceConfig(loopback=True)

Leg = DtlsTransport[SealedPacket]

Forwards = list[tuple[FeedId, bytes]]
"""In which feeds what is sent."""


def honestly(feed: FeedId, packet: bytes) -> Forwards:
    return [(feed, packet)]


@dataclass(slots=True)
class Feed:
    """What one member publishes."""

    streams: tuple[Stream, ...]
    leg: Leg | None = None
    takers: "dict[Member, Leg]" = field(default_factory=dict)


class Forwarder:
    """The server; `meddle` decides what becomes of each packet.

    Attributes:
        seen: every packet that came, and its feed.
        removed: the feeds that somebody wanted removed, and with which secret.
    """

    def __init__(self) -> None:
        self.meddle: Callable[[FeedId, bytes], Forwards] = honestly
        self.seen: list[tuple[FeedId, bytes]] = []
        self.feeds: dict[FeedId, Feed] = {}
        self._members: list[Member] = []
        self._ids = map(FeedId, itertools.count(1))
        self._numbers = itertools.count()
        self.removed: list[tuple[FeedId, str]] = []
        self.tasks: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def open(self, url: str) -> AsyncIterator["Member"]:
        """Connect a member, whoever that is."""
        del url
        member = Member(self)
        self._members.append(member)
        try:
            yield member
        finally:
            self._members.remove(member)
            await member.close()

    def add(self, feed: Feed, publisher: "Member | None" = None) -> FeedId:
        """Tell all others of a feed; without a publisher it is the server's own."""
        number = next(self._ids)
        self.feeds[number] = feed
        for member in self._members:
            if member is not publisher:
                member.tell(FeedAdded(number))
        return number

    def remove(self, number: FeedId) -> None:
        self.feeds.pop(number, None)
        for member in self._members:
            member.tell(FeedGone(number))

    def end(self, reason: str) -> None:
        """Go away."""
        for member in self._members:
            member.tell(Closed(reason))

    def came(self, number: FeedId, packet: bytes, now: float) -> None:
        del now
        self.seen.append((number, packet))
        for into, each in self.meddle(number, packet):
            self.send(into, each)

    def send(self, number: FeedId, packet: bytes) -> None:
        """Send a packet in a feed, under a sequence number that is the server's."""
        sequence = (next(self._numbers) & 0xFFFF).to_bytes(2)
        for leg in self.feeds[number].takers.values():
            leg.send(SealedPacket(packet[:2] + sequence + packet[4:]))

    def sound(self, number: FeedId) -> list[bytes]:
        """Give the sealed sound that came in a feed, so far."""
        return [p[HEADER_BYTES:] for feed, p in self.seen if feed == number]

    def spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.ensure_future(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)


class Member:
    """The server as one member sees it: an `Sfu`."""

    def __init__(self, server: Forwarder) -> None:
        self._server = server
        self._events: asyncio.Queue[SfuEvent] = asyncio.Queue()
        self._published: FeedId | None = None

    def tell(self, event: SfuEvent) -> None:
        self._events.put_nowait(event)

    async def join(self, ticket: Room) -> None:
        del ticket
        for number in self._server.feeds:
            self.tell(FeedAdded(number))

    async def publish(self, offer: Sdp) -> Sdp:
        far = parse_far(offer)
        feed = Feed(streams_of(far))
        number = self._published = self._server.add(feed, self)
        feed.leg = leg = _leg(partial(self._server.came, number), controlling=False)
        near = Near(description=await leg.gather(), fingerprint=leg.fingerprint)
        self._server.spawn(_connect(leg, far, we_begin=True))
        return format_answer(near, far)

    async def subscribe(self, feed: FeedId) -> Sdp:
        found = self._server.feeds.get(feed)
        if found is None:
            raise RefusedError("no such feed")
        leg = found.takers[self] = _leg(_nothing, controlling=True)
        near = Near(description=await leg.gather(), fingerprint=leg.fingerprint)
        return format_offer(near, found.streams)

    async def answer(self, feed: FeedId, sdp: Sdp) -> None:
        leg = self._server.feeds[feed].takers[self]
        self._server.spawn(_connect(leg, parse_far(sdp), we_begin=False))

    async def remove(self, feed: FeedId, *, secret: str) -> None:
        self._server.removed.append((feed, secret))
        if feed not in self._server.feeds:
            raise RefusedError("no such feed")
        self._server.remove(feed)

    async def unsubscribe(self, feed: FeedId) -> None:
        found = self._server.feeds.get(feed)
        if found is not None and (leg := found.takers.pop(self, None)) is not None:
            await leg.close()

    async def events(self) -> AsyncIterator[SfuEvent]:
        while True:
            event = await self._events.get()
            yield event
            if isinstance(event, Closed):
                return

    async def close(self) -> None:
        for number in tuple(self._server.feeds):
            await self.unsubscribe(number)
        if self._published is not None:
            feed = self._server.feeds[self._published]
            self._server.remove(self._published)
            for leg in (feed.leg, *feed.takers.values()):
                if leg is not None:
                    await leg.close()


def streams_of(far: Far) -> tuple[Stream, ...]:
    """Give what a member offers, under the same numbers."""
    found = []
    for line in far.lines:
        if line.kind is Kind.AUDIO:
            found.append(audio_stream(line.ssrc))
        elif line.kind is not None:
            found.append(picture_stream(line.kind, Codec.VP8, line.ssrc, line.rtx_ssrc))
    return tuple(found)


def _leg(came: Callable[[bytes, float], None], *, controlling: bool) -> Leg:
    return Leg(
        Certificate(),
        LOOPBACK,
        peer=SERVER,
        take=came,
        take_reports=_nothing,
        controlling=controlling,
    )


async def _connect(leg: Leg, far: Far, *, we_begin: bool) -> None:
    await leg.connect(far.description, far.fingerprint, we_begin=we_begin)


def _nothing(packet: bytes, now: float) -> None:
    del packet, now
