"""One process behind the wall: started, judged by its report, let go, ended in time.

Carrier. Its end takes everything with it: it is the parent of a process namespace, and
both bubblewrap and unshare have the kernel kill that when they die.
"""

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from reproducible.errors import BuildFailedError
from reproducible.sandbox.jobs import GO
from reproducible.sandbox.probe import MAX_REPORT_BYTES

LOG_BYTES: Final = 16 << 20
"""What is kept of what a build prints."""

REPORT_S: Final = 60.0
"""Seconds for making the wall and looking around: a slow machine needs one."""

_END_S: Final = 5.0
_READ_BYTES: Final = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a process ended: its code, or minus its signal, and what it printed."""

    code: int
    log: bytes


def execute(
    command: Callable[[int], Sequence[str]],
    *,
    judge: Callable[[bytes, bytes], None],
    timeout_s: float,
) -> Ended:
    """Run a command to its end.

    `command` gets the descriptor that the report is to be written to; `judge` gets the
    report, empty if none came, and what was printed so far, and raises to stop it all.

    Raises:
        BuildFailedError: `timeout`, counted from when it was let go.
    """
    receives, sends = os.pipe()
    with os.fdopen(receives, "rb", buffering=0) as report:
        try:
            process = subprocess.Popen(  # noqa: S603 - the command is the wall itself
                command(sends),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=(sends,),
                cwd="/",
                env={},
                start_new_session=True,
            )
        finally:
            os.close(sends)
        with _killed(process):
            assert process.stdin is not None
            assert process.stdout is not None
            output = _Output(process.stdout.fileno())
            said = output.read_beside(report.fileno(), time.monotonic() + REPORT_S)
            judge(said, output.kept())
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(GO)
                process.stdin.close()
            ends = time.monotonic() + timeout_s
            try:
                output.read(ends)
                code = process.wait(max(0.0, ends - time.monotonic()))
            except (TimeoutError, subprocess.TimeoutExpired):
                text = f"took more than {timeout_s:g} s"
                raise BuildFailedError("timeout", text, output.kept()) from None
    return Ended(code=code, log=output.kept())


@contextlib.contextmanager
def _killed(process: subprocess.Popen[bytes]) -> Iterator[None]:
    try:
        yield
    finally:
        _end(process)
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process and all behind its wall, and wait until they are gone.

    Its child is the first process of the namespace: that one's end is only reported
    when the kernel has ended all others. Killed before it, the process would leave the
    rest to die a moment later.
    """
    if process.poll() is None:
        children = _children(process.pid)
        for first in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(first, signal.SIGKILL)
        try:
            process.wait(_END_S if children else 0.0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _children(pid: int) -> list[int]:
    try:
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii")
    except OSError:
        # A kernel without CONFIG_PROC_CHILDREN: then they die that moment later.
        return []
    return [int(word) for word in listed.split()]


class _Output:
    """What a process prints, of which the beginning is kept and the rest read past."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._pieces: list[bytes] = []
        self._kept = 0

    def kept(self) -> bytes:
        return b"".join(self._pieces)

    def read(self, ends: float) -> None:
        """Read until nobody can print any more."""
        with selectors.DefaultSelector() as ready:
            ready.register(self._descriptor, selectors.EVENT_READ)
            while not _wait(ready, ends) or self._take():
                pass

    def read_beside(self, report: int, ends: float) -> bytes:
        """Read a report, which is a line; nothing if it is late, too long or cut short.

        Who made the wall may hold the descriptor, too, so its end says nothing.
        """
        said = b""
        with selectors.DefaultSelector() as ready:
            ready.register(self._descriptor, selectors.EVENT_READ)
            ready.register(report, selectors.EVENT_READ)
            with contextlib.suppress(TimeoutError):
                while len(said) <= MAX_REPORT_BYTES and not said.endswith(b"\n"):
                    came = _wait(ready, ends)
                    if self._descriptor in came and not self._take():
                        ready.unregister(self._descriptor)
                    if report in came:
                        piece = os.read(report, _READ_BYTES)
                        if not piece:
                            break
                        said += piece
        return said[:-1] if said.endswith(b"\n") else b""

    def _take(self) -> bool:
        """Read what is there; False at the end."""
        piece = os.read(self._descriptor, _READ_BYTES)
        kept = piece[: LOG_BYTES - self._kept]
        self._pieces.append(kept)
        self._kept += len(kept)
        return bool(piece)


def _wait(ready: selectors.BaseSelector, ends: float) -> set[int]:
    """Wait for something to read."""
    left = ends - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return {key.fd for key, _ in ready.select(left)}
