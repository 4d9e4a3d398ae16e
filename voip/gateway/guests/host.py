"""Who has guests, and what he lets them do."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field

from voip.gateway.counts import GatewayCounts
from voip.gateway.guests.handshake import Media
from voip.gateway.guests.linkbook import LinkBook
from voip.gateway.guests.messages import MAX_SERVERS, Server
from voip.identity.keys import Entropy
from voip.media.connect.config import IceConfig, IceServer
from voip.media.connect.servers import parse_server


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
