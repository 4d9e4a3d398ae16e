"""What every store promises, as tests; a class per engine inherits them.

A subclass gives `opened`, a block with a store on whatever the test's `place` is; two
blocks on one place are two relay processes on one engine.
"""

import asyncio
import os
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from voip.signalling.board import publish as publish_slot
from voip.signalling.frames import BoardPut, Parcel, Put, Status
from voip.signalling.mailbox import Limits
from voip.signalling.store import Store

DAY = 86400
NOW = 20000 * DAY
TAG, OTHER = b"\x01" * 16, b"\x02" * 16
ROOMY = Limits(stored_bytes=1 << 30)
NARROW = Limits(stored_bytes=0)


def blob(number: int) -> bytes:
    return number.to_bytes(2, "big") * 2048


def slot(version: int) -> BoardPut:
    return publish_slot(
        None,
        board=Ed25519PrivateKey.from_private_bytes(b"\x01" * 32),
        card_key=bytes(32),
        index=3,
        version=version,
        entropy=bytes,  # or the same version would have other bytes each time
    )


def everything(message_ids: Sequence[bytes]) -> list[bytes]:
    return [*message_ids]


async def leave(
    store: Store, number: int, tag: bytes = TAG, *, now: int = NOW
) -> Status:
    return await store.put(Put(tag, blob(number)), now=now)


async def read(store: Store, *tags: bytes, now: int = NOW) -> list[Parcel]:
    return await store.collect(tags or (TAG,), now=now, choose=everything)


async def blobs(store: Store, *tags: bytes, now: int = NOW) -> list[bytes]:
    return [parcel.blob for parcel in await read(store, *tags, now=now)]


class StoreContract:
    """Inherit, and give `opened`."""

    def opened(
        self, place: Path, limits: Limits = ROOMY
    ) -> AbstractAsyncContextManager[Store]:
        raise NotImplementedError

    @pytest.fixture
    def place(self, tmp_path: Path) -> Path:
        return tmp_path / "store"

    async def test_what_was_left_is_read_in_order(self, place: Path) -> None:
        async with self.opened(place) as store:
            for number in (2, 1, 3):
                await leave(store, number)

            assert await blobs(store) == [blob(2), blob(1), blob(3)]

    async def test_what_was_left_at_once_stays_in_order(self, place: Path) -> None:
        async with self.opened(place) as store:
            await asyncio.gather(*(leave(store, number) for number in range(20)))

            assert await blobs(store) == [blob(number) for number in range(20)]

    async def test_tags_are_apart(self, place: Path) -> None:
        async with self.opened(place) as store:
            await leave(store, 1, TAG)
            await leave(store, 2, OTHER)
            parcels = await read(store, OTHER, b"\x03" * 16)

        assert [(each.tag, each.blob) for each in parcels] == [(OTHER, blob(2))]

    async def test_a_blob_is_there_until_it_is_deleted(self, place: Path) -> None:
        async with self.opened(place) as store:
            await leave(store, 1)
            once = await read(store)
            twice = await read(store)

        assert (len(once), once) == (1, twice)

    async def test_what_was_deleted_is_gone(self, place: Path) -> None:
        async with self.opened(place) as store:
            for number in (1, 2):
                await leave(store, number)
            first, _ = await read(store)
            await store.discard([first.message_id, bytes(16)])

            assert await blobs(store) == [blob(2)]

    async def test_deleting_twice_is_the_same(self, place: Path) -> None:
        async with self.opened(place) as store:
            await leave(store, 1)
            (parcel,) = await read(store)
            await store.discard([parcel.message_id])
            await store.discard([parcel.message_id])

            assert await blobs(store) == []

    async def test_message_ids_cannot_be_guessed(self, place: Path) -> None:
        """Who knows one may delete the blob."""
        async with self.opened(place) as store:
            for number in range(50):
                await leave(store, number)
            ids = {parcel.message_id for parcel in await read(store)}

        assert [len(ids), len({each[:8] for each in ids}), {*map(len, ids)}] == [
            50,
            50,
            {16},
        ]

    async def test_only_what_is_chosen_is_read(self, place: Path) -> None:
        async with self.opened(place) as store:
            for number in range(3):
                await leave(store, number)
            parcels = await store.collect([TAG], now=NOW, choose=lambda ids: [ids[1]])

        assert [parcel.blob for parcel in parcels] == [blob(1)]

    async def test_what_is_left_is_durable_in_another_process(
        self, place: Path
    ) -> None:
        async with self.opened(place) as one:
            await leave(one, 1)
        async with self.opened(place) as other:
            assert await blobs(other) == [blob(1)]

    async def test_a_mailbox_takes_64_blobs(self, place: Path) -> None:
        async with self.opened(place) as store:
            statuses = [await leave(store, number) for number in range(65)]
            other = await leave(store, 1, OTHER)

        assert (statuses[63:], other) == ([Status.OK, Status.FULL], Status.OK)

    async def test_two_processes_that_add_at_once_leave_64(self, place: Path) -> None:
        async with self.opened(place) as one, self.opened(place) as two:
            statuses = await asyncio.gather(
                *(leave(store, number) for number in range(50) for store in (one, two))
            )
            kept = await blobs(one)

        assert (statuses.count(Status.OK), len(kept)) == (64, 64)

    async def test_a_read_mailbox_has_room_again(self, place: Path) -> None:
        async with self.opened(place) as store:
            for number in range(64):
                await leave(store, number)
            parcels = await read(store)
            await store.discard([parcels[5].message_id, parcels[7].message_id])
            statuses = [await leave(store, number) for number in (100, 101, 102)]
            last = (await blobs(store))[-2:]

        assert (statuses, last) == (
            [Status.OK, Status.OK, Status.FULL],
            [blob(100), blob(101)],
        )

    @pytest.mark.parametrize(("age", "found"), [(7 * DAY - 1, 1), (7 * DAY, 0)])
    async def test_a_blob_is_kept_for_seven_days(
        self, place: Path, age: int, found: int
    ) -> None:
        async with self.opened(place) as store:
            await leave(store, 1)

            assert len(await blobs(store, now=NOW + age)) == found

    async def test_what_expired_takes_no_place(self, place: Path) -> None:
        async with self.opened(place) as store:
            for number in range(64):
                await leave(store, number)
            status = await leave(store, 64, now=NOW + 7 * DAY)
            kept = await blobs(store, now=NOW + 7 * DAY)

        assert (status, kept) == (Status.OK, [blob(64)])

    async def test_a_sweep_drops_nothing_that_is_wanted(self, place: Path) -> None:
        async with self.opened(place) as store:
            await leave(store, 1)
            await store.publish(slot(1), now=NOW)
            await store.sweep(NOW + 7 * DAY - 1)
            kept = await blobs(store)
            board = await store.slot(slot(1).board, 3)

        assert (kept, board) == ([blob(1)], slot(1))

    async def test_a_full_store_takes_nothing_new(self, place: Path) -> None:
        async with self.opened(place, NARROW) as store:
            statuses = [
                await leave(store, 1),
                await store.publish(slot(1), now=NOW),
            ]

        assert statuses == [Status.FULL, Status.FULL]

    async def test_a_full_store_takes_newer_versions(self, place: Path) -> None:
        async with self.opened(place) as store:
            await store.publish(slot(1), now=NOW)
        async with self.opened(place, NARROW) as store:
            status = await store.publish(slot(2), now=NOW)

        assert status == Status.OK

    async def test_a_slot_nobody_published_is_empty(self, place: Path) -> None:
        async with self.opened(place) as store:
            assert await store.slot(bytes(32), 3) is None

    @pytest.mark.parametrize("version", [1, 2**64 - 1])
    async def test_a_published_slot_is_read(self, place: Path, version: int) -> None:
        async with self.opened(place) as store:
            status = await store.publish(slot(version), now=NOW)
            held = await store.slot(slot(version).board, 3)

        assert (status, held) == (Status.OK, slot(version))

    async def test_versions_only_rise(self, place: Path) -> None:
        async with self.opened(place) as store:
            statuses = [
                await store.publish(slot(version), now=NOW)
                for version in (2, 1, 2, 2**63 + 1, 2**63, 3)
            ]
            held = await store.slot(slot(1).board, 3)

        assert (statuses, held) == (
            [
                Status.OK,
                Status.REFUSED,
                Status.OK,  # the same bytes: its reply was lost
                Status.OK,
                Status.REFUSED,
                Status.REFUSED,
            ],
            slot(2**63 + 1),
        )

    async def test_the_newest_of_versions_that_race_wins(self, place: Path) -> None:
        async with self.opened(place) as one, self.opened(place) as two:
            await asyncio.gather(
                *(
                    store.publish(slot(version), now=NOW)
                    for version in range(1, 21)
                    for store in (one, two)
                )
            )
            held = await one.slot(slot(1).board, 3)

        assert held == slot(20)

    async def test_a_slot_of_another_key_is_refused(self, place: Path) -> None:
        async with self.opened(place) as store:
            forged = replace(slot(1), signature=bytes(64))

            assert await store.publish(forged, now=NOW) == Status.REFUSED

    async def test_who_listens_hears_of_a_blob(self, place: Path) -> None:
        heard = asyncio.Event()

        def hear(tag: bytes) -> None:
            if tag == TAG:
                heard.set()

        async with self.opened(place) as store:
            store.listen(hear)
            await leave(store, 1)
            await asyncio.wait_for(heard.wait(), 5)

    async def test_a_check_passes(self, place: Path) -> None:
        async with self.opened(place) as store:
            await store.check(NOW)

    async def test_many_blobs_of_many_tags_are_kept(self, place: Path) -> None:
        tags = [os.urandom(16) for _ in range(128)]
        async with self.opened(place) as store:
            await asyncio.gather(*(leave(store, 1, tag) for tag in tags))
            parcels = await read(store, *tags)

        assert {parcel.tag for parcel in parcels} == {*tags}
