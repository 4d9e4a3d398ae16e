import os
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from tests.voip.signalling.store_contract import ROOMY, StoreContract, leave
from voip.signalling.mailbox import Limits
from voip.signalling.store import Store
from voip.signalling.store_sqlite import open_sqlite


class TestSqliteStore(StoreContract):
    def opened(
        self, place: Path, limits: Limits = ROOMY
    ) -> AbstractAsyncContextManager[Store]:
        return open_sqlite(place, limits=limits, entropy=os.urandom)


async def test_a_read_waits_for_no_commit(tmp_path: Path) -> None:
    """A hint must find the blob, so what was answered is there for the reader."""
    async with open_sqlite(tmp_path / "s", limits=ROOMY, entropy=os.urandom) as store:
        for number in range(20):
            await leave(store, number)
            found = await store.collect([b"\x01" * 16], now=0, choose=list)

            assert len(found) == number + 1
