"""Carriers of blobs: relays, on loopback, and a messenger."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.voip.signalling.relays import lying_relay
from tests.voip.simulated import simulated
from voip.errors import LimitError, MalformedError, UnreachableError
from voip.identity.card import RelayAddress
from voip.identity.vault import OwnBoard
from voip.signalling.address import Address, Mailbox
from voip.signalling.board import DeviceEntry, publish
from voip.signalling.envelope import mailbox_tag
from voip.signalling.frames import (
    MAX_FETCHES,
    Get,
    GetDone,
    Parcel,
    format_reply,
    parse_request,
)
from voip.signalling.post import IDLE_S, MAX_LINKS, MessengerPost, RelayPost
from voip.signalling.relay import serve_relay

BLOB = bytes(range(256)) * 16
FETCH = b"f" * 32
BOB = b"b" * 32


@asynccontextmanager
async def carrying(folder: Path) -> AsyncIterator[tuple[RelayPost, RelayAddress]]:
    async with (
        serve_relay(folder / "relay.db") as relay,
        RelayPost(entropy=os.urandom) as post,
    ):
        yield post, relay.address


async def test_a_blob_comes_to_whoever_reads_its_mailbox(tmp_path: Path) -> None:
    async with carrying(tmp_path) as (post, relay):
        post.watch([Mailbox(FETCH, relay)])
        await post.send(Address(mailbox_tag(FETCH), BOB, relay), BLOB)
        parcel = await post.receive()

        assert (parcel.tag, parcel.blob) == (mailbox_tag(FETCH), BLOB)


async def test_a_parcel_that_was_handled_does_not_come_again(tmp_path: Path) -> None:
    async with carrying(tmp_path) as (post, relay):
        post.watch([Mailbox(FETCH, relay)])
        await post.send(Address(mailbox_tag(FETCH), BOB, relay), BLOB)
        await post.done(await post.receive())
        await asyncio.sleep(0)  # the deletion is asked for now, the next one after it
        await post.send(Address(b"t" * 16, BOB, relay), BLOB)
        async with RelayPost(entropy=os.urandom) as again:
            again.watch([Mailbox(FETCH, relay)])
            await again.ready(relay)

            with pytest.raises(TimeoutError):
                await asyncio.wait_for(again.receive(), 0.3)


async def test_a_relay_that_does_not_delete_holds_nobody_up() -> None:
    """It is perhaps a contact's, and parcels of all relays are taken in one row."""
    parcel = Parcel(mailbox_tag(FETCH), b"m" * 16, blob=BLOB)

    def answer(frame: bytes) -> list[bytes | str]:
        if not isinstance(parse_request(frame), Get):
            return []
        return [format_reply(each, os.urandom) for each in (parcel, GetDone())]

    async with lying_relay(answer) as relay, RelayPost(entropy=os.urandom) as post:
        post.watch([Mailbox(FETCH, relay)])

        await asyncio.wait_for(post.done(await post.receive()), 1)


async def test_a_mailbox_that_is_not_watched_any_more_is_not_read(
    tmp_path: Path,
) -> None:
    async with carrying(tmp_path) as (post, relay):
        post.watch([Mailbox(FETCH, relay)])
        await post.ready(relay)
        post.watch([])
        await post.send(Address(mailbox_tag(FETCH), BOB, relay), BLOB)

        with pytest.raises(TimeoutError):
            await asyncio.wait_for(post.receive(), 0.3)


async def test_a_mailbox_that_stays_is_read_on(tmp_path: Path) -> None:
    async with carrying(tmp_path) as (post, relay):
        for other in (b"1" * 32, b"2" * 32, b"2" * 32):
            post.watch([Mailbox(FETCH, relay), Mailbox(other, relay)])
        await post.send(Address(mailbox_tag(FETCH), BOB, relay), BLOB)

        assert (await post.receive()).blob == BLOB


async def test_a_mailbox_without_a_relay_is_nothing_to_watch(tmp_path: Path) -> None:
    async with carrying(tmp_path) as (post, relay):
        post.watch([Mailbox(FETCH, None)])

        assert post.problem(relay) is None


async def test_more_mailboxes_than_one_link_reads_are_all_read(
    tmp_path: Path,
) -> None:
    fetches = [number.to_bytes(32, "big") for number in range(MAX_FETCHES + 1)]
    async with carrying(tmp_path) as (post, relay):
        post.watch([Mailbox(fetch, relay) for fetch in fetches])
        for fetch in (fetches[0], fetches[-1]):
            await post.send(Address(mailbox_tag(fetch), BOB, relay), BLOB)
        came = {(await post.receive()).tag for _ in range(2)}

        assert came == {mailbox_tag(fetches[0]), mailbox_tag(fetches[-1])}


async def test_a_board_that_was_published_can_be_read(tmp_path: Path) -> None:
    board = OwnBoard(b"s" * 32)
    slot = publish(
        DeviceEntry(bytes(1381), b"m" * 16),
        board=board.key,
        card_key=b"k" * 32,
        index=3,
        version=1,
        entropy=os.urandom,
    )
    async with carrying(tmp_path) as (post, relay):
        await post.publish(relay, slot)

        assert await post.read_board(relay, board.public_key) == [slot]


async def test_a_blob_for_nowhere_is_refused(tmp_path: Path) -> None:
    async with carrying(tmp_path) as (post, _):
        with pytest.raises(MalformedError, match="expected a relay"):
            await post.send(Address(b"t" * 16, BOB, None), BLOB)


@simulated
async def test_a_relay_that_is_away_is_a_problem_in_a_sentence() -> None:
    nobody = RelayAddress("127.0.0.1", 9)
    async with RelayPost(entropy=os.urandom) as post:
        with pytest.raises(UnreachableError, match="refused"):
            await post.ready(nobody)

        assert "127.0.0.1:9" in (post.problem(nobody) or "")


async def test_there_is_a_limit_to_relays_in_use() -> None:
    relays = [RelayAddress("127.0.0.1", port) for port in range(1, MAX_LINKS + 2)]
    async with RelayPost(entropy=os.urandom) as post:
        with pytest.raises(LimitError, match=f"{MAX_LINKS} links"):
            post.watch([Mailbox(FETCH, relay) for relay in relays])


@simulated
async def test_a_link_that_nobody_uses_is_closed_and_one_that_is_read_stays() -> None:
    read, unused = RelayAddress("127.0.0.1", 9), RelayAddress("127.0.0.1", 10)
    async with RelayPost(entropy=os.urandom) as post:
        post.watch([Mailbox(FETCH, read)])
        with pytest.raises(UnreachableError):
            await post.ready(unused)
        await asyncio.sleep(2 * IDLE_S)

        assert post.problem(read) is not None
        assert post.problem(unused) is None


class Letters:
    """A messenger with one queue, which carries to everybody."""

    def __init__(self) -> None:
        self.sent: list[tuple[bytes, bytes]] = []
        self.queue: asyncio.Queue[bytes] = asyncio.Queue()

    async def send(self, identity: bytes, letter: bytes) -> None:
        self.sent.append((identity, letter))
        self.queue.put_nowait(letter)

    async def receive(self) -> bytes:
        return await self.queue.get()


async def test_a_letter_is_tag_and_blob_to_a_person() -> None:
    letters = Letters()
    await MessengerPost(letters).send(Address(b"t" * 16, BOB, None), BLOB)

    assert letters.sent == [(BOB, b"t" * 16 + BLOB)]


async def test_a_letter_comes_as_a_parcel() -> None:
    post = MessengerPost(Letters())
    post.watch([Mailbox(FETCH, None)])
    await post.send(Address(mailbox_tag(FETCH), BOB, None), BLOB)
    parcel = await post.receive()
    await post.done(parcel)

    assert parcel == Parcel(mailbox_tag(FETCH), b"", blob=BLOB)


@pytest.mark.parametrize(
    "letter",
    [b"", b"hello", mailbox_tag(FETCH) + BLOB[:-1], b"t" * 16 + BLOB],
    ids=["empty", "text", "short", "for another device"],
)
async def test_other_letters_are_passed_over(letter: bytes) -> None:
    letters = Letters()
    post = MessengerPost(letters)
    post.watch([Mailbox(FETCH, None)])
    letters.queue.put_nowait(letter)
    letters.queue.put_nowait(mailbox_tag(FETCH) + BLOB)

    assert (await post.receive()).blob == BLOB
