"""One deadline for many that wait equally long, as clients of a store do.

`asyncio.timeout` sets a timer for each, and takes it back; at thousands a second, each
done within milliseconds, that is a tenth of a relay's time. Who waits here is in a row,
in the order of their deadlines, and one timer looks at the first of it.
"""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

_R = TypeVar("_R")


@dataclass(slots=True, eq=False)
class _Wait:
    task: asyncio.Task[Any]
    due: float
    is_over: bool = False


class Patience:
    """Bounds how long anything takes that is awaited through it."""

    def __init__(self, seconds: float) -> None:
        """`seconds` is how long each of them may take."""
        self._seconds = seconds
        self._waits: dict[_Wait, None] = {}
        self._timer: asyncio.TimerHandle | None = None

    async def wait(self, work: Coroutine[None, None, _R]) -> _R:
        """Do this work in time.

        Raises:
            TimeoutError: it took longer, and was cancelled.
        """
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None  # a coroutine is run by one
        cancelled_before = task.cancelling()
        wait = _Wait(task, loop.time() + self._seconds)
        self._waits[wait] = None
        if self._timer is None:
            self._timer = loop.call_at(wait.due, self._look)
        is_ours = False
        try:
            return await work
        except asyncio.CancelledError:
            # As `asyncio.timeout` does: who was cancelled by others as well stays so.
            is_ours = wait.is_over and task.cancelling() <= cancelled_before + 1
            if is_ours:
                raise TimeoutError from None
            raise
        finally:
            self._waits.pop(wait, None)
            if wait.is_over:  # also where the work made something else of it
                task.uncancel()

    def _look(self) -> None:
        """End those whose time is over, and come back for the next."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._timer = None
        while self._waits:
            wait = next(iter(self._waits))
            if wait.due > now:
                self._timer = loop.call_at(wait.due, self._look)
                return
            del self._waits[wait]
            wait.is_over = True
            wait.task.cancel()
