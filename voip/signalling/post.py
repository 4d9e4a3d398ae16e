"""How sealed blobs travel between devices, whoever carries them.

`RelayPost` keeps a link to every relay in use: the user's own, and those of the people
they call. `MessengerPost` hands the same blobs to a messenger that already carries
small messages between the same people. Neither carrier is trusted with more than the
delivery: it can lose, delay or repeat a blob, and nothing else.
"""

import asyncio
import contextlib
from collections.abc import Callable, Collection
from types import TracebackType
from typing import Protocol, Self

from voip.errors import LimitError, MalformedError
from voip.identity.card import RelayAddress
from voip.signalling.address import Address, Mailbox
from voip.signalling.envelope import BLOB_BYTES, TAG_BYTES, mailbox_tag
from voip.signalling.frames import MAX_FETCHES, BoardPut, Parcel
from voip.signalling.link import RelayLink
from voip.signalling.turn import TurnServer

MAX_LINKS = 32  # to our own relay, one per 128 mailboxes; and to those of contacts
IDLE_S = 60.0  # a link nobody reads or writes for so long is closed
_Place = tuple[RelayAddress, int]
"""A relay, and which of the links to it."""
MAX_WAITING = 256  # parcels taken from carriers and not yet handled; then they wait


class Post(Protocol):
    """A carrier of blobs, as an endpoint uses it."""

    async def send(self, to: Address, blob: bytes) -> None:
        """Hand over a blob of 4096 bytes.

        Raises:
            UnreachableError: it may not have been taken.
            LimitError: the mailbox is full.
        """

    def watch(self, mailboxes: Collection[Mailbox]) -> None:
        """Read these from now on, and no others."""

    async def receive(self) -> Parcel:
        """Wait for the next parcel."""

    async def done(self, parcel: Parcel) -> None:
        """Say that a parcel was handled and need not come again."""


class RelayPost:
    """Carries blobs through relays; use as ``async with RelayPost(...) as post``."""

    def __init__(self, *, entropy: Callable[[int], bytes]) -> None:
        self._entropy = entropy
        self._links: dict[_Place, RelayLink] = {}
        self._watched: dict[_Place, tuple[bytes, ...]] = {}
        self._inbox: asyncio.Queue[tuple[asyncio.Queue[bytes], Parcel]] = asyncio.Queue(
            MAX_WAITING
        )
        self._from: dict[bytes, asyncio.Queue[bytes]] = {}
        """Per parcel that is being handled: what its relay is to delete."""
        self._tasks = asyncio.TaskGroup()
        self._running: dict[_Place, asyncio.Task[None]] = {}

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for task in self._running.values():
            task.cancel()
        await self._tasks.__aexit__(kind, error, traceback)

    async def send(self, to: Address, blob: bytes) -> None:
        """See `Post`."""
        if to.relay is None:
            raise MalformedError("address: expected a relay, came none")
        await self._link(to.relay).put(to.tag, blob)

    def watch(self, mailboxes: Collection[Mailbox]) -> None:
        """See `Post`.

        Raises:
            LimitError: there are more than all links together can read.
            MissingError: a relay that this version has no way to.
        """
        before, self._watched = self._watched, _places(mailboxes)
        for place in before.keys() & self._links.keys():
            if place not in self._watched:
                self._links[place].watch(())
        for place, fetches in self._watched.items():
            if before.get(place) != fetches or place not in self._links:
                self._link(*place).watch(fetches)

    async def receive(self) -> Parcel:
        """See `Post`."""
        handled, parcel = await self._inbox.get()
        self._from[parcel.message_id] = handled
        return parcel

    async def done(self, parcel: Parcel) -> None:
        """See `Post`; does not wait for the relay, for others have sent parcels too."""
        self._from.pop(parcel.message_id).put_nowait(parcel.message_id)

    async def publish(self, relay: RelayAddress, slot: BoardPut) -> None:
        """Publish a slot of our board; raises what `RelayLink.publish` raises."""
        await self._link(relay).publish(slot)

    async def read_board(self, relay: RelayAddress, board: bytes) -> list[BoardPut]:
        """Read somebody's board; raises what `RelayLink.read_board` raises."""
        return await self._link(relay).read_board(board)

    async def turn(self, relay: RelayAddress, wanted_s: int) -> tuple[TurnServer, ...]:
        """Ask a relay for TURN servers; raises what `RelayLink.turn` raises."""
        return await self._link(relay).turn(wanted_s)

    def problem(self, relay: RelayAddress) -> str | None:
        """Why this relay cannot be reached now, as a sentence."""
        link = self._links.get((relay, 0))
        return link.problem if link is not None else None

    async def ready(self, relay: RelayAddress) -> None:
        """Wait for a connection, at most 10 s; raises UnreachableError."""
        await self._link(relay).ready()

    def _link(self, relay: RelayAddress, number: int = 0) -> RelayLink:
        place = relay, number
        link = self._links.get(place)
        if link is None:
            if len(self._links) == MAX_LINKS:
                raise LimitError(f"{MAX_LINKS} links to relays are in use already")
            link = self._links[place] = RelayLink(relay, entropy=self._entropy)
            self._running[place] = self._tasks.create_task(self._run(place, link))
        return link

    async def _run(self, place: _Place, link: RelayLink) -> None:
        handled: asyncio.Queue[bytes] = asyncio.Queue()
        deleting = self._tasks.create_task(link.delete_from(handled))
        try:
            async with link:
                while True:
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(IDLE_S):
                            await self._inbox.put((handled, await link.receive()))
                        continue
                    if place not in self._watched and not link.is_busy:
                        return
        finally:
            deleting.cancel()
            del self._links[place], self._running[place]


def _places(mailboxes: Collection[Mailbox]) -> dict[_Place, tuple[bytes, ...]]:
    """Share out what is read at each relay among links that can read 128 each."""
    fetches: dict[RelayAddress, set[bytes]] = {}
    for mailbox in mailboxes:
        if mailbox.relay is not None:
            fetches.setdefault(mailbox.relay, set()).add(mailbox.fetch)
    return {
        (relay, start // MAX_FETCHES): tuple(ordered[start : start + MAX_FETCHES])
        for relay, ordered in ((r, sorted(f)) for r, f in fetches.items())
        for start in range(0, len(ordered), MAX_FETCHES)
    }


class Messenger(Protocol):
    """What a messenger gives us: a way to carry a letter of 4112 bytes to a person.

    `identity` is the 32-byte identity key that both sides know the person by. Letters
    may be lost, repeated or reordered.
    """

    async def send(self, identity: bytes, letter: bytes) -> None:
        """Carry a letter to all devices of a person.

        Raises:
            UnreachableError: it could not be handed over.
        """

    async def receive(self) -> bytes:
        """Wait for the next letter to this device, whoever sent it."""


class MessengerPost:
    """Carries blobs through a messenger: letter = tag 16 || blob 4096."""

    def __init__(self, messenger: Messenger) -> None:
        self._messenger = messenger
        self._tags: frozenset[bytes] = frozenset()

    async def send(self, to: Address, blob: bytes) -> None:
        """See `Post`."""
        await self._messenger.send(to.identity, to.tag + blob)

    def watch(self, mailboxes: Collection[Mailbox]) -> None:
        """See `Post`; letters for other devices of ours are passed over."""
        self._tags = frozenset(mailbox_tag(each.fetch) for each in mailboxes)

    async def receive(self) -> Parcel:
        """See `Post`."""
        while True:
            letter = await self._messenger.receive()
            tag, blob = letter[:TAG_BYTES], letter[TAG_BYTES:]
            if tag in self._tags and len(blob) == BLOB_BYTES:
                return Parcel(tag, b"", blob=blob)

    async def done(self, parcel: Parcel) -> None:
        """See `Post`; a messenger delivers once."""
