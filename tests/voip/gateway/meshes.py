"""People in a room, on a wire in memory, with media that carries no sound."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace

from tests.voip.pairs import Party
from tests.voip.peers import Home, PowerCut, Wire, someone
from tests.voip.people import MemoryKeeper, tone_plan
from voip.description import Kind
from voip.endpoint import Endpoint, Settings
from voip.gateway.counts import GatewayCounts
from voip.gateway.rooms.mesh import MeshRoom
from voip.gateway.rooms.news import MembersChanged, MemberSeen, RoomNews
from voip.identity.card import RelayAddress
from voip.media.connect.config import IceConfig
from voip.media.sources import VideoSource
from voip.media.streams import MediaSession
from voip.signalling.frames import BoardPut

GROUP = b"\x07" * 16
PATIENCE_S = 120.0
"""In simulated time: who crashed is given up after 30 s, and called three times."""


@dataclass(slots=True)
class Inside:
    """Somebody in a room, and what they were told."""

    room: MeshRoom
    home: Home
    told: list[RoomNews] = field(default_factory=list)
    counted: GatewayCounts = field(default_factory=GatewayCounts)

    @property
    def members(self) -> tuple[MemberSeen, ...]:
        """Those of the newest list."""
        lists = [news for news in self.told if isinstance(news, MembersChanged)]
        return lists[-1].members if lists else ()

    @property
    def heard(self) -> set[str]:
        """The names of all others whom this one hears."""
        return {each.alias for each in self.members if each.is_heard}

    def sees(self, alias: str) -> MemberSeen:
        return next(each for each in self.members if each.alias == alias)

    async def listen(self) -> None:
        async for news in self.room.news():
            self.told.append(news)


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds, but not for ever."""
    async with asyncio.timeout(PATIENCE_S):
        while not holds():  # noqa: ASYNC110 -- it is simulated time
            await asyncio.sleep(0.25)


def friends(*names: str, apart: Collection[str] = ()) -> list[Party]:
    """Make people who have each other's cards, and never called.

    Those named in `apart` do not know each other.
    """
    parties = [someone(name) for name in names]
    for party in parties:
        party.vault = replace(party.vault, relay=RelayAddress("relay.example", 443))
    for one in parties:
        for other in parties:
            are_apart = {one.vault.alias, other.vault.alias} <= set(apart)
            if one is not other and not are_apart:
                one.meet(other)
    return parties


class MemoryBoards:
    """Boards of everybody, in memory."""

    def __init__(self) -> None:
        self._slots: dict[bytes, dict[int, BoardPut]] = {}

    async def publish(self, relay: RelayAddress, slot: BoardPut) -> None:
        del relay
        self._slots.setdefault(slot.board, {})[slot.index] = slot

    async def read_board(self, relay: RelayAddress, board: bytes) -> list[BoardPut]:
        del relay
        return list(self._slots.get(board, {}).values())


class Town(Wire):
    """A wire, and the boards of all who are on it."""

    def __init__(self) -> None:
        super().__init__()
        self.boards = MemoryBoards()
        self.shown: list[VideoSource] = []

    def media(self) -> type[MediaSession]:
        shown, stand_in = self.shown, super().media()

        class Showing(stand_in):  # type: ignore[misc, valid-type]  # made for each wire
            def use_pictures(self, kind: Kind, source: VideoSource) -> None:
                assert kind is Kind.SCREEN
                shown.append(source)

        return Showing


@asynccontextmanager
async def on(town: Town, person: Party) -> AsyncIterator[Home]:
    """Put a person on the wire, with a board from which all can call them."""
    keeper = MemoryKeeper(person.vault)
    post = town.post(person.vault.alias)
    settings = Settings(
        plan=tone_plan, ice=IceConfig(loopback=True), media=town.media()
    )
    endpoint = Endpoint(
        keeper, post, settings=settings, entropy=person.entropy, boards=town.boards
    )
    try:
        async with endpoint:
            await endpoint.listening()
            yield Home(endpoint, keeper, post)
    finally:
        person.vault = keeper.vault
        post.tags = set()


@asynccontextmanager
async def inside(
    home: Home,
    *,
    group_id: bytes = GROUP,
    is_opener: bool = False,
    guests: bool = False,
) -> AsyncIterator[Inside]:
    """Be in a room; `guests`, with the right to let some in."""
    counted = GatewayCounts()
    room = MeshRoom(
        home.endpoint,
        home.keeper,
        plan=tone_plan(),
        group_id=group_id,
        is_opener=is_opener,
        guests=guests,
        counted=counted,
    )
    person = Inside(room, home, counted=counted)
    listening = asyncio.ensure_future(person.listen())
    try:
        async with room:
            yield person
    finally:
        listening.cancel()


@asynccontextmanager
async def meeting(
    wire: Town, opener: Party, *others: Party, guests: bool = False
) -> AsyncIterator[list[Inside]]:
    """Have one open a room and ask the others in, who come.

    `guests`, who opens it and who comes may let some in.
    """
    async with AsyncExitStack() as stack:
        homes = [
            await stack.enter_async_context(on(wire, p)) for p in (opener, *others)
        ]
        opening = inside(homes[0], is_opener=True, guests=guests)
        first = await stack.enter_async_context(opening)
        people = [first]
        for home, party in zip(homes[1:], others, strict=True):
            came = coming(first, home, party.vault.alias, guests=guests)
            people.append(await stack.enter_async_context(came))
        yield people


async def come(
    stack: AsyncExitStack, inviter: Inside, home: Home, alias: str
) -> Inside:
    """Have somebody come whom a member asks."""
    return await stack.enter_async_context(coming(inviter, home, alias))


@asynccontextmanager
async def coming(
    inviter: Inside, home: Home, alias: str, *, guests: bool = False
) -> AsyncIterator[Inside]:
    """Be in a room by the invitation of a member."""
    await inviter.room.invite(alias)
    invitation = await home.rung()
    assert invitation.group == GROUP
    async with inside(home, guests=guests) as person:
        person.room.join(invitation)
        yield person


@asynccontextmanager
async def until_crash(
    town: Town, inviter: Inside, person: Party
) -> AsyncIterator[Inside]:
    """Have somebody come who is gone at the end of the block without a word."""
    alias = person.vault.alias
    try:
        async with on(town, person) as home, coming(inviter, home, alias) as inside:
            yield inside
            raise PowerCut  # noqa: TRY301 -- this is what the block is for
    except* PowerCut:
        pass
