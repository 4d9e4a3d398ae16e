"""How many may come to the page at once, of one household and of all.

Carrier, and thin: it reads whose a connection is. Without the bound per household, one
stranger with idle connections would keep guests out.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from aiohttp import web

from voip.errors import LimitError
from voip.signalling.places import Places
from voip.signalling.turn import prefix

MAX_OPEN: Final = 512  # connections; each costs a descriptor, of which many have 1024
MAX_OPEN_PER_HOUSEHOLD: Final = 64  # a browser loads the page over some six
MAX_SOCKETS: Final = 64  # of all guests; each may cost a handshake
MAX_SOCKETS_PER_HOUSEHOLD: Final = 16


class Threshold:
    """Counts who is there; a `Door` of arrivals."""

    def __init__(self, *, is_proxied: bool) -> None:
        """`is_proxied`: connections are a proxy's, which says whose requests are."""
        self._is_proxied = is_proxied
        self._open = Places(MAX_OPEN, MAX_OPEN_PER_HOUSEHOLD)
        self._sockets = Places(MAX_SOCKETS, MAX_SOCKETS_PER_HOUSEHOLD)

    def household(self, transport: asyncio.BaseTransport) -> str | None:
        """Say whose a connection is; a proxy's are everybody's."""
        if self._is_proxied:
            return None
        peer = transport.get_extra_info("peername")
        return prefix(peer[0] if peer else "")

    def opened(self, household: str | None) -> bool:
        """Count a connection in, before it asks for anything; False if it must go."""
        if self._open.refusal(household) is not None:
            return False
        self._open.enter(household)
        return True

    def closed(self, household: str | None) -> None:
        """Count a connection out that was counted in."""
        self._open.leave(household)

    @contextmanager
    def socket(self, request: web.Request) -> Iterator[None]:
        """Count a guest's socket for the length of a block.

        Raises:
            LimitError: too many of his household are there, or of all.
        """
        household = self._asking(request)
        if self._sockets.refusal(household) is not None:
            raise LimitError("guests: too many sockets are open")
        self._sockets.enter(household)
        try:
            yield
        finally:
            self._sockets.leave(household)

    def _asking(self, request: web.Request) -> str | None:
        if not self._is_proxied:
            return prefix(request.remote or "")
        # What the proxy saw is the last of the list; all before it anybody can write.
        lines = request.headers.getall("X-Forwarded-For", [""])
        return prefix(lines[-1].rpartition(",")[2].strip()) or None
