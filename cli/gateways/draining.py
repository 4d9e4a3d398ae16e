"""Leaving without cutting anybody off: what a service manager's wish to stop means.

::

    SIGTERM ─> /readyz says "draining", nobody new ─> the last call is over ─┐
                                └────────> --drain seconds are over ─────────┴─> leave
    Ctrl-C, or SIGTERM a second time ────────────────────────────────────────> leave
"""

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from cli.interrupted import on_signals
from cli.output import note
from cli.serve import Operations

DRAIN_S = 30.0  # calls last longer; who restarts a gateway at night gives it an hour
_LOOK_S = 0.25

drain_option = click.option(
    "--drain",
    "drain_s",
    type=click.FloatRange(min=0),
    default=DRAIN_S,
    show_default=True,
    metavar="SECONDS",
    help="Let calls end for so long when a service manager stops this.",
)


class Drain:
    """The end of a gateway: asked for, waited for, reached.

    Attributes:
        is_draining: whether nobody new is to be let in, called or answered.
    """

    def __init__(
        self,
        operations: Operations,
        *,
        leave: Callable[[], None],
        is_busy: Callable[[], bool],
        seconds: float,
        shut: Callable[[], None] = lambda: None,
    ) -> None:
        """Take what is to be done; nothing happens yet.

        Args:
            operations: say on their pages that new work should go elsewhere.
            leave: hangs up, lets go of everything; may be called more than once.
            is_busy: whether a call goes on, or is being made.
            seconds: how long calls may take to end.
            shut: lets nobody in any more.
        """
        self.is_draining = False
        self._operations = operations
        self._leave = leave
        self._is_busy = is_busy
        self._seconds = seconds
        self._shut = shut
        self._until = 0.0
        self._looking: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """Let nobody in any more, and leave when the last has gone; twice: at once."""
        if self.is_draining:
            self.leave()
            return
        self.is_draining = True
        self._operations.drain()
        self._shut()
        self._until = asyncio.get_running_loop().time() + self._seconds
        if self._is_busy() and self._seconds > 0:
            note(f"stopping once the call is over, within {self._seconds:g} s")
        self._look()

    def leave(self) -> None:
        """Leave now."""
        self.is_draining = True
        self._operations.drain()
        self.stop_looking()
        self._leave()

    def stop_looking(self) -> None:
        """Do nothing of its own accord any more."""
        if self._looking is not None:
            self._looking.cancel()

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        if self._is_busy() and loop.time() < self._until:
            self._looking = loop.call_later(_LOOK_S, self._look)
        else:
            self._leave()


@contextmanager
def draining(
    operations: Operations,
    *,
    leave: Callable[[], None],
    is_busy: Callable[[], bool],
    seconds: float,
    shut: Callable[[], None] = lambda: None,
) -> Iterator[Drain]:
    """Do this instead of dying, within a block; to be used in the event loop.

    The arguments are those of `Drain`.
    """
    drain = Drain(operations, leave=leave, is_busy=is_busy, seconds=seconds, shut=shut)
    try:
        with on_signals({signal.SIGINT: drain.leave, signal.SIGTERM: drain.begin}):
            yield drain
    finally:
        drain.stop_looking()
