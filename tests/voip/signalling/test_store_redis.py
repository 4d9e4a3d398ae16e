import asyncio
import os
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from redis.asyncio import Redis

from tests.voip.signalling.engines import (
    Engine,
    forget_everything,
    needs_redis,
    redis_engine,
)
from tests.voip.signalling.store_contract import (
    NOW,
    ROOMY,
    TAG,
    StoreContract,
    blobs,
    leave,
    read,
    slot,
)
from voip.errors import StoreError, UnreachableError
from voip.signalling.frames import Status
from voip.signalling.mailbox import Limits
from voip.signalling.store import Store
from voip.signalling.store_redis import open_redis

pytestmark = needs_redis


@pytest.fixture(scope="module")
def running() -> Iterator[Engine]:
    with redis_engine() as engine:
        yield engine


@pytest.fixture
async def engine(running: Engine) -> Engine:
    await forget_everything(running)
    return running


def opened(
    engine: Engine, limits: Limits = ROOMY
) -> AbstractAsyncContextManager[Store]:
    return open_redis(engine.url, limits=limits, entropy=os.urandom)


class TestRedisStore(StoreContract):
    @pytest.fixture(autouse=True)
    def _use(self, engine: Engine) -> None:
        self._engine = engine

    def opened(
        self, place: Path, limits: Limits = ROOMY
    ) -> AbstractAsyncContextManager[Store]:
        del place  # one engine, emptied before each test
        return opened(self._engine, limits)


async def test_another_process_hears_of_a_blob(engine: Engine) -> None:
    heard: asyncio.Queue[bytes] = asyncio.Queue()
    async with opened(engine) as one, opened(engine) as two, asyncio.timeout(5):
        two.listen(heard.put_nowait)
        while heard.empty():  # until it has subscribed
            await leave(one, 1)
            await asyncio.sleep(0.01)
        tag = heard.get_nowait()

    assert tag == TAG


async def test_the_engine_drops_what_expired_by_itself(engine: Engine) -> None:
    async with opened(engine) as store:
        await leave(store, 1)
        await store.publish(slot(1), now=NOW)
        async with Redis.from_url(engine.url, protocol=2) as client:
            days = {
                key[:5]: round(await client.ttl(key) / 86400)
                async for key in client.scan_iter()
            }

    assert days == {b"rf:m:": 7, b"rf:b:": 7, b"rf:s:": 45}


async def test_nothing_is_left_of_a_read_mailbox(engine: Engine) -> None:
    async with opened(engine) as store:
        for number in range(3):
            await leave(store, number)
        await store.discard([parcel.message_id for parcel in await read(store)])
        async with Redis.from_url(engine.url, protocol=2) as client:
            keys = [key async for key in client.scan_iter()]

    assert keys == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("appendonly", "no"),
        ("appendfsync", "everysec"),
        ("maxmemory-policy", "allkeys-lru"),
        ("no-appendfsync-on-rewrite", "yes"),
    ],
)
async def test_an_engine_that_forgets_is_refused(name: str, value: str) -> None:
    refused = pytest.raises(StoreError, match=f"expected {name} .*, came '{value}'")
    with redis_engine({name: value}) as forgetful, refused:
        async with opened(forgetful):
            pass


async def test_a_setting_that_was_changed_under_way_is_noticed() -> None:
    with redis_engine() as engine:
        async with opened(engine) as store:
            async with Redis.from_url(engine.url, protocol=2) as client:
                await client.config_set("appendfsync", "everysec")
            with pytest.raises(StoreError, match="expected appendfsync 'always'"):
                await store.check(NOW)


async def test_an_engine_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(UnreachableError, match="redis: no answer"):
        async with open_redis(
            f"unix://{tmp_path}/none", limits=ROOMY, entropy=os.urandom
        ):
            pass


async def test_a_wrong_password_is_said() -> None:
    refused = pytest.raises(StoreError, match="redis: AuthenticationError")
    with redis_engine({"requirepass": "secret"}) as engine, refused:
        async with open_redis(
            engine.url, password="wrong", limits=ROOMY, entropy=os.urandom
        ):
            pass


async def test_the_right_password_is_taken() -> None:
    with redis_engine({"requirepass": "secret"}) as engine:
        async with open_redis(
            engine.url, password="secret", limits=ROOMY, entropy=os.urandom
        ) as store:
            assert await leave(store, 1) is Status.OK


async def test_an_engine_without_memory_takes_nothing() -> None:
    with redis_engine({"maxmemory": "100kb"}) as engine:
        async with opened(engine) as store:
            assert await leave(store, 1) is Status.FULL


async def test_a_store_outlives_its_engine() -> None:
    with redis_engine() as engine:
        async with opened(engine) as store:
            await leave(store, 1)
            engine.kill()
            with pytest.raises(UnreachableError):
                await leave(store, 2)
            engine.start()
            await leave(store, 3)
            kept = await blobs(store)

    assert len(kept) == 2
