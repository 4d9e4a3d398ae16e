"""A client and its relay, honest or not, over loopback."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.voip.signalling.relays import lying_relay
from voip.errors import (
    LimitError,
    MissingError,
    RefusedError,
    UnreachableError,
)
from voip.identity.card import RelayAddress
from voip.signalling.board import publish
from voip.signalling.envelope import mailbox_tag
from voip.signalling.frames import (
    MAX_DELETED,
    MAX_PARCELS,
    Ack,
    BoardPut,
    Get,
    GetDone,
    Parcel,
    Reply,
    Request,
    Status,
    Stored,
    TurnGrant,
    TurnStatus,
    format_reply,
    parse_request,
)
from voip.signalling.link import RelayLink
from voip.signalling.mailbox import Limits
from voip.signalling.relay import Service, serve_relay, serve_store
from voip.signalling.store_sqlite import open_sqlite
from voip.signalling.turn import TurnOffer

FETCH = b"\x01" * 32
SECOND = b"\x02" * 32
TAG = mailbox_tag(FETCH)
BLOB = b"\x05" * 4096
PARCEL = Parcel(TAG, b"\x07" * 16, blob=BLOB)
BOARD = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)


def link_to(address: RelayAddress, patience_s: float = 10.0) -> RelayLink:
    return RelayLink(address, entropy=os.urandom, patience_s=patience_s)


def slot(index: int, version: int) -> BoardPut:
    return publish(
        None,
        board=BOARD,
        card_key=bytes(32),
        index=index,
        version=version,
        entropy=bytes,
    )


@pytest.fixture
async def address(tmp_path: Path) -> AsyncIterator[RelayAddress]:
    async with serve_relay(tmp_path / "spool", plain=True) as running:
        yield running.address


async def test_a_blob_goes_through(address: RelayAddress) -> None:
    async with link_to(address) as alice, link_to(address) as bob:
        bob.watch([FETCH])
        await alice.put(TAG, BLOB)
        parcel = await bob.receive()

    assert (parcel.tag, parcel.blob) == (TAG, BLOB)


async def test_a_waiting_reader_is_woken(address: RelayAddress) -> None:
    async with link_to(address) as alice, link_to(address) as bob:
        bob.watch([FETCH])
        await bob.ready()
        for number in range(5):
            await alice.put(TAG, bytes([number]) * 4096)
        blobs = [(await bob.receive()).blob[0] for _ in range(5)]

    assert blobs == [0, 1, 2, 3, 4]


async def test_a_mailbox_added_later_is_read_at_once(address: RelayAddress) -> None:
    async with link_to(address) as alice, link_to(address) as bob:
        bob.watch([b"\x02" * 32])
        await bob.ready()
        await alice.put(TAG, BLOB)
        bob.watch([b"\x02" * 32, FETCH])
        parcel = await bob.receive()

    assert parcel.tag == TAG


async def test_a_mailbox_no_longer_watched_is_not_read(address: RelayAddress) -> None:
    other = b"\x02" * 32
    async with link_to(address) as alice, link_to(address) as bob:
        bob.watch([FETCH])
        bob.watch([other])
        await alice.put(TAG, BLOB)
        await alice.put(mailbox_tag(other), BLOB)
        parcel = await bob.receive()

    assert parcel.tag == mailbox_tag(other)


async def test_a_deleted_parcel_does_not_come_again(address: RelayAddress) -> None:
    async with link_to(address) as alice, link_to(address) as bob:
        await alice.put(TAG, BLOB)
        bob.watch([FETCH])
        await bob.delete([(await bob.receive()).message_id])
        await alice.put(TAG, b"\x06" * 4096)
    async with link_to(address) as again:
        again.watch([FETCH])
        parcel = await again.receive()

    assert parcel.blob[0] == 6


async def test_a_parcel_not_deleted_comes_to_the_next_link(
    address: RelayAddress,
) -> None:
    async with link_to(address) as alice, link_to(address) as bob:
        await alice.put(TAG, BLOB)
        bob.watch([FETCH])
        first = await bob.receive()
    async with link_to(address) as again:
        again.watch([FETCH])
        second = await again.receive()

    assert first == second


async def test_a_full_mailbox_is_said(address: RelayAddress) -> None:
    async with link_to(address) as alice, link_to(address) as mallory:
        for link in (alice, mallory):
            await asyncio.gather(*(link.put(TAG, BLOB) for _ in range(32)))
        with pytest.raises(LimitError, match="no room left"):
            await alice.put(TAG, BLOB)


async def test_more_than_an_inbox_of_parcels_arrives(address: RelayAddress) -> None:
    fetches = [bytes([number]) * 32 for number in range(1, 5)]
    async with link_to(address) as bob:
        for fetch in fetches:
            async with link_to(address) as alice:
                tag = mailbox_tag(fetch)
                await asyncio.gather(*(alice.put(tag, BLOB) for _ in range(40)))
        bob.watch(fetches)
        ids = {(await bob.receive()).message_id for _ in range(160)}

    assert len(ids) == 160


async def test_boards_are_published_and_read(address: RelayAddress) -> None:
    async with link_to(address) as alice, link_to(address) as bob:
        for each in (slot(0, 1), slot(7, 3)):
            await alice.publish(each)
        read = await bob.read_board(slot(0, 1).board)

    assert read == [slot(0, 1), slot(7, 3)]


async def test_an_old_board_is_refused(address: RelayAddress) -> None:
    async with link_to(address) as alice:
        await alice.publish(slot(0, 2))
        with pytest.raises(RefusedError, match="it may hold a newer version"):
            await alice.publish(slot(0, 1))


async def test_a_link_survives_a_restart_of_the_relay(tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    async with serve_relay(spool, plain=True) as running:
        port = running.address.port
        async with link_to(running.address) as bob:
            bob.watch([FETCH])
            await bob.ready()
    async with link_to(running.address) as alice, link_to(running.address) as bob:
        bob.watch([FETCH])
        putting = asyncio.ensure_future(alice.put(TAG, BLOB))
        await asyncio.sleep(0)
        async with serve_relay(spool, port=port, plain=True):
            await putting
            parcel = await bob.receive()

    assert parcel.blob == BLOB


async def test_the_size_of_a_get_does_not_show_how_many_mailboxes_there_are() -> None:
    seen: list[tuple[bytes, ...]] = []
    twice, grown = asyncio.Event(), asyncio.Event()

    def answer(raw: bytes) -> list[bytes | str]:
        request = parse_request(raw)
        assert isinstance(request, Get)
        seen.append(request.fetches)
        if len(seen) == 2:
            twice.set()
        if SECOND in request.fetches:
            grown.set()
        return [frame(GetDone())]

    async with lying_relay(answer) as address, link_to(address) as link:
        link.watch([FETCH])
        await twice.wait()
        link.watch([FETCH, SECOND])
        await grown.wait()

    # The random ones stay: what changes from one GET to the next would be they.
    assert [len(seen[0]), seen[1] == seen[0], len({*seen[0]} & {*seen[-1]})] == [
        16,
        True,
        15,
    ]


@pytest.mark.parametrize("count", [1, 16, 17, 128])
async def test_up_to_128_mailboxes_are_watched(
    address: RelayAddress, count: int
) -> None:
    async with link_to(address) as link:
        link.watch([bytes([number]) * 32 for number in range(1, count + 1)])
        await link.put(TAG, BLOB)
        parcel = await link.receive()

    assert parcel.tag == TAG


def test_129_mailboxes_are_too_many() -> None:
    link = link_to(RelayAddress("127.0.0.1", 1))

    with pytest.raises(LimitError, match="129 mailboxes at one relay"):
        link.watch([bytes([number]) * 32 for number in range(129)])


def test_an_onion_relay_is_not_dialled() -> None:
    with pytest.raises(MissingError, match="onion addresses need a SOCKS dialler"):
        link_to(RelayAddress("abc.onion", 80))


def frame(reply: Reply) -> bytes:
    return format_reply(reply, os.urandom)


async def test_a_relay_that_drops_everything_is_unreachable() -> None:
    async with lying_relay(lambda _: []) as address, link_to(address, 0.2) as link:
        with pytest.raises(UnreachableError, match=r"no answer within 0\.2 s"):
            await link.put(TAG, BLOB)


async def test_a_relay_that_is_down_is_unreachable() -> None:
    async with link_to(RelayAddress("127.0.0.1", 9), 0.2) as link:
        with pytest.raises(UnreachableError, match=r"relay 127\.0\.0\.1:9: .*refused"):
            await link.ready()


async def test_a_relay_that_is_down_stays_the_reason() -> None:
    async with link_to(RelayAddress("127.0.0.1", 9), 0.2) as link:
        with pytest.raises(UnreachableError):
            await link.ready()

        assert link.problem is not None


async def test_a_request_under_way_makes_a_link_busy() -> None:
    async with lying_relay(lambda _: []) as address, link_to(address) as link:
        putting = asyncio.ensure_future(link.put(TAG, BLOB))
        await asyncio.sleep(0)
        busy = link.is_busy
        putting.cancel()
        await asyncio.wait([putting])

        assert (busy, link.is_busy) == (True, False)


async def test_a_relay_that_lies_once_is_tried_again() -> None:
    lies: list[list[bytes | str]] = [["hello"], [frame(Stored(Status.OK))]]

    async with (
        lying_relay(lambda _: lies.pop(0)) as address,
        link_to(address) as link,
    ):
        await link.put(TAG, BLOB)

    assert lies == []


async def test_a_parcel_that_was_not_asked_for_is_not_handed_up() -> None:
    def answer(_: bytes) -> list[bytes | str]:
        strange = Parcel(b"\x09" * 16, os.urandom(16), blob=BLOB)
        return [
            frame(strange),
            frame(Parcel(TAG, b"\x07" * 16, blob=BLOB)),
            frame(GetDone()),
        ]

    async with lying_relay(answer) as address, link_to(address) as link:
        link.watch([FETCH])
        parcel = await link.receive()

    assert parcel.tag == TAG


async def test_a_repeated_parcel_is_handed_up_once() -> None:
    numbers = iter(range(100))

    def answer(_: bytes) -> list[bytes | str]:
        ids = [b"\x07" * 16, b"\x07" * 16, next(numbers).to_bytes(16, "big")]
        return [
            *(frame(Parcel(TAG, each, blob=BLOB)) for each in ids),
            frame(GetDone()),
        ]

    async with lying_relay(answer) as address, link_to(address) as link:
        link.watch([FETCH])
        ids = [(await link.receive()).message_id for _ in range(3)]

    assert len(set(ids)) == 3


async def test_a_parcel_whose_deletion_got_lost_is_deleted_when_it_comes_again() -> (
    None
):
    lost, asked = True, asyncio.Event()
    acks: list[Ack] = []

    def answer(raw: bytes) -> list[bytes | str]:
        request = parse_request(raw)
        if isinstance(request, Get):
            return [frame(PARCEL), frame(GetDone())]
        if lost:
            return ["the connection is ended for this"]
        assert isinstance(request, Ack)
        acks.append(request)
        asked.set()
        return [frame(Stored(Status.OK))]

    async with lying_relay(answer) as address, link_to(address, 0.2) as link:
        link.watch([FETCH])
        parcel = await link.receive()
        with pytest.raises(UnreachableError):
            await link.delete([parcel.message_id])
        lost = False
        await asked.wait()

    assert acks[0] == Ack((PARCEL.message_id,))


async def test_a_parcel_that_comes_again_before_it_was_handled_is_kept() -> None:
    requests: list[Request] = []
    often = asyncio.Event()

    def answer(raw: bytes) -> list[bytes | str]:
        requests.append(parse_request(raw))
        if len(requests) == 4:
            often.set()
        return [frame(PARCEL), frame(GetDone())]

    async with lying_relay(answer) as address, link_to(address) as link:
        link.watch([FETCH])
        await often.wait()

    assert {type(request) for request in requests} == {Get}


async def test_a_relay_that_repeats_and_never_deletes_holds_nobody_up() -> None:
    repeats = 0

    def answer(raw: bytes) -> list[bytes | str]:
        nonlocal repeats
        if not isinstance(parse_request(raw), Get):
            return []
        if repeats > MAX_DELETED + 2 * MAX_PARCELS:
            return [frame(Parcel(TAG, b"\x08" * 16, blob=BLOB)), frame(GetDone())]
        repeats += MAX_PARCELS
        return [*[frame(PARCEL)] * MAX_PARCELS, frame(GetDone())]

    async with lying_relay(answer) as address, link_to(address) as link:
        link.watch([FETCH])
        first = await link.receive()
        deleting = asyncio.ensure_future(link.delete([first.message_id]))
        second = await link.receive()
        deleting.cancel()

    assert second.message_id == b"\x08" * 16


async def test_a_pinned_relay_is_reached_by_tls(tmp_path: Path) -> None:
    async with (
        serve_relay(tmp_path / "spool") as running,
        link_to(running.address) as link,
    ):
        link.watch([FETCH])
        await link.put(TAG, BLOB)
        parcel = await link.receive()

    assert parcel.blob == BLOB


async def test_a_relay_keeps_its_key(tmp_path: Path) -> None:
    pins = []
    for _ in range(2):
        async with serve_relay(tmp_path / "spool") as running:
            pins.append(running.address.pin)

    assert pins[0] == pins[1]


async def test_a_small_relay_fills_up(tmp_path: Path) -> None:
    limits = Limits(stored_bytes=0)
    async with (
        serve_relay(tmp_path / "spool", plain=True, limits=limits) as running,
        link_to(running.address) as link,
    ):
        with pytest.raises(LimitError, match="no room left"):
            await link.put(TAG, BLOB)


async def test_a_relay_gives_turn_servers(tmp_path: Path) -> None:
    offer = TurnOffer(("turn:turn.example",), b"0123456789abcdef")
    async with (
        open_sqlite(tmp_path / "s", limits=Limits(), entropy=os.urandom) as store,
        serve_store(store, Service(turn=offer)) as running,
        link_to(running.address) as link,
    ):
        servers = await link.turn(300)

    assert [server.url for server in servers] == ["turn:turn.example"]


async def test_a_relay_without_turn_servers_says_so(address: RelayAddress) -> None:
    async with link_to(address) as link:
        with pytest.raises(MissingError, match="offers no turn server"):
            await link.turn(300)


async def test_a_relay_asks_to_slow_down_with_turn(tmp_path: Path) -> None:
    offer = TurnOffer(("turn:turn.example",), b"0123456789abcdef")
    async with (
        open_sqlite(tmp_path / "s", limits=Limits(), entropy=os.urandom) as store,
        serve_store(store, Service(turn=offer)) as running,
        link_to(running.address) as link,
    ):
        for _ in range(4):
            await link.turn(300)
        with pytest.raises(LimitError, match="asks to slow down"):
            await link.turn(300)


async def test_turn_servers_nobody_asked_for_end_the_connection() -> None:
    def answer(frame: bytes) -> list[bytes | str]:
        del frame
        return [format_reply(TurnGrant(TurnStatus.NOT_OFFERED), os.urandom)]

    async with lying_relay(answer) as relay, link_to(relay, 0.5) as link:
        with pytest.raises(UnreachableError, match="turn: nobody asked for it"):
            await link.put(TAG, BLOB)
