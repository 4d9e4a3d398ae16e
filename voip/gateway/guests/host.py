"""Who has guests, and what he lets them do."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from voip.errors import CallError
from voip.gateway.counts import GatewayCounts
from voip.gateway.guests.handshake import Media
from voip.gateway.guests.linkbook import LinkBook
from voip.gateway.guests.messages import MAX_SERVERS, Server
from voip.identity.keys import Entropy
from voip.media.connect.config import IceConfig, IceServer
from voip.media.connect.servers import parse_server

LEND_AGAIN_S: Final = 120.0  # what is lent lives for some minutes


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """Who invites, and to what.

    Attributes:
        origin: of the page, as browsers see it.
        alias: what guests are told that the host is called.
        media: what guests may send and see.
        ice: how we want to be found; guests are told of its TURN servers.
        book: keeps links beyond this program; None: they end with it.
        counted: figures about all legs of this process.
        entropy: gives random bytes.
    """

    origin: str
    alias: str
    media: Media = Media.AUDIO | Media.VIDEO
    ice: IceConfig = field(default_factory=IceConfig)
    book: LinkBook | None = None
    counted: GatewayCounts = field(default_factory=GatewayCounts)
    entropy: Entropy = os.urandom

    def relays(self, lent: Iterable[IceServer] = ()) -> tuple[Server, ...]:
        """List the TURN servers, ours and lent ones: the only ones both sides can use.

        As many as a message has room for.
        """
        return tuple(
            Server(each.url, each.username or "", credential=each.password or "")
            for each in (*self.ice.servers, *lent)
            if parse_server(each.url).is_relay
        )[:MAX_SERVERS]

    async def servers(
        self, failed: Callable[[str], None]
    ) -> AsyncIterator[tuple[Server, ...]]:
        """Give the TURN servers for a guest, and fresh ones before what is lent ends.

        Another media connection may be made at any time, and what was lent for the
        first opens nothing then. `failed` hears why nothing is lent.
        """
        told: tuple[Server, ...] | None = None
        lender = self.ice.lender
        while lender is not None:
            try:
                servers = self.relays(await lender())
            except CallError as error:
                failed(f"no turn server was lent: {error}")
                servers = self.relays() if told is None else told
            if servers != told:
                told = servers
                yield servers
            await asyncio.sleep(LEND_AGAIN_S)
        yield self.relays()
