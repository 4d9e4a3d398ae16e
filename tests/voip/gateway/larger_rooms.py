"""People in a room over a server: control on a wire in memory, media over sockets."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import numpy as np

from tests.voip.gateway.meshes import GROUP, Town, on
from tests.voip.pairs import Party
from tests.voip.peers import Home
from voip.errors import MalformedError
from voip.gateway.rooms.forwarded import OpenSfu
from voip.gateway.rooms.larger import LargerRoom
from voip.gateway.rooms.news import MembersChanged, RoomNews, RoomWarned
from voip.media.connect.config import IceConfig
from voip.media.pattern import Tone, draw_pattern, read_frame_number
from voip.media.plan import MediaPlan
from voip.media.sources import SAMPLE_RATE, Picture
from voip.signalling.group import Room

WIDTH, HEIGHT = 320, 240

Alter = Callable[[MediaPlan], MediaPlan]
"""Gives somebody other ends than those that all have."""
_FPS = 10


class Kept:
    """A speaker that keeps the last second."""

    def __init__(self) -> None:
        self._pcm = b""

    def write(self, pcm: bytes) -> None:
        self._pcm = (self._pcm + pcm)[-2 * SAMPLE_RATE :]

    def close(self) -> None:
        pass

    def hears(self, hertz: float) -> bool:
        """Whether a tone stands out in the last second."""
        samples = np.frombuffer(self._pcm, dtype="<i2").astype(float)
        if len(samples) < SAMPLE_RATE:
            return False
        spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
        at = round(hertz)
        loud = spectrum[at - 3 : at + 4].max()
        return bool(loud > 1e5 and loud > spectrum.max() / 10)


class Camera:
    """Test pictures whose numbers begin at `first`, so that each tells whose it is."""

    def __init__(self, first: int) -> None:
        self._number = first

    async def picture(self) -> Picture:
        await asyncio.sleep(1 / _FPS)
        self._number += 1
        return draw_pattern(self._number, WIDTH, HEIGHT)

    def close(self) -> None:
        pass


class Window:
    """Reads the numbers of what is shown."""

    def __init__(self) -> None:
        self.seen: list[int] = []

    def show(self, picture: Picture) -> None:
        with contextlib.suppress(MalformedError):  # too small to be read
            self.seen.append(read_frame_number(picture))

    def close(self) -> None:
        pass


@dataclass(slots=True)
class Guest:
    """Somebody in a larger room."""

    room: LargerRoom
    home: Home
    speaker: Kept
    window: Window
    told: list[RoomNews] = field(default_factory=list)

    @property
    def heard(self) -> set[str]:
        """Names of those with whom a call works."""
        lists = [news for news in self.told if isinstance(news, MembersChanged)]
        return {each.alias for each in lists[-1].members if each.is_heard}

    @property
    def warnings(self) -> list[str]:
        return [each.sentence for each in self.told if isinstance(each, RoomWarned)]

    async def listen(self) -> None:
        async for news in self.room.news():
            self.told.append(news)


async def until(holds: Callable[[], bool], within_s: float = 30.0) -> None:
    """Wait until something holds, in real time."""
    async with asyncio.timeout(within_s):
        while not holds():  # noqa: ASYNC110 -- packets tell nobody
            await asyncio.sleep(0.05)


@asynccontextmanager
async def inside(
    home: Home,
    open_sfu: OpenSfu,
    *,
    hertz: float,
    first_picture: int = 0,
    alter: Alter | None = None,
    ticket: Room | None = None,
    secret: str = "",
    server: str | None = None,
    entropy: Callable[[int], bytes],
    ice: IceConfig | None = None,
) -> AsyncIterator[Guest]:
    """Be in a room, saying a tone; with `first_picture`, showing something."""
    speaker, window = Kept(), Window()
    pictures = first_picture > 0
    plan = MediaPlan(
        audio_source=Tone(hertz),
        audio_sink=speaker,
        video_source=Camera(first_picture) if pictures else None,
        video_sink=window if pictures else None,
    )
    room = LargerRoom(
        home.endpoint,
        home.keeper,
        plan=plan if alter is None else alter(plan),
        group_id=GROUP,
        open_sfu=open_sfu,
        entropy=entropy,
        ticket=ticket,
        secret=secret,
        server=server,
        ice=ice or IceConfig(loopback=True),
        video=pictures,
    )
    person = Guest(room, home, speaker, window)
    listening = asyncio.ensure_future(person.listen())
    try:
        async with room:
            yield person
    finally:
        listening.cancel()


@dataclass(slots=True, kw_only=True)
class Gathering:
    """A room that the first to come opens, and asks the others in."""

    stack: AsyncExitStack
    town: Town
    open_sfu: OpenSfu
    ticket: Room
    is_expected: bool = True  # they know at which server
    pictures: bool = False
    ice: IceConfig | None = None
    secret: str = ""
    guests: list[Guest] = field(default_factory=list)

    async def come(
        self, party: Party, hertz: float, *, alter: Alter | None = None
    ) -> Guest:
        """Have somebody come, who says a tone, or what `alter` makes of that."""
        number = len(self.guests) + 1
        home = await self.stack.enter_async_context(on(self.town, party))
        coming = inside(
            home,
            self.open_sfu,
            hertz=hertz,
            first_picture=10_000 * number if self.pictures else 0,
            ticket=None if self.guests else self.ticket,
            secret="" if self.guests else self.secret,
            server=self.ticket.url if self.is_expected else None,
            entropy=party.entropy,
            ice=self.ice,
            alter=alter,
        )
        if self.guests:
            await self.guests[0].room.invite(party.vault.alias)
            invitation = await home.rung()
            guest = await self.stack.enter_async_context(coming)
            guest.room.join(invitation)
        else:
            guest = await self.stack.enter_async_context(coming)
        self.guests.append(guest)
        return guest


@asynccontextmanager
async def gathering(
    open_sfu: OpenSfu,
    ticket: Room,
    *,
    is_expected: bool = True,
    pictures: bool = False,
    ice: IceConfig | None = None,
    secret: str = "",
) -> AsyncIterator[Gathering]:
    """Hold a room to which people may `come`; it ends with the block."""
    async with AsyncExitStack() as stack:
        yield Gathering(
            stack=stack,
            town=Town(),
            open_sfu=open_sfu,
            ticket=ticket,
            is_expected=is_expected,
            pictures=pictures,
            ice=ice,
            secret=secret,
        )
