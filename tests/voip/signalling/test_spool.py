import asyncio
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from voip.errors import LimitError, StoreError
from voip.signalling.frames import BoardPut, Parcel
from voip.signalling.mailbox import Shelf
from voip.signalling.spool import Spool, open_spool

TAG = b"\x01" * 16
SLOT = BoardPut(
    bytes(32), 3, version=2**64 - 1, signature=b"\x02" * 64, blob=bytes(4096)
)
WRITER = """
import asyncio, os, sys
from pathlib import Path
from voip.signalling.frames import Parcel
from voip.signalling.spool import open_spool

async def write(spool, lane):
    while True:
        parcel = Parcel(bytes(16), os.urandom(16), blob=os.urandom(4096))
        await spool.run(lambda shelf: shelf.add(parcel, expires=10))
        os.write(1, parcel.message_id)  # acknowledged: it must never be lost

async def main():
    async with open_spool(Path(sys.argv[1])) as spool, asyncio.TaskGroup() as tasks:
        for lane in range(8):
            tasks.create_task(write(spool, lane))

asyncio.run(main())
"""


def parcel(number: int, tag: bytes = TAG) -> Parcel:
    return Parcel(tag, number.to_bytes(16, "big"), blob=bytes([number]) * 4096)


async def add(spool: Spool, kept: Parcel) -> None:
    await spool.run(lambda shelf: shelf.add(kept, expires=10))


async def test_what_was_added_is_read_in_order(tmp_path: Path) -> None:
    async with open_spool(tmp_path / "spool") as spool:
        for number in (2, 1, 3):
            await add(spool, parcel(number))
        ids = await spool.run(lambda shelf: shelf.find([TAG, bytes(16)], now=9))
        read = await spool.run(lambda shelf: shelf.read(ids))

    assert read == [parcel(2), parcel(1), parcel(3)]


async def test_what_was_written_is_there_after_a_restart(tmp_path: Path) -> None:
    async with open_spool(tmp_path / "spool") as spool:
        await add(spool, parcel(1))
        await spool.run(lambda shelf: shelf.set_slot(SLOT, expires=10))
    async with open_spool(tmp_path / "spool") as spool:
        found = await spool.run(
            lambda shelf: (shelf.count(TAG, now=0), shelf.slot(bytes(32), 3))
        )

    assert found == (1, SLOT)


async def test_what_expired_is_not_found(tmp_path: Path) -> None:
    async with open_spool(tmp_path / "spool") as spool:
        await add(spool, parcel(1))
        found = await spool.run(
            lambda shelf: (shelf.count(TAG, now=10), shelf.find([TAG], now=10))
        )

    assert found == (0, [])


async def test_a_sweep_drops_what_expired(tmp_path: Path) -> None:
    def job(shelf: Shelf) -> tuple[list[bytes], BoardPut | None]:
        shelf.add(parcel(1), expires=10)
        shelf.add(parcel(2), expires=11)
        shelf.set_slot(SLOT, expires=10)
        shelf.sweep(10)
        return shelf.find([TAG], now=0), shelf.slot(bytes(32), 3)

    async with open_spool(tmp_path / "spool") as spool:
        left = await spool.run(job)

    assert left == ([parcel(2).message_id], None)


async def test_what_was_removed_is_gone(tmp_path: Path) -> None:
    def job(shelf: Shelf) -> list[bytes]:
        shelf.add(parcel(1), expires=10)
        shelf.add(parcel(2), expires=10)
        shelf.remove([parcel(1).message_id, bytes(16)])
        return shelf.find([TAG], now=0)

    async with open_spool(tmp_path / "spool") as spool:
        left = await spool.run(job)

    assert left == [parcel(2).message_id]


async def test_a_newer_slot_replaces(tmp_path: Path) -> None:
    async with open_spool(tmp_path / "spool") as spool:
        older = BoardPut(bytes(32), 3, version=1, signature=bytes(64), blob=bytes(4096))
        await spool.run(lambda shelf: shelf.set_slot(older, expires=10))
        await spool.run(lambda shelf: shelf.set_slot(SLOT, expires=10))
        held = await spool.run(lambda shelf: shelf.slot(bytes(32), 3))

    assert held == SLOT


async def test_the_stored_size_grows_and_shrinks(tmp_path: Path) -> None:
    def fill(shelf: Shelf) -> None:
        for number in range(50):
            shelf.add(parcel(number), expires=10)

    async with open_spool(tmp_path / "spool") as spool:
        empty = await spool.run(lambda shelf: shelf.stored_bytes())
        await spool.run(fill)
        full = await spool.run(lambda shelf: shelf.stored_bytes())
        await spool.run(lambda shelf: shelf.sweep(10))
        swept = await spool.run(lambda shelf: shelf.stored_bytes())

    assert (full - empty >= 50 * 4096, swept <= empty + 8192) == (True, True)


async def test_a_job_that_fails_writes_nothing(tmp_path: Path) -> None:
    def job(shelf: Shelf) -> None:
        shelf.add(parcel(1), expires=10)
        shelf.add(parcel(1), expires=10)  # the message id is taken

    async with open_spool(tmp_path / "spool") as spool:
        with pytest.raises(StoreError, match="spool: UNIQUE constraint failed"):
            await spool.run(job)
        count = await spool.run(lambda shelf: shelf.count(TAG, now=0))

    assert count == 0


async def test_too_many_waiting_jobs_are_refused(tmp_path: Path) -> None:
    started, gate = threading.Event(), threading.Event()

    def block(_: Shelf) -> None:
        started.set()
        gate.wait()

    async with open_spool(tmp_path / "spool") as spool, asyncio.TaskGroup() as tasks:
        tasks.create_task(spool.run(block))
        await asyncio.to_thread(started.wait)
        for _ in range(2047):
            tasks.create_task(spool.run(lambda _: None))
        await asyncio.sleep(0)  # let them queue
        try:
            with pytest.raises(LimitError, match="2048 requests wait for the disk"):
                await spool.run(lambda _: None)
        finally:
            gate.set()


async def test_a_file_that_is_no_spool_is_refused(tmp_path: Path) -> None:
    (tmp_path / "spool").write_bytes(b"not a database, whatever its name is" * 100)

    with pytest.raises(StoreError, match="file is not a database"):
        async with open_spool(tmp_path / "spool"):
            pass


async def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="No such file"):
        async with open_spool(tmp_path / "missing" / "spool"):
            pass


async def test_only_the_owner_can_read_the_file(tmp_path: Path) -> None:
    async with open_spool(tmp_path / "spool") as spool:
        await add(spool, parcel(1))
        files = await asyncio.to_thread(lambda: list(tmp_path.iterdir()))
        modes = {path.stat().st_mode & 0o777 for path in files}

    assert modes == {0o600}


async def test_two_spools_share_a_file(tmp_path: Path) -> None:
    async with (
        open_spool(tmp_path / "spool") as one,
        open_spool(tmp_path / "spool") as other,
    ):
        await asyncio.gather(
            *(add(one, parcel(number)) for number in range(50)),
            *(add(other, parcel(number)) for number in range(50, 100)),
        )
        count = await one.run(lambda shelf: shelf.count(TAG, now=0))

    assert count == 100


@pytest.mark.parametrize("after", [1, 40, 200])
def test_a_kill_loses_nothing_acknowledged(tmp_path: Path, after: int) -> None:
    path = tmp_path / "spool"
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE
    )
    assert writer.stdout is not None
    acknowledged = writer.stdout.read(16 * after)
    writer.kill()
    acknowledged += writer.stdout.read()
    writer.stdout.close()
    writer.wait()
    database = sqlite3.connect(path)
    kept = {row[0] for row in database.execute("SELECT message_id FROM parcel")}
    whole = database.execute("PRAGMA integrity_check").fetchone()
    database.close()
    ids = {acknowledged[i : i + 16] for i in range(0, len(acknowledged) - 15, 16)}

    assert (whole, ids - kept) == (("ok",), set())
