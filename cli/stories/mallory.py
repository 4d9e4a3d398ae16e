"""The attacker of `ringfence demo --mitm`: runs the relay and, later, steals keys.

Run as `python -m cli.stories.mallory DATABASE`, on loopback. Lines on stdin say how far
she goes, JSON lines on stdout what came of it::

    pose BOARD                       as who runs the relay: this board holds her device,
                                     by her own signature
    steal PASSPHRASE-FILE ALICE BOB  she has a backup of each, and opens them
    forge                            bob's board holds her device, signed by the board
    bridge                           she is bob to alice and alice to bob, under
                                     certificates that hold, for the next call
    heard                            how many frames of that call held speech

Nothing of the program is weakened for her: she uses the library as anybody could.
"""

import asyncio
import json
import os
import sqlite3
import sys
import time
from array import array
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from cli.home import read_passphrase
from voip.call import State
from voip.conversation import Conversation
from voip.dialling import with_announcement
from voip.endpoint import Endpoint, Settings
from voip.identity.backup import Backup, restore
from voip.identity.callkey import BACKDATE_S, parse_bundle
from voip.identity.card import RelayAddress, format_relay
from voip.identity.person import begin
from voip.identity.signer import NativeSigner
from voip.identity.store import import_backup
from voip.identity.unlock import Passphrase
from voip.identity.vault import OwnBoard, SignerKind, SignerSource, Vault
from voip.media.connect.config import IceConfig
from voip.media.plan import MediaPlan
from voip.media.sources import SILENCE
from voip.news import StateChanged
from voip.signalling.address import Address
from voip.signalling.board import DeviceEntry, format_entry, open_slot, publish
from voip.signalling.frames import BOARD_SLOTS, BoardPut, Parcel
from voip.signalling.post import RelayPost
from voip.signalling.relay import serve_relay
from voip.signalling.spool import Spool, open_spool
from voip.upkeep import own_entry

_LOOK_EVERY_S = 0.05
_DAY_S = 86400
_LOUD = 500  # of 32767; what a codec makes of silence stays far below
_ROOM = 50  # frames, a second, on their way through


class _Wire:
    """The sound from one victim to the other; she counts what is worth hearing."""

    def __init__(self) -> None:
        self.spoken = 0
        self._frames: deque[bytes] = deque(maxlen=_ROOM)

    def write(self, pcm: bytes) -> None:
        """Take a frame from one side."""
        self.spoken += max(array("h", pcm), default=0) > _LOUD
        self._frames.append(pcm)

    def read(self) -> bytes:
        """Give a frame to the other side."""
        return self._frames.popleft() if self._frames else SILENCE

    def close(self) -> None:
        """Drop what is on its way."""
        self._frames.clear()


class _Memory:
    """A vault that no disk ever sees."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def read(self) -> Vault:
        """See `VaultKeeper`."""
        return self._vault

    def change(self, change: Callable[[Vault], Vault]) -> Vault:
        """See `VaultKeeper`."""
        self._vault = change(self._vault)
        return self._vault


class _Tap:
    """A copy of every blob that anybody ever leaves at her relay."""

    def __init__(self, database: Path) -> None:
        self._database = sqlite3.connect(database, isolation_level=None, timeout=5.0)
        self._database.executescript(
            "CREATE TABLE tap (number INTEGER PRIMARY KEY, tag BLOB, blob BLOB);"
            "CREATE TRIGGER tapped AFTER INSERT ON parcel BEGIN"
            " INSERT INTO tap (tag, blob) VALUES (NEW.tag, NEW.blob); END;"
        )
        self._seen = 0

    def take(self) -> list[Parcel]:
        """Give what is new."""
        rows = self._database.execute(
            "SELECT number, tag, blob FROM tap WHERE number > ? ORDER BY number",
            (self._seen,),
        ).fetchall()
        if rows:
            self._seen = rows[-1][0]
        return [Parcel(tag, b"", blob=blob) for _, tag, blob in rows]


class _TappedPost:
    """Sends as everybody does, and reads every mailbox there is."""

    def __init__(self, relays: RelayPost) -> None:
        self._relays = relays
        self.copies: asyncio.Queue[Parcel] = asyncio.Queue()

    async def send(self, to: Address, blob: bytes) -> None:
        """See `Post`."""
        await self._relays.send(to, blob)

    def watch(self, mailboxes: object) -> None:
        """See `Post`; she watches them all."""

    async def receive(self) -> Parcel:
        """See `Post`."""
        return await self.copies.get()

    async def done(self, parcel: Parcel) -> None:
        """See `Post`; the victims' own copies stay where they are."""


class _Mallory:
    def __init__(
        self, relay: RelayAddress, *, spool: Spool, tap: _Tap, relays: RelayPost
    ) -> None:
        self._spool = spool
        self._tap = tap
        self._relays = relays
        self._own = _own_vault(relay)
        self._planted: set[bytes] = set()
        self._honest: BoardPut | None = None
        self._loot: list[Backup] = []  # alice's and bob's
        self._posts: list[_TappedPost] = []
        self._from_alice, self._from_bob = _Wire(), _Wire()

    async def watch(self) -> None:
        """Hand every blob to everybody she is."""
        while True:
            for parcel in self._tap.take():
                for post in self._posts:
                    post.copies.put_nowait(parcel)
            await asyncio.sleep(_LOOK_EVERY_S)

    async def obey(self, lines: asyncio.StreamReader) -> None:
        """Go as far as each line says; nobody asks for more than one bridge at once."""
        orders = 0
        async with asyncio.TaskGroup() as tasks:
            async for line in lines:
                orders += 1
                facts = await self._obey(line.decode().split(), tasks)
                _say("done", order=orders, **facts)

    async def _obey(self, order: list[str], tasks: asyncio.TaskGroup) -> dict[str, int]:
        match order:
            case ["pose", board]:
                await self._pose(bytes.fromhex(board))
            case ["steal", passphrase, alice, bob]:
                opens = Passphrase(read_passphrase(Path(passphrase)))
                self._loot = [import_backup(Path(each), opens) for each in (alice, bob)]
            case ["forge"]:
                await self._forge()
            case ["bridge"]:
                await self._bridge(tasks)
            case ["heard"]:
                return {"frames": self._from_alice.spoken + self._from_bob.spoken}
            case _:
                raise AssertionError(order)
        return {}

    # What stands on bob's board.

    async def _pose(self, board: bytes) -> None:
        now = await self._before(board)
        slot = self._sealed(self._own, self._own.board, self._own.card_key, now)
        await self._plant(replace(slot, board=board))

    async def _forge(self) -> None:
        _, bob = self._loot
        board = OwnBoard(bob.board_seed)
        now = await self._before(board.public_key)
        await self._plant(self._sealed(self._own, board, bob.card_key, now))

    @staticmethod
    def _sealed(
        whose: Vault, board: OwnBoard, card_key: bytes, before: BoardPut
    ) -> BoardPut:
        """Make the next version of a slot, with another device in it."""
        return publish(
            own_entry(whose),
            board=board.key,
            card_key=card_key,
            index=before.index,
            version=before.version + 1,
            entropy=os.urandom,
        )

    async def _plant(self, slot: BoardPut) -> None:
        """Put a slot on the board; her relay asks for no signature."""
        self._planted.add(slot.blob)
        expires = int(time.time()) + _DAY_S
        await self._spool.run(lambda shelf: shelf.set_slot(slot, expires=expires))

    async def _before(self, board: bytes) -> BoardPut:
        """See what is there now; she will need what bob himself published."""
        slot = await self._look(board)
        if slot.blob not in self._planted:
            self._honest = slot
        return slot

    async def _look(self, board: bytes) -> BoardPut:
        """Wait for a slot on a board."""
        while True:
            slots = await self._spool.run(
                lambda shelf: [shelf.slot(board, index) for index in range(BOARD_SLOTS)]
            )
            for slot in slots:
                if slot is not None:
                    return slot
            await asyncio.sleep(_LOOK_EVERY_S)

    # Between the two.

    async def _bridge(self, tasks: asyncio.TaskGroup) -> None:
        _, bob = self._loot
        board = OwnBoard(bob.board_seed)
        now = await self._before(board.public_key)
        assert self._honest is not None
        honest = _opened(self._honest, bob)
        as_bob = _posing(bob, honest)
        self._from_alice, self._from_bob = _Wire(), _Wire()
        plan = MediaPlan(audio_source=self._from_bob, audio_sink=self._from_alice)
        post = self._tapped()
        await self._plant(self._sealed(as_bob, board, bob.card_key, now))
        tasks.create_task(self._be_bob(as_bob, honest, post, plan))

    async def _be_bob(
        self, vault: Vault, honest: DeviceEntry, post: _TappedPost, plan: MediaPlan
    ) -> None:
        async with _endpoint(vault, post, plan) as endpoint:
            async for with_alice in endpoint.incoming():
                await self._be_alice(with_alice, honest)
                break
        self._posts.remove(post)

    async def _be_alice(self, with_alice: Conversation, honest: DeviceEntry) -> None:
        """Call bob as alice; whoever hangs up hangs up both."""
        alice, bob = self._loot
        slot = await self._look(OwnBoard(alice.board_seed).public_key)
        vault = _posing(alice, _opened(slot, alice))
        known = vault.contacts.by_identity(bob.identity)
        assert known is not None
        known = with_announcement(known, format_entry(honest), int(time.time()))
        vault = replace(vault, contacts=vault.contacts.put(known))
        plan = MediaPlan(audio_source=self._from_alice, audio_sink=self._from_bob)
        post = self._tapped()
        async with _endpoint(vault, post, plan) as endpoint:
            with_bob = await endpoint.dial(known.alias)
            async with asyncio.TaskGroup() as both:
                both.create_task(_follow(with_bob, with_alice, answer=True))
                both.create_task(_follow(with_alice, with_bob, answer=False))
        self._posts.remove(post)

    def _tapped(self) -> _TappedPost:
        post = _TappedPost(self._relays)
        self._posts.append(post)
        return post


def _opened(slot: BoardPut, person: Backup) -> DeviceEntry:
    """Read a slot as whoever has the card can."""
    entry = open_slot(slot, card_key=person.card_key, seen_version=0)
    assert entry is not None  # nobody here withdraws a device
    return entry


def _posing(person: Backup, honest: DeviceEntry) -> Vault:
    """Be a device of somebody whose identity key is stolen.

    She takes the device's own id, so that no new device shows up, and dates her
    certificate like the honest one: a newer date would make the honest one look rolled
    back, and an older one hers.
    """
    certificate = parse_bundle(honest.bundle).certificate
    signer = NativeSigner(person.signer.seed)
    vault = replace(restore(person, os.urandom), device_id=certificate.device_id)
    return vault.rotated(signer, certificate.nbf + BACKDATE_S, os.urandom)


def _own_vault(relay: RelayAddress) -> Vault:
    seed = os.urandom(32)
    return begin(
        "mallory",
        NativeSigner(seed),
        source=SignerSource(SignerKind.NATIVE, seed=seed),
        relay=relay,
        now=int(time.time()),
        entropy=os.urandom,
    )


def _endpoint(vault: Vault, post: _TappedPost, plan: MediaPlan) -> Endpoint:
    settings = Settings(plan=lambda: plan, ice=IceConfig(loopback=True))
    return Endpoint(_Memory(vault), post, settings=settings, entropy=os.urandom)


async def _follow(this: Conversation, other: Conversation, *, answer: bool) -> None:
    """Do in the other call what happens in this one."""
    async for news in this.news():
        if answer and news == StateChanged(State.ACTIVE):
            other.accept()
    other.hang_up()


def _say(event: str, **facts: object) -> None:
    print(json.dumps({"event": event, **facts}), flush=True)  # noqa: T201 -- the demo reads it


async def _main(database: Path) -> None:
    async with (
        serve_relay(database) as relay,
        open_spool(database) as spool,
        RelayPost(entropy=os.urandom) as relays,
        asyncio.TaskGroup() as tasks,
    ):
        mallory = _Mallory(
            relay.address, spool=spool, tap=_Tap(database), relays=relays
        )
        watching = tasks.create_task(mallory.watch())
        lines = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(lines), sys.stdin
        )
        _say("serving", relay=format_relay(relay.address))
        await mallory.obey(lines)
        watching.cancel()


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1])))
