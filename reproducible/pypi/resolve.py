"""Asks an installer which tools there were on a day.

Carrier. Only wheels are resolved, so nothing foreign runs while there is a network;
what was found is a lock from then on.
"""

import os
import subprocess
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from reproducible.errors import InputError
from reproducible.inputs.lock import Lock
from reproducible.inputs.recipe import Toolchain
from reproducible.release.resolved import read_resolved

_TIMEOUT_S: Final = 300.0  # an index that hangs
_NO_SOLUTION: Final = 1
_SHOWN: Final = 2_000  # bytes of what the installer said


_REACH: Final = (
    "PATH", "HOME", "http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY",
    "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR",
)  # fmt: skip


class Resolver:
    """uv, asking one index.

    Args:
        program: see `reproducible.fetch.installer`.
        index: its address.
        machine: as `x86_64`, whose wheels of compiled tools will do.
        kept: a folder for what it has been told before.
        environment: the user's; only what says how to reach the network is taken.
    """

    def __init__(
        self,
        program: str,
        index: str,
        *,
        machine: str,
        kept: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._program = program
        self._index = index
        self._machine = machine
        self._kept = kept
        # Its own variables could name other indexes, and so could a folder's settings.
        user = os.environ if environment is None else environment
        self._environment = {name: user[name] for name in _REACH if name in user}

    def resolve(self, toolchain: Toolchain, python: tuple[int, int]) -> Lock | None:
        """Lock what a toolchain requires; None where nothing fits together.

        Raises:
            InputError: the index did not answer.
            UnsupportedError: ``toolchain-needs-build``: a tool has no wheel.
        """
        if not toolchain.requires:
            return Lock(())
        platform = f"cp{python[0]}{python[1]}-linux-{self._machine}"
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder, "pylock.tools.toml")
            done = self._run(toolchain, python, out)
            if done.returncode == _NO_SOLUTION:
                return None
            if done.returncode:
                said = done.stderr[-_SHOWN:].decode(errors="replace")
                raise InputError(f"uv: exit {done.returncode}: {said}")
            return read_resolved(out.read_bytes(), platform)

    def _run(
        self, toolchain: Toolchain, python: tuple[int, int], out: Path
    ) -> subprocess.CompletedProcess[bytes]:
        command = [
            self._program, "pip", "compile", "--quiet", "--no-progress", "--no-config",
            "--format=pylock.toml", "--only-binary=:all:", "--no-header",
            "--no-annotate", "--no-python-downloads", "--prerelease=if-necessary",
            f"--default-index={self._index}", f"--cache-dir={self._kept}",
            f"--python-version={python[0]}.{python[1]}",
            f"--python-platform={self._machine}-manylinux_2_28",
            f"--output-file={out}", "-",
        ]  # fmt: skip
        if toolchain.exclude_newer is not None:
            day = datetime.fromtimestamp(toolchain.exclude_newer, UTC)
            command.append(f"--exclude-newer={day:%Y-%m-%dT%H:%M:%SZ}")
        try:
            return subprocess.run(  # noqa: S603 - uv's own path; the rest was parsed
                command,
                cwd=out.parent,
                env=self._environment,
                input="\n".join(toolchain.requires).encode(),
                capture_output=True,
                timeout=_TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise InputError(f"uv: no answer in {_TIMEOUT_S:.0f} s") from None
