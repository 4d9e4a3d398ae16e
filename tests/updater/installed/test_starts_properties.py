"""Launcher, updater, users and kills in any order: some complete slot always starts."""

import json
from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from updater.install import launcher
from updater.installed import starts
from updater.installed.slots import (
    Attempt,
    InstallState,
    format_state,
    highest_first,
    parse_state,
    version_of,
)
from updater.offer.version import order

_MOST = 6


class Starting(RuleBasedStateMachine):
    """A managed folder as three values: the state, the link, the slots.

    Each write is one step, and a kill may come before any of them.
    """

    def __init__(self) -> None:
        super().__init__()
        self.state: InstallState | None = InstallState(seed=bytes(32))
        self.link: str | None = None
        self.slots: list[str] = []
        self.made = 0
        self.running: dict[Attempt, str] = {}
        self.works: set[str] = set()
        self._install(works=True, left=3)
        self._confirm(self.slots[0])

    @property
    def current(self) -> str | None:
        return self.link if self.link in self.slots else None

    # The updater; `left` writes until it is killed

    @precondition(lambda self: self.state is not None and self.made < _MOST)
    @rule(works=st.booleans(), left=st.integers(0, 4))
    def install(self, *, works: bool, left: int) -> None:
        self._repair()
        self._install(works=works, left=left)

    def _install(self, *, works: bool, left: int) -> None:
        assert self.state is not None
        self.made += 1
        slot = f"1.{self.made}-0123456789ab"
        if left < 1:
            return
        self.slots.append(slot)
        if works:
            self.works.add(slot)
        if left < 2:
            return
        self.state = starts.begin(self.state, slot, self.current)
        if left < 3:
            return
        self.link = slot
        if left < 4:
            return
        self._collect()

    @precondition(lambda self: self.state is not None)
    @rule()
    def repair(self) -> None:
        self._repair()

    def _repair(self) -> None:
        assert self.state is not None
        found = starts.boot(
            self.state,
            self.current,
            complete=highest_first(self.slots),
            alive=list(self.running),
        )
        if found.action is starts.Action.BACK and self.current is not None:
            given_up = starts.give_up(self.state, self.current, why="boot", at=0)
            self.state = replace(given_up, attempts=())
            self.link = found.slot
        elif self.current is None:
            self.link = found.slot
        self.state = starts.settle(self.state, self.current)

    @precondition(lambda self: self.state is not None and self.current is not None)
    @rule(left=st.integers(1, 2))
    def go_back_by_hand(self, left: int) -> None:
        assert self.state is not None
        assert self.current is not None
        back = starts.way_back(self.state, self.current, highest_first(self.slots))
        if back is None:
            return
        self.state = starts.leave(self.state, self.current, back)
        if left == 2:
            self.link = back

    def _collect(self) -> None:
        assert self.state is not None
        kept = {self.current, self.state.previous, self.state.pending}
        kept |= set(self.running.values())
        self.slots = [slot for slot in self.slots if slot in kept]

    # The launcher

    @rule(counted=st.booleans(), left=st.integers(1, 2))
    def start(self, *, counted: bool, left: int) -> None:
        known = self.state if counted else None
        raw = None if known is None else json.loads(format_state(known))
        alive = [{"pid": each.pid, "start": each.start} for each in self.running]
        complete = highest_first(self.slots)
        action, slot = launcher.decide(raw, self.current, complete, alive)

        assert slot in self.slots

        me = Attempt(len(self.running) + 1, self.made * 100 + len(self.running))
        if action == "count" and known is not None:
            self.state = starts.count(known, me)
        if action == "back" and known is not None:
            assert self.current is not None
            self.state = starts.give_up(known, self.current, why="boot", at=0)
            if left == 2:
                self.link = slot
        if slot is not None:
            self.running[me] = slot

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        """Let a process end, which confirms its version if that works."""
        attempt = data.draw(st.sampled_from(sorted(self.running, key=repr)))
        slot = self.running.pop(attempt)
        if slot in self.works:
            self._confirm(slot)

    def _confirm(self, slot: str) -> None:
        if self.state is not None and self.state.pending == slot == self.current:
            self.state = starts.confirm(self.state, slot)

    # What happens to disks

    @rule()
    def lose_the_link(self) -> None:
        self.link = None

    @rule()
    def lose_the_state(self) -> None:
        self.state = None

    @precondition(lambda self: self.state is None)
    @rule()
    def make_the_state_anew(self) -> None:
        self.state = InstallState(seed=bytes(32))

    # What always holds

    @invariant()
    def something_can_start(self) -> None:
        found = starts.boot(
            self.state, self.current, complete=highest_first(self.slots), alive=[]
        )

        assert found.slot in self.slots

    @invariant()
    def the_state_can_be_written_and_read(self) -> None:
        if self.state is not None:
            assert parse_state(format_state(self.state)) == self.state

    @invariant()
    def the_floor_is_of_a_version_that_worked(self) -> None:
        if self.state is not None and self.state.floor is not None:
            worked = [order(version_of(slot)) for slot in self.works]
            assert order(self.state.floor) in worked


TestStarting = Starting.TestCase
TestStarting.settings = settings(max_examples=60, stateful_step_count=40)
