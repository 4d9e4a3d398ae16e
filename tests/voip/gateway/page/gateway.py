"""A gateway in a process of its own, asked in Python as a tab is asked in JavaScript.

Browsers name all addresses of this machine, and tests may talk to 127.0.0.1 alone:
so what answers them is not the tests' process. ::

    async with running(hz=700.0) as gateway:
        await gateway.ask("served.kept.hz()")
"""

import asyncio
import inspect
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

WITHIN_S = 20.0


class Gateway:
    """The other process.

    Attributes:
        link: of one guest.
        origin: where the page is.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._in, self._out = process.stdin, process.stdout
        self.link = ""
        self.origin = ""

    async def ask(self, expression: str) -> Any:
        """Give the value of an expression about `served`, awaited, as JSON gives it.

        Raises:
            AssertionError: it raised, and what.
        """
        self._in.write(json.dumps(expression).encode() + b"\n")
        line = await self._out.readline()
        assert line, "the gateway is gone"
        answer = json.loads(line)
        if "raised" in answer:
            raise AssertionError(f"{expression}: {answer['raised']}")
        return answer["value"]

    async def until(self, condition: str, within_s: float = WITHIN_S) -> None:
        """Wait for an expression to become true.

        Raises:
            AssertionError: it did not; says what happened instead.
        """
        loop = asyncio.get_running_loop()
        ends = loop.time() + within_s
        while not await self.ask(f"bool({condition})"):
            if loop.time() > ends:
                news = await self.ask("repr(served.news)")
                raise AssertionError(f"{condition} did not become true: {news}")
            await asyncio.sleep(0.05)


@asynccontextmanager
async def running(**how: object) -> AsyncIterator[Gateway]:
    """Start a gateway that lets everybody in; `how` is for `serving`."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.voip.gateway.page.gateway", json.dumps(how)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    gateway = Gateway(process)
    try:
        gateway.link = await gateway.ask("served.link")
        gateway.origin = gateway.link.partition("/#")[0]
        yield gateway
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


async def _serve(how: dict[str, Any]) -> None:
    """Answer expressions from standard input until it ends."""
    from tests.voip.gateway.page import poking  # noqa: PLC0415 - of the child alone
    from tests.voip.gateway.serving import serving  # noqa: PLC0415

    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    async with serving(**how) as served:
        known = {**vars(poking), "served": served}
        while line := await lines.readline():
            answer = await _answer(json.loads(line), known)
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()


async def _answer(expression: str, known: dict[str, Any]) -> dict[str, Any]:
    try:
        value = eval(expression, known)
        return {"value": await value if inspect.isawaitable(value) else value}
    except Exception as error:  # noqa: BLE001 - the test is told whatever it was
        return {"raised": repr(error)}


if __name__ == "__main__":
    asyncio.run(_serve(json.loads(sys.argv[1])))
