"""Runs git: alone, for a while, and not believed to be brief.

Carrier. What it may read and reach is settled here, for it and for all it starts.
"""

import os
import selectors
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from reproducible.errors import InputError, MissingError

TIMEOUT_S: Final = 600.0
"""Seconds for one repository; the largest take a few minutes to answer."""

_MAX_FILE_BYTES: Final = 2 << 30  # a pack of a tree as large as we take
_MAX_MEMORY_KIB: Final = 4 << 20  # deltas of a hostile pack may unfold without end
_TOLD_BYTES: Final = 4096  # of a long complaint, its end
_PIECE_BYTES: Final = 1 << 16

_REACH: Final = (
    "SSH_AUTH_SOCK", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY",
    "no_proxy", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO",
)  # fmt: skip
"""Variables of the user's that say how the network is reached."""


class Git:
    """A bare repository of ours, and the git that works in it.

    `home` is a folder with the file `config`, and becomes the repository. `environment`
    is the user's. All calls end within `TIMEOUT_S` of the first; `clock` is monotonic.
    """

    def __init__(
        self,
        home: Path,
        environment: Mapping[str, str],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        path = environment.get("PATH", os.defpath)
        program = shutil.which("git", path=path)
        if program is None:
            raise MissingError("git is not installed")
        self._home = home
        self._clock = clock
        self._ends = clock() + TIMEOUT_S
        # The shell sets the limits and then is git.
        limits = f"ulimit -f {_MAX_FILE_BYTES // 512}; ulimit -v {_MAX_MEMORY_KIB}"
        limited = f'{limits}; exec "$@"'
        self._command = ("/bin/sh", "-c", limited, "sh", program)
        self._environment = {
            "PATH": path,
            "HOME": str(home),
            "LC_ALL": "C",
            "GIT_DIR": str(home / "repository"),
            "GIT_CONFIG_GLOBAL": str(home / "config"),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ALLOW_PROTOCOL": "file:https:ssh",
            # A repository that lacks objects would otherwise say which program has
            # them, and git would run it (CVE-2024-32004).
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_SSH_COMMAND": "ssh -oBatchMode=yes",
            **{name: environment[name] for name in _REACH if name in environment},
        }

    def run(self, *arguments: str, given: bytes = b"", most: int = 0) -> bytes:
        """Run one command on `given`; gives what it prints, `most` bytes of it.

        Raises:
            InputError: it fails, prints more, or takes too long.
        """
        with tempfile.TemporaryFile() as asked:
            asked.write(given)
            asked.seek(0)
            process = subprocess.Popen(  # noqa: S603 - git, found by us
                (*self._command, *arguments),
                env=self._environment,
                cwd=self._home,
                stdin=asked,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        with process:
            try:
                printed, told = self._collect(process, arguments[0], most)
                process.wait(max(0.0, self._ends - self._clock()))
            except subprocess.TimeoutExpired:
                _kill(process)
                raise self._late(arguments[0]) from None
            except BaseException:
                _kill(process)
                raise
        if process.returncode != 0:
            said = " ".join(told.decode(errors="replace").split())
            raise InputError(
                f"git {arguments[0]}: {said or f'exit {process.returncode}'}"
            )
        return printed

    def _collect(
        self, process: "subprocess.Popen[bytes]", name: str, most: int
    ) -> tuple[bytes, bytes]:
        """Read both pipes to their ends; of complaints only the last bytes stay."""
        assert process.stdout is not None
        assert process.stderr is not None
        printed, told = bytearray(), bytearray()
        with selectors.DefaultSelector() as both:
            both.register(process.stdout, selectors.EVENT_READ, printed)
            both.register(process.stderr, selectors.EVENT_READ, told)
            while both.get_map():
                left = self._ends - self._clock()
                ready = both.select(left) if left > 0 else []
                if not ready:
                    raise self._late(name)
                for key, _ in ready:
                    piece = os.read(key.fd, _PIECE_BYTES)
                    key.data.extend(piece)
                    if not piece:
                        both.unregister(key.fileobj)
                del told[:-_TOLD_BYTES]
                if len(printed) > most:
                    raise InputError(f"git {name}: expected {most} bytes at most")
        return bytes(printed), bytes(told)

    @staticmethod
    def _late(name: str) -> InputError:
        return InputError(f"git {name}: took longer than {TIMEOUT_S:.0f} s")


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """End it and all it started: something may be waiting for a server."""
    if process.returncode is None:
        os.killpg(process.pid, signal.SIGKILL)
