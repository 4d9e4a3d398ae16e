"""The shared store: Redis 7 or Valkey, for a relay of several processes.

::

    rf:m:TAG        list of  message id 16 || expiry, decimal          oldest first
    rf:b:ID         expiry, 8 bytes || tag 16 || blob 4096
    rf:s:BOARD IDX  expiry, 8 bytes || version 8 || signature 64 || blob 4096

Every write is a script over one mailbox or slot, so limits and versions hold whichever
process asks. The engine drops what has expired by its own clock; what is read is judged
by the relay's.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from voip.errors import RefusedError, StoreError
from voip.identity.keys import Entropy
from voip.signalling.board import check_signature
from voip.signalling.envelope import BLOB_BYTES, TAG_BYTES
from voip.signalling.frames import ID_BYTES, BoardPut, Parcel, Put, Status
from voip.signalling.mailbox import (
    BOARD_RETENTION_S,
    MAX_PER_TAG,
    RETENTION_S,
    Limits,
)
from voip.signalling.redis_engine import HINTS, RedisEngine, open_engine
from voip.signalling.store import Choose, Heard
from voip.wire import Reader, be16, be64

_MAIL, _BLOB, _SLOT, _PULSE = b"rf:m:", b"rf:b:", b"rf:s:", b"rf:pulse"
_SIG = 64

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
redis.call('PUBLISH', '{HINTS}', ARGV[3])
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


class RedisStore:
    """A `Store` over one engine."""

    def __init__(
        self, engine: RedisEngine, *, limits: Limits, entropy: Entropy
    ) -> None:
        self._engine = engine
        self._limits = limits
        self._entropy = entropy

    def listen(self, heard: Heard) -> None:
        """See `Store`."""
        self._engine.listen(heard)

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
        return await self._status(_PUT, keys, values)

    async def collect(
        self, tags: Sequence[bytes], *, now: int, choose: Choose
    ) -> list[Parcel]:
        """See `Store`."""
        keys = [_MAIL + tag for tag in dict.fromkeys(tags)]
        found = await self._engine.read(self._engine.script(_FIND, keys, ()))
        chosen = choose(
            [each[:ID_BYTES] for each in found if int(each[ID_BYTES:]) > now]
        )
        if not chosen:
            return []
        blobs = [_BLOB + message_id for message_id in chosen]
        values = await self._engine.read(lambda pipe: pipe.mget(blobs))
        return [
            _parcel(message_id, value)
            for message_id, value in zip(chosen, values, strict=True)
            if value is not None  # deleted meanwhile
        ]

    async def discard(self, message_ids: Sequence[bytes]) -> None:
        """See `Store`."""
        keys = [_BLOB + message_id for message_id in message_ids]
        await self._engine.write(self._engine.script(_DISCARD, keys, (_BLOB, _MAIL)))

    async def publish(self, slot: BoardPut, *, now: int) -> Status:
        """See `Store`."""
        try:
            check_signature(slot)
        except RefusedError:
            return Status.REFUSED
        value = b"".join(
            (
                be64(now + BOARD_RETENTION_S),
                be64(slot.version),
                slot.signature,
                slot.blob,
            )
        )
        keys = (_slot_key(slot.board, slot.index),)
        return await self._status(_PUBLISH, keys, (value, int(self._is_full)))

    async def slot(self, board: bytes, index: int) -> BoardPut | None:
        """See `Store`."""
        key = _slot_key(board, index)
        value = await self._engine.read(lambda pipe: pipe.get(key))
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
        await self._engine.check_settings()
        if not await self._engine.write(lambda pipe: pipe.set(_PULSE, now)):
            raise StoreError("redis: no memory left")

    @property
    def _is_full(self) -> bool:
        return self._engine.used_bytes >= self._limits.stored_bytes

    async def _status(
        self, script: str, keys: Sequence[bytes], values: Sequence[bytes | int]
    ) -> Status:
        answer = await self._engine.write(self._engine.script(script, keys, values))
        return Status.FULL if answer is None else Status(answer)


def _parcel(message_id: bytes, value: bytes) -> Parcel:
    reader = Reader(value, 8)
    return Parcel(reader.take(TAG_BYTES), message_id, blob=reader.take(BLOB_BYTES))


def _slot_key(board: bytes, index: int) -> bytes:
    return _SLOT + board + be16(index)


@asynccontextmanager
async def open_redis(
    url: str, *, password: str | None = None, limits: Limits, entropy: Entropy
) -> AsyncIterator[RedisStore]:
    """Use an engine for the length of a block; raises what `open_engine` raises.

    Args:
        url: ``redis://[USER@]HOST[:PORT][/DB]``, ``rediss://...`` or ``unix://PATH``.
        password: of that user.
        limits: what the operator grants of the engine's memory.
        entropy: random bytes for message ids.
    """
    scripts = (_PUT, _DISCARD, _PUBLISH, _FIND)
    async with open_engine(url, password=password, scripts=scripts) as engine:
        yield RedisStore(engine, limits=limits, entropy=entropy)
