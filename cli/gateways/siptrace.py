"""Writes down what is said in SIP, for whoever looks for a fault at their exchange.

The file holds addresses, names and numbers of all who call and are called; keys and
proofs of the password are left out.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cli.output import note
from cli.trace import create
from voip.gateway.sip.trace import format_traced

MAX_CHARACTERS = 64 << 20
"""Of a file, then it ends: a stranger may send messages all day."""

_FULL = "the trace is full\n"

Trace = Callable[[str], None]


@contextmanager
def sip_trace_to(
    path: Path | None,
    clock: Callable[[], float] = time.time,
    most: int = MAX_CHARACTERS,
) -> Iterator[Trace | None]:
    """Trace into a new file for the length of a block; no path, no trace.

    Raises:
        RefusedError: the file exists.
        MissingError: it cannot be created.
    """
    if path is None:
        yield None
        return
    descriptor = create(path)
    note(f"{path} will hold the addresses and numbers of all who call or are called")
    # Unbuffered: it is read while it grows, and nothing is left to fail at its end.
    with os.fdopen(descriptor, "wb", buffering=0) as file:
        written = 0

        def trace(text: str) -> None:
            nonlocal written
            if written >= most:
                return
            entry = format_traced(text, clock())
            written += len(entry)
            try:
                file.write((entry if written < most else _FULL).encode())
            except OSError as error:
                written = most  # a full disk ends no call
                note(f"trace {path}: {error.strerror}")

        yield trace
