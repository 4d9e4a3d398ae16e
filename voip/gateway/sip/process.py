"""One run of the SIP worker: another process, with nothing of ours.

Carrier. It is given no environment, no descriptor but one end of a socket pair, and an
empty folder to stand in, which goes when it does. The one file of ours that it may read
is named as it begins, since it shuts itself in before it reads its first order.
"""

import asyncio
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from voip.gateway.sip.pipe import Pipe, end

WORKER = ("-I", "-m", "voip.gateway.sip.worker")


@asynccontextmanager
async def running_worker(
    program: tuple[str, ...], ca_file: Path, pipe: Pipe
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Start a worker at the other end of a pipe; it is ended with the block.

    Args:
        program: arguments of the Python that runs it.
        ca_file: who may vouch for the exchange; resolved.
        pipe: our end, not connected yet.
    """
    with tempfile.TemporaryDirectory(
        prefix="ringfence-sip-", ignore_cleanup_errors=True
    ) as folder:
        ours, theirs = socket.socketpair()
        with theirs:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *program,
                str(ca_file),
                stdin=theirs.fileno(),
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
                env={},
                cwd=folder,
            )
        try:
            loop = asyncio.get_running_loop()
            await loop.create_unix_connection(lambda: pipe, sock=ours)
            yield process
        finally:
            pipe.close()
            await end(process)


def was_stopped(process: asyncio.subprocess.Process) -> bool:
    """Say whether the kernel ended it, for it asked for what no telephone needs."""
    return process.returncode == -signal.SIGSYS
