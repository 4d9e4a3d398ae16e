"""What the clients of one relay process share: the store, and who waits for what."""

import asyncio
import math
import os
import time
from collections import defaultdict
from collections.abc import Coroutine, Sequence
from typing import TypeVar

from voip.errors import CallError, UnreachableError
from voip.signalling.counts import Call, RelayCounts
from voip.signalling.envelope import mailbox_tag
from voip.signalling.filler import Filler
from voip.signalling.patience import Patience
from voip.signalling.store import STORE_S, Store
from voip.signalling.turn import PER_PREFIX, PER_PREFIX_S, Meter, TurnOffer

_R = TypeVar("_R")

RECHECK_S = 5.0  # a waiting GET looks again: a hint of the store may be lost


class Watch:
    """The mailboxes that a client reads, from one GET to the next.

    Who asks again for what was empty a moment ago, as clients do all the time, need not
    have the store look again: what arrives meanwhile is heard of.
    """

    def __init__(self, fetches: Sequence[bytes]) -> None:
        self.fetches = fetches
        self.tags = [mailbox_tag(fetch) for fetch in fetches]
        self.news = asyncio.Event()
        self._empty_at = -math.inf

    def begin(self) -> None:
        """The store looks now: only what arrives from here on is news."""
        self.news.clear()
        self._empty_at = -math.inf

    def was_empty(self) -> None:
        """The store had nothing more when it looked."""
        self._empty_at = asyncio.get_running_loop().time()

    @property
    def due_s(self) -> float:
        """In how many seconds to look again if nothing is heard; 0 is now."""
        if self.news.is_set():
            return 0.0
        waited_s = asyncio.get_running_loop().time() - self._empty_at
        return max(0.0, RECHECK_S - waited_s)


class Room:
    """What the clients of one process share: the store, and who waits for what."""

    def __init__(
        self,
        store: Store,
        *,
        counts: RelayCounts | None = None,
        turn: TurnOffer | None = None,
    ) -> None:
        self.store = store
        self.counts = counts or RelayCounts()
        self.turn = turn
        self.filler = Filler(os.urandom)
        self.turn_meter = Meter(PER_PREFIX, PER_PREFIX_S)
        self._patience = Patience(STORE_S)
        self._waiting: defaultdict[bytes, set[asyncio.Event]] = defaultdict(set)
        store.listen(self._arrived)

    async def ask(self, call: Call, work: Coroutine[None, None, _R]) -> _R:
        """Let the store do something, and count how long it took.

        Raises:
            UnreachableError: it took more than five seconds, and may yet happen.
            StoreError: the store cannot.
            LimitError: too much waits for it.
        """
        began = time.perf_counter()
        try:
            return await self._patience.wait(work)
        except TimeoutError:
            self.counts.store_errors[call] += 1
            raise UnreachableError(f"store: no answer within {STORE_S:g} s") from None
        except CallError:
            self.counts.store_errors[call] += 1
            raise
        finally:
            self.counts.store_s[call].add(time.perf_counter() - began)

    def watch(self, watch: Watch) -> None:
        """Have its news set whenever a blob arrives in one of its mailboxes."""
        for tag in watch.tags:
            self._waiting[tag].add(watch.news)

    def forget(self, watch: Watch) -> None:
        """Undo `watch`; harmless if that never was."""
        for tag in set(watch.tags):
            self._waiting[tag].discard(watch.news)
            if not self._waiting[tag]:
                del self._waiting[tag]

    def _arrived(self, tag: bytes) -> None:
        """Wake whoever waits for this tag."""
        for news in self._waiting.get(tag, ()):
            news.set()
