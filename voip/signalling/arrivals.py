"""A connection from its first byte on, also of who never asks for anything.

A server of aiohttp's counts requests; sockets that only stay open would fill the
process without one. So each is counted as it arrives, and turned away if there is no
room, before TLS or HTTP begin.
"""

import asyncio
import logging
from typing import Protocol, cast

from aiohttp import web

_NOBODY = logging.Logger("arrivals")  # noqa: LOG001 - outside the tree, so nobody listens
_NOBODY.disabled = True  # aiohttp's error lines name the addresses of clients


class Door(Protocol):
    """Says who may come in; a household is what shares an address."""

    def household(self, transport: asyncio.BaseTransport) -> str | None:
        """Say whose a connection is; None where that is not known, as of a proxy's."""

    def opened(self, household: str | None) -> bool:
        """Count a connection in, before it asks for anything; False if it must go."""

    def closed(self, household: str | None) -> None:
        """Count a connection out that was counted in."""


class Arrival(web.RequestHandler):
    """One connection; a factory for `asyncio.loop.create_server` makes them."""

    __slots__ = ("_door", "_household", "_is_in")

    def __init__(self, manager: web.Server, door: Door, *, silence_s: float) -> None:
        """Take where it arrives.

        Args:
            manager: the server whose handlers answer it.
            door: counts it.
            silence_s: how long it is kept when it asks for nothing, in seconds.
        """
        super().__init__(
            manager,
            loop=asyncio.get_running_loop(),
            keepalive_timeout=silence_s,
            access_log=_NOBODY,
            logger=_NOBODY,
        )
        self._door = door
        self._household: str | None = None
        self._is_in = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let it in if there is room."""
        self._household = self._door.household(transport)
        if not self._door.opened(self._household):
            self.force_close()  # it reads nothing any more
            cast("asyncio.Transport", transport).abort()
            return
        self._is_in = True
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Make room."""
        if self._is_in:
            self._is_in = False
            self._door.closed(self._household)
        super().connection_lost(exc)
