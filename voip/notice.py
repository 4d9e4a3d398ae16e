"""Who was told of which legs, and what may pass until they know.

Pure. Two sides of one thing: `Told` is what a gateway knows of one device that it
tells, `Notice` what that device knows of the gateway. Either shuts its side while a leg
passes sound that the device has not shown to its user. ::

    gateway                                   device
    Told.tell ────────── LEGS ──────────▶ Notice.take     shows it; asks, if so set
    Told.answer ◀────── LEGS_ACK ──────── Notice.answer

A leg that is only announced passes nothing, so it shuts nothing.
"""

from dataclasses import dataclass

from voip.errors import MalformedError, UnexpectedEventError
from voip.identity.vault import OnLegs
from voip.signalling.legs import Legs, LegsAck, LegStage, ListedLeg, Shown

NOTHING = Legs(1)
"""The list of who has no legs; also what everybody is assumed to know."""


def is_weaker(leg: ListedLeg, before: ListedLeg) -> bool:
    """Whether somebody who agreed to a leg as it was may not agree to it as it is."""
    return (
        leg.mark > before.mark
        or (leg.kind, leg.host, leg.name) != (before.kind, before.host, before.name)
        or before.authenticated > leg.authenticated
        or before.words_matched > leg.words_matched
    )


@dataclass(frozen=True, slots=True)
class _Since:
    """A leg as it was when it last became weaker, and in which version that was."""

    leg: ListedLeg
    version: int


class Told:
    """What one device was told of our legs, and what it says to that."""

    def __init__(self) -> None:
        self.legs: Legs | None = None
        self.is_refused = False
        self._acked = 0
        self._since: dict[int, _Since] = {}

    def tell(self, legs: Legs) -> None:
        """Note the list that is being sent.

        Raises:
            UnexpectedEventError: it is not newer than the one before.
        """
        if self.legs is not None and legs.version <= self.legs.version:
            raise UnexpectedEventError(
                f"legs of version {legs.version} after {self.legs.version}"
            )
        since = {}
        for leg in legs.legs:
            known = self._since.get(leg.id)
            if known is None or is_weaker(leg, known.leg):
                since[leg.id] = _Since(leg, legs.version)
            else:
                since[leg.id] = _Since(leg, known.version)
        self.legs, self._since = legs, since

    def answer(self, ack: LegsAck) -> None:
        """Take what the device says; an answer to an older list is late.

        Raises:
            MalformedError: it speaks of a list that was never sent.
        """
        told = 0 if self.legs is None else self.legs.version
        if not 1 <= ack.version <= told:
            raise MalformedError(
                f"legs: answer to version {ack.version} of at most {told} sent"
            )
        if ack.version >= self._acked:
            self._acked = ack.version
            self.is_refused = ack.answer is Shown.REFUSED

    def knows(self, leg_id: int) -> bool:
        """Whether the device has shown this leg as it is now."""
        since = self._since.get(leg_id)
        return (
            since is not None and not self.is_refused and self._acked >= since.version
        )

    @property
    def is_open(self) -> bool:
        """Whether anything may pass between the device and us."""
        weakest = max(
            (since.version for since in self._since.values() if _passes(since.leg)),
            default=0,
        )
        return self._acked >= weakest and not self.is_refused


class Notice:
    """What the other side told this device of its legs, and what our user says."""

    def __init__(self) -> None:
        self.legs = NOTHING
        self.asks = False
        self._version = 0
        self._agreed: dict[int, ListedLeg] = {}

    def take(self, legs: Legs, on_legs: OnLegs) -> LegsAck | None:
        """Take a list, once it was shown; gives the answer, or None to ask the user.

        A list that is not newer than the last means nothing, and is not answered.
        """
        if legs.version <= self._version:
            return None
        self._version, self.legs = legs.version, legs
        self.asks = False
        if on_legs is OnLegs.SHOW or all(map(self._agrees, legs.legs)):
            return self._agree()
        if on_legs is OnLegs.REFUSE:
            return LegsAck(legs.version, Shown.REFUSED)
        self.asks = True
        return None

    def answer(self, *, accept: bool) -> LegsAck:
        """Answer for the user.

        Raises:
            UnexpectedEventError: nothing is asked.
        """
        if not self.asks:
            raise UnexpectedEventError("no leg waits for an answer")
        self.asks = False
        return self._agree() if accept else LegsAck(self._version, Shown.REFUSED)

    @property
    def is_open(self) -> bool:
        """Whether our user has agreed to every leg that passes anything."""
        return all(self._agrees(leg) for leg in self.legs.legs if _passes(leg))

    def _agree(self) -> LegsAck:
        self._agreed = {leg.id: leg for leg in self.legs.legs}
        return LegsAck(self._version, Shown.SHOWN)

    def _agrees(self, leg: ListedLeg) -> bool:
        known = self._agreed.get(leg.id)
        return known is not None and not is_weaker(leg, known)


def _passes(leg: ListedLeg) -> bool:
    return leg.stage is not LegStage.ANNOUNCED
