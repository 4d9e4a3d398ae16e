"""Time for telephone calls: taken from the store as it passes, given back if not."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.voip.people import MemoryKeeper, introduce, person
from tests.voip.simulated import simulated
from voip.errors import CallError, LimitError, RefusedError, StoreError
from voip.gateway.quota import CALLS_S, PIECE_S
from voip.gateway.sip.allowance import Allowance
from voip.identity.contact import DayUse, Grant
from voip.identity.person import change_contact


def alice() -> tuple[MemoryKeeper, bytes]:
    """Make somebody who knows bob; gives bob's identity, too."""
    keeper, bob = person("alice", None), person("bob", None)
    introduce(keeper, bob)
    keeper.vault = change_contact(
        keeper.vault, "bob", lambda found: replace(found, grant=Grant.SIP)
    )
    return keeper, bob.vault.identity


def use_of(keeper: MemoryKeeper) -> DayUse:
    use = keeper.vault.contacts.find("bob").telephoned
    assert use is not None
    return use


def leave(keeper: MemoryKeeper, seconds: int) -> None:
    """Leave bob so much of his day."""
    used = replace(use_of(keeper), seconds=CALLS_S - seconds)
    keeper.vault = change_contact(
        keeper.vault, "bob", lambda found: replace(found, telephoned=used)
    )


async def spend(
    keeper: MemoryKeeper,
    bob: bytes,
    seconds: float,
    ran_out: Callable[[CallError], None],
) -> None:
    async with Allowance(keeper, bob).spending(ran_out):
        await asyncio.sleep(seconds)


@simulated
async def test_what_passes_is_taken_and_the_rest_given_back() -> None:
    keeper, bob = alice()
    taken: list[int] = []
    async with Allowance(keeper, bob).spending(lambda _: taken.clear()):
        taken.append(use_of(keeper).seconds)
        await asyncio.sleep(PIECE_S + 12.5)
        taken.append(use_of(keeper).seconds)

    assert (taken, use_of(keeper).seconds) == ([PIECE_S, 2 * PIECE_S], PIECE_S + 13)


@simulated
async def test_who_runs_out_hears_of_it_once() -> None:
    keeper, bob = alice()
    out: list[float] = []
    await spend(keeper, bob, 1, lambda _: None)
    leave(keeper, 90)
    loop = asyncio.get_running_loop()
    began = loop.time()
    await spend(keeper, bob, 300, lambda _: out.append(loop.time() - began))

    assert out == pytest.approx([90])
    assert use_of(keeper).seconds == CALLS_S


@simulated
async def test_who_has_none_left_begins_nothing() -> None:
    keeper, bob = alice()
    await spend(keeper, bob, 1, lambda _: None)
    leave(keeper, 0)

    with pytest.raises(LimitError, match="60 minutes a day"):
        await spend(keeper, bob, 1, lambda _: None)


@simulated
async def test_two_at_once_take_twice_as_much() -> None:
    keeper, bob = alice()
    async with asyncio.TaskGroup() as tasks:
        for _ in range(2):
            tasks.create_task(spend(keeper, bob, 100, lambda _: None))

    assert use_of(keeper).seconds == pytest.approx(200, abs=2)


@simulated
async def test_time_that_cannot_be_written_down_is_over() -> None:
    keeper, bob = alice()
    out: list[CallError] = []
    async with Allowance(keeper, bob).spending(out.append):
        keeper.failure = StoreError("no space left")
        await asyncio.sleep(PIECE_S + 1)

    assert [str(each) for each in out] == ["no space left"]


@simulated
async def test_a_grant_that_is_taken_back_ends_what_is_up() -> None:
    keeper, bob = alice()
    out: list[CallError] = []
    async with Allowance(keeper, bob).spending(out.append):
        keeper.vault = change_contact(
            keeper.vault, "bob", lambda found: replace(found, grant=Grant.NONE)
        )
        await asyncio.sleep(PIECE_S + 1)

    assert "its grant is 'none'" in str(out[0])


@simulated
async def test_a_contact_who_was_removed_has_none() -> None:
    keeper, bob = alice()
    keeper.vault = replace(keeper.vault, contacts=keeper.vault.contacts.remove("bob"))

    with pytest.raises(RefusedError):
        await spend(keeper, bob, 1, lambda _: None)
