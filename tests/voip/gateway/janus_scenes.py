"""What happens in a room through a real Janus, in a process of its own.

    python -m tests.voip.gateway.janus_scenes NAME

Prints one object of JSON; exit 77 where there is no Janus. See `janus_room`.
"""

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from tests.voip.gateway.forwarders import NotHereError, running_janus
from tests.voip.gateway.janus_room import JOIN_S, SECRET, SKIPPED, connect, create
from tests.voip.gateway.larger_rooms import Camera, Gathering, Guest, gathering, until
from tests.voip.gateway.meshes import GROUP, friends
from tests.voip.people import tone_plan
from voip.gateway.rooms.forwarded import Forwarded
from voip.gateway.rooms.senderkeys import HeardKeys, SendingKey
from voip.media.connect.config import IceConfig
from voip.media.sframe import Sealers
from voip.media.sources import Picture

Report = dict[str, object]
SCREEN = 5_000
"""Numbers of pictures of a screen, within the ten thousand of each person."""
TONES = (440.0, 700.0, 1000.0)
LOOK_S = 3.0


@asynccontextmanager
async def together(people: int, *, pictures: bool) -> AsyncIterator[Gathering]:
    """Have people in a room who all take each other's feeds."""
    names = ("alice", "bob", "carol")[:people]
    with tempfile.TemporaryDirectory() as folder:
        async with running_janus(Path(folder)) as forwarder:
            ticket = await create(forwarder.url)
            async with gathering(
                connect, ticket, pictures=pictures, ice=IceConfig(), secret=SECRET
            ) as meeting:
                for party, hertz in zip(friends(*names), TONES, strict=False):
                    await meeting.come(party, hertz)
                await until(lambda: takes_all(meeting), JOIN_S)
                yield meeting


def takes_all(meeting: Gathering) -> bool:
    """Whether everybody opens what everybody else sends."""
    return all(
        len(theirs := guest.room.at_server[1]) == len(meeting.guests) - 1
        and all(each.opened > 0 for each in theirs.values())
        for guest in meeting.guests
    )


# A screen.


async def looked(guest: Guest) -> list[str]:
    """Say whose what somebody sees in the next seconds, in the order of numbers."""
    begin = len(guest.window.seen)
    await asyncio.sleep(LOOK_S)
    return sorted({described(number) for number in guest.window.seen[begin:]})


def described(number: int) -> str:
    who = ("alice", "bob", "carol")[number // 10_000 - 1]
    return f"{who}'s {'screen' if number % 10_000 >= SCREEN else 'camera'}"


async def screens() -> Report:
    """Show a screen, then a second one, then none."""
    async with together(3, pictures=True) as meeting:
        alice, bob, carol = meeting.guests
        await until(lambda: bool(carol.window.seen), JOIN_S)
        alice.room.share_screen(Camera(10_000 + SCREEN))
        await until(lambda: sees_screen(carol, bob), JOIN_S)
        await until(lambda: shown(carol, "alice"), JOIN_S)
        one = await looked(carol)
        bob.room.share_screen(Camera(20_000 + SCREEN))
        await until(lambda: shown(carol, "bob"), JOIN_S)
        await asyncio.sleep(LOOK_S)
        two = await looked(carol)
        alice.room.stop_screen()
        bob.room.stop_screen()
        await until(lambda: not (shown(carol, "alice") or shown(carol, "bob")), JOIN_S)
        await asyncio.sleep(LOOK_S)
        return {"one": one, "two": two, "none": await looked(carol)}


def sees_screen(*guests: Guest) -> bool:
    return all(
        guest.window.seen and guest.window.seen[-1] % 10_000 >= SCREEN
        for guest in guests
    )


def shown(guest: Guest, name: str) -> bool:
    """Whether a member is said to show a screen."""
    return any(
        each.conversation.alias == name and each.port.is_presenting
        for each in guest.room._company
    )


# A stranger.


class Deaf:
    """Somebody at the server who is in no room."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def heard(self, member: bytes, pcm: bytes) -> None:
        pass

    def seen(self, member: bytes, picture: Picture) -> None:
        pass

    def warn(self, sentence: str) -> None:
        self.warnings.append(sentence)


async def strangers() -> Report:
    """Have somebody come to the server who knows the pin and is no member."""
    async with together(2, pictures=False) as meeting:
        alice, bob = meeting.guests
        deaf = Deaf()
        key = SendingKey(GROUP, b"m" * 48, entropy=os.urandom)
        stranger = Forwarded(
            tone_plan,
            connect,
            ice=IceConfig(),
            entropy=os.urandom,
            sealer=Sealers().take(*key.in_use),
            keys=HeardKeys(GROUP),
            audience=deaf,
        )
        running = asyncio.ensure_future(stranger.run(meeting.ticket))
        await until(lambda: any("is gone" in each for each in deaf.warnings), JOIN_S)
        running.cancel()
        await asyncio.wait([running])
        await until(lambda: bob.speaker.hears(TONES[0]), JOIN_S)
        await until(lambda: alice.speaker.hears(TONES[1]), JOIN_S)
        return {
            "alice": alice.warnings,
            "bob": bob.warnings,
            "in_the_room": [sorted(each.heard) for each in meeting.guests],
        }


SCENES: dict[str, Callable[[], Awaitable[Report]]] = {
    "screens": screens,
    "strangers": strangers,
}


async def _run(name: str) -> Report:
    return await SCENES[name]()


if __name__ == "__main__":
    try:
        sys.stdout.write(json.dumps(asyncio.run(_run(sys.argv[1]))))
    except NotHereError as error:
        sys.stdout.write(str(error))
        sys.exit(SKIPPED)
