"""The thread that writes a recording, so that a slow disk is not heard in the call.

Carrier. What is to be written waits in a queue with a bound; handing something over,
and closing, take no longer than a call can bear.
"""

import atexit
import threading
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import Generic, TypeVar

CLOSE_S = 0.2
"""For how long closing waits for the end of the file, on the event loop: a disk that
is asleep takes seconds, and sound is not to wait for it."""
EXIT_S = 10.0
"""For how long a program that ends waits for the file; a disk that is gone for good
must not keep it from ending."""

Item = TypeVar("Item")


class Writing(Generic[Item]):
    """Hands items, in order, to what writes them; used by one thread."""

    def __init__(self, write: Callable[[Iterator[Item]], None], most: int) -> None:
        """Start: `write` takes the items as they come, to the end, and raises nothing.

        At most `most` wait.
        """
        # Without a bound of its own, so that the end always finds room.
        self._queue: SimpleQueue[Item | None] = SimpleQueue()
        self._most = most
        self._is_closed = False
        # A daemon, since a write to a disk that is gone may never return.
        self._thread = threading.Thread(
            target=lambda: write(iter(self._queue.get, None)),
            name="ringfence-recording",
            daemon=True,
        )
        self._thread.start()

    def put(self, item: Item) -> bool:
        """Write this after those before it; False: too much waits, it was left out.

        What comes after the end is left out as well.
        """
        if self._is_closed or self._queue.qsize() >= self._most:
            return False
        self._queue.put(item)
        return True

    def close(self, wait_s: float = CLOSE_S) -> bool:
        """Let the thread end once all is written, and wait so long for it.

        False: it is still writing, and goes on; a program that ends waits for it, up
        to `EXIT_S`. May be called again, to wait again.
        """
        if not self._is_closed:
            self._is_closed = True
            self._queue.put(None)
            # Called at the end of the program, while threads still run.
            atexit.register(self._thread.join, EXIT_S)
        self._thread.join(wait_s)
        if self._thread.is_alive():
            return False
        atexit.unregister(self._thread.join)
        return True
