"""What of a call waits until both sides know of its legs.

Carrier, for it steers the media. Either side may be a gateway: ours is one if its
program says `Legs`, theirs if such a list comes. What a list means is `voip.notice`'s
to say. While the gate is shut both sides send silence of the usual size, hear nothing
and see nothing, as on hold.
"""

import contextlib
from collections.abc import Callable

from voip import events as ev
from voip.asides import Aside, Asides
from voip.errors import LimitError, RefusedError, UnexpectedEventError
from voip.identity.vault import OnLegs
from voip.leg import Leg
from voip.logline import LogLine
from voip.news import LegsChanged, News
from voip.signalling.legs import Legs, LegsAck, Shown
from voip.standing import Standing


class Gate:
    """The gate of one call.

    Attributes:
        must_be_told: we are a gateway, and call nobody whose device cannot be told.
    """

    def __init__(  # noqa: PLR0913 -- whom a list may concern
        self,
        standing: Standing,
        asides: Asides,
        log: LogLine,
        *,
        on_legs: OnLegs,
        feed: Callable[[ev.Event], None],
        tell: Callable[[News], None],
        alias: str,
    ) -> None:
        """Take the call; `on_legs` is what our user wants of a gateway's legs.

        `alias` is our name for the other side.
        """
        self._standing = standing
        self._asides = asides
        self._log = log
        self._on_legs = on_legs
        self._feed = feed
        self._tell = tell
        self._alias = alias
        self.must_be_told = False
        self._ours: Legs | None = None

    @property
    def needs_telling(self) -> bool:
        """Whether a device that cannot be told of legs has no place in this call."""
        return self.must_be_told or (self._ours is not None and bool(self._ours.legs))

    @property
    def ours(self) -> Legs | None:
        """What the other side is told, whichever of its devices answers."""
        return self._ours

    def keep(self, legs: Legs) -> None:
        """Take the list that our program wants told, to those who are there or come.

        Raises:
            UnexpectedEventError: it is not newer than the one before.
        """
        if self._ours is not None and legs.version <= self._ours.version:
            raise UnexpectedEventError(
                f"legs of version {legs.version} after {self._ours.version}"
            )
        self._ours = legs
        self._log.marked(legs.legs)

    def tell(self, leg: Leg) -> None:
        """Tell a device of our legs, unless it has this list already.

        Raises:
            RefusedError: it cannot be told, and there are legs.
            LimitError: it acknowledges nothing.
        """
        legs = self._ours
        if legs is None or (leg.told.legs is not None and leg.told.legs == legs):
            return
        if not leg.can_be_told:
            if legs.legs:
                raise RefusedError(
                    "their device cannot be told of legs: it runs an older version"
                )
            return
        leg.told.tell(legs)
        self.apply()  # before a word of it leaves
        leg.delivery.send(legs)

    def take(self, leg: Leg, message: Aside) -> None:
        """Take what the program at the other side says.

        Raises:
            MalformedError: it answers to a list that was never sent.
        """
        match message:
            case Legs():
                self._take_legs(leg, message)
            case LegsAck():
                leg.told.answer(message)
                self.apply()
            case _:
                pass
        self._asides.take(leg.device, message, in_view=self._standing.leg is leg)

    def answer(self, *, accept: bool) -> None:
        """Answer for the user to the legs that the other side announced.

        Raises:
            UnexpectedEventError: nothing is asked.
        """
        leg = self._standing.leg
        if leg is None:
            return
        ack = leg.notice.answer(accept=accept)
        self.apply()
        leg.delivery.send(ack)
        self._show(leg)

    def consent(self) -> None:
        """Agree to what stood on the screen while it rang: the user takes the call."""
        leg = self._standing.leg
        if leg is not None and leg.notice.asks:
            self.answer(accept=True)

    def apply(self) -> None:
        """Let the media of the chosen leg pass, or not."""
        line, leg = self._standing.line, self._standing.chosen
        if line is not None and leg is not None:
            line.set_open(on=leg.told.is_open and leg.notice.is_open)

    def _take_legs(self, leg: Leg, legs: Legs) -> None:
        known = leg.notice.legs
        ack = leg.notice.take(legs, self._on_legs)
        if leg.notice.legs is known:
            return  # an older list
        self._log.marked(legs.legs)
        self.apply()
        # Shown first, acknowledged then.
        self._show(leg)
        if ack is not None:
            # Who acknowledges nothing of ours need not know: it is their leg.
            with contextlib.suppress(LimitError):
                leg.delivery.send(ack)
        if ack is None or ack.answer is Shown.SHOWN:
            self._feed(ev.LegsTold(leg.device))

    def _show(self, leg: Leg) -> None:
        notice = leg.notice
        self._tell(LegsChanged(notice.legs, asks=notice.asks, via=self._alias))
