"""Blobs on their way out: in order, and never in the way."""

import asyncio
from collections.abc import Collection

from tests.voip.simulated import simulated
from voip.errors import UnreachableError
from voip.signalling.address import Address, Mailbox
from voip.signalling.frames import Parcel
from voip.signalling.outbox import MAX_WAITING, Outbox

TO = Address(b"t" * 16, b"i" * 32, None)


class SlowPost:
    """Takes a second for each blob; fails while `trouble` says why."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.trouble = ""

    async def send(self, to: Address, blob: bytes) -> None:
        assert to == TO
        await asyncio.sleep(1.0)
        if self.trouble:
            raise UnreachableError(self.trouble)
        self.taken.append(blob)

    def watch(self, mailboxes: Collection[Mailbox]) -> None:
        raise NotImplementedError

    async def receive(self) -> Parcel:
        raise NotImplementedError

    async def done(self, parcel: Parcel) -> None:
        raise NotImplementedError


class Sending:
    """An outbox that runs, and what it told."""

    def __init__(self) -> None:
        self.post = SlowPost()
        self.told: list[str] = []
        self.outbox = Outbox(self.post, self.told.append)
        self._task = asyncio.create_task(self.outbox.run())

    def put(self, *blobs: bytes) -> None:
        for blob in blobs:
            self.outbox.put(TO, blob)


@simulated
async def test_blobs_leave_in_order() -> None:
    sending = Sending()
    sending.put(b"1", b"2", b"3")
    await sending.outbox.sent(10.0)

    assert sending.post.taken == [b"1", b"2", b"3"]


@simulated
async def test_putting_waits_for_nobody() -> None:
    sending = Sending()
    before = asyncio.get_running_loop().time()
    sending.put(b"1")

    assert asyncio.get_running_loop().time() == before
    assert sending.post.taken == []


@simulated
async def test_waiting_for_a_slow_carrier_has_an_end() -> None:
    sending = Sending()
    sending.put(*[b"1"] * 10)
    await sending.outbox.sent(2.5)

    assert len(sending.post.taken) == 2


@simulated
async def test_what_does_not_fit_any_more_is_dropped() -> None:
    sending = Sending()
    sending.put(*[b"1"] * (MAX_WAITING + 5))
    await sending.outbox.sent(1000.0)

    assert len(sending.post.taken) == MAX_WAITING


@simulated
async def test_trouble_is_told_once() -> None:
    sending = Sending()
    sending.post.trouble = "relay: away"
    sending.put(b"1", b"2")
    await sending.outbox.sent(10.0)

    assert sending.told == ["relay: away"]


@simulated
async def test_trouble_that_comes_back_is_told_again() -> None:
    sending = Sending()
    for trouble in ("relay: away", "", "relay: away"):
        sending.post.trouble = trouble
        sending.put(b"1")
        await sending.outbox.sent(10.0)

    assert sending.told == ["relay: away"] * 2
