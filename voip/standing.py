"""Where a call stands: its machine, its legs, the one that it is held with, its media.

Carrier, for the media are one. Whoever does a part of the work of a call looks here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from voip.call import Call, State
from voip.leg import Leg
from voip.line import Line


@dataclass(slots=True)
class Standing:
    """One call at this moment.

    Attributes:
        legs: by the other side's device.
        call: the machine.
        chosen: the leg that the call is held with; None before.
        line: its media, from describing them to the end of the call.
    """

    legs: Mapping[bytes, Leg]
    call: Call = field(default_factory=Call)
    chosen: Leg | None = None
    line: Line | None = None

    @property
    def leg(self) -> Leg | None:
        """The leg in view: the chosen one, or the only one."""
        if self.chosen is not None:
            return self.chosen
        return next(iter(self.legs.values())) if len(self.legs) == 1 else None

    @property
    def is_up(self) -> bool:
        """Whether both sides have proved themselves to each other by media."""
        return self.call.state in (State.ACTIVE, State.RECONNECTING)
