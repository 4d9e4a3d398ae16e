"""Ctrl-C, and a service manager's wish to stop, as an order among others."""

import asyncio
import signal
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager


def on_interrupt(act: Callable[[], None]) -> AbstractContextManager[None]:
    """Do this instead of dying, within a block; to be used in the event loop."""
    return on_signals({signal.SIGINT: act, signal.SIGTERM: act})


@contextmanager
def on_signals(acts: Mapping[signal.Signals, Callable[[], None]]) -> Iterator[None]:
    """Do these instead of what the system would, within a block in the event loop.

    A signal that comes while the block ends is passed on to who had it before. With
    `loop.add_signal_handler` it would be lost: the loop looks for its handler when it
    reads of it, and finds none any more.
    """
    loop = asyncio.get_running_loop()
    came: deque[signal.Signals] = deque()

    def note(number: int, _frame: object) -> None:
        came.append(signal.Signals(number))
        loop.call_soon_threadsafe(obey)

    def obey() -> None:
        while came:
            acts[came.popleft()]()

    before = {each: signal.signal(each, note) for each in acts}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
        for each in tuple(came):
            came.popleft()
            signal.raise_signal(each)
