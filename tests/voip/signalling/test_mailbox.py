from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from voip.identity.keys import Entropy
from voip.signalling.board import publish as publish_slot
from voip.signalling.envelope import mailbox_tag
from voip.signalling.frames import BoardPut, Parcel, Put, Status
from voip.signalling.mailbox import (
    Limits,
    Visit,
    collect,
    discard,
    post,
    publish,
)

DAY = 86400
NOW = 20000 * DAY
FETCH = b"\x01" * 32
TAG = mailbox_tag(FETCH)
BLOB = bytes(4096)
ROOMY = Limits(stored_bytes=1 << 30)
BOARD = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)


@dataclass
class ListShelf:
    """A shelf in memory."""

    kept: list[tuple[int, Parcel]] = field(default_factory=list)
    slots: dict[tuple[bytes, int], tuple[int, BoardPut]] = field(default_factory=dict)

    def stored_bytes(self) -> int:
        return 4096 * (len(self.kept) + len(self.slots))

    def count(self, tag: bytes, *, now: int) -> int:
        return len(self.find([tag], now=now))

    def add(self, parcel: Parcel, *, expires: int) -> None:
        self.kept.append((expires, parcel))

    def find(self, tags: Sequence[bytes], *, now: int) -> list[bytes]:
        return [
            parcel.message_id
            for expires, parcel in self.kept
            if parcel.tag in tags and expires > now
        ]

    def read(self, message_ids: Sequence[bytes]) -> list[Parcel]:
        return [each for _, each in self.kept if each.message_id in message_ids]

    def remove(self, message_ids: Sequence[bytes]) -> None:
        self.kept = [
            each for each in self.kept if each[1].message_id not in message_ids
        ]

    def slot(self, board: bytes, index: int) -> BoardPut | None:
        held = self.slots.get((board, index))
        return None if held is None else held[1]

    def set_slot(self, published: BoardPut, *, expires: int) -> None:
        self.slots[published.board, published.index] = expires, published

    def sweep(self, now: int) -> None:
        self.kept = [each for each in self.kept if each[0] > now]

    def beat(self, now: int) -> None:
        pass


@pytest.fixture
def shelf() -> ListShelf:
    return ListShelf()


@pytest.fixture
def leave(shelf: ListShelf, entropy: Entropy) -> Callable[[bytes], Status]:
    """Give a function that leaves a blob under a tag."""

    def leave(tag: bytes = TAG) -> Status:
        return post(shelf, Put(tag, BLOB), now=NOW, limits=ROOMY, entropy=entropy)

    return leave


def slot(version: int, entropy: Entropy) -> BoardPut:
    return publish_slot(
        None,
        board=BOARD,
        card_key=bytes(32),
        index=0,
        version=version,
        entropy=entropy,
    )


def test_the_fetch_secret_reads_what_the_tag_was_left(
    shelf: ListShelf, leave: Callable[[bytes], Status]
) -> None:
    leave(TAG)
    leave(b"\x02" * 16)
    read = collect(shelf, [TAG], now=NOW, choose=Visit(0.0).fresh)

    assert [(parcel.tag, parcel.blob) for parcel in read] == [(TAG, BLOB)]


def test_a_mailbox_takes_64_blobs(leave: Callable[[bytes], Status]) -> None:
    statuses = [leave(TAG) for _ in range(65)]

    assert statuses == [Status.OK] * 64 + [Status.FULL]


def test_a_full_mailbox_does_not_fill_another(leave: Callable[[bytes], Status]) -> None:
    for _ in range(65):
        leave(TAG)

    assert leave(b"\x02" * 16) == Status.OK


def test_a_read_mailbox_has_room_again(
    shelf: ListShelf, leave: Callable[[bytes], Status]
) -> None:
    for _ in range(64):
        leave(TAG)
    discard(shelf, [shelf.kept[0][1].message_id])

    assert leave(TAG) == Status.OK


@pytest.mark.parametrize(("age", "found"), [(7 * DAY - 1, 1), (7 * DAY, 0)])
def test_a_blob_is_kept_for_seven_days(
    shelf: ListShelf, leave: Callable[[bytes], Status], age: int, found: int
) -> None:
    leave(TAG)

    assert found == len(collect(shelf, [TAG], now=NOW + age, choose=Visit(0.0).fresh))


def test_the_shelf_has_a_quota(shelf: ListShelf, entropy: Entropy) -> None:
    limits = Limits(stored_bytes=4096)
    statuses = [
        post(shelf, Put(bytes([i]) * 16, BLOB), now=NOW, limits=limits, entropy=entropy)
        for i in range(2)
    ]

    assert statuses == [Status.OK, Status.FULL]


def test_a_connection_is_given_a_parcel_once(
    shelf: ListShelf, leave: Callable[[bytes], Status]
) -> None:
    leave(TAG)
    visit = Visit(0.0)
    collect(shelf, [TAG], now=NOW, choose=visit.fresh)

    assert collect(shelf, [TAG], now=NOW, choose=visit.fresh) == []


def test_the_next_connection_is_given_it_again(
    shelf: ListShelf, leave: Callable[[bytes], Status]
) -> None:
    leave(TAG)
    collect(shelf, [TAG], now=NOW, choose=Visit(0.0).fresh)

    assert len(collect(shelf, [TAG], now=NOW, choose=Visit(0.0).fresh)) == 1


def test_a_deleted_parcel_is_gone(
    shelf: ListShelf, leave: Callable[[bytes], Status]
) -> None:
    leave(TAG)
    discard(shelf, [shelf.kept[0][1].message_id])

    assert collect(shelf, [TAG], now=NOW, choose=Visit(0.0).fresh) == []


def test_one_get_brings_32_parcels_at_most(
    shelf: ListShelf, leave: Callable[[bytes], Status]
) -> None:
    for _ in range(40):
        leave(TAG)
    visit = Visit(0.0)

    assert [
        len(collect(shelf, [TAG], now=NOW, choose=visit.fresh)) for _ in range(2)
    ] == [
        32,
        8,
    ]


def test_what_a_connection_was_given_is_forgotten_some_day() -> None:
    visit = Visit(0.0)
    for i in range(8193):
        visit.fresh([i.to_bytes(16, "big")])

    assert ([bytes(16)], []) == (
        visit.fresh([bytes(16)]),
        visit.fresh([(8192).to_bytes(16, "big")]),
    )


def test_a_burst_of_40_frames_is_not_delayed() -> None:
    visit = Visit(0.0)

    assert {0.0} == {visit.delay(0.0) for _ in range(40)}


def test_beyond_the_burst_frames_pass_at_20_a_second() -> None:
    visit = Visit(0.0)
    delays = [visit.delay(0.0) for _ in range(60)]

    assert pytest.approx(1.0) == delays[-1]


def test_a_quiet_second_earns_20_frames() -> None:
    visit = Visit(0.0)
    for _ in range(40):
        visit.delay(0.0)

    assert [visit.delay(1.0) for _ in range(20)] == [0.0] * 20


def test_a_quiet_hour_earns_one_burst() -> None:
    visit = Visit(0.0)
    delays = [visit.delay(3600.0) for _ in range(41)]

    assert (delays[39], delays[40] > 0) == (0.0, True)


def test_a_board_slot_is_published(shelf: ListShelf, entropy: Entropy) -> None:
    published = slot(1, entropy)
    status = publish(shelf, published, now=NOW, limits=ROOMY)

    assert (Status.OK, published) == (status, shelf.slot(published.board, 0))


def test_a_board_slot_is_kept_for_45_days(shelf: ListShelf, entropy: Entropy) -> None:
    publish(shelf, slot(1, entropy), now=NOW, limits=ROOMY)

    assert [expires for expires, _ in shelf.slots.values()] == [NOW + 45 * DAY]


def test_a_newer_version_replaces(shelf: ListShelf, entropy: Entropy) -> None:
    newer = slot(2, entropy)
    publish(shelf, slot(1, entropy), now=NOW, limits=ROOMY)
    publish(shelf, newer, now=NOW, limits=ROOMY)

    assert newer == shelf.slot(newer.board, 0)


@pytest.mark.parametrize("version", [1, 2])
def test_a_version_that_is_not_newer_is_refused(
    shelf: ListShelf, entropy: Entropy, version: int
) -> None:
    publish(shelf, slot(2, entropy), now=NOW, limits=ROOMY)

    assert (
        publish(shelf, slot(version, entropy), now=NOW, limits=ROOMY) == Status.REFUSED
    )


def test_the_same_bytes_again_are_welcome(shelf: ListShelf, entropy: Entropy) -> None:
    published = slot(2, entropy)
    publish(shelf, published, now=NOW, limits=ROOMY)

    assert publish(shelf, published, now=NOW, limits=ROOMY) == Status.OK


def test_a_slot_of_another_key_is_refused(shelf: ListShelf, entropy: Entropy) -> None:
    forged = replace(slot(1, entropy), signature=bytes(64))

    assert publish(shelf, forged, now=NOW, limits=ROOMY) == Status.REFUSED


def test_a_full_shelf_takes_no_new_board(shelf: ListShelf, entropy: Entropy) -> None:
    limits = Limits(stored_bytes=0)

    assert publish(shelf, slot(1, entropy), now=NOW, limits=limits) == Status.FULL


def test_a_full_shelf_still_takes_a_newer_version(
    shelf: ListShelf, entropy: Entropy
) -> None:
    publish(shelf, slot(1, entropy), now=NOW, limits=ROOMY)
    limits = Limits(stored_bytes=0)

    assert publish(shelf, slot(2, entropy), now=NOW, limits=limits) == Status.OK
