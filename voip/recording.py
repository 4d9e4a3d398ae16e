"""Recording a call: the other side's device knows of it before anything is kept."""

import asyncio
from collections.abc import Callable

from voip.assurance import Assurance
from voip.errors import MissingError, UnexpectedEventError
from voip.leg import Leg
from voip.media.sources import Recorder
from voip.receiving import Receiving
from voip.standing import Standing

KNOWN_S = 5.0  # for the other side's device to acknowledge that it was told


class Recording:
    """The recording of one call, one at a time."""

    def __init__(
        self,
        standing: Standing,
        assurance: Assurance,
        receiving: Receiving,
        wake: Callable[[], None],
    ) -> None:
        """Take the call; `wake` sends what was queued for the other side."""
        self._standing = standing
        self._assurance = assurance
        self._receiving = receiving
        self._wake = wake

    async def begin(self, begin: Callable[[], Recorder]) -> None:
        """Tell the other side, and `begin` once its device has acknowledged that.

        Raises:
            MissingError: the call is not connected, or nothing was acknowledged in 5 s.
            UnexpectedEventError: it is being recorded already.
        """
        line, leg = self._standing.line, self._standing.chosen
        if line is None or leg is None or not self._standing.is_up:
            raise MissingError("the call is not connected")
        if line.shown.recording:
            raise UnexpectedEventError("the call is being recorded already")
        line.shown.recording = True
        told = line.show()
        self._wake()
        begun = False
        try:
            await self._known(leg, told)
            line.record(begin())
            begun = True
            await self._assurance.recorded(there=False)
        finally:
            if not begun:
                line.stop_recording()  # they must not go on believing it
            self._wake()

    def stop(self) -> None:
        """Finish the recording, if there is one."""
        if self._standing.line is not None:
            self._standing.line.stop_recording()
            self._wake()

    async def _known(self, leg: Leg, told: int | None) -> None:
        sentence = "the other side did not hear of the recording"
        if told is None:
            raise MissingError(sentence)
        try:
            async with asyncio.timeout(KNOWN_S):
                await self._receiving.acknowledged(leg, told)
        except TimeoutError:
            raise MissingError(sentence) from None
