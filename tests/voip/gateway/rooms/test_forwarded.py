"""A member's place at the server: what it takes of one that says anything."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from tests.voip.gateway.hostile_forwarder import LOOPBACK, Feed, Forwarder, Member
from tests.voip.gateway.larger_rooms import until
from tests.voip.gateway.meshes import GROUP
from tests.voip.people import tone_plan
from voip.gateway.counts import Direction, GatewayCounts, Kind
from voip.gateway.rooms.feeds import SILENT_S
from voip.gateway.rooms.forwarded import MAX_TOLD, STEER_S, Forwarded
from voip.gateway.rooms.senderkeys import HeardKeys, SendingKey
from voip.gateway.rooms.sfu import FeedAdded, FeedGone, FeedId, Sdp
from voip.gateway.rooms.taken import MAX_REFUSED, MAX_TAKEN
from voip.media.profile import audio_stream
from voip.media.sframe import Sealers
from voip.media.sources import Picture
from voip.signalling.group import Room

TICKET = Room(GROUP, "wss://sfu.example", room=7, pin="a" * 26)
US = b"u" * 48


@dataclass(slots=True)
class Listener:
    """The room: keeps what it is told."""

    warnings: list[str] = field(default_factory=list)

    def heard(self, member: bytes, pcm: bytes) -> None:
        pass

    def seen(self, member: bytes, picture: Picture) -> None:
        pass

    def says(self, part: str) -> bool:
        return any(part in each for each in self.warnings)

    def warn(self, sentence: str) -> None:
        self.warnings.append(sentence)


class Slow(Forwarder):
    """A server that lets nobody have a feed before `offers` is set.

    Attributes:
        asked: the feeds that were asked for.
        members: who is connected.
    """

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[FeedId] = []
        self.offers = asyncio.Event()

    @asynccontextmanager
    async def open(self, url: str) -> AsyncIterator[Member]:
        async with super().open(url) as member:
            subscribe = member.subscribe

            async def slowly(feed: FeedId) -> Sdp:
                self.asked.append(feed)
                await self.offers.wait()
                return await subscribe(feed)

            member.subscribe = slowly  # type: ignore[method-assign]
            yield member

    def tell(self, *events: FeedAdded | FeedGone) -> None:
        for member in self._members:
            for event in events:
                member.tell(event)

    def own_feed(self) -> FeedId:
        """Have a feed of our own, of which nobody is told."""
        number = FeedId(500)
        self.feeds[number] = Feed((audio_stream(99),))
        return number


@dataclass(slots=True)
class Place:
    """A member at a server."""

    server: Slow
    forwarded: Forwarded
    listener: Listener
    counted: GatewayCounts


@asynccontextmanager
async def at_server(*, secret: str = "") -> AsyncIterator[Place]:
    server, listener, counted = Slow(), Listener(), GatewayCounts()
    key = SendingKey(GROUP, US, entropy=os.urandom)
    forwarded = Forwarded(
        tone_plan,
        server.open,
        ice=LOOPBACK,
        entropy=os.urandom,
        sealer=Sealers().take(*key.in_use),
        keys=HeardKeys(GROUP),
        audience=listener,
        secret=secret,
        counted=counted,
    )
    running = asyncio.ensure_future(forwarded.run(TICKET))
    try:
        await until(lambda: bool(server.seen))  # our sound arrives there
        yield Place(server, forwarded, listener, counted)
    finally:
        running.cancel()
        await asyncio.wait([running])
        for task in server.tasks:
            task.cancel()


async def test_feeds_that_are_on_their_way_are_bounded_too() -> None:
    async with at_server() as place:
        place.server.tell(*(FeedAdded(FeedId(100 + n)) for n in range(100)))
        await until(lambda: len(place.server.asked) >= MAX_TAKEN)
        await until(lambda: place.listener.says("left out"))

        assert len(place.server.asked) == MAX_TAKEN


async def test_a_server_that_invents_feeds_is_followed_no_further() -> None:
    async with at_server() as place:
        taken = place.forwarded._taken
        assert taken is not None
        taken._refused.update(FeedId(1000 + n) for n in range(MAX_REFUSED))
        place.server.tell(FeedAdded(place.server.own_feed()))
        await until(lambda: place.listener.says("left out"))

        assert place.server.asked == []


async def test_a_server_that_says_too_much_is_not_quoted_without_end() -> None:
    async with at_server() as place:
        before = len(place.listener.warnings)
        for number in range(2 * MAX_TOLD):
            place.forwarded._warn(f"the server says {number}")

        assert len(place.listener.warnings) == MAX_TOLD
        assert before > 0


async def test_what_leaves_is_counted() -> None:
    async with at_server() as place:
        out = place.counted.frames(Kind.ROOM, Direction.OUT)
        await until(lambda: out.passed > 0)

    assert out.passed >= len(place.server.seen)


async def test_a_feed_that_is_announced_twice_is_taken_once() -> None:
    async with at_server() as place:
        feed = place.server.own_feed()
        place.server.tell(FeedAdded(feed), FeedAdded(feed), FeedAdded(FeedId(501)))
        await until(lambda: FeedId(501) in place.server.asked)

        assert place.server.asked.count(feed) == 1


async def test_a_feed_that_goes_before_it_came_is_not_taken() -> None:
    async with at_server() as place:
        feed = place.server.own_feed()
        place.server.tell(FeedAdded(feed))
        await until(lambda: feed in place.server.asked)
        place.server.tell(FeedGone(feed), FeedAdded(FeedId(501)))
        await until(lambda: FeedId(501) in place.server.asked)
        place.server.offers.set()
        await until(lambda: place.listener.says("cannot be taken"))

        assert not place.server.feeds[feed].takers


def stranger(place: Place) -> FeedId:
    """Have a feed that has been silent for too long."""
    taken = place.forwarded._taken
    assert taken is not None
    feed = place.server.own_feed()
    taken._feeds.expect(feed, asyncio.get_running_loop().time() - SILENT_S)
    return feed


async def test_who_made_the_room_has_strangers_removed() -> None:
    async with at_server(secret="ours") as place:
        feed = stranger(place)
        place.forwarded.has_all_keys = True
        await until(lambda: place.listener.says("a stranger was removed"))

        assert place.server.removed == [(feed, "ours")]


@pytest.mark.slow
async def test_nobody_is_removed_while_a_member_s_key_is_missing() -> None:
    async with at_server(secret="ours") as place:
        stranger(place)
        await asyncio.sleep(2 * STEER_S)

        assert place.server.removed == []


@pytest.mark.slow
async def test_who_did_not_make_the_room_removes_nobody() -> None:
    async with at_server() as place:
        stranger(place)
        place.forwarded.has_all_keys = True
        await asyncio.sleep(2 * STEER_S)

        assert place.server.removed == []


@pytest.mark.slow
async def test_a_stranger_who_cannot_be_removed_is_told_of_once() -> None:
    async with at_server(secret="ours") as place:
        feed = stranger(place)
        del place.server.feeds[feed]
        place.forwarded.has_all_keys = True
        await until(lambda: place.listener.says("a stranger stays"))
        await asyncio.sleep(STEER_S)

        assert len(place.server.removed) == 1
