"""Writes down what leaves a call, for whoever does not want to take our word.

A line for each datagram of media that is sent, the payload of one UDP packet::

    12.345 108 audio 192.0.2.7:40122

which is seconds since the first, bytes, kind and destination. It says nothing that an
observer of the network does not see.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from voip.errors import MissingError, RefusedError
from voip.media.connect.sockets import Trace
from voip.media.profile import AUDIO_PT
from voip.media.record import RECORD
from voip.media.rtp import is_rtcp, is_srtp


@contextmanager
def trace_to(
    path: Path | None, clock: Callable[[], float] = time.monotonic
) -> Iterator[Trace | None]:
    """Trace into a new file for the length of a block; no path, no trace.

    Raises:
        RefusedError: the file exists.
        MissingError: it cannot be created.
    """
    if path is None:
        yield None
        return
    with os.fdopen(create(path), "w", encoding="ascii") as file:
        began: float | None = None

        def trace(datagram: bytes, to: tuple[str, int]) -> None:
            nonlocal began
            now = clock()
            began = now if began is None else began
            host, port = to
            host = f"[{host}]" if ":" in host else host
            kind = kind_of(datagram)
            file.write(f"{now - began:.3f} {len(datagram)} {kind} {host}:{port}\n")

        yield trace


def create(path: Path) -> int:
    """Create a file that only its owner may read; gives its descriptor.

    Raises:
        RefusedError: the file exists.
        MissingError: it cannot be created.
    """
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise RefusedError(f"trace {str(path)!r} exists already") from None
    except OSError as error:
        raise MissingError(
            f"cannot create trace {str(path)!r}: {error.strerror}"
        ) from error


def kind_of(datagram: bytes) -> str:
    """Name what a datagram is, by its first two bytes (RFC 7983, RFC 5761)."""
    if is_rtcp(datagram) and is_srtp(datagram):
        return "rtcp"
    if is_srtp(datagram):
        return "audio" if datagram[1] & 0x7F == AUDIO_PT else "video"
    return "record" if datagram[:1] == bytes([RECORD]) else "stun"
