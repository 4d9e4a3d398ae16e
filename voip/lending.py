"""TURN servers that a relay lends for the calls of one program.

Each is asked of the user's own relay, which knows their address already, over a
connection made for it: a gateway has no other, and a caller asks while it rings. A
grant serves several calls, and each looking about while one rings, for half of its
life; so a program that calls all day asks 24 times an hour, and a relay grants 30 to a
household.
"""

import asyncio
import time
from collections.abc import Callable

from voip.errors import MissingError
from voip.identity.card import RelayAddress
from voip.identity.keys import Entropy
from voip.media.connect.config import IceServer
from voip.signalling.link import RelayLink

LENT_S = 300
"""What is asked for: an allocation that was made in time lives on after it."""
KEPT_S = LENT_S / 2  # whoever comes late still has the other half to connect in
ANSWER_S = 4.0  # a gathering gives its servers 5 s


class RelayLender:
    """A `voip.media.connect.config.Lender`: call it for servers."""

    def __init__(
        self,
        relay: RelayAddress,
        *,
        entropy: Entropy,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the user's relay; nobody is asked yet. `clock` gives seconds."""
        self._relay = relay
        self._entropy = entropy
        self._clock = clock
        self._asking = asyncio.Lock()  # calls that begin together ask once
        self._kept: tuple[IceServer, ...] = ()
        self._until = 0.0

    async def __call__(self) -> tuple[IceServer, ...]:
        """Give servers that are good for two minutes and a half at least.

        Raises:
            UnreachableError: no answer within 4 s.
            MissingError: the relay lends none, or has an onion address.
            LimitError: it asks to slow down.
        """
        async with self._asking:
            now = self._clock()
            if not self._kept or now >= self._until:
                self._kept = await self._ask()
                self._until = now + KEPT_S
            return self._kept

    async def _ask(self) -> tuple[IceServer, ...]:
        link = RelayLink(self._relay, entropy=self._entropy, patience_s=ANSWER_S)
        async with link:
            granted = await link.turn(LENT_S)
        if not granted:
            raise MissingError(f"relay {self._relay.netloc}: lends no turn server")
        return tuple(
            IceServer(url=each.url, username=each.username, password=each.credential)
            for each in granted
        )
