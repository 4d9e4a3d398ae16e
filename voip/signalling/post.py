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
from voip.signalling.frames import BoardPut, Parcel
from voip.signalling.link import RelayLink

MAX_LINKS = 32  # one per relay of a contact in a call, and room for a group
IDLE_S = 60.0  # a link nobody reads or writes for so long is closed
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
        self._links: dict[RelayAddress, RelayLink] = {}
        self._watched: dict[RelayAddress, set[bytes]] = {}
        self._inbox: asyncio.Queue[tuple[RelayLink, Parcel]] = asyncio.Queue(
            MAX_WAITING
        )
        self._from: dict[bytes, RelayLink] = {}
        self._tasks = asyncio.TaskGroup()
        self._running: dict[RelayAddress, asyncio.Task[None]] = {}

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
        await self._link(_relay(to)).put(to.tag, blob)

    def watch(self, mailboxes: Collection[Mailbox]) -> None:
        """See `Post`."""
        watched: dict[RelayAddress, set[bytes]] = {}
        for mailbox in mailboxes:
            if mailbox.relay is not None:
                watched.setdefault(mailbox.relay, set()).add(mailbox.fetch)
        self._watched, before = watched, self._watched
        for relay in {*before, *watched}:
            if watched.get(relay) != before.get(relay):
                self._link(relay).watch(sorted(watched.get(relay, ())))

    async def receive(self) -> Parcel:
        """See `Post`."""
        link, parcel = await self._inbox.get()
        self._from[parcel.message_id] = link
        return parcel

    async def done(self, parcel: Parcel) -> None:
        """See `Post`."""
        await self._from.pop(parcel.message_id).delete([parcel.message_id])

    async def publish(self, relay: RelayAddress, slot: BoardPut) -> None:
        """Publish a slot of our board; raises what `RelayLink.publish` raises."""
        await self._link(relay).publish(slot)

    async def read_board(self, relay: RelayAddress, board: bytes) -> list[BoardPut]:
        """Read somebody's board; raises what `RelayLink.read_board` raises."""
        return await self._link(relay).read_board(board)

    def problem(self, relay: RelayAddress) -> str | None:
        """Why this relay cannot be reached now, as a sentence."""
        link = self._links.get(relay)
        return link.problem if link is not None else None

    async def ready(self, relay: RelayAddress) -> None:
        """Wait for a connection, at most 10 s; raises UnreachableError."""
        await self._link(relay).ready()

    def _link(self, relay: RelayAddress) -> RelayLink:
        link = self._links.get(relay)
        if link is None:
            if len(self._links) == MAX_LINKS:
                raise LimitError(f"{MAX_LINKS} relays are in use; hang up a call first")
            link = self._links[relay] = RelayLink(relay, entropy=self._entropy)
            self._running[relay] = self._tasks.create_task(self._run(relay, link))
        return link

    async def _run(self, relay: RelayAddress, link: RelayLink) -> None:
        try:
            async with link:
                while True:
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(IDLE_S):
                            await self._inbox.put((link, await link.receive()))
                        continue
                    if relay not in self._watched and not link.is_busy:
                        return
        finally:
            del self._links[relay], self._running[relay]


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


def _relay(to: Address) -> RelayAddress:
    if to.relay is None:
        raise MalformedError("address: expected a relay, came none")
    return to.relay
