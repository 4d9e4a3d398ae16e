"""What a relay asks of the place where it keeps blobs, whichever engine that is.

A relay says "stored" only after its store did, so a store answers when the blob would
survive a power cut, and not before. The promises, which one suite of tests holds every
store to:

- durable before `Status.OK`, and before `discard` returns;
- a blob is there until it is deleted or seven days old; asked twice, it comes twice;
- at most 64 blobs a tag, whatever the number of processes that add at once;
- under one tag blobs come in the order in which they arrived;
- versions of a board's slot only rise, by compare and set;
- nothing depends on which process of several a client happens to talk to.

The rules themselves are `voip.signalling.mailbox`'s.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from voip.signalling.frames import BoardPut, Parcel, Put, Status

STORE_S = 5.0
"""Seconds a store may take to answer; a client waits ten for its relay."""

Heard = Callable[[bytes], None]
"""Called in the event loop with a tag under which something may have arrived.

A hint may be lost, or come twice, and never carries data.
"""
Choose = Callable[[Sequence[bytes]], list[bytes]]
"""Given message ids, oldest first under each tag: those wanted (`Visit.fresh`)."""


class Store(Protocol):
    """Where blobs and boards are kept; `now` is unix seconds of the relay's clock.

    Every call raises `UnreachableError` where the engine does not answer, `StoreError`
    where it answers that it cannot (a disk that is full or broken), and `LimitError`
    where too many requests wait for it already. A call that raised may have happened.
    """

    def listen(self, heard: Heard) -> None:
        """Have `heard` called from now on; whoever waits for a tag looks again."""

    async def put(self, put: Put, *, now: int) -> Status:
        """Keep a blob for seven days; OK once it is durable, FULL without room."""

    async def collect(
        self, tags: Sequence[bytes], *, now: int, choose: Choose
    ) -> list[Parcel]:
        """Read what lies under some tags, of which `choose` picks."""

    async def discard(self, message_ids: Sequence[bytes]) -> None:
        """Delete blobs; ids that name none are ignored."""

    async def publish(self, slot: BoardPut, *, now: int) -> Status:
        """Replace a slot of a board by a newer version; the same bytes are welcome.

        REFUSED where the signature or the version is not good, FULL where there is no
        room for one more slot.
        """

    async def slot(self, board: bytes, index: int) -> BoardPut | None:
        """Give what a slot of a board holds."""

    async def sweep(self, now: int) -> None:
        """Drop what has expired, where the engine does not by itself."""

    async def check(self, now: int) -> None:
        """Write something durable; a disk that is full still answers reads."""
