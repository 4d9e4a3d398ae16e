"""Addresses are looked for while it rings: by whom, for whom, and until when."""

import asyncio
from collections.abc import Callable

import pytest

from tests.voip.peers import (
    ALICE,
    Arrival,
    Carried,
    Wire,
    at,
    heard,
    lose,
    media_of,
    over,
    people,
    talk,
    until,
    with_two_devices,
)
from tests.voip.people import tone_plan
from tests.voip.simulated import simulated
from voip.call import INVITE_TTL_S, State
from voip.conversation import Conversation
from voip.errors import UnreachableError
from voip.events import SecurityFailed
from voip.handshake.schedule import Role
from voip.media.connect.config import IceConfig, IceServer
from voip.media.plan import MediaPlan
from voip.news import Warned

SERVER = IceServer(url="stun:192.0.2.1")
BOTH = [Role.CALLER, Role.CALLEE]


def wired(*servers: IceServer) -> Wire:
    """Give a wire between people who configured servers."""
    wire = Wire()
    wire.ice = IceConfig(servers=servers or (SERVER,))
    return wire


def sides(wire: Wire) -> list[Role]:
    """Tell who looked for addresses, in order of their roles."""
    return sorted(path.side for path in wire.rooms.paths)


def are_closed(wire: Wire, side: Role) -> bool:
    return all(path.is_closed for path in wire.rooms.paths if path.side is side)


@simulated
async def test_while_it_rings_both_sides_look_for_addresses() -> None:
    wire = wired()
    async with at(wire, *people()) as (alice, bob):
        theirs = await alice.endpoint.dial("bob")
        await bob.rung()
        await until(theirs, State.ALERTED)

        assert sides(wire) == BOTH


@simulated
async def test_who_configured_no_server_opens_nothing_while_it_rings() -> None:
    wire = Wire()
    async with at(wire, *people()) as (alice, bob):
        theirs = await alice.endpoint.dial("bob")
        await bob.rung()
        await until(theirs, State.ALERTED)

        assert sides(wire) == []


@simulated
async def test_who_pastes_by_hand_asks_nobody_ahead() -> None:
    wire = wired()
    wire.by_hand = True
    async with at(wire, *people()) as homes:

        def paste(carried: Carried) -> list[Arrival]:
            homes[carried.sender == ALICE].post.take(carried.tag, carried.blob)
            return []

        wire.meddle = paste
        await talk(*homes)

        assert sides(wire) == []


@simulated
async def test_no_device_is_opened_while_it_rings() -> None:
    wire = wired()
    opened: list[MediaPlan] = []

    def plan() -> MediaPlan:
        opened.append(tone_plan())
        return opened[-1]

    wire.plan = plan
    async with at(wire, *people()) as (alice, bob):
        await alice.endpoint.dial("bob")
        ours = await bob.rung()
        await asyncio.sleep(10)
        before = len(opened)
        ours.accept()
        await until(ours, State.ACTIVE)

        assert (before, len(opened)) == (0, 2)


@simulated
async def test_the_call_has_what_was_found() -> None:
    wire = wired()
    async with at(wire, *people()) as homes:
        calls = await talk(*homes)
        given = [media_of(call).first for call in calls]

        assert given == sorted(wire.rooms.paths, key=lambda path: path.side)
        assert not any(path.is_closed for path in wire.rooms.paths)


@simulated
async def test_what_failed_while_it_rang_does_not_keep_the_call_from_trying() -> None:
    wire = wired()
    for side in Role:
        wire.rooms.fails[side, "ahead"] = UnreachableError("it does not answer")
    async with at(wire, *people()) as homes:
        calls = await talk(*homes)
        given = [media_of(call).first for call in calls]
        told = [each for call in calls for each in heard(call)]

        assert given == [None, None]
        assert not [each for each in told if isinstance(each, Warned)]


@simulated
async def test_who_did_not_confirm_has_us_ask_nobody() -> None:
    wire = wired()
    wire.meddle = lose(ALICE, lambda number: number > 0)  # all but INVITE
    async with at(wire, *people()) as (alice, _):
        theirs = await alice.endpoint.dial("bob")
        await until(theirs, State.CONFIRMED)
        await asyncio.sleep(10)

        assert Role.CALLEE not in sides(wire)


@simulated
async def test_whom_nobody_answers_asks_nobody() -> None:
    wire = wired()
    wire.meddle = lambda _: []
    async with at(wire, *people()) as (alice, _):
        await alice.endpoint.dial("bob")
        await asyncio.sleep(10)

        assert sides(wire) == []


async def _decline(_: Conversation, ours: Conversation) -> None:
    ours.decline()


async def _hang_up(theirs: Conversation, _: Conversation) -> None:
    theirs.hang_up()


async def _wait(_: Conversation, __: Conversation) -> None:
    await asyncio.sleep(INVITE_TTL_S + 1)


async def _fail(_: Conversation, ours: Conversation) -> None:
    assert ours._session.leg is not None
    ours._session.feed(SecurityFailed(ours._session.leg.device))


@pytest.mark.parametrize("end", [_decline, _hang_up, _wait, _fail])
@simulated
async def test_a_call_that_is_not_accepted_closes_what_was_found(
    end: Callable[[Conversation, Conversation], "asyncio.Future[None]"],
) -> None:
    wire = wired()
    async with at(wire, *people()) as (alice, bob):
        theirs = await alice.endpoint.dial("bob")
        ours = await bob.rung()
        await until(theirs, State.ALERTED)
        await end(theirs, ours)
        await over(theirs, ours)

        assert [are_closed(wire, side) for side in Role] == [True, True]


@simulated
async def test_a_caller_looks_once_however_many_devices_ring() -> None:
    wire = wired()
    async with at(wire, *with_two_devices()) as homes:
        theirs = await homes[0].endpoint.dial("bob")
        calls = [await home.rung() for home in homes[1:]]
        await until(theirs, State.ALERTED)
        calls[1].accept()
        await until(theirs, State.ACTIVE)
        (path,) = [each for each in wire.rooms.paths if each.side is Role.CALLER]

        assert media_of(theirs).first is path


@simulated
async def test_a_device_that_was_not_chosen_closes_what_it_found() -> None:
    wire = wired()
    async with at(wire, *with_two_devices()) as homes:
        await homes[0].endpoint.dial("bob")
        calls = [await home.rung() for home in homes[1:]]
        calls[1].accept()
        await until(calls[1], State.ACTIVE)
        await over(calls[0])
        given = media_of(calls[1]).first
        others = [
            path
            for path in wire.rooms.paths
            if path.side is Role.CALLEE and path is not given
        ]

        assert [path.is_closed for path in others] == [True]


@simulated
async def test_leaving_while_it_rings_closes_what_was_found() -> None:
    wire = wired()
    async with at(wire, *people()) as (alice, bob):
        await alice.endpoint.dial("bob")
        await bob.rung()

    assert [are_closed(wire, side) for side in Role] == [True, True]
