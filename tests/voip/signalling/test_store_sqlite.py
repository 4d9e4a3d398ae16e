import os
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from tests.voip.signalling.store_contract import (
    DAY,
    NOW,
    ROOMY,
    StoreContract,
    leave,
    read,
    slot,
)
from voip.signalling.mailbox import Limits
from voip.signalling.store import Store
from voip.signalling.store_sqlite import open_sqlite


class TestSqliteStore(StoreContract):
    def opened(
        self, place: Path, limits: Limits = ROOMY
    ) -> AbstractAsyncContextManager[Store]:
        return open_sqlite(place, limits=limits, entropy=os.urandom)


async def test_a_sweep_drops_what_expired(tmp_path: Path) -> None:
    async with open_sqlite(tmp_path / "s", limits=ROOMY, entropy=os.urandom) as store:
        await leave(store, 1)
        await store.publish(slot(1), now=NOW)
        await store.sweep(NOW + 7 * DAY)
        left = await read(store, now=0), await store.slot(slot(1).board, 3)
        await store.sweep(NOW + 45 * DAY)
        late = await store.slot(slot(1).board, 3)

    assert (left, late) == (([], slot(1)), None)


async def test_a_read_waits_for_no_commit(tmp_path: Path) -> None:
    """A hint must find the blob, so what was answered is there for the reader."""
    async with open_sqlite(tmp_path / "s", limits=ROOMY, entropy=os.urandom) as store:
        for number in range(20):
            await leave(store, number)
            found = await store.collect([b"\x01" * 16], now=0, choose=list)

            assert len(found) == number + 1
