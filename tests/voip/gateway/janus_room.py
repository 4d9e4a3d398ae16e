"""A room of N through a real Janus, in a process of its own: reports what it came to.

    python -m tests.voip.gateway.janus_room NUMBER SECONDS

Tests stay on loopback, where Janus takes no media; this one talks to the address of its
own machine. Prints one object of JSON; exit 77 where there is no Janus.
"""

import asyncio
import json
import os
import sys
import tempfile
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from tests.voip.gateway.forwarders import ADMIN_KEY, NotHereError, running_janus
from tests.voip.gateway.larger_rooms import Guest, gathering, until
from tests.voip.gateway.meshes import GROUP, friends
from voip.gateway.rooms.janus import Janus
from voip.gateway.rooms.sfu import Sfu, create_ticket
from voip.media.connect.config import IceConfig
from voip.signalling.group import Room

SKIPPED = 77  # as automake's tests say it
JOIN_S = 40.0
MANY = 4
SECRET = "nobody else's"


def tone(number: int) -> float:
    """Give whom to hear as what."""
    return 400.0 + 130.0 * number


async def create(url: str) -> Room:
    """Have the operator's key make a room."""
    ticket = create_ticket(url, GROUP, entropy=os.urandom)
    async with Janus(url, entropy=os.urandom) as opener:
        await opener.create(ticket, admin_key=ADMIN_KEY, secret=SECRET)
    return ticket


def connect(url: str) -> AbstractAsyncContextManager[Sfu]:
    """Open a connection as a member does."""
    return Janus(url, entropy=os.urandom)


async def run(number: int, seconds: float) -> dict[str, object]:
    """Be so many people for so long, once everybody is heard by everybody."""
    names = [f"p{each}" for each in range(number)]
    tones = [tone(each) for each in range(number)]
    with tempfile.TemporaryDirectory() as folder:
        async with running_janus(Path(folder)) as forwarder:
            ticket = await create(forwarder.url)
            async with gathering(
                connect,
                ticket,
                # All of them share this process: pictures for many are too much.
                pictures=number <= MANY,
                ice=IceConfig(),
            ) as meeting:
                for party, hertz in zip(friends(*names), tones, strict=True):
                    await meeting.come(party, hertz)
                guests = meeting.guests
                await until(
                    lambda: all(_is_complete(g, number) for g in guests), JOIN_S
                )
                before = [_counts(guest) for guest in guests]
                await asyncio.sleep(seconds)
                after = [_counts(guest) for guest in guests]
                return {
                    "hears": [_heard(guest, tones) for guest in guests],
                    "sees": [
                        sorted({n // 10_000 - 1 for n in g.window.seen}) for g in guests
                    ],
                    "sent": [
                        b["sent"] - a["sent"]
                        for a, b in zip(before, after, strict=True)
                    ],
                    "opened": [
                        b["opened"] - a["opened"]
                        for a, b in zip(before, after, strict=True)
                    ],
                    "unopened": [
                        b["unopened"] - a["unopened"]
                        for a, b in zip(before, after, strict=True)
                    ],
                    "warnings": [guest.warnings for guest in guests],
                }


def _is_complete(guest: Guest, number: int) -> bool:
    ours, theirs = guest.room.at_server
    takes_all = ours is not None and len(theirs) == number - 1
    return takes_all and all(each.opened > 0 for each in theirs.values())


def _heard(guest: Guest, tones: list[float]) -> list[int]:
    return [number for number, hertz in enumerate(tones) if guest.speaker.hears(hertz)]


def _counts(guest: Guest) -> dict[str, int]:
    ours, theirs = guest.room.at_server
    assert ours is not None
    return {
        "sent": ours.leg.sent,
        "opened": sum(each.opened for each in theirs.values()),
        "unopened": sum(each.unopened for each in theirs.values()),
    }


if __name__ == "__main__":
    try:
        sys.stdout.write(
            json.dumps(asyncio.run(run(int(sys.argv[1]), float(sys.argv[2]))))
        )
    except NotHereError as error:
        sys.stdout.write(str(error))
        sys.exit(SKIPPED)
