"""A person at a terminal, as a test plays one."""

import codecs
import os
import pty
import select
import signal
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
        self._decoder = codecs.getincrementaldecoder("utf-8")()
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

    def terminate(self) -> None:
        """End it as a service manager does."""
        os.kill(self._process, signal.SIGTERM)

    def _read_until(self, done: Callable[[], bool]) -> None:
        while not done():
            ready, _, _ = select.select([self._terminal], [], [], 10)
            assert ready, self.seen
            assert self._read(), self.seen

    def type(self, line: str) -> None:
        """Type a line."""
        os.write(self._terminal, f"{line}\n".encode())

    def end(self) -> int:
        """Read to the end, 20 s at most; give the exit code."""
        while select.select([self._terminal], [], [], 20)[0]:
            if not self._read():
                break
        else:
            os.kill(self._process, signal.SIGKILL)  # what hangs must not stay behind
        os.close(self._terminal)
        return os.waitstatus_to_exitcode(os.waitpid(self._process, 0)[1])

    def _read(self) -> bool:
        """Read what there is; a character may come in pieces. False at the end."""
        try:
            raw = os.read(self._terminal, 4096)
        except OSError:  # how Linux says that the other end is closed
            return False
        self.seen += self._decoder.decode(raw).replace("\r\n", "\n")
        return bool(raw)
