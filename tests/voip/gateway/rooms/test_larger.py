"""Rooms over a server: what it may do, and what it cannot do however it tries."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import pytest

from tests.voip.gateway.hostile_forwarder import Feed, Forwarder, Forwards
from tests.voip.gateway.larger_rooms import Gathering, Guest, gathering, until
from tests.voip.gateway.meshes import GROUP, friends
from tests.voip.pairs import Party
from voip.errors import MalformedError
from voip.gateway.rooms.senderkeys import SWITCH_S, HeardKeys
from voip.gateway.rooms.sfu import FeedId
from voip.media.profile import audio_stream
from voip.media.sframe import parse_header
from voip.signalling.group import Room, SenderKey

pytestmark = [pytest.mark.slow, pytest.mark.timeout(90)]

TICKET = Room(GROUP, "wss://sfu.example", room=7, pin="a" * 26)
NAMES = ("alice", "bob", "carol")
TONES = (440.0, 700.0, 1000.0)
ALICE, BOB = FeedId(1), FeedId(2)  # they come in this order
METADATA = b"\x01"


@asynccontextmanager
async def room(server: Forwarder, people: list[Party]) -> AsyncIterator[Gathering]:
    """Have people in a room who all hear each other."""
    async with gathering(server.open, TICKET) as meeting:
        for party, hertz in zip(people, TONES, strict=False):
            await meeting.come(party, hertz)
        await all_hear(meeting)
        yield meeting


async def all_hear(meeting: Gathering) -> None:
    for me, guest in enumerate(meeting.guests):
        for other in set(range(len(meeting.guests))) - {me}:
            await until(partial(guest.speaker.hears, TONES[other]))


def copied(guest: Guest) -> HeardKeys:
    """Take the keys that a member has now, as a thief would."""
    keys = HeardKeys(GROUP)
    for member, chain in guest.room._keyring.heard._chains.items():
        newest = chain.newest
        told = SenderKey(GROUP, chain.index, epoch=newest.epoch, key=newest.key)
        keys.take(member, told, 0.0)
    return keys


def opened(keys: HeardKeys, packets: list[bytes]) -> list[bool]:
    """Say which of these open."""
    return [could_open(keys, each) for each in packets]


def could_open(keys: HeardKeys, sealed: bytes) -> bool:
    try:
        keys.open(parse_header(sealed), sealed, METADATA, 0.0)
    except MalformedError:
        return False
    return True


async def packets(server: Forwarder, number: int) -> list[bytes]:
    """Record what the server sees of alice's sound from now on."""
    begin = len(server.sound(ALICE))
    await until(lambda: len(server.sound(ALICE)) >= begin + number)
    return server.sound(ALICE)[begin : begin + number]


async def test_everybody_hears_everybody_else_and_not_themselves() -> None:
    async with room(Forwarder(), friends(*NAMES)) as meeting:
        heard = [[g.speaker.hears(tone) for tone in TONES] for g in meeting.guests]

    assert heard == [[False, True, True], [True, False, True], [True, True, False]]


async def test_who_left_cannot_open_what_is_said_after_a_second() -> None:
    server = Forwarder()
    async with room(server, friends(*NAMES)) as meeting:
        _, bob, carol = meeting.guests
        leaver = copied(carol)
        await carol.room.leave()
        await asyncio.sleep(SWITCH_S + 0.5)
        later = await packets(server, 50)

        assert opened(leaver, later) == [False] * 50
        assert opened(copied(bob), later) == [True] * 50


async def test_who_comes_cannot_open_what_was_said_before() -> None:
    server = Forwarder()
    alice, bob, carol = friends(*NAMES)
    async with room(server, [alice, bob]) as meeting:
        was_there = copied(meeting.guests[1])
        earlier = await packets(server, 50)
        comes = await meeting.come(carol, TONES[2])
        await all_hear(meeting)

        assert opened(copied(comes), earlier) == [False] * 50
        assert opened(was_there, earlier) == [True] * 50


async def test_nobody_is_heard_in_the_place_of_another() -> None:
    server = Forwarder()
    async with room(server, friends(*NAMES)) as meeting:
        carol = meeting.guests[2]

        def crossed(feed: FeedId, packet: bytes) -> Forwards:
            source = server.feeds[BOB].streams[0].ssrc.to_bytes(4)
            relabelled = packet[:8] + source + packet[12:]
            return [(BOB, relabelled) if feed == ALICE else (feed, packet)]

        server.meddle = crossed
        await until(lambda: "two members" in "".join(carol.warnings))
        await until(lambda: not carol.speaker.hears(TONES[0]))

        assert not carol.speaker.hears(TONES[1])


async def test_what_was_said_is_not_heard_again() -> None:
    server = Forwarder()

    def twice(feed: FeedId, packet: bytes) -> Forwards:
        return [(feed, packet), (feed, packet)]

    server.meddle = twice
    async with room(server, friends(*NAMES)[:2]) as meeting:
        (watching,) = meeting.guests[0].room.at_server[1].values()
        await until(lambda: watching.opened > 100)

        # All that came twice opened once.
        assert abs(watching.opened - watching.unopened) <= 2


async def test_a_feed_of_the_server_itself_is_closed_and_told() -> None:
    server = Forwarder()
    async with room(server, friends(*NAMES)[:2]) as meeting:
        old = [p for feed, p in server.seen if feed == ALICE]
        own = server.add(Feed((audio_stream(99),)))
        alice = meeting.guests[0]

        async def play() -> None:
            for packet in old * 20:
                server.send(own, packet[:8] + (99).to_bytes(4) + packet[12:])
                await asyncio.sleep(0.02)

        server.spawn(play())
        await until(lambda: "no member's key" in "".join(alice.warnings))
        await until(lambda: not server.feeds[own].takers)

        assert alice.speaker.hears(TONES[1])
        for task in server.tasks:
            task.cancel()


async def test_half_of_the_packets_are_heard_as_well_as_they_can_be() -> None:
    server = Forwarder()
    async with room(server, friends(*NAMES)[:2]) as meeting:
        server.meddle = lambda feed, packet: [(feed, packet)] * (packet[3] % 2)
        await asyncio.sleep(2)

        assert meeting.guests[0].speaker.hears(TONES[1])


async def test_when_the_server_was_away_everybody_comes_back() -> None:
    server = Forwarder()
    async with room(server, friends(*NAMES)[:2]) as meeting:
        server.end("the server is shut down")
        await until(lambda: not any(g.speaker.hears(700) for g in meeting.guests))
        await all_hear(meeting)

        assert "the server is shut down" in meeting.guests[0].warnings


async def test_who_was_away_for_a_moment_is_heard_again() -> None:
    async with room(Forwarder(), friends(*NAMES)[:2]) as meeting:
        alice, bob = meeting.guests
        member = bob.room._membership.own
        alice.room._forwarded.drop(member)
        await until(lambda: member in alice.room.at_server[1], 5)

        assert member in alice.room.at_server[1]


async def test_a_member_who_names_this_machine_is_not_believed() -> None:
    here = Room(GROUP, "ws://127.0.0.1:9", room=7, pin="a" * 26)
    server = Forwarder()
    async with gathering(server.open, here, is_expected=False) as meeting:
        for party, hertz in zip(friends(*NAMES)[:2], TONES, strict=False):
            await meeting.come(party, hertz)
        bob = meeting.guests[1]
        await until(lambda: bool(bob.warnings))

        assert "alice: server: expected wss" in bob.warnings[0]
