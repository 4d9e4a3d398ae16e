"""A person at a terminal, as a test plays one."""

import os
import pty
import select
import sys
from collections.abc import Callable
from pathlib import Path

_PROGRAM = Path(sys.executable).with_name("ringfence")


class Terminal:
    """A person at a terminal that runs the program."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self._process, self._terminal = pty.fork()
        if self._process == 0:
            os.execve(
                _PROGRAM, [str(_PROGRAM), *arguments], {"HOME": str(folder), "TERM": ""}
            )
        self.seen = ""
        self._waited = 0

    def until(self, prompt: str) -> None:
        """Read what the terminal shows, up to a prompt; 10 s at most."""
        self._read_until(lambda: self.seen.endswith(prompt))

    def until_shown(self, text: str) -> None:
        """Read until the text came after all that was waited for before."""
        self._read_until(lambda: text in self.seen[self._waited :])
        self._waited = len(self.seen)

    def press(self, keys: str) -> None:
        """Press keys."""
        os.write(self._terminal, keys.encode())

    def _read_until(self, done: Callable[[], bool]) -> None:
        while not done():
            ready, _, _ = select.select([self._terminal], [], [], 10)
            assert ready, self.seen
            self.seen += self._read()

    def type(self, line: str) -> None:
        """Type a line."""
        os.write(self._terminal, f"{line}\n".encode())

    def end(self) -> int:
        """Read to the end; give the exit code."""
        while chunk := self._read():
            self.seen += chunk
        os.close(self._terminal)
        return os.waitstatus_to_exitcode(os.waitpid(self._process, 0)[1])

    def _read(self) -> str:
        try:
            return os.read(self._terminal, 4096).decode().replace("\r\n", "\n")
        except OSError:  # how Linux says that the other end is closed
            return ""
