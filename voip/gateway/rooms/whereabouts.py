"""Where a larger room is: at which forwarding server, under which number and pin.

Carrier, for others wait for it. Who opened the room knows; the others take it from the
first member who says so. Who says something else later is not followed: a member could
else take the room apart, or lead it to a server of its own.
"""

import asyncio

from voip.errors import RefusedError
from voip.gateway.rooms.sfu import check_server
from voip.signalling.group import Room


class Whereabouts:
    """What is known of that, by one member.

    Attributes:
        ticket: what leads there; None: nobody has said so yet.
    """

    def __init__(self, ticket: Room | None, server: str | None) -> None:
        """Take the ticket of a room that we opened, and where our user expects it."""
        self.ticket = ticket
        self._server = server
        self._known = asyncio.Event()
        if ticket is not None:
            self._known.set()

    def take(self, message: Room) -> bool:
        """Take what a member says; gives whether it was news.

        Raises:
            RefusedError: it is another place than the one that we know.
            MalformedError: an address that a member's word must not lead us to.
        """
        if self.ticket is not None:
            if message != self.ticket:
                raise RefusedError("says that the room is at another place")
            return False
        check_server(message.url, ours=message.url == self._server)
        self.ticket = message
        self._known.set()
        return True

    async def known(self) -> Room:
        """Wait until somebody has said it."""
        await self._known.wait()
        assert self.ticket is not None
        return self.ticket
