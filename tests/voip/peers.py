"""Endpoints joined by a carrier in memory, which a test may have misbehave.

`Wire` carries every blob between the `WirePost`s of the people on it, and lets a test
look at each and decide what arrives: nothing, the blob later, twice, or another one.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from tests.voip.pairs import Party, pair, party
from tests.voip.people import MemoryKeeper, tone_plan
from tests.voip.stand_in import Rooms, StandIn
from voip.call import State
from voip.conversation import Conversation
from voip.endpoint import Endpoint, Settings
from voip.errors import LimitError
from voip.handshake.schedule import Role
from voip.identity.calllog import Outcome
from voip.media.connect.ahead import Ahead
from voip.media.connect.config import IceConfig
from voip.media.connect.sockets import Trace
from voip.media.streams import MediaSession
from voip.news import News
from voip.signalling.address import Address, Mailbox
from voip.signalling.envelope import mailbox_tag
from voip.signalling.frames import Parcel

PATIENCE_S = 45.0
"""In simulated time: longer than any step, be the first INVITE lost or misled."""


@dataclass(frozen=True, slots=True)
class Carried:
    """A blob on its way; `number` counts from 0, `sender` is who put it."""

    number: int
    sender: str
    tag: bytes
    blob: bytes = field(repr=False)


Arrival = tuple[float, bytes]
"""Seconds from now, and what arrives then."""


class Wire:
    """A carrier in memory; `meddle` decides what becomes of each blob."""

    def __init__(self) -> None:
        self.carried: list[Carried] = []
        self.meddle: Callable[[Carried], Iterable[Arrival]] = straight
        self._posts: list[WirePost] = []
        self._waiting: dict[bytes, list[bytes]] = {}
        self.rooms = Rooms()
        self.ice = IceConfig(loopback=True)
        self.plan = tone_plan
        self.by_hand = False

    def post(self, owner: str) -> "WirePost":
        post = WirePost(self, owner)
        self._posts.append(post)
        return post

    def media(self) -> type[MediaSession]:
        rooms = self.rooms

        class StandInHere(StandIn):
            def __init__(self, *args: object, **named: object) -> None:
                super().__init__(*args, rooms=rooms, **named)  # type: ignore[arg-type]  # those of MediaSession

            @classmethod
            def ahead(
                cls,
                role: int,
                ice: IceConfig,
                *,
                on_datagram: Trace | None = None,  # noqa: ARG003 -- as in MediaSession
            ) -> Ahead:
                return rooms.ahead(Role(role), ice)

        return StandInHere

    def sent_by(self, owner: str) -> list[Carried]:
        return [each for each in self.carried if each.sender == owner]

    def carry(self, sender: str, tag: bytes, blob: bytes) -> None:
        carried = Carried(len(self.carried), sender, tag, blob)
        self.carried.append(carried)
        loop = asyncio.get_running_loop()
        for after, arriving in self.meddle(carried):
            if after:
                loop.call_later(after, self.deliver, tag, arriving)
            else:
                self.deliver(tag, arriving)

    def deliver(self, tag: bytes, blob: bytes) -> None:
        """Put a blob into a mailbox; it waits there until somebody reads."""
        for post in self._posts:
            if tag in post.tags:
                post.take(tag, blob)
                return
        self._waiting.setdefault(tag, []).append(blob)

    def collect(self, post: "WirePost") -> None:
        for tag in post.tags & self._waiting.keys():
            for blob in self._waiting.pop(tag):
                post.take(tag, blob)


class WirePost:
    """One person's end of a `Wire`."""

    def __init__(self, wire: Wire, owner: str) -> None:
        self.tags: set[bytes] = set()
        self.failure: Exception | None = None
        self.most_mailboxes = 1000
        self._wire = wire
        self._owner = owner
        self._inbox: asyncio.Queue[Parcel] = asyncio.Queue()

    def take(self, tag: bytes, blob: bytes) -> None:
        self._inbox.put_nowait(Parcel(tag, b"", blob=blob))

    async def send(self, to: Address, blob: bytes) -> None:
        if self.failure is not None:
            raise self.failure
        self._wire.carry(self._owner, to.tag, blob)

    def watch(self, mailboxes: Collection[Mailbox]) -> None:
        if len(mailboxes) > self.most_mailboxes:
            raise LimitError("too many mailboxes")
        self.tags = {mailbox_tag(mailbox.fetch) for mailbox in mailboxes}
        self._wire.collect(self)

    async def receive(self) -> Parcel:
        return await self._inbox.get()

    async def done(self, parcel: Parcel) -> None:
        pass


def straight(carried: Carried) -> list[Arrival]:
    """Let everything through."""
    return [(0.0, carried.blob)]


def weather(
    seed: int, *, lost: float, twice: float, late: float, most_s: float = 0.3
) -> Callable[[Carried], list[Arrival]]:
    """Lose, repeat and delay (so: reorder) by chance, alike for a seed."""
    luck = random.Random(seed)

    def meddle(carried: Carried) -> list[Arrival]:
        if luck.random() < lost:
            return []
        copies = 2 if luck.random() < twice else 1
        return [
            (luck.uniform(0, most_s) if luck.random() < late else 0.0, carried.blob)
            for _ in range(copies)
        ]

    return meddle


@dataclass(slots=True)
class Home:
    """A person on the wire."""

    endpoint: Endpoint
    keeper: MemoryKeeper
    post: WirePost

    async def rung(self) -> Conversation:
        """Wait for the next call that rings."""
        async with asyncio.timeout(PATIENCE_S):
            return await anext(self.endpoint.incoming())

    @property
    def is_rung(self) -> bool:
        return not self.endpoint._board.incoming.empty()


@asynccontextmanager
async def on(
    wire: Wire, person: Party, *, name: str | None = None
) -> AsyncIterator[Home]:
    """Put a person on the wire; what they keep is in the person again afterwards."""
    keeper = MemoryKeeper(person.vault)
    post = wire.post(name or person.vault.alias)
    settings = Settings(
        plan=wire.plan, ice=wire.ice, by_hand=wire.by_hand, media=wire.media()
    )
    endpoint = Endpoint(keeper, post, settings=settings, entropy=person.entropy)
    try:
        async with endpoint:
            yield Home(endpoint, keeper, post)
    finally:
        person.vault = keeper.vault
        post.tags = set()  # what comes now waits for whoever reads next


class PowerCut(Exception):  # noqa: N818 -- nothing is wrong with the program
    pass


@asynccontextmanager
async def until_crash(
    wire: Wire, person: Party, *, name: str | None = None
) -> AsyncIterator[Home]:
    """Put a person on the wire who is gone at the end of the block without a word."""
    try:
        async with on(wire, person, name=name) as home:
            yield home
            raise PowerCut  # noqa: TRY301 -- this is what the block is for
    except* PowerCut:
        pass


async def until(conversation: Conversation, state: State) -> None:
    """Wait for a state, but not for ever."""
    async with asyncio.timeout(PATIENCE_S):
        while conversation.state is not state:
            assert conversation.state is not State.ENDED, conversation.end
            await asyncio.sleep(
                0.002
            )  # the machine has no "changed": news are the user's


async def over(*conversations: Conversation) -> None:
    """Wait until the calls are over, for both sides."""
    async with asyncio.timeout(2 * PATIENCE_S):
        for conversation in conversations:
            await conversation.finished()


async def settle(wire: Wire) -> None:
    """Wait until the wire has been still for a moment."""
    seen = -1
    while seen != len(wire.carried):
        seen = len(wire.carried)
        await asyncio.sleep(0.05)


def media_of(conversation: Conversation) -> StandIn:
    """Give the media of a call that is connected."""
    line = conversation._session.line
    assert line is not None
    assert isinstance(line.media, StandIn)
    return line.media


def heard(conversation: Conversation) -> list[News]:
    """Take what the user has been told so far."""
    news: list[News] = []
    unread = conversation._session.bulletin._unread
    while not unread.empty():
        news.append(unread.get_nowait())
    return news


def people() -> tuple[Party, Party]:
    return pair(now=int(time.time()))


def someone(alias: str, device: str = "first") -> Party:
    return party(alias, device=device, now=int(time.time()))


ALICE, BOB = "0", "1"
"""Places on the wire, in the order of `at`."""


def with_two_devices() -> tuple[Party, Party, Party]:
    alice, phone, laptop = someone("alice"), someone("bob"), someone("bob", "laptop")
    for device in (phone, laptop):
        device.meet(alice)
        alice.meet(device)
    return alice, phone, laptop


@asynccontextmanager
async def at(wire: Wire, *parties: Party) -> AsyncIterator[list[Home]]:
    """Put people on the wire; two devices of one person are told apart by place."""
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(on(wire, each, name=f"{number}"))
            for number, each in enumerate(parties)
        ]


async def talk(caller: Home, callee: Home) -> tuple[Conversation, Conversation]:
    """Call, answer and wait for the sound."""
    theirs = await caller.endpoint.dial(callee.keeper.vault.alias)
    ours = await callee.rung()
    ours.accept()
    await until(theirs, State.ACTIVE)
    await until(ours, State.ACTIVE)
    return theirs, ours


def outcomes(person: Party) -> list[Outcome]:
    return [record.outcome for record in person.vault.calls.calls]


def lose(
    owner: str, numbers: Callable[[int], bool]
) -> Callable[[Carried], list[Arrival]]:
    """Lose what somebody sends; `numbers` says which, counting their blobs from 0."""
    count = 0

    def meddle(carried: Carried) -> list[Arrival]:
        nonlocal count
        if carried.sender != owner:
            return straight(carried)
        count += 1
        return [] if numbers(count - 1) else straight(carried)

    return meddle
