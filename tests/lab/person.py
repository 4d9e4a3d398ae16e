"""One person as a program of its own: `python -m tests.lab.person`, on some host.

The first line of standard input is a `Life` as JSON, every further one a command:
``{"do": "dial", "name": "bob"}``, and so on; its end is the person's. Each line of
standard output is what happened, with the time on the clock that all hosts share.
"""

import asyncio
import base64
import dataclasses
import json
import resource
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from tests.lab.beacon import Ear, Eye, Voice
from tests.memory import resident_kb
from tests.voip.people import MemoryKeeper, at_home
from voip.conversation import Conversation
from voip.endpoint import Endpoint, Settings
from voip.identity.vault import parse_vault
from voip.media.connect.config import IceConfig, IceServer
from voip.media.ends.camera import MovingBars
from voip.media.plan import MediaPlan
from voip.news import format_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """What a person begins with.

    Attributes:
        vault: keys and contacts, in base64.
        servers: fields of the STUN and TURN servers.
        relay_only: show no address of one's own.
        camera: width, height and pictures a second; None for no camera.
    """

    vault: str
    servers: list[dict[str, str]] = field(default_factory=list)
    relay_only: bool = False
    camera: tuple[int, int, int] | None = None


class _Person:
    def __init__(self, life: Life) -> None:
        self._life = life
        self._eye: Eye | None = None
        self._call: Conversation | None = None

    async def live(self, lines: AsyncIterator[bytes]) -> None:
        keeper = MemoryKeeper(parse_vault(base64.b64decode(self._life.vault)))
        settings = Settings(
            plan=self._plan,
            ice=IceConfig(
                servers=tuple(map(_server, self._life.servers)),
                relay_only=self._life.relay_only,
            ),
        )
        # The endpoint goes first: it hangs up, which ends what reads the news.
        async with asyncio.TaskGroup() as tasks, at_home(keeper, settings) as endpoint:
            tell("listening")
            others = [
                tasks.create_task(self._answer(endpoint, tasks)),
                tasks.create_task(self._complain(endpoint)),
            ]
            async for line in lines:
                await self._obey(json.loads(line), endpoint, tasks)
            for each in others:
                each.cancel()

    async def _answer(self, endpoint: Endpoint, tasks: asyncio.TaskGroup) -> None:
        async for call in endpoint.incoming():
            self._hold(call, tasks)
            tell("rings")

    async def _complain(self, endpoint: Endpoint) -> None:
        async for sentence in endpoint.problems():
            tell("problem", sentence=sentence)

    async def _obey(
        self, command: dict[str, Any], endpoint: Endpoint, tasks: asyncio.TaskGroup
    ) -> None:
        what = command.pop("do")
        if what == "dial":
            self._hold(await endpoint.dial(**command), tasks)
            return
        assert self._call is not None
        if what == "figures":
            tell("figures", **self._figures(self._call))
        else:
            getattr(self._call, what)(**command)

    def _figures(self, call: Conversation) -> dict[str, Any]:
        used = resource.getrusage(resource.RUSAGE_SELF)
        stats = call.stats
        return {
            "cpu_s": used.ru_utime + used.ru_stime,
            "resident": resident_kb() * 1024,
            "pictures": self._eye.count if self._eye is not None else 0,
            "stats": None if stats is None else dataclasses.asdict(stats),
        }

    def _hold(self, call: Conversation, tasks: asyncio.TaskGroup) -> None:
        self._call = call
        tasks.create_task(_read(call))

    def _plan(self) -> MediaPlan:
        camera = None
        if self._life.camera is not None:
            width, height, rate = self._life.camera
            camera = MovingBars(rate, width, height)
        self._eye = Eye(tell)
        return MediaPlan(
            audio_source=Voice(),
            audio_sink=Ear(tell),
            video_source=camera,
            video_sink=self._eye,
        )


def tell(event: str, **facts: Any) -> None:
    """Write a line that says what happened."""
    said = {"event": event, "at": time.monotonic(), **facts}
    sys.stdout.write(json.dumps(said, default=list) + "\n")
    sys.stdout.flush()


def _server(fields: dict[str, str]) -> IceServer:
    return IceServer(
        url=fields["url"],
        username=fields.get("username"),
        password=fields.get("password"),
        ca_file=fields.get("ca_file"),
    )


async def _read(call: Conversation) -> None:
    async for news in call.news():
        said = format_json(news)
        tell(str(said.pop("event")), **said)


async def _lines() -> AsyncIterator[bytes]:
    """Give what stands on standard input, until it ends."""
    reader = asyncio.StreamReader(limit=1 << 20)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    while line := await reader.readline():
        yield line


async def _main() -> None:
    lines = _lines()
    await _Person(Life(**json.loads(await anext(lines)))).live(lines)


if __name__ == "__main__":
    asyncio.run(_main())
