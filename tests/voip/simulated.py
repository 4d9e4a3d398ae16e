"""An event loop in which waiting takes no time, for calls that take minutes.

The clock stands while anything can run, and leaps to the next timer when nothing can.
So a minute of ringing is over at once, and a run depends on its seeds alone. Work for
threads is done in place. Where nobody would ever run again, the test fails at once.
"""

import asyncio
import functools
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, ParamSpec

P = ParamSpec("P")

LIMIT_S = 7200.0
"""Longer than any call of a test; a test that gets here waits for what never comes."""


class _Leaping(selectors.DefaultSelector):
    """Does not sleep: adds up how long it was asked to."""

    slept = 0.0

    def select(
        self, timeout: float | None = None
    ) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready:
            if timeout is None or self.slept > LIMIT_S:
                raise RuntimeError("everybody waits for somebody else")
            self.slept += max(timeout, 0.0)
        return ready


class _InPlace(ThreadPoolExecutor):
    def submit(
        self, fn: Callable[P, Any], /, *args: P.args, **kwargs: P.kwargs
    ) -> Future[Any]:
        done: Future[Any] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 -- handed to whoever awaits it
            done.set_exception(error)
        return done


class SimulatedLoop(asyncio.SelectorEventLoop):
    """The loop; its time starts at 0."""

    def __init__(self) -> None:
        self._leaping = _Leaping()
        super().__init__(self._leaping)
        self.set_default_executor(_InPlace(1))

    def time(self) -> float:
        return self._leaping.slept

    async def shutdown_default_executor(
        self,
        timeout: float | None = None,  # noqa: ASYNC109 -- asyncio's own signature
    ) -> None:
        """Wait for no thread: there is none."""


def simulated(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Run an async test in simulated time."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        with asyncio.Runner(loop_factory=SimulatedLoop) as runner:
            runner.run(test(*args, **kwargs))

    return run
