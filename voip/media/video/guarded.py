"""A codec on a thread of its own, for a library that may never come back.

Carrier. SVT-AV1 stands still for ever about once in a thousand openings: all its
threads wait for one another, and so does who asked for the picture. Nothing can end
such a wait from outside, so it happens on a thread that can be left behind.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")

LEFT = "ringfence-codec-left-behind"

PATIENCE_S = 5.0
"""A picture takes hundredths of a second; what is starved of a processor takes longer,
and must not be given up for that."""


class Guard:
    """A thread that does one thing after the other, each within `PATIENCE_S`."""

    def __init__(self) -> None:
        # A daemon: a library that hangs must not keep the program from ending.
        self._errands: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None]
        self._errands = SimpleQueue()
        self._thread = threading.Thread(
            target=self._run, name="ringfence-codec", daemon=True
        )
        self._thread.start()

    def do(self, work: Callable[[], T], within: float = PATIENCE_S) -> T:
        """Do this, and give what came of it; what it raises is raised here.

        Raises:
            TimeoutError: it takes longer than so many seconds; the thread is lost to
                it, so use another one.
        """
        future: Future[T] = Future()
        self._errands.put((future, work))
        try:
            return future.result(within)
        except TimeoutError:
            self._thread.name = LEFT  # for whoever looks at the program's threads
            raise

    def leave(self) -> None:
        """Let the thread end when it is done, be it never."""
        self._errands.put(None)

    def _run(self) -> None:
        while (errand := self._errands.get()) is not None:
            future, work = errand
            try:
                result = work()
            except BaseException as error:  # noqa: BLE001 - it is raised where it was asked for
                future.set_exception(error)
            else:
                future.set_result(result)
            del errand, future, work
