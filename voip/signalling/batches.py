"""Many requests, one trip: what waits while an engine works goes together next.

An engine that syncs before it answers takes as long for a thousand blobs as for one. So
one batch is on its way at a time, and what arrives meanwhile makes up the next.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

from voip.errors import LimitError, StoreError

_Q = TypeVar("_Q")
_A = TypeVar("_A")

MAX_WAITING = 2048  # requests; beyond, clients are asked to slow down
MAX_BATCH = 512  # 2 MiB of blobs
AGAIN_S = 0.1


class Batches(Generic[_Q, _A]):
    """Collects requests and has `work` answer them, in their order."""

    def __init__(self, work: Callable[[Sequence[_Q]], Awaitable[Sequence[_A]]]) -> None:
        self._work = work
        self._waiting: deque[tuple[_Q, asyncio.Future[_A]]] = deque()
        self._filled = asyncio.Event()

    async def ask(self, request: _Q) -> _A:
        """Wait for the answer to one request; raises what `work` raises.

        Raises:
            LimitError: 2048 requests wait already.
        """
        if len(self._waiting) >= MAX_WAITING:
            raise LimitError(f"{MAX_WAITING} requests wait for the store")
        answer: asyncio.Future[_A] = asyncio.get_running_loop().create_future()
        self._waiting.append((request, answer))
        self._filled.set()
        return await answer

    async def run(self) -> None:
        """Work, for ever."""
        while True:
            await self._filled.wait()
            batch = self._take()
            if not batch:
                self._filled.clear()
                continue
            try:
                answers = await self._work([request for request, _ in batch])
            except Exception as error:  # noqa: BLE001 - handed to whoever waits
                for _, answer in batch:
                    if not answer.done():
                        answer.set_exception(error)
                continue
            for (_, answer), value in zip(batch, answers, strict=True):
                if not answer.done():  # done: who asked has gone
                    answer.set_result(value)

    def _take(self) -> list[tuple[_Q, asyncio.Future[_A]]]:
        """Take what waits; whose asker has gone is not worth a trip."""
        batch: list[tuple[_Q, asyncio.Future[_A]]] = []
        while self._waiting and len(batch) < MAX_BATCH:
            request, answer = self._waiting.popleft()
            if not answer.done():
                batch.append((request, answer))
        return batch

    def close(self) -> None:
        """Fail what still waits."""
        for _, answer in self._waiting:
            if not answer.done():
                answer.set_exception(StoreError("the store is closed"))
                answer.exception()  # seen: who asked may be gone as well
        self._waiting.clear()


@asynccontextmanager
async def open_batches(
    work: Callable[[Sequence[_Q]], Awaitable[Sequence[_A]]],
) -> AsyncIterator[Batches[_Q, _A]]:
    """Run batches for the length of a block."""
    batches = Batches(work)
    running = asyncio.create_task(batches.run())
    try:
        yield batches
    finally:
        await stop(running)
        batches.close()


async def stop(task: asyncio.Task[None]) -> None:
    """End a task, also where a library takes its cancellation for a timeout."""
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=AGAIN_S)
