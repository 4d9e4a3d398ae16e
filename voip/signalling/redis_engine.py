"""The only door to Redis: transactions, settings, hints, and errors of our own.

The writes of a process go as one transaction (MULTI) at a time: the engine appends and
syncs a transaction once, where commands that merely follow each other are synced for
every 16 kB that it reads. Only then does it answer. Reads have a connection of their
own.

Nothing is asked of an engine that would lose what it acknowledged, or drop what it
holds when memory runs out; see docs/decisions/0065-the-shared-store.md.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from voip.errors import StoreError, UnreachableError
from voip.signalling.batches import Batches, open_batches, stop
from voip.signalling.store import STORE_S, Heard

if TYPE_CHECKING:
    from redis.asyncio import Redis

HINTS = "rf:hints"
"""A channel that carries tags, never data."""
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

Command = Callable[[Any], object]
"""Adds one command to a pipeline of the client library, whose types say nothing."""


class RedisEngine:
    """One engine, as one process uses it.

    Attributes:
        used_bytes: what it says of its memory, a second old at most.
    """

    def __init__(
        self, writer: "Redis", reader: "Redis", scripts: Sequence[str]
    ) -> None:
        """Take two clients of the library, and the Lua scripts that will be run."""
        self.used_bytes = 0
        self._writer = writer
        self._reader = reader
        self._digests = dict.fromkeys(scripts, "")
        self._heard: list[Heard] = []
        self._listens = asyncio.Event()
        self._used_at = 0.0
        self._writes: Batches[Command, Any]
        self._reads: Batches[Command, Any]

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Check the settings and listen to hints, for the length of a block.

        Raises:
            StoreError: the engine would forget what it acknowledged.
            UnreachableError: it does not answer.
        """
        with _our_errors():
            await self._prepare()
        async with (
            open_batches(self._write) as self._writes,
            open_batches(self._read) as self._reads,
        ):
            listening = asyncio.create_task(self._listen())
            try:
                await self._until_it_listens()
                yield
            finally:
                await stop(listening)

    def listen(self, heard: Heard) -> None:
        """Have `heard` called with every hint, of whatever process."""
        self._heard.append(heard)

    async def write(self, command: Command) -> Any:
        """Run a command in the next transaction; it is durable when this returns.

        Gives None where the engine has no memory left for it.

        Raises:
            LimitError: too much waits for it already.
            StoreError: it refuses.
            UnreachableError: it does not answer; the command may have been run.
        """
        return _checked(await self._writes.ask(command))

    async def read(self, command: Command) -> Any:
        """Run a command that changes nothing; raises what `write` raises."""
        return _checked(await self._reads.ask(command))

    def script(
        self, script: str, keys: Sequence[bytes], values: Sequence[bytes | int]
    ) -> Command:
        """Make a command of a script that the engine holds."""
        return lambda pipe: pipe.evalsha(
            self._digests[script], len(keys), *keys, *values
        )

    async def check_settings(self) -> None:
        """See whether the engine still keeps what it acknowledges.

        Raises:
            StoreError: it does not.
            UnreachableError: it does not answer.
        """
        with _our_errors():
            await self._check_settings()

    async def _prepare(self) -> None:
        await self._check_settings()
        self.used_bytes = (await self._writer.info("memory"))["used_memory"]
        for script in self._digests:
            self._digests[script] = await self._writer.script_load(script)

    async def _check_settings(self) -> None:
        for name, needed in _NEEDED.items():
            value = (await self._reader.config_get(name)).get(name)
            if value != needed:
                raise StoreError(
                    f"redis: expected {name} {needed!r}, came {value!r}; "
                    "it would lose blobs that it acknowledged"
                )

    async def _write(self, commands: Sequence[Command]) -> Sequence[Any]:
        """Have the engine run a transaction, and sync it once."""
        with _our_errors():
            answers = await self._run(self._writer, commands, is_transaction=True)
            clock = asyncio.get_running_loop().time()
            if clock - self._used_at > _USED_S:
                self._used_at = clock
                self.used_bytes = (await self._writer.info("memory"))["used_memory"]
        return answers

    async def _read(self, commands: Sequence[Command]) -> Sequence[Any]:
        with _our_errors():
            return await self._run(self._reader, commands, is_transaction=False)

    async def _run(
        self, client: "Redis", commands: Sequence[Command], *, is_transaction: bool
    ) -> list[Any]:
        from redis.exceptions import (  # noqa: PLC0415 - an optional dependency
            NoScriptError,
            OutOfMemoryError,
        )

        try:
            answers = await _trip(client, commands, is_transaction=is_transaction)
        except OutOfMemoryError:
            # It refused the transaction whole; what deletes is to pass.
            answers = await _trip(client, commands, is_transaction=False)
        unknown = [
            number
            for number, answer in enumerate(answers)
            if isinstance(answer, NoScriptError)
        ]
        if unknown:
            # The engine was started again: with which settings, and who knows why.
            await self._prepare()
            again = await _trip(
                client,
                [commands[number] for number in unknown],
                is_transaction=is_transaction,
            )
            for number, answer in zip(unknown, again, strict=True):
                answers[number] = answer
        return answers

    async def _listen(self) -> None:
        """Hear all hints, for ever; while there are none, waiting GETs look again."""
        while True:
            with contextlib.suppress(UnreachableError, StoreError), _our_errors():
                await self._hear()
            await asyncio.sleep(_RETRY_S)

    async def _hear(self) -> None:
        async with self._reader.pubsub() as pubsub:
            await pubsub.subscribe(HINTS)
            async for message in pubsub.listen():
                if message["type"] == "subscribe":
                    self._listens.set()
                    continue
                for heard in self._heard:
                    heard(message["data"])

    async def _until_it_listens(self) -> None:
        try:
            async with asyncio.timeout(STORE_S):
                await self._listens.wait()
        except TimeoutError:
            raise UnreachableError("redis: no subscription to hints") from None


async def _trip(
    client: "Redis", commands: Sequence[Command], *, is_transaction: bool
) -> list[Any]:
    async with client.pipeline(transaction=is_transaction) as pipe:
        for command in commands:
            command(pipe)
        return list(await pipe.execute(raise_on_error=False))


def _checked(answer: Any) -> Any:
    from redis.exceptions import OutOfMemoryError  # noqa: PLC0415 - optional

    if isinstance(answer, OutOfMemoryError):
        return None
    if isinstance(answer, Exception):
        raise _refused(answer)
    return answer


@contextlib.contextmanager
def _our_errors() -> Iterator[None]:
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


@asynccontextmanager
async def open_engine(
    url: str, *, password: str | None, scripts: Sequence[str]
) -> AsyncIterator[RedisEngine]:
    """Use an engine for the length of a block.

    Args:
        url: ``redis://[USER@]HOST[:PORT][/DB]``, ``rediss://...`` or ``unix://PATH``.
        password: of that user.
        scripts: Lua that will be run.

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
                    # The library cannot know whether a transaction happened.
                    retry=Retry(NoBackoff(), 0),
                )
            )

        engine = RedisEngine(await connect(), await connect(), scripts)
        await stack.enter_async_context(engine.opened())
        yield engine
