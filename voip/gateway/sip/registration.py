"""Whether an exchange knows where we are, and what is done when it does not.

Carrier. The stack registers anew before a registration ends. Where that fails it tries
again later and later, at last every half hour; so it is asked to after 30 s each time
(RFC 5626 §4.5), unless the exchange refused us: trying again with a password that is
not accepted locks accounts.
"""

import asyncio
from collections.abc import Callable

from voip.errors import CallError, RefusedError
from voip.gateway.counts import GatewayCounts

AGAIN_S = 30.0


class Registration:
    """The registration of one account; made while an event loop runs.

    Attributes:
        is_on: whether the exchange knows us; a trunk always does.
        refusal: why it will not, for good; else None.
    """

    def __init__(
        self,
        counts: GatewayCounts,
        ask: Callable[[], None],
        *,
        is_trunk: bool,
        again_s: float = AGAIN_S,
    ) -> None:
        """Begin unregistered.

        Args:
            counts: where to count who is registered.
            ask: has the worker register.
            is_trunk: the exchange knows us without.
            again_s: how long to wait before it is asked again.
        """
        self.is_on = False
        self.refusal: RefusedError | None = None
        self._counts = counts
        self._ask = ask
        self._is_trunk = is_trunk
        self._again_s = again_s
        self._loop = asyncio.get_running_loop()
        self._outcome: asyncio.Future[None] = self._loop.create_future()
        self._timer: asyncio.TimerHandle | None = None

    async def outcome(self) -> None:
        """Wait for the first outcome; raises what `fail` was given."""
        await asyncio.shield(self._outcome)

    def begin(self) -> None:
        """Take that there is a worker."""
        if self._is_trunk:
            self.succeed()
        else:
            self._ask()

    def succeed(self) -> None:
        """Take that the exchange knows us."""
        self._set(on=True)
        if not self._outcome.done():
            self._outcome.set_result(None)

    def fail(self, error: CallError) -> None:
        """Take that it does not, for now or, of a `RefusedError`, for good."""
        self._set(on=False)
        if not self._outcome.done():
            self._outcome.set_exception(error)
        if isinstance(error, RefusedError):
            self.refusal = error
        else:
            self._timer = self._loop.call_later(self._again_s, self._ask)

    def lose(self) -> None:
        """Take that the worker is gone, and all that it knew."""
        self._set(on=False)

    def close(self) -> None:
        """Wait for nothing any more."""
        self._set(on=False)
        if not self._outcome.cancel():
            self._outcome.exception()  # somebody asked, or nobody ever wanted to know

    def _set(self, *, on: bool) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._counts.sip_registered += on - self.is_on
        self.is_on = on
