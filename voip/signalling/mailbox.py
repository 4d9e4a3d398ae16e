"""What a relay allows: who may leave what, how much, and for how long.

Every rule is a function over a `Shelf`, the store of the relay, and runs as one
transaction of it. Nothing is remembered outside the shelf but what concerns a single
connection (`Visit`), so several processes may serve one shelf.

Anyone may leave a blob under any tag, since a relay must not know who calls whom. What
stops a flood is that blobs have one size, tags 64 places, connections a rate and the
whole shelf a quota. Whoever knows the fetch secret may read; whoever has read, and so
knows the random message id, may delete. Limits: docs/formats/signalling.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from voip.errors import RefusedError
from voip.identity.keys import Entropy
from voip.signalling.board import check_signature
from voip.signalling.frames import (
    ID_BYTES,
    MAX_PARCELS,
    BoardPut,
    Parcel,
    Put,
    Status,
)
from voip.signalling.store import Choose

_DAY_S = 86400
RETENTION_S = 7 * _DAY_S  # for every blob: a relay cannot tell kinds apart
BOARD_RETENTION_S = 45 * _DAY_S  # past the 30 days of the certificate inside
MAX_PER_TAG = 64  # a mailbox nobody reads must not fill the shelf
RATE_PER_S = 20.0  # a call in set-up needs a handful
BURST = 40.0  # reading boards and dialling 8 devices at once must not wait
MAX_REMEMBERED = 8192  # 128 mailboxes of 64 blobs


@dataclass(frozen=True, slots=True)
class Limits:
    """What the operator grants.

    Attributes:
        stored_bytes: what the shelf may take up in all; 256 MiB hold some 60 000 blobs.
    """

    stored_bytes: int = 256 << 20


class Shelf(Protocol):
    """What a relay keeps; times are unix seconds."""

    def stored_bytes(self) -> int:
        """Say how much the shelf takes up."""

    def count(self, tag: bytes, *, now: int) -> int:
        """Count the blobs of a tag that have not expired."""

    def add(self, parcel: Parcel, *, expires: int) -> None:
        """Keep a blob."""

    def find(self, tags: Sequence[bytes], *, now: int) -> list[bytes]:
        """Give the message ids under some tags that have not expired, oldest first."""

    def read(self, message_ids: Sequence[bytes]) -> list[Parcel]:
        """Give blobs by message id, oldest first."""

    def remove(self, message_ids: Sequence[bytes]) -> None:
        """Drop blobs; ids that name none are ignored."""

    def slot(self, board: bytes, index: int) -> BoardPut | None:
        """Give what a slot of a board holds."""

    def set_slot(self, published: BoardPut, *, expires: int) -> None:
        """Replace what a slot of a board holds."""

    def sweep(self, now: int) -> None:
        """Drop what expired before `now`."""

    def beat(self, now: int) -> None:
        """Write something, so that the commit that follows is a real one."""


class Visit:
    """One connection: its rate, and what it was given already."""

    def __init__(self, now: float) -> None:
        self._tokens = BURST
        self._refilled_at = now
        self._given: dict[bytes, None] = {}

    def delay(self, now: float) -> float:
        """Count one frame and give the seconds to wait before looking at it.

        Frames above the rate are late, not lost: while one waits, nothing more is read
        from the connection, so a flood costs the sender and nobody else.
        """
        refill = (now - self._refilled_at) * RATE_PER_S
        self._tokens = min(BURST, self._tokens + refill) - 1.0
        self._refilled_at = now
        return max(0.0, -self._tokens / RATE_PER_S)

    def fresh(self, message_ids: Sequence[bytes]) -> list[bytes]:
        """Keep what this connection was not given yet, at most 32, and remember it.

        So a client that is slow to delete does not make its next GET return at once,
        over and over.
        """
        fresh = [each for each in message_ids if each not in self._given][:MAX_PARCELS]
        self._given.update(dict.fromkeys(fresh))
        while len(self._given) > MAX_REMEMBERED:
            del self._given[next(iter(self._given))]
        return fresh


def post(
    shelf: Shelf, put: Put, *, now: int, limits: Limits, entropy: Entropy
) -> Status:
    """Leave a blob under a tag."""
    if shelf.stored_bytes() >= limits.stored_bytes:
        return Status.FULL
    if shelf.count(put.tag, now=now) >= MAX_PER_TAG:
        return Status.FULL
    parcel = Parcel(put.tag, entropy(ID_BYTES), blob=put.blob)
    shelf.add(parcel, expires=now + RETENTION_S)
    return Status.OK


def collect(
    shelf: Shelf, tags: Sequence[bytes], *, now: int, choose: Choose
) -> list[Parcel]:
    """Read what lies under some tags, of which `choose` picks (`Visit.fresh`).

    Only `mailbox_tag` of a fetch secret belongs here, never a tag from a frame.
    """
    wanted = choose(shelf.find(tags, now=now))
    return shelf.read(wanted) if wanted else []


def discard(shelf: Shelf, message_ids: Sequence[bytes]) -> None:
    """Delete what was read."""
    shelf.remove(message_ids)


def publish(shelf: Shelf, slot: BoardPut, *, now: int, limits: Limits) -> Status:
    """Replace a slot of a board by a newer version.

    The same version again is welcome if it is the same bytes: its reply was lost.
    """
    try:
        check_signature(slot)
    except RefusedError:
        return Status.REFUSED
    held = shelf.slot(slot.board, slot.index)
    if held is not None and held != slot and slot.version <= held.version:
        return Status.REFUSED
    if held is None and shelf.stored_bytes() >= limits.stored_bytes:
        return Status.FULL
    shelf.set_slot(slot, expires=now + BOARD_RETENTION_S)
    return Status.OK
