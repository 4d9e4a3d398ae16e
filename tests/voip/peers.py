"""Endpoints joined by a carrier in memory, which a test may have misbehave.

`Wire` carries every blob between the `WirePost`s of the people on it, and lets a test
look at each and decide what arrives: nothing, the blob later, twice, or another one.
`StandIn` is media that connects within the process: it says that a packet verified if,
and only if, both sides hold the same keys.
"""

import asyncio
import random
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from tests.voip.pairs import Party
from tests.voip.people import MemoryKeeper, tone_plan
from voip.call import State
from voip.conversation import Conversation
from voip.endpoint import Endpoint, Settings
from voip.media.candidates import Candidate
from voip.media.description import Description, audio_stream
from voip.media.events import (
    ControlReceived,
    FirstVerified,
    MediaEvent,
    PathUp,
    Quiet,
    SendEpoch,
)
from voip.media.ice import IceConfig
from voip.media.streams import MediaSession, MediaStats
from voip.news import Ended, News
from voip.signalling.address import Address, Mailbox
from voip.signalling.envelope import mailbox_tag
from voip.signalling.frames import Parcel

PATIENCE_S = 2.5
"""No step of a call on a good wire takes nearly as long."""


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
        self._rooms: dict[str, StandIn] = {}

    def post(self, owner: str) -> "WirePost":
        post = WirePost(self, owner)
        self._posts.append(post)
        return post

    def media(self) -> type[MediaSession]:
        rooms = self._rooms

        class StandInHere(StandIn):
            def __init__(self, *args: object, **named: object) -> None:
                super().__init__(*args, rooms=rooms, **named)  # type: ignore[arg-type]  # those of MediaSession

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


class StandIn(MediaSession):
    """Media that carries control messages and nothing else, within the process."""

    def __init__(
        self,
        _role: int,
        call_secret: bytes,
        *_what: object,
        rooms: "dict[str, StandIn]",
        entropy: Callable[[int], bytes],
        **_how: object,
    ) -> None:
        # Nothing of the real one is used: its sockets and codecs are tested elsewhere.
        self._rooms = rooms
        self._secrets = [call_secret]
        self._name = entropy(4).hex()
        self._peer: StandIn | None = None
        self._happened: asyncio.Queue[MediaEvent] = asyncio.Queue()
        self._early: deque[bytes] = deque()
        self.sources_open = False
        self.is_closed = False

    async def gather(self) -> Description:
        self._rooms[self._name] = self
        stream = audio_stream(int(self._name, 16) or 1)
        return Description(ufrag=self._name, pwd="p" * 22, streams=(stream,))

    async def connect(
        self,
        remote: Description,
        *,
        complete: bool = True,  # noqa: ARG002 -- as in MediaSession
    ) -> None:
        self._peer = self._rooms.get(remote.ufrag)
        if self._peer is None or self._peer._peer is not self:
            return  # the other side comes later
        for one, other in ((self, self._peer), (self._peer, self)):
            one.happen(PathUp("direct"))
            if one._secrets == other._secrets:
                one.happen(FirstVerified())
            while one._early:
                other.happen(ControlReceived(one._early.popleft()))

    def happen(self, event: MediaEvent) -> None:
        self._happened.put_nowait(event)

    async def event(self) -> MediaEvent:
        return await self._happened.get()

    async def add_candidates(
        self, candidates: tuple[Candidate, ...], *, last: bool = False
    ) -> None:
        pass

    async def restart(self) -> Description:
        return await self.gather()

    async def reconnect(self, remote: Description) -> None:  # noqa: ARG002 -- likewise
        self.happen(PathUp("direct"))

    def open_sources(self) -> None:
        self.sources_open = True

    def set_muted(self, on: bool) -> None:  # noqa: FBT001 -- as in MediaSession
        pass

    def set_held(self, on: bool) -> None:  # noqa: FBT001 -- as in MediaSession
        pass

    def set_video(self, on: bool) -> None:  # noqa: FBT001 -- as in MediaSession
        pass

    def rekey_ready(self) -> bool:
        return True

    def install_epoch(
        self,
        epoch: int,
        secret: bytes,
        *,
        initiator: bool,  # noqa: ARG002 -- as in MediaSession
    ) -> None:
        self._secrets.append(secret)
        self.happen(SendEpoch(epoch))

    def send_control(self, ctl: bytes) -> None:
        if self._peer is None:
            self._early.append(ctl)
        elif not self._peer.is_closed and self._peer._secrets[0] == self._secrets[0]:
            self._peer.happen(ControlReceived(ctl))

    async def send_control_now(self, ctl: bytes) -> None:
        self.send_control(ctl)

    def stats(self) -> MediaStats:
        return MediaStats(
            sent=0,
            received=0,
            dropped=0,
            send_epoch=len(self._secrets) - 1,
            receive_epochs=(len(self._secrets) - 1,),
            path="direct",
        )

    def fall_quiet(self) -> None:
        self.happen(Quiet(3.0))

    async def close(self) -> None:
        self.is_closed = True
        self._rooms.pop(self._name, None)


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
    wire: Wire, party: Party, *, name: str | None = None
) -> AsyncIterator[Home]:
    """Put a person on the wire; what they keep is in the party again afterwards."""
    keeper = MemoryKeeper(party.vault)
    post = wire.post(name or party.vault.alias)
    settings = Settings(
        plan=tone_plan, ice=IceConfig(loopback=True), media=wire.media()
    )
    async with Endpoint(
        keeper, post, settings=settings, entropy=party.entropy
    ) as endpoint:
        try:
            yield Home(endpoint, keeper, post)
        finally:
            party.vault = keeper.vault


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


def heard(conversation: Conversation) -> list[News]:
    """Take what the user has been told so far."""
    news: list[News] = []
    queue = conversation._session.news
    while not queue.empty():
        news.append(queue.get_nowait())
    return news


def ends(conversation: Conversation) -> list[Ended]:
    return [each for each in heard(conversation) if isinstance(each, Ended)]


def strict(party: Party) -> Party:
    """Let a person answer nobody whose trust is in doubt."""
    settings = replace(party.vault.settings, strict=True)
    return replace(party, vault=replace(party.vault, settings=settings))
