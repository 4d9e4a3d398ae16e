"""A path whose addresses are found while a call rings.

Asking servers takes round trips: two for an address at a relay, more over TLS. Whoever
accepts a call need not wait for them if they were made before::

    begin ─> a path, and a new one whenever it has grown old ─> take: the call's
                                                             └> close: nobody accepted

Only servers that the user configured, or that are lent to them, hear of it. Without any
there is nothing to wait for, and no port opens before the call is accepted. However
many devices ring, a call has one path at a time, and so one allocation at each relay.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from voip.errors import CallError
from voip.media.connect.config import IceConfig
from voip.media.connect.gathering import local_addresses
from voip.media.connect.interfaces import addresses_changed
from voip.media.connect.path import Path

FRESH_S = 20.0
"""So old, at most, is what a call is given. Many routers forget 30 s after the last
packet whom a port was for (RFC 4787 §4.3 asks for 120), and the other side takes some
seconds before it sends to what we tell it."""


class Ahead:
    """Addresses for one call, found before it is accepted."""

    def __init__(
        self,
        config: IceConfig,
        make: Callable[[], Path],
        *,
        addresses: Callable[[], frozenset[str]] = local_addresses,
        changed: Callable[[], Awaitable[object]] = addresses_changed,
    ) -> None:
        """Take the user's wishes, and who makes paths by them; nothing happens yet.

        Args:
            config: servers, and what may be shown.
            make: makes a path; may raise a `CallError`.
            addresses: lists those of this machine.
            changed: returns when they are others.
        """
        self._config = config
        self._make = make
        self._addresses = addresses
        self._changed = changed
        self._known: frozenset[str] = frozenset()
        self._path: Path | None = None
        self._has_failed = False
        self._found = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self._closers: set[asyncio.Task[None]] = set()

    def begin(self) -> None:
        """Ask the user's servers, if there are any; once, however often it is called.

        What fails is no trouble yet: the call asks again when it is accepted.
        """
        if self._config.asks_anybody and self._keeper is None:
            self._keeper = asyncio.get_running_loop().create_task(self._keep())

    async def take(self) -> Path | None:
        """Look no further, and give what the call can use; else None.

        Waits for servers that are being asked, as `Path.gather` does; what that came to
        is had by calling it. None where nothing was begun, it failed earlier, or the
        network is another one now: gather as if the call had not rung.
        """
        if self._keeper is None:
            return None
        is_under_way = not self._found.is_set()
        await self._found.wait()
        self._keeper.cancel()
        return self._path if is_under_way or self._is_good() else None

    async def close(self) -> None:
        """Close what was found, given or not; closing a path twice is harmless."""
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            keeper.cancel()
            await asyncio.wait([keeper])
            if not keeper.cancelled():
                keeper.result()  # a bug of ours is not to be silent
        self._drop()
        await asyncio.gather(*self._closers)

    async def _keep(self) -> None:
        """Have a fresh path until somebody takes it."""
        while True:
            self._drop()
            self._found.clear()
            try:
                self._known = self._addresses()
                self._path = self._make()
                await self._path.gather()
                self._has_failed = False
            except CallError:
                self._has_failed = True
            finally:
                self._found.set()
            with suppress(TimeoutError):
                async with asyncio.timeout(FRESH_S):
                    await self._changed()

    def _is_good(self) -> bool:
        path = self._path
        is_whole = path is not None and path.is_whole and not self._has_failed
        return is_whole and self._addresses() == self._known

    def _drop(self) -> None:
        """Close a path beside what is done next: it may take a server's answer."""
        path, self._path = self._path, None
        if path is not None:
            closer = asyncio.get_running_loop().create_task(path.close())
            self._closers.add(closer)
            closer.add_done_callback(self._closers.discard)
