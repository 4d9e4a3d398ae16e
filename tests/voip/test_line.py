"""What the two sides say to each other about the media of a call."""

import asyncio

import pytest

from tests.voip.peers import (
    ALICE,
    Home,
    Wire,
    at,
    heard,
    lose,
    media_of,
    people,
    talk,
    until,
)
from tests.voip.simulated import simulated
from voip.call import State
from voip.conversation import Conversation
from voip.description import Kind
from voip.errors import RefusedError, UnreachableError
from voip.events import End
from voip.handshake.schedule import Role
from voip.media.events import (
    AddressesChanged,
    CandidateFound,
    ChannelRefused,
    DigitReceived,
    EndFailed,
    FirstVerified,
    MediaEvent,
    PathFailed,
    PathWeak,
    PicturesSlow,
    Quiet,
    RecordingFailed,
    ServerFailed,
)
from voip.news import DigitArrived, News, PathWeakened, PeerChanged, Warned
from voip.signalling.messages import Restart

ADDRESS = "1 1 udp 1 192.0.2.7 40000 typ host"


@simulated
async def test_an_address_found_late_reaches_the_other_side() -> None:
    async with at(Wire(), *people()) as homes:
        theirs, ours = await talk(*homes)
        media_of(theirs).happen(CandidateFound(ADDRESS))
        await asyncio.sleep(3)

        assert media_of(ours).candidates == (ADDRESS,)


@simulated
async def test_a_caller_who_knocks_is_met_before_its_selection_comes() -> None:
    wire = Wire()
    async with at(wire, *people()) as (alice, bob):
        theirs, ours = await _accepted(wire, alice, bob)
        await until(ours, State.ACTIVE)
        met = media_of(ours).remote
        await asyncio.sleep(5)
        told = media_of(ours).remote

        assert (met, theirs.state) == (None, State.ACTIVE)
        assert told is not None  # SELECT came by record


@simulated
async def test_pictures_that_are_agreed_on_late_are_told() -> None:
    wire = Wire()
    async with at(wire, *people()) as (alice, bob):
        theirs, ours = await _accepted(wire, alice, bob, video=True)
        await until(ours, State.ACTIVE)
        await asyncio.sleep(5)
        told = [each for each in heard(theirs) if isinstance(each, PeerChanged)]

        assert told[-1].video


@simulated
async def test_who_does_not_knock_is_met_when_its_selection_comes() -> None:
    wire = Wire()
    wire.rooms.knocks = False
    async with at(wire, *people()) as homes:
        theirs, ours = await talk(*homes)

        assert (theirs.state, ours.state) == (State.ACTIVE, State.ACTIVE)


@simulated
async def test_a_caller_who_cannot_be_met_ends_the_call() -> None:
    wire = Wire()
    wire.rooms.fails[Role.CALLEE, "meet"] = UnreachableError("closed")
    async with at(wire, *people()) as (alice, bob):
        _, ours = await _accepted(wire, alice, bob)
        await asyncio.sleep(5)

        assert ours.end is End.LOST


@simulated
async def test_what_a_user_mutes_while_connecting_is_told_with_the_first_packet() -> (
    None
):
    wire = Wire()
    wire.rooms.knocks = False
    async with at(wire, *people()) as (alice, bob):
        theirs, ours = await _accepted(wire, alice, bob)
        await until(theirs, State.CONNECTING)
        before = len(wire.sent_by(ALICE))
        theirs.set_muted(on=True)
        await asyncio.sleep(1)
        media_of(theirs).happen(FirstVerified())
        await asyncio.sleep(3)
        told = [each for each in heard(ours) if isinstance(each, PeerChanged)]

        assert [each.muted for each in told[:1]] == [True]
        assert len(wire.sent_by(ALICE)) == before


async def _accepted(
    wire: Wire, alice: Home, bob: Home, *, video: bool = False
) -> tuple[Conversation, Conversation]:
    """Let bob accept a call of alice's, whose SELECT does not come by mailbox."""
    theirs = await alice.endpoint.dial("bob")
    ours = await bob.rung()
    wire.meddle = lose(ALICE, lambda _: True)
    ours.accept(video=video)
    return theirs, ours


@pytest.mark.parametrize(
    ("event", "news"),
    [
        (PathWeak(0.5), PathWeakened(0.5)),
        (DigitReceived("7"), DigitArrived("7")),
        (EndFailed("no space left"), Warned("no space left")),
        (ServerFailed("turn: no answer"), Warned("turn: no answer")),
        (
            RecordingFailed("no space left"),
            Warned("the recording ended: no space left"),
        ),
        (
            ChannelRefused("text: expected utf-8"),
            Warned(
                "no text or file is taken from the other side any more, as it broke "
                "the rules: text: expected utf-8"
            ),
        ),
        (
            PicturesSlow(),
            Warned("this machine is too slow for the pictures that come"),
        ),
    ],
)
@simulated
async def test_the_user_is_told_what_happened(event: MediaEvent, news: News) -> None:
    async with at(Wire(), *people()) as homes:
        theirs, _ = await talk(*homes)
        media_of(theirs).happen(event)
        await asyncio.sleep(1)

        assert news in heard(theirs)


@pytest.mark.parametrize("event", [AddressesChanged(), PathFailed(), Quiet(3.0)])
@simulated
async def test_a_path_that_is_gone_is_replaced(event: MediaEvent) -> None:
    async with at(Wire(), *people()) as homes:
        theirs, ours = await talk(*homes)
        media_of(theirs).happen(event)
        await asyncio.sleep(5)

        assert (media_of(theirs).restarts, media_of(ours).restarts) == (1, 1)
        assert (theirs.state, ours.state) == (State.ACTIVE, State.ACTIVE)


@simulated
async def test_a_newer_search_replaces_an_older_one_at_once() -> None:
    async with at(Wire(), *people()) as homes:
        theirs, ours = await talk(*homes)
        for _ in range(3):
            media_of(theirs).happen(AddressesChanged())
        await asyncio.sleep(10)
        line = theirs._session.line
        assert line is not None

        assert (line._generation, theirs.state, ours.state) == (
            3,
            State.ACTIVE,
            State.ACTIVE,
        )


@simulated
async def test_what_the_other_side_shows_is_known_to_the_media() -> None:
    async with at(Wire(), *people()) as homes:
        theirs, ours = await talk(*homes)
        theirs.set_video(on=True)
        theirs.set_screen(on=True)
        await asyncio.sleep(3)
        told = [each for each in heard(ours) if isinstance(each, PeerChanged)]

        assert (told[-1].video, told[-1].screen) == (True, True)
        assert media_of(ours).expected_pictures == {Kind.VIDEO, Kind.SCREEN}


@simulated
async def test_an_offer_that_cannot_be_ends_the_call() -> None:
    wire = Wire()
    wire.rooms.fails[Role.CALLER, "gather"] = RefusedError("streams: none of ours")
    async with at(wire, *people()) as (alice, bob):
        theirs = await alice.endpoint.dial("bob")
        ours = await bob.rung()
        ours.accept()
        await asyncio.sleep(5)

        assert (theirs.end, ours.end) == (End.SECURITY, End.SECURITY)


@simulated
async def test_who_counts_searches_up_to_the_end_ends_only_the_searching() -> None:
    async with at(Wire(), *people()) as homes:
        theirs, ours = await talk(*homes)
        line = theirs._session.line
        assert line is not None
        hostile = Restart(0xFFFF, "abcd", pwd="p" * 22, candidates=())
        line.leg.delivery.send(hostile)
        await asyncio.sleep(3)
        media_of(ours).happen(AddressesChanged())
        await asyncio.sleep(3)
        told = [each for each in heard(ours) if isinstance(each, Warned)]

        assert told[-1] == Warned("no number is left for another search for a path")
        assert ours.state in {State.ACTIVE, State.RECONNECTING}


@simulated
async def test_searches_that_the_other_side_asks_for_are_one_a_second() -> None:
    async with at(Wire(), *people()) as homes:
        theirs, ours = await talk(*homes)
        line = theirs._session.line
        assert line is not None
        for generation in range(1, 31):
            line.leg.delivery.send(
                Restart(generation, "abcd", pwd="p" * 22, candidates=())
            )
            theirs._session.wake()
            await asyncio.sleep(0.1)
        await asyncio.sleep(5)
        answering = ours._session.line
        assert answering is not None

        assert (media_of(ours).restarts, answering._generation) == (4, 30)


@simulated
async def test_a_search_of_ours_comes_before_one_that_waits_to_be_answered() -> None:
    async with at(Wire(), *people()) as homes:
        theirs, ours = await talk(*homes)
        line = theirs._session.line
        assert line is not None
        for generation in (1, 2):
            line.leg.delivery.send(
                Restart(generation, "abcd", pwd="p" * 22, candidates=())
            )
        theirs._session.wake()
        await asyncio.sleep(0.5)
        media_of(ours).happen(AddressesChanged())
        await asyncio.sleep(5)

        assert media_of(ours).restarts == 2
        assert (theirs.state, ours.state) == (State.ACTIVE, State.ACTIVE)
