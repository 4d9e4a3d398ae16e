"""Two people, any order of what they and the relay may do: they always agree again.

Whole endpoints in simulated time. Whatever happened before, some minutes of a good
relay later each call is over for both, or both are in it and read the same words.
"""

import asyncio
import contextlib
from contextlib import AsyncExitStack

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
)

from tests.voip.peers import Home, Wire, people, straight, until_crash, weather
from tests.voip.simulated import SimulatedLoop
from voip.call import INVITE_TTL_S, State
from voip.conversation import Conversation
from voip.errors import LimitError
from voip.identity.trust import TrustState

EVERY_TIMER_S = 2 * INVITE_TTL_S + 60.0
SIDE = st.integers(0, 1)


class TwoPeople(RuleBasedStateMachine):
    """Alice (0) and Bob (1), each with at most one process at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner(loop_factory=SimulatedLoop)
        self.parties = people()
        self.wire = Wire()
        self.homes: list[Home] = []
        self.stacks: list[AsyncExitStack] = []

    @initialize()
    def come_home(self) -> None:
        for side in range(2):
            self.stacks.append(AsyncExitStack())
            self.runner.run(self.enter(side))

    async def enter(self, side: int) -> None:
        home = until_crash(self.wire, self.parties[side])
        self.homes.insert(side, await self.stacks[side].enter_async_context(home))

    def alive(self, side: int) -> list[Conversation]:
        calls = self.homes[side].endpoint._board._calls.values()
        return [call for _, call in calls if call.state is not State.ENDED]

    @rule(side=SIDE)
    def dial(self, side: int) -> None:
        async def run() -> None:
            with contextlib.suppress(LimitError):  # they are in a call already
                await self.homes[side].endpoint.dial(("bob", "alice")[side])

        self.runner.run(run())

    @rule()
    def both_dial(self) -> None:
        self.dial(0)
        self.dial(1)

    @rule(side=SIDE)
    def accept(self, side: int) -> None:
        async def run() -> None:
            for call in self.alive(side):
                if not call.is_outgoing and call.state is State.RINGING:
                    call.accept()

        self.runner.run(run())

    @rule(side=SIDE)
    def decline(self, side: int) -> None:
        async def run() -> None:
            for call in self.alive(side):
                if not call.is_outgoing and call.state is State.RINGING:
                    call.decline()

        self.runner.run(run())

    @rule(side=SIDE)
    def hang_up(self, side: int) -> None:
        async def run() -> None:
            for call in self.alive(side):
                call.hang_up()

        self.runner.run(run())

    @rule(seconds=st.sampled_from([0.0, 0.02, 0.3, 2.0, 12.0, 40.0]))
    def wait(self, seconds: float) -> None:
        self.runner.run(asyncio.sleep(seconds))

    @rule(seed=st.integers(0, 2**16), lost=st.sampled_from([0.1, 0.4, 1.0]))
    def relay_goes_bad(self, seed: int, lost: float) -> None:
        self.wire.meddle = weather(seed, lost=lost, twice=0.3, late=0.7, most_s=4.0)

    @rule()
    def relay_recovers(self) -> None:
        self.wire.meddle = straight

    @precondition(lambda self: len(self.wire.carried) > 0)
    @rule(number=st.integers(0, 2**16), to=st.integers(0, 2**16))
    def relay_misdelivers(self, number: int, to: int) -> None:
        async def run() -> None:
            carried = self.wire.carried
            blob = carried[number % len(carried)].blob
            self.wire.deliver(carried[to % len(carried)].tag, blob)

        self.runner.run(run())

    @rule(side=SIDE)
    def crash_and_restart(self, side: int) -> None:
        async def run() -> None:
            await self.stacks[side].aclose()
            del self.homes[side]
            await self.enter(side)

        self.runner.run(run())

    def teardown(self) -> None:
        try:
            self.wire.meddle = straight
            self.runner.run(asyncio.sleep(EVERY_TIMER_S))
            self.check_agreement()
        finally:
            for stack in self.stacks:
                self.runner.run(stack.aclose())
            self.runner.close()
        for party, other in (self.parties, self.parties[::-1]):
            trust = party.device(other).trust.trust

            assert trust.state is not TrustState.BROKEN

    def check_agreement(self) -> None:
        ours, theirs = self.alive(0), self.alive(1)

        assert len(ours) <= 1
        assert [call.call_id for call in ours] == [call.call_id for call in theirs]
        assert all(call.state is State.ACTIVE for call in (*ours, *theirs))
        assert [call.words for call in ours] == [call.words for call in theirs]


TwoPeople.TestCase.settings = settings(
    max_examples=30,
    stateful_step_count=25,
    suppress_health_check=list(HealthCheck),
)
TestTwoPeople = TwoPeople.TestCase
