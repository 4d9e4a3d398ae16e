"""How long a contact may telephone by our gateway: an hour a day.

Pure; times are unix seconds, and a day is one of UTC. A stolen device costs its friend
so much and no more. Time is taken from the day before it is used, a minute at a time,
and what was not used is given back: so a gateway that is killed in a call, or run twice
over one store, gives away nothing. ::

    use, granted = take(contact.telephoned, now)        0: the day is used up
    use = give_back(contact.telephoned, granted - used, began)
"""

from typing import Final

from voip.identity.contact import DayUse

DAY_S: Final = 86400
CALLS_S: Final = 3600
"""Of telephone calls a contact and day, two at once counted twice."""
PIECE_S: Final = 60
"""Taken at a time: what the death of a gateway costs at most."""


def take(use: DayUse | None, now: float) -> tuple[DayUse, int]:
    """Take a piece of the day; gives what is used then, and how many seconds it is."""
    today = int(now) // DAY_S
    used = use.seconds if use is not None and use.day == today else 0
    granted = max(0, min(PIECE_S, CALLS_S - used))
    return DayUse(today, used + granted), granted


def give_back(use: DayUse, seconds: float, taken_at: float) -> DayUse:
    """Give back what was not used of a piece; nothing if its day is over."""
    if use.day != int(taken_at) // DAY_S:
        return use
    return DayUse(use.day, use.seconds - int(seconds))
