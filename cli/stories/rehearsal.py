"""People on this machine who run this program, for `ringfence demo`.

Each command runs as a process of its own, with a home folder and a passphrase of its
own, the way its user would type it; never through a shell. What the processes say as
JSON is what the demo goes by. Whatever happens, no process is left behind.
"""

import asyncio
import contextlib
import json
import signal
import sys
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from voip.errors import RefusedError

PATIENCE_S = 20.0  # for one step, on a machine that is busy
_GRACE_S = 6.0  # for a call to say goodbye: it lingers 5 s where nobody answers
_LAST_WORDS = 8  # lines of stderr that are worth showing

Event = dict[str, object]
"""One JSON object that a process printed."""


class Program:
    """A process, what it says on stdout as JSON, and how it ended."""

    def __init__(self, title: str, process: asyncio.subprocess.Process) -> None:
        self.title = title
        self.said: list[Event] = []
        self._process = process
        self._complaints: deque[str] = deque(maxlen=_LAST_WORDS)
        self._more = asyncio.Condition()
        self._silent = False

    async def listen(self) -> None:
        """Take in what the process says until it says no more."""
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        complaints = asyncio.create_task(self._hear_complaints(self._process.stderr))
        try:
            async for line in self._process.stdout:
                await self._take(line)
            await complaints
            await self._process.wait()
        finally:
            complaints.cancel()
            async with self._more:
                self._silent = True
                self._more.notify_all()

    async def order(self, line: str) -> None:
        """Type a line.

        Raises:
            RefusedError: the process is gone.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(f"{line}\n".encode())
            await self._process.stdin.drain()
        except ConnectionError:
            raise self._gone(f"it could be told {line!r}") from None

    async def hear(
        self,
        name: str,
        *,
        where: Callable[[Event], bool] = lambda _: True,
    ) -> Event:
        """Wait for the first event of this name; it may have come already.

        Raises:
            RefusedError: the process ended without it, or it does not come in time.
        """
        try:
            async with asyncio.timeout(PATIENCE_S), self._more:
                at = 0
                while True:
                    for event in self.said[at:]:
                        if event.get("event") == name and where(event):
                            return event
                    at = len(self.said)
                    if self._silent:
                        raise self._gone(f"it said {name!r}")
                    await self._more.wait()
        except TimeoutError:
            raise RefusedError(
                f"{self.title}: no {name!r} within {PATIENCE_S:.0f} s{self._quoted()}"
            ) from None

    async def first(self) -> Event:
        """Wait for the first thing it says, whatever that is.

        Raises:
            RefusedError: it ended without a word, or says none in time.
        """
        try:
            async with asyncio.timeout(PATIENCE_S), self._more:
                await self._more.wait_for(lambda: self.said or self._silent)
        except TimeoutError:
            raise RefusedError(
                f"{self.title}: silent for {PATIENCE_S:.0f} s{self._quoted()}"
            ) from None
        if not self.said:
            raise self._gone("it said anything")
        return self.said[0]

    async def ended(self) -> int:
        """Wait until the process is over; gives its exit code.

        Raises:
            RefusedError: it is still running after that time.
        """
        try:
            async with asyncio.timeout(PATIENCE_S):
                async with self._more:
                    await self._more.wait_for(lambda: self._silent)
                return await self._process.wait()
        except TimeoutError:
            raise RefusedError(
                f"{self.title}: still running after {PATIENCE_S:.0f} s{self._quoted()}"
            ) from None

    async def expect(self, code: int) -> None:
        """Wait until the process is over, and check its exit code.

        Raises:
            RefusedError: it is another one, or it does not come in time.
        """
        came = await self.ended()
        if came != code:
            raise RefusedError(
                f"{self.title}: expected exit code {code}, came {came}{self._quoted()}"
            )

    @property
    def complaint(self) -> str:
        """The last error it printed, without the program's name; empty if none."""
        errors = [line for line in self._complaints if line.startswith(_ERROR)]
        return errors[-1].removeprefix(_ERROR) if errors else ""

    @property
    def last_words(self) -> str:
        """The last line it printed that is no JSON; empty if there is none."""
        return self._complaints[-1] if self._complaints else ""

    async def stop(self) -> None:
        """End the process: politely, and if that does not help, at once."""
        if self._process.returncode is not None:
            return
        for how in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(how)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_GRACE_S):
                    await self._process.wait()
                return

    async def _take(self, line: bytes) -> None:
        try:
            said = json.loads(line)
        except ValueError:  # whatever speaks there, it is not our program
            self._complaints.append(line.decode(errors="replace").rstrip())
            return
        async with self._more:
            self.said.append(said)
            self._more.notify_all()

    async def _hear_complaints(self, stderr: asyncio.StreamReader) -> None:
        async for line in stderr:
            self._complaints.append(line.decode(errors="replace").rstrip())

    def _gone(self, before: str) -> RefusedError:
        code = self._process.returncode
        return RefusedError(
            f"{self.title}: ended with exit code {code} before {before}{self._quoted()}"
        )

    def _quoted(self) -> str:
        return f"; its last words: {' / '.join(self._complaints)}" * bool(
            self._complaints
        )


_ERROR = "ringfence: error: "


def run_module(
    title: str, module: str, *arguments: str, cwd: Path
) -> AbstractAsyncContextManager[Program]:
    """Run a module of ours as a process for the length of a block.

    `title` is what errors call it.
    """
    # With -P what lies in the folder does not stand in for our modules.
    return run_program(title, sys.executable, "-P", "-m", module, *arguments, cwd=cwd)


@asynccontextmanager
async def run_program(title: str, *command: str, cwd: Path) -> AsyncIterator[Program]:
    """Run a program as a process for the length of a block."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=cwd,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        # Ctrl-C is ours to pass on, once the calls are hung up.
        process_group=0,
    )
    program = Program(title, process)
    listening = asyncio.create_task(program.listen())
    try:
        yield program
    finally:
        # Shielded: a second Ctrl-C must not leave the process behind.
        await asyncio.shield(program.stop())
        listening.cancel()
        await asyncio.wait([listening])


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a home folder of their own."""

    name: str
    folder: Path

    @classmethod
    def move_in(cls, name: str, folder: Path) -> "Person":
        """Make the folder of a person, and the file with their passphrase."""
        person = cls(name, folder / name)
        person.folder.mkdir(mode=0o700)
        passphrase = person.path("passphrase")
        passphrase.touch(mode=0o600)
        passphrase.write_text(f"the passphrase of {name} in a demo\n")
        return person

    def path(self, name: str) -> Path:
        """Name a file in the person's folder."""
        return self.folder / name

    @asynccontextmanager
    async def start(self, *arguments: str) -> AsyncIterator[Program]:
        """Run a command of this person's for the length of a block."""
        command = next(word for word in arguments if not word.startswith("-"))
        async with run_module(
            f"{self.name}'s {command}",
            "cli",
            f"--home={self.path('home')}",
            f"--passphrase-file={self.path('passphrase')}",
            *arguments,
            cwd=self.folder,
        ) as program:
            yield program

    async def run(self, *arguments: str) -> list[Event]:
        """Run a command to its end; gives what it said with `--json`.

        Raises:
            RefusedError: it ended with another exit code than 0.
        """
        async with self.start(*arguments) as program:
            await program.expect(0)
            return program.said
