"""The shared store: Redis 7 or Valkey, for a relay of several processes.

::

    rf:m:TAG        list of  message id 16 || expiry, decimal          oldest first
    rf:b:ID         expiry, 8 bytes || tag 16 || blob 4096
    rf:s:BOARD IDX  expiry, 8 bytes || version 8 || signature 64 || blob 4096
    rf:hints        a channel that carries tags, never data

Every write is a script over one mailbox or slot, so limits and versions hold whichever
process asks. The writes of a process go as one transaction (MULTI) at a time: the
engine appends and syncs a transaction once, where commands that merely follow each
other are synced for every 16 kB that it reads. Only then does it answer.

Nothing is served from an engine that would lose what it acknowledged, or drop what it
holds when memory runs out; see docs/decisions/0065-the-shared-store.md.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from voip.errors import RefusedError, StoreError, UnreachableError
from voip.identity.keys import Entropy
from voip.signalling.batches import Batches, open_batches, stop
from voip.signalling.board import check_signature
from voip.signalling.envelope import BLOB_BYTES, TAG_BYTES
from voip.signalling.frames import ID_BYTES, BoardPut, Parcel, Put, Status
from voip.signalling.mailbox import (
    BOARD_RETENTION_S,
    MAX_PER_TAG,
    RETENTION_S,
    Limits,
)
from voip.signalling.store import STORE_S, Choose, Heard
from voip.wire import Reader, be16, be64

if TYPE_CHECKING:
    from redis.asyncio import Redis

_MAIL, _BLOB, _SLOT, _PULSE = b"rf:m:", b"rf:b:", b"rf:s:", b"rf:pulse"
_HINTS = "rf:hints"
_SIG = 64
_USED_S = 1.0  # how old the engine's own word on its memory may be
_RETRY_S = 1.0  # until the hints of an engine that went are asked for again

_NEEDED = {
    "appendonly": "yes",
    "appendfsync": "always",
    "maxmemory-policy": "noeviction",
    # Or a rewrite of the log would let acknowledged blobs wait unsynced for its end.
    "no-appendfsync-on-rewrite": "no",
}
"""Settings without which an engine forgets what it acknowledged."""

_PUT = f"""
local mail, now = KEYS[1], tonumber(ARGV[4])
if redis.call('LLEN', mail) >= {MAX_PER_TAG} then
  for _, entry in ipairs(redis.call('LRANGE', mail, 0, -1)) do
    if tonumber(string.sub(entry, {ID_BYTES + 1})) <= now then
      redis.call('LREM', mail, 0, entry)
      redis.call('DEL', ARGV[5] .. string.sub(entry, 1, {ID_BYTES}))
    end
  end
  if redis.call('LLEN', mail) >= {MAX_PER_TAG} then return {int(Status.FULL)} end
end
redis.call('RPUSH', mail, ARGV[1])
redis.call('EXPIRE', mail, {RETENTION_S})
redis.call('SET', KEYS[2], ARGV[2], 'EX', {RETENTION_S})
redis.call('PUBLISH', '{_HINTS}', ARGV[3])
return {int(Status.OK)}
"""
_DISCARD = f"""
for _, key in ipairs(KEYS) do
  local head = redis.call('GETRANGE', key, 0, {8 + TAG_BYTES - 1})
  if #head > 0 then
    local expires = 0
    for i = 1, 8 do expires = expires * 256 + string.byte(head, i) end
    local entry = string.sub(key, #ARGV[1] + 1) .. string.format('%.0f', expires)
    redis.call('LREM', ARGV[2] .. string.sub(head, 9), 1, entry)
    redis.call('DEL', key)
  end
end
return 0
"""
_PUBLISH = f"""
local held, new = redis.call('GET', KEYS[1]), ARGV[1]
if held then
  local is_newer = string.sub(held, 9) == string.sub(new, 9)
  for i = 9, 16 do
    local h, n = string.byte(held, i), string.byte(new, i)
    if n ~= h then is_newer = n > h; break end
  end
  if not is_newer then return {int(Status.REFUSED)} end
elseif ARGV[2] == '1' then
  return {int(Status.FULL)}
end
redis.call('SET', KEYS[1], new, 'EX', {BOARD_RETENTION_S})
return {int(Status.OK)}
"""
_FIND = """
local found = {}
for _, key in ipairs(KEYS) do
  for _, entry in ipairs(redis.call('LRANGE', key, 0, -1)) do
    found[#found + 1] = entry
  end
end
return found
"""

_Queue = Callable[[Any], object]
"""Adds one command to a pipeline of the client library, whose types say nothing."""


class RedisStore:
    """A `Store` over one engine; two connections and one that listens."""

    def __init__(
        self,
        writer: "Redis",
        reader: "Redis",
        *,
        limits: Limits,
        entropy: Entropy,
    ) -> None:
        self._writer = writer
        self._reader = reader
        self._limits = limits
        self._entropy = entropy
        self._heard: list[Heard] = []
        self._listens = asyncio.Event()
        self._used_bytes = 0
        self._used_at = 0.0
        self._scripts: dict[str, str] = {}
        self._writes: Batches[_Queue, Any]
        self._reads: Batches[_Queue, Any]

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Connect, check the engine's settings and listen, for the length of a block.

        Raises:
            StoreError: the engine would forget what it acknowledged.
            UnreachableError: it does not answer.
        """
        await self._prepare()
        async with (
            open_batches(self._write) as self._writes,
            open_batches(self._read) as self._reads,
        ):
            listening = asyncio.create_task(self._listen())
            try:
                await self._hears()
                yield
            finally:
                await stop(listening)

    def listen(self, heard: Heard) -> None:
        """See `Store`."""
        self._heard.append(heard)

    async def put(self, put: Put, *, now: int) -> Status:
        """See `Store`."""
        if self._is_full:
            return Status.FULL
        message_id, expires = self._entropy(ID_BYTES), now + RETENTION_S
        keys = _MAIL + put.tag, _BLOB + message_id
        values = (
            message_id + str(expires).encode("ascii"),
            be64(expires) + put.tag + put.blob,
            put.tag,
            now,
            _BLOB,
        )
        return Status(await self._script(self._writes, _PUT, keys, values))

    async def collect(
        self, tags: Sequence[bytes], *, now: int, choose: Choose
    ) -> list[Parcel]:
        """See `Store`."""
        keys = [_MAIL + tag for tag in dict.fromkeys(tags)]
        found = await self._script(self._reads, _FIND, keys, ())
        chosen = choose(
            [each[:ID_BYTES] for each in found if int(each[ID_BYTES:]) > now]
        )
        if not chosen:
            return []
        blobs = [_BLOB + message_id for message_id in chosen]
        values = await self._reads.ask(lambda pipe: pipe.mget(blobs))
        return [
            _parcel(message_id, value)
            for message_id, value in zip(chosen, values, strict=True)
            if value is not None  # deleted meanwhile
        ]

    async def discard(self, message_ids: Sequence[bytes]) -> None:
        """See `Store`."""
        keys = [_BLOB + message_id for message_id in message_ids]
        await self._script(self._writes, _DISCARD, keys, (_BLOB, _MAIL))

    async def publish(self, slot: BoardPut, *, now: int) -> Status:
        """See `Store`."""
        try:
            check_signature(slot)
        except RefusedError:
            return Status.REFUSED
        value = (
            be64(now + BOARD_RETENTION_S)
            + be64(slot.version)
            + slot.signature
            + slot.blob
        )
        keys = (_slot_key(slot.board, slot.index),)
        values = value, int(self._is_full)
        return Status(await self._script(self._writes, _PUBLISH, keys, values))

    async def slot(self, board: bytes, index: int) -> BoardPut | None:
        """See `Store`."""
        key = _slot_key(board, index)
        value = await self._reads.ask(lambda pipe: pipe.get(key))
        if value is None:
            return None
        reader = Reader(value, 8)
        return BoardPut(
            board,
            index,
            version=reader.u64(),
            signature=reader.take(_SIG),
            blob=reader.rest(),
        )

    async def sweep(self, now: int) -> None:
        """See `Store`; the engine drops what expired by itself."""

    async def check(self, now: int) -> None:
        """See `Store`; settings may have been changed under way, so they count too."""
        with _engine():
            await self._check_settings()
        await self._writes.ask(lambda pipe: pipe.set(_PULSE, now))

    @property
    def _is_full(self) -> bool:
        return self._used_bytes >= self._limits.stored_bytes

    async def _prepare(self) -> None:
        with _engine():
            await self._check_settings()
            self._used_bytes = (await self._writer.info("memory"))["used_memory"]
            for script in (_PUT, _DISCARD, _PUBLISH, _FIND):
                self._scripts[script] = await self._writer.script_load(script)

    async def _hears(self) -> None:
        try:
            async with asyncio.timeout(STORE_S):
                await self._listens.wait()
        except TimeoutError:
            raise UnreachableError("redis: no subscription to hints") from None

    async def _check_settings(self) -> None:
        for name, needed in _NEEDED.items():
            value = (await self._reader.config_get(name)).get(name)
            if value != needed:
                raise StoreError(
                    f"redis: expected {name} {needed!r}, came {value!r}; "
                    "it would lose blobs that it acknowledged"
                )

    async def _script(
        self,
        batches: Batches[_Queue, Any],
        script: str,
        keys: Sequence[bytes],
        values: Sequence[bytes | int],
    ) -> Any:
        from redis.exceptions import OutOfMemoryError  # noqa: PLC0415 - optional

        digest = self._scripts[script]
        answer = await batches.ask(
            lambda pipe: pipe.evalsha(digest, len(keys), *keys, *values)
        )
        if isinstance(answer, OutOfMemoryError):
            return Status.FULL
        if isinstance(answer, Exception):
            raise _refused(answer)
        return answer

    async def _write(self, requests: Sequence[_Queue]) -> Sequence[Any]:
        """Have the engine run a transaction, and sync it once."""
        answers = await self._run(self._writer, requests, is_transaction=True)
        clock = asyncio.get_running_loop().time()
        if clock - self._used_at > _USED_S:
            self._used_at = clock
            with _engine():
                self._used_bytes = (await self._writer.info("memory"))["used_memory"]
        return answers

    async def _read(self, requests: Sequence[_Queue]) -> Sequence[Any]:
        return await self._run(self._reader, requests, is_transaction=False)

    async def _run(
        self, client: "Redis", requests: Sequence[_Queue], *, is_transaction: bool
    ) -> list[Any]:
        from redis.exceptions import (  # noqa: PLC0415 - an optional dependency
            NoScriptError,
            OutOfMemoryError,
        )

        async def run(
            requests: Sequence[_Queue], *, is_transaction: bool = is_transaction
        ) -> list[Any]:
            async with client.pipeline(transaction=is_transaction) as pipe:
                for request in requests:
                    request(pipe)
                return list(await pipe.execute(raise_on_error=False))

        with _engine():
            try:
                answers = await run(requests)
            except OutOfMemoryError:
                # It refused the transaction whole; what deletes is to pass.
                answers = await run(requests, is_transaction=False)
            unknown = [
                number
                for number, answer in enumerate(answers)
                if isinstance(answer, NoScriptError)
            ]
            if unknown:
                # The engine was started again: with which settings, and who knows why.
                await self._prepare()
                again = await run([requests[number] for number in unknown])
                for number, answer in zip(unknown, again, strict=True):
                    answers[number] = answer
        return answers

    async def _listen(self) -> None:
        """Hear all hints, for ever; while there are none, waiting GETs look again."""
        while True:
            with contextlib.suppress(UnreachableError, StoreError), _engine():
                await self._hear()
            await asyncio.sleep(_RETRY_S)

    async def _hear(self) -> None:
        async with self._reader.pubsub() as pubsub:
            await pubsub.subscribe(_HINTS)
            async for message in pubsub.listen():
                if message["type"] == "subscribe":
                    self._listens.set()
                    continue
                for heard in self._heard:
                    heard(message["data"])


@contextlib.contextmanager
def _engine() -> Iterator[None]:
    """Say in our own errors what the client library says in its."""
    from redis import exceptions  # noqa: PLC0415 - an optional dependency

    try:
        yield
    except (exceptions.ConnectionError, exceptions.TimeoutError, OSError) as error:
        for each in (error, error.__cause__):  # on some sockets it is the cause
            if isinstance(each, exceptions.AuthenticationError):
                raise _refused(each) from None
        raise UnreachableError(f"redis: no answer: {type(error).__name__}") from None
    except exceptions.RedisError as error:
        raise _refused(error) from None


def _refused(error: Exception) -> StoreError:
    """Name what the engine said no with; its sentence quotes the command, and so tags.

    For the same reason it is not chained: a traceback would show it.
    """
    return StoreError(f"redis: {type(error).__name__}")


def _parcel(message_id: bytes, value: bytes) -> Parcel:
    reader = Reader(value, 8)
    return Parcel(reader.take(TAG_BYTES), message_id, blob=reader.take(BLOB_BYTES))


def _slot_key(board: bytes, index: int) -> bytes:
    return _SLOT + board + be16(index)


@asynccontextmanager
async def open_redis(
    url: str, *, password: str | None = None, limits: Limits, entropy: Entropy
) -> AsyncIterator[RedisStore]:
    """Use an engine for the length of a block.

    Args:
        url: ``redis://[USER@]HOST[:PORT][/DB]``, ``rediss://...`` or ``unix://PATH``.
        password: of that user.
        limits: what the operator grants of the engine's memory.
        entropy: random bytes for message ids.

    Raises:
        ModuleNotFoundError: the library `redis` is not installed.
        StoreError: it may not or cannot, or would forget what it acknowledged.
        UnreachableError: it does not answer.
    """
    from redis.asyncio import Redis  # noqa: PLC0415 - an optional dependency
    from redis.asyncio.retry import Retry  # noqa: PLC0415
    from redis.backoff import NoBackoff  # noqa: PLC0415

    async with contextlib.AsyncExitStack() as stack:

        async def connect() -> "Redis":
            return await stack.enter_async_context(
                Redis.from_url(
                    url,
                    password=password,
                    protocol=2,
                    socket_timeout=STORE_S,
                    socket_connect_timeout=STORE_S,
                    retry=Retry(NoBackoff(), 0),
                )
            )

        store = RedisStore(
            await connect(), await connect(), limits=limits, entropy=entropy
        )
        await stack.enter_async_context(store.opened())
        yield store
