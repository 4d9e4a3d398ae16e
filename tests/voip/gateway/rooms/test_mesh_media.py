"""Three in a room with real media on loopback: who hears whom, and who opens what."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pylibsrtp
import pytest

from tests.voip.people import (
    LOOPBACK,
    MemoryKeeper,
    at_home,
    database,
    introduce,
    person,
)
from voip.endpoint import Endpoint
from voip.gateway.rooms.mesh import MeshRoom
from voip.gateway.rooms.news import MembersChanged
from voip.handshake.schedule import Role, srtp
from voip.media.pattern import Tone
from voip.media.plan import MediaPlan
from voip.media.sources import SAMPLE_RATE
from voip.media.transport import srtp_session
from voip.signalling.relay import serve_relay

pytestmark = pytest.mark.slow

GROUP = b"\x07" * 16
HERTZ = {"alice": 500, "bob": 800, "carol": 1300}
LISTEN_S = 2.0
NOTHING, SOMETHING = 0.02, 0.1  # of full scale

Sent = list[tuple[bytes, tuple[str, int]]]


class Kept:
    """Keeps the last second of what is heard."""

    def __init__(self) -> None:
        self.frames: deque[bytes] = deque(maxlen=50)

    def write(self, pcm: bytes) -> None:
        self.frames.append(pcm)

    def close(self) -> None:
        pass

    def loudness(self, hertz: float) -> float:
        """Give how loud a tone is, as a part of full scale."""
        pcm = np.frombuffer(b"".join(self.frames), dtype="<i2") / 32768
        wave = np.exp(-2j * np.pi * hertz * np.arange(len(pcm)) / SAMPLE_RATE)
        return float(2 * abs(np.mean(pcm * wave)))


@dataclass(slots=True)
class Friend:
    """Somebody who may be in the room, what they hear, and all that they sent."""

    name: str
    keeper: MemoryKeeper
    endpoint: Endpoint
    sent: Sent
    kept: Kept = field(default_factory=Kept)
    room: MeshRoom | None = None
    others: set[str] = field(default_factory=set)

    @property
    def heard(self) -> set[str]:
        """Whose tones are loud."""
        return {
            name for name, hz in HERTZ.items() if self.kept.loudness(hz) > SOMETHING
        }

    async def enter(self, stack: AsyncExitStack, *, first: bool = False) -> MeshRoom:
        plan = MediaPlan(audio_source=Tone(HERTZ[self.name]), audio_sink=self.kept)
        self.room = await stack.enter_async_context(
            MeshRoom(
                self.endpoint, self.keeper, plan=plan, group_id=GROUP, is_opener=first
            )
        )
        following = asyncio.ensure_future(self._follow(self.room))
        stack.callback(following.cancel)
        return self.room

    async def _follow(self, room: MeshRoom) -> None:
        async for news in room.news():
            if isinstance(news, MembersChanged):
                self.others = {each.alias for each in news.members if each.is_heard}

    def secrets(self) -> list[bytes]:
        """Give the secret of every session this one holds."""
        assert self.room is not None
        found = []
        for companion in self.room._company:
            line = companion.conversation._session.line
            assert line is not None
            found.append(line._rekeying._secret)
        return found


@asynccontextmanager
async def friends(folder: Path) -> AsyncIterator[tuple[AsyncExitStack, list[Friend]]]:
    """Put three on the network, who know each other."""
    async with AsyncExitStack() as stack:
        relay = await stack.enter_async_context(serve_relay(database(folder)))
        keepers = [person(name, relay.address) for name in HERTZ]
        for number, keeper in enumerate(keepers):
            for other in keepers[:number]:
                introduce(keeper, other)
        found = []
        for name, keeper in zip(HERTZ, keepers, strict=True):
            sent: Sent = []
            settings = replace(LOOPBACK, on_datagram=noting(sent))
            endpoint = await stack.enter_async_context(at_home(keeper, settings))
            found.append(Friend(name, keeper, endpoint, sent))
        yield stack, found


def noting(sent: Sent) -> Callable[[bytes, tuple[str, int]], None]:
    return lambda datagram, to: sent.append((bytes(datagram), to))


async def ask(stack: AsyncExitStack, inviter: Friend, friend: Friend) -> None:
    assert inviter.room is not None
    await inviter.room.invite(friend.name)
    invitation = await anext(friend.endpoint.incoming())
    (await friend.enter(stack)).join(invitation)


async def together(*present: Friend) -> None:
    """Wait until they hear each other, and listen for a while."""
    async with asyncio.timeout(20):
        while any(len(each.others) != len(present) - 1 for each in present):  # noqa: ASYNC110 -- nobody tells a test
            await asyncio.sleep(0.05)
    await asyncio.sleep(LISTEN_S)


def opened(sent: Sent, secrets: list[bytes]) -> int:
    """Count the packets that somebody with these secrets can open, in any direction."""
    count = 0
    for secret in secrets:
        for role in Role:
            session = srtp_session(srtp(secret, role, 0), sending=False)
            for datagram, _ in sent:
                try:
                    session.unprotect(datagram)
                except pylibsrtp.Error:
                    continue
                count += 1
    return count


async def test_each_hears_the_others_and_not_itself(tmp_path: Path) -> None:
    async with friends(tmp_path) as (stack, (alice, bob, carol)):
        await alice.enter(stack, first=True)
        await ask(stack, alice, bob)
        await ask(stack, alice, carol)
        await together(alice, bob, carol)
        loud = [each.heard for each in (alice, bob, carol)]
        own = [each.kept.loudness(HERTZ[each.name]) for each in (alice, bob, carol)]

        assert loud == [{"bob", "carol"}, {"alice", "carol"}, {"alice", "bob"}]
        assert max(own) < NOTHING


async def test_who_is_hushed_is_not_heard_by_us(tmp_path: Path) -> None:
    async with friends(tmp_path) as (stack, (alice, bob, carol)):
        room = await alice.enter(stack, first=True)
        await ask(stack, alice, bob)
        await ask(stack, alice, carol)
        await together(alice, bob, carol)
        room.set_hushed("bob", on=True)
        await asyncio.sleep(LISTEN_S)

        assert (alice.heard, carol.heard) == ({"carol"}, {"alice", "bob"})


async def test_who_comes_later_cannot_open_what_was_said_before(tmp_path: Path) -> None:
    async with friends(tmp_path) as (stack, (alice, bob, carol)):
        await alice.enter(stack, first=True)
        await ask(stack, alice, bob)
        await together(alice, bob)
        before = list(alice.sent)
        can_open = opened(before, bob.secrets())
        await ask(stack, alice, carol)
        await together(alice, bob, carol)

        assert can_open > 50
        assert opened(before, carol.secrets()) == 0


async def test_who_left_can_open_nothing_that_is_said_later(tmp_path: Path) -> None:
    async with friends(tmp_path) as (stack, (alice, bob, carol)):
        await alice.enter(stack, first=True)
        await ask(stack, alice, bob)
        await ask(stack, alice, carol)
        await together(alice, bob, carol)
        kept = bob.secrets()
        assert bob.room is not None
        await bob.room.leave()
        await together(alice, carol)
        alice.sent.clear()
        await asyncio.sleep(LISTEN_S)
        after = list(alice.sent)

        assert opened(after, carol.secrets()) > 50
        assert opened(after, kept) == 0
        assert len({to for _, to in after}) == 1
