"""Which version starts, and what a start or a switch does to the state.

The launcher, which may import nothing of ours, does what `boot` says in its own words;
tests hold the two against each other.

::

    begin ──> pending, and current ──confirm──> proved
                    │ two dead attempts, or a bad probe
                    └──give_up──> bad; the previous slot is current
"""

import enum
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Final

from updater.installed.slots import (
    MOST_ATTEMPTS,
    MOST_BAD,
    MOST_SKIPPED,
    Attempt,
    Bad,
    InstallState,
    Why,
    version_of,
)
from updater.offer.version import order

DEAD_ATTEMPTS: Final = 2
"""Starts that nobody confirmed until a version is given up; one may be bad luck."""


class Action(enum.Enum):
    """What a start does before it runs a slot."""

    RUN = "run"
    COUNT = "count"
    """Note the attempt."""
    BACK = "back"
    """Give up what is current, and point the link at the slot."""
    NOTHING = "nothing"
    """There is no slot."""


@dataclass(frozen=True, slots=True)
class Boot:
    """What a start does, and the slot that it runs: none with `Action.NOTHING`."""

    action: Action
    slot: str | None


def boot(
    state: InstallState | None,
    current: str | None,
    *,
    complete: Sequence[str],
    alive: Collection[Attempt],
) -> Boot:
    """Say what a start does.

    `state` is None if it cannot be read, written or locked, and `current` if the link
    is missing or leads to no complete slot. `complete` has the highest version first.
    """
    if current is None:
        found = _any_slot(state, complete)
        return Boot(Action.NOTHING if found is None else Action.RUN, found)
    if state is None:
        return Boot(Action.RUN, current)
    pending = state.pending == current
    dead = [each for each in state.attempts if each not in alive]
    failed = pending and len(dead) >= DEAD_ATTEMPTS
    # One that is bad already was cut off between the writes of the state and the link.
    if failed or state.is_bad(current):
        back = way_back(state, current, complete)
        if back is not None:
            return Boot(Action.BACK, back)
    if pending and len(state.attempts) < MOST_ATTEMPTS:
        return Boot(Action.COUNT, current)
    return Boot(Action.RUN, current)


def way_back(state: InstallState, current: str, complete: Sequence[str]) -> str | None:
    """Name the slot to go back to: the previous one, or else the highest good one."""
    good = [each for each in complete if each != current and not state.is_bad(each)]
    if state.previous in good:
        return state.previous
    return next(iter(good), None)


def _any_slot(state: InstallState | None, complete: Sequence[str]) -> str | None:
    if state is not None:
        if state.previous in complete:
            return state.previous
        for slot in complete:
            if not state.is_bad(slot):
                return slot
    return next(iter(complete), None)


def begin(state: InstallState, slot: str, current: str | None) -> InstallState:
    """Announce that the link will point at `slot`.

    What has not proved itself is nothing to go back to.
    """
    previous = state.previous
    if current not in {None, slot, state.pending}:
        previous = current
    return replace(state, pending=slot, previous=previous, attempts=())


def count(state: InstallState, attempt: Attempt) -> InstallState:
    """Note a start of the pending slot."""
    return replace(state, attempts=(*state.attempts, attempt))


def confirm(state: InstallState, slot: str) -> InstallState:
    """Note that the pending slot has proved itself; the floor rises with it."""
    floor = version_of(slot)
    if state.floor is not None:
        floor = max(state.floor, floor, key=order)
    return replace(state, pending=None, attempts=(), floor=floor)


def give_up(state: InstallState, slot: str, *, why: Why, at: int) -> InstallState:
    """Note that a slot failed. The attempts stay until the updater wrote of them."""
    others = [each for each in state.bad if each.slot != slot]
    bad = (*others, Bad(at=at, slot=slot, why=why))[-MOST_BAD:]
    pending = None if state.pending == slot else state.pending
    return replace(state, bad=bad, pending=pending)


def forgive(state: InstallState, slot: str) -> InstallState:
    """Let a slot be tried again."""
    return replace(state, bad=tuple(each for each in state.bad if each.slot != slot))


def leave(state: InstallState, slot: str, to: str) -> InstallState:
    """Note that the user goes back from `slot` to another by hand.

    The version left is not offered again, the other one is wanted; the floor stays.
    """
    left, wanted = version_of(slot), version_of(to)
    skip = [each for each in state.skip if each not in {left, wanted}]
    return replace(
        state,
        skip=(*skip, left)[-MOST_SKIPPED:],
        pending=None,
        attempts=(),
        previous=slot,
    )


def settle(state: InstallState, current: str | None) -> InstallState:
    """Forget a switch that was announced and did not happen."""
    if state.pending in {None, current}:
        return state
    return replace(state, pending=None, attempts=())
