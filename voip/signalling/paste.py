"""A carrier made of two people: blobs leave as a text and come in as one.

Each side gives `text(step)` to its user, and hands what the user pastes to `take`::

    caller   text(INVITE) ──>  take(INVITE)   callee
             take(ANSWER) <──  text(ANSWER)
             text(SELECT) ──>  take(SELECT)

The texts are `voip.signalling.invitation`'s. After the third, media flows and carries
the rest.
"""

import asyncio
from collections.abc import Collection

from voip.signalling.address import Address, Mailbox
from voip.signalling.envelope import mailbox_tag
from voip.signalling.frames import Parcel
from voip.signalling.invitation import Pasted, Step, format_pasted, parse_pasted


class PastePost:
    """A `Post` for one call, for an `Endpoint` whose settings say `by_hand`."""

    def __init__(self) -> None:
        self._sent: list[bytes] = []
        self._more = asyncio.Event()
        self._pasted: asyncio.Queue[bytes] = asyncio.Queue()
        self._tag = b""

    async def text(self, step: Step) -> str:
        """Wait until all blobs of a step were sent, and give them as text.

        May be given up and asked for again.
        """
        while len(self._sent) < step.blobs:
            self._more.clear()
            await self._more.wait()
        blobs, self._sent = self._sent[: step.blobs], self._sent[step.blobs :]
        return format_pasted(Pasted(step, tuple(blobs)))

    def take(self, text: str, step: Step) -> None:
        """Take the text that the other side gave.

        Raises:
            MalformedError: not such a text, another step, or changed on the way.
        """
        for blob in parse_pasted(text, step).blobs:
            self._pasted.put_nowait(blob)

    async def send(self, to: Address, blob: bytes) -> None:  # noqa: ARG002 -- see `Post`
        """See `Post`; what no text waits for later goes no further."""
        self._sent.append(blob)
        self._more.set()

    def watch(self, mailboxes: Collection[Mailbox]) -> None:
        """See `Post`; a pasted blob names no mailbox, but there is one call at most."""
        self._tag = b""
        for mailbox in mailboxes:
            self._tag = mailbox_tag(mailbox.fetch)

    async def receive(self) -> Parcel:
        """See `Post`."""
        blob = await self._pasted.get()
        return Parcel(self._tag, b"", blob=blob)

    async def done(self, parcel: Parcel) -> None:
        """See `Post`; nobody has it but us."""
