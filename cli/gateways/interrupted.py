"""Ctrl-C, and a service manager's wish to stop, as an order among others."""

import asyncio
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager


def on_interrupt(act: Callable[[], None]) -> AbstractContextManager[None]:
    """Do this instead of dying, within a block; to be used in the event loop."""
    return on_signals({signal.SIGINT: act, signal.SIGTERM: act})


@contextmanager
def on_signals(acts: Mapping[signal.Signals, Callable[[], None]]) -> Iterator[None]:
    """Do these instead of what the system would, within a block in the event loop."""
    loop = asyncio.get_running_loop()
    before = {each: signal.getsignal(each) for each in acts}
    for each, act in acts.items():
        loop.add_signal_handler(each, act)
    try:
        yield
    finally:
        for each, handler in before.items():
            loop.remove_signal_handler(each)
            signal.signal(each, handler)
