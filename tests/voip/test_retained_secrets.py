"""No loss and no crash is ever taken for a thief; a copied store always is.

Whole calls between real stores in simulated time. What may happen to a store: its
process dies at any blob, before or after it left, and starts again from what was on
disk. What may happen to a blob: lost, late, twice.
"""

import asyncio
from contextlib import AsyncExitStack
from copy import copy

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.voip.pairs import Party
from tests.voip.peers import (
    Arrival,
    Carried,
    Home,
    Wire,
    at,
    over,
    people,
    straight,
    talk,
    until_crash,
    weather,
)
from tests.voip.simulated import simulated
from voip.call import INVITE_TTL_S, State
from voip.identity.trust import TrustState

LINGER_S = 30.0


def trusts(alice: Party, bob: Party) -> set[TrustState]:
    return {
        alice.device(bob).trust.trust.state,
        bob.device(alice).trust.trust.state,
    }


async def check_whole(alice: Party, bob: Party) -> None:
    """Call both ways on a good wire: it must work, and nobody is suspected."""
    for caller, callee in ((alice, bob), (bob, alice)):
        async with at(Wire(), caller, callee) as homes:
            calls = await talk(*homes)
            calls[0].hang_up()
            await over(*calls)

        assert TrustState.BROKEN not in trusts(alice, bob)


async def answering(home: Home) -> None:
    """Take every call at once, like a machine."""
    async for call in home.endpoint.incoming():
        if call.state is State.RINGING:
            call.accept()


async def troubled_call(
    caller: Party, callee: Party, wire: Wire, *, after_s: float, dies: bool = False
) -> None:
    """Call once over a bad wire, and hang up after a while, or both die."""
    async with AsyncExitStack() as stack:
        home = await stack.enter_async_context(until_crash(wire, caller))
        other = await stack.enter_async_context(until_crash(wire, callee))
        taking = asyncio.create_task(answering(other))
        call = await home.endpoint.dial(callee.vault.alias)
        await asyncio.sleep(after_s)
        if not dies:
            call.hang_up()
            await asyncio.sleep(LINGER_S)
        taking.cancel()


@pytest.mark.parametrize(
    "numbers", [{n} for n in range(8)] + [{n, n + 1} for n in range(7)]
)
@pytest.mark.parametrize("hang_up_after_s", [0.05, 1.0])
@simulated
async def test_a_lost_blob_raises_no_alarm(
    numbers: set[int], hang_up_after_s: float
) -> None:
    alice, bob = people()
    for _ in range(2):
        wire = Wire()
        wire.meddle = lambda carried: (
            [] if carried.number in numbers else straight(carried)
        )
        await troubled_call(alice, bob, wire, after_s=hang_up_after_s)

    await check_whole(alice, bob)


@pytest.mark.parametrize("last", range(9))
@pytest.mark.parametrize("victims", [("alice",), ("bob",), ("alice", "bob")])
@pytest.mark.parametrize("met_before", [False, True])
@simulated
async def test_a_crash_between_the_disk_and_the_wire_raises_no_alarm(
    last: int, victims: tuple[str, ...], *, met_before: bool
) -> None:
    """The victims' blobs stop leaving and arriving: to the other side they are dead.

    What they had on disk by then is what they start again with.
    """
    alice, bob = people()
    if met_before:
        await check_whole(alice, bob)
    wire = Wire()
    kept: dict[str, object] = {}
    homes: dict[str, Home] = {}

    def cut(carried: Carried) -> list[Arrival]:
        if carried.number < last:
            return straight(carried)
        for name in victims:
            kept.setdefault(name, homes[name].keeper.vault)
        return []

    wire.meddle = cut
    async with AsyncExitStack() as stack:
        for each in (alice, bob):
            home = await stack.enter_async_context(until_crash(wire, each))
            homes[each.vault.alias] = home
        taking = asyncio.create_task(answering(homes["bob"]))
        await homes["alice"].endpoint.dial("bob")
        await asyncio.sleep(INVITE_TTL_S + LINGER_S)
        taking.cancel()
    for each in (alice, bob):
        if each.vault.alias in kept:
            each.vault = kept[each.vault.alias]  # type: ignore[assignment]  # a Vault

    await check_whole(alice, bob)


STEP = st.tuples(
    st.booleans(),  # who calls
    st.integers(0, 2**16),  # the weather
    st.sampled_from([0.0, 0.1, 0.3, 0.6]),  # how much is lost
    st.sampled_from([0.01, 0.2, 1.0, 5.0, 20.0]),  # when the caller hangs up
    st.booleans(),  # or dies
)


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(st.lists(STEP, min_size=1, max_size=4))
def test_no_history_of_losses_and_crashes_raises_an_alarm(
    steps: list[tuple[bool, int, float, float, bool]],
) -> None:
    @simulated
    async def run() -> None:
        alice, bob = people()
        for alice_calls, seed, lost, after_s, dies in steps:
            wire = Wire()
            wire.meddle = weather(seed, lost=lost, twice=0.2, late=0.5, most_s=3.0)
            caller, callee = (alice, bob) if alice_calls else (bob, alice)
            await troubled_call(caller, callee, wire, after_s=after_s, dies=dies)
        await check_whole(alice, bob)

    run()


@simulated
async def test_a_copied_store_is_noticed_when_both_have_been_used() -> None:
    alice, bob = people()
    await check_whole(alice, bob)
    thief = copy(alice)
    thief.entropy = people()[0].entropy
    async with at(Wire(), thief, bob) as homes:
        calls = await talk(*homes)
        calls[0].hang_up()
        await over(*calls)
    async with at(Wire(), alice, bob) as homes:
        calls = await talk(*homes)

        assert calls[1].trust is not None
        assert calls[1].trust.state is TrustState.BROKEN


@simulated
async def test_an_old_backup_looks_like_a_copied_store() -> None:
    alice, bob = people()
    await check_whole(alice, bob)
    backup = alice.vault
    await check_whole(alice, bob)
    alice.vault = backup
    async with at(Wire(), alice, bob) as homes:
        await talk(*homes)

    assert trusts(alice, bob) >= {TrustState.BROKEN}
