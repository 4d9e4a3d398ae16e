"""Running a version to see whether it works.

Carrier: starts a process of its own group, with an empty home and none of the user's
variables, and ends all of it when the time is up.
"""

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

from updater.errors import MissingError, RefusedError, UnhealthyError
from updater.install.launcher import CODE, FLAGS, find_python
from updater.offer.product import Product

PROBE_S: Final = 30.0  # a slow machine imports everything in ten
COMPILE_S: Final = 600.0  # 1,300 files take 5 s on two cores

_SHOWN_BYTES: Final = 4096  # of what a program prints, the end
_READ_BYTES: Final = 1 << 16


def interpreter(tag: str, pythons: Mapping[str, str]) -> Path:
    """Find the interpreter for a tag (``cp311``).

    Raises:
        MissingError: this machine has none.
    """
    found = find_python(tag, pythons.get(tag, ""))
    if found is None:
        raise MissingError(f"expected Python 3.{tag[3:]}, found none")
    return Path(found)


class Probe:
    """Starts programs in a home of their own, a folder that is there and empty."""

    def __init__(self, home: Path, *, timeout_s: float = PROBE_S) -> None:
        self._home = home
        self._timeout_s = timeout_s

    def check_folder(
        self, python: Path, lib: Path, product: Product, version: str
    ) -> None:
        """Have the version whose files lie in `lib` test itself.

        Raises:
            UnhealthyError: it failed, took too long or is another version.
        """
        args = [str(lib), product.module, product.launcher_name, *product.probe]
        self._check([str(python), *FLAGS, "-c", CODE, *args], product, version)

    def check_launcher(
        self, python: Path, launcher: Path, product: Product, version: str
    ) -> None:
        """Have what the launcher starts test itself.

        Raises:
            UnhealthyError: it failed, took too long or is another version.
        """
        command = [str(python), "-I", "-S", str(launcher), *product.probe]
        self._check(command, product, version)

    def run(self, command: Sequence[str]) -> str:
        """Run a program to its end, and give the end of what it printed.

        Raises:
            RefusedError: it took too long, or ended with another code than 0.
            MissingError: there is no such program.
        """
        try:
            process = subprocess.Popen(  # noqa: S603 - the program was decided on
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd=self._home,
                env=self._environment(),
                start_new_session=True,
            )
        except OSError as error:
            raise MissingError(f"{command[0]}: {error.strerror}") from error
        assert process.stdout is not None
        with process:
            try:
                printed = _read_end(process.stdout, self._timeout_s)
                code = process.wait(self._timeout_s)
            except (TimeoutError, subprocess.TimeoutExpired):
                raise RefusedError(f"took more than {self._timeout_s:g} s") from None
            finally:
                # Its children too, whatever became of it.
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
        text = printed.decode(errors="backslashreplace")
        if code != 0:
            last = (text.strip().splitlines() or ["nothing"])[-1]
            raise RefusedError(f"ended with {code} and said {last!r}")
        return text

    def _check(self, command: Sequence[str], product: Product, version: str) -> None:
        try:
            printed = self.run(command)
        except RefusedError as error:
            raise UnhealthyError(
                f"{product.name} {version}: the probe {error}"
            ) from None
        wanted = f"{product.name} {version}"
        last = (printed.splitlines() or [""])[-1]
        if last != wanted:
            raise UnhealthyError(f"the probe: expected {wanted!r}, came {last[:80]!r}")

    def _environment(self) -> dict[str, str]:
        return {
            "HOME": str(self._home),
            "LANG": "C.UTF-8",
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "TMPDIR": str(self._home),
        }


def _read_end(stream: IO[bytes], timeout_s: float) -> bytes:
    """Read until the stream ends, and keep the end of it: it may be endless."""
    ends, kept = time.monotonic() + timeout_s, b""
    with selectors.DefaultSelector() as ready:
        ready.register(stream, selectors.EVENT_READ)
        while (left := ends - time.monotonic()) > 0:
            if ready.select(left):
                piece = os.read(stream.fileno(), _READ_BYTES)
                if not piece:
                    return kept
                kept = (kept + piece)[-_SHOWN_BYTES:]
    raise TimeoutError
