"""People of the laboratory: each a program on a host, with a relay between them."""

import asyncio
import base64
import contextlib
import json
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.io_map import CHECKOUT
from tests.lab.network import Host
from tests.lab.person import Life
from tests.voip.people import introduce, person
from voip.identity.card import RelayAddress, parse_relay
from voip.identity.vault import format_vault
from voip.media.connect.config import IceServer

Event = dict[str, Any]
"""What happened to a person, as its program said it: `event`, `at` and more."""

LEAVE_S = 10.0  # saying goodbye takes a round trip, or 5 s without an answer
LINE_BYTES = 1 << 20


class Person:
    """One person's program.

    Attributes:
        name: what others call them.
        host: where they are.
        events: what happened so far, oldest first.
    """

    def __init__(
        self, name: str, host: Host, process: asyncio.subprocess.Process
    ) -> None:
        self.name = name
        self.host = host
        self.events: list[Event] = []
        self._process = process
        self._more = asyncio.Event()

    async def listen(self) -> None:
        """Take what the program says, for as long as it lives."""
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            self.events.append(json.loads(line))
            self._wake()
        self._wake()

    async def do(self, what: str, **how: object) -> None:
        """Give a command: a method of `Conversation`, `dial` or `figures`."""
        self._write({"do": what, **how})

    async def begin(self, life: Life) -> None:
        """Say who they are, and wait until others can call them."""
        self._write(asdict(life))
        await self.until("listening")

    async def until(
        self, event: str, *, after: float = 0.0, within_s: float = 30.0, **facts: object
    ) -> Event:
        """Wait until something happened, or give what did since `after`."""
        seen = 0
        try:
            async with asyncio.timeout(within_s):
                while True:
                    for each in self.events[seen:]:
                        if each["at"] >= after and _is(each, event, facts):
                            return each
                    seen = len(self.events)
                    if self._process.stdout is None or self._process.stdout.at_eof():
                        raise AssertionError(f"{self.name} left before {event}")
                    self._more.clear()
                    await self._more.wait()
        except TimeoutError:
            said = "\n".join(map(str, self.events[-30:]))
            raise AssertionError(
                f"{self.name}: no {event} {facts} in {within_s} s, but:\n{said}"
            ) from None

    def all(self, event: str, *, after: float = 0.0, **facts: object) -> list[Event]:
        """Give all that happened of a kind."""
        return [
            each
            for each in self.events
            if each["at"] >= after and _is(each, event, facts)
        ]

    async def figures(self) -> Event:
        """Ask for the processor time, memory and statistics of the program."""
        asked_at = time.monotonic()
        await self.do("figures")
        return await self.until("figures", after=asked_at)

    async def leave(self) -> None:
        """Let them go, by force if need be."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            async with asyncio.timeout(LEAVE_S):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    def _write(self, line: dict[str, object]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(line).encode() + b"\n")

    def _wake(self) -> None:
        self._more.set()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """How one person wants to call.

    Attributes:
        servers: STUN and TURN servers.
        relay_only: show no address of one's own.
        camera: width, height and pictures a second; None for no camera.
    """

    servers: tuple[IceServer, ...] = ()
    relay_only: bool = False
    camera: tuple[int, int, int] | None = None


@asynccontextmanager
async def couple(
    relay: RelayAddress, hosts: tuple[Host, Host], wishes: Wishes | None = None
) -> AsyncIterator[tuple[Person, Person]]:
    """Have alice and bob, who know each other, on two hosts; reachable."""
    wishes = wishes or Wishes()
    keepers = person("alice", relay), person("bob", relay)
    introduce(*keepers)
    async with AsyncExitStack() as stack:
        people = [
            await stack.enter_async_context(_running(name, host))
            for name, host in zip(("alice", "bob"), hosts, strict=True)
        ]
        lives = [
            Life(
                vault=base64.b64encode(format_vault(keeper.vault)).decode(),
                servers=[_fields(each) for each in wishes.servers],
                relay_only=wishes.relay_only,
                camera=wishes.camera,
            )
            for keeper in keepers
        ]
        alice, bob = people
        await asyncio.gather(
            *(each.begin(life) for each, life in zip(people, lives, strict=True))
        )
        yield alice, bob


async def call(alice: Person, bob: Person, *, video: bool = False) -> float:
    """Let alice call bob, who accepts; give the time at which he did."""
    await alice.do("dial", name="bob", video=video)
    await bob.until("rings")
    await alice.until("state", state="alerted")
    accepted_at = time.monotonic()
    await bob.do("accept", video=video)
    return accepted_at


async def both_hear(*people: Person, after: float, within_s: float = 30.0) -> float:
    """Wait until everybody hears; give the time at which the last one did."""
    heard = [
        await each.until("hears", on=True, after=after, within_s=within_s)
        for each in people
    ]
    return max(float(each["at"]) for each in heard)


@asynccontextmanager
async def serving(
    folder: Path, host: Host, address: str
) -> AsyncIterator[RelayAddress]:
    """Run the relay's own program on a host."""
    database = folder / "relay.db"
    serve = ["relay", "serve", "--json", "--host", address, "--db", str(database)]
    process = await _start(host, "-m", "cli", *serve, home=folder)
    try:
        assert process.stdout is not None
        said = json.loads(await process.stdout.readline())
        yield parse_relay(said["relay"])
    finally:
        process.terminate()
        await process.wait()


@asynccontextmanager
async def _running(name: str, host: Host) -> AsyncIterator[Person]:
    made = Person(name, host, await _start(host, "-m", "tests.lab.person"))
    listening = asyncio.create_task(made.listen())
    try:
        yield made
    finally:
        await made.leave()
        listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await listening


async def _start(
    host: Host, *arguments: str, home: Path | None = None
) -> asyncio.subprocess.Process:
    environment = dict(os.environ)
    if home is not None:
        environment["HOME"] = str(home)
    return await asyncio.create_subprocess_exec(
        *host.command(sys.executable, *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=LINE_BYTES,
        stderr=None if home is None else asyncio.subprocess.DEVNULL,
        cwd=CHECKOUT,
        env=environment,
    )


def _fields(server: IceServer) -> dict[str, str]:
    return {name: value for name, value in asdict(server).items() if value is not None}


def _is(event: Event, kind: str, facts: dict[str, object]) -> bool:
    return event["event"] == kind and all(
        event.get(name) == value for name, value in facts.items()
    )
