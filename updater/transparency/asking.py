"""One bounded request to a witness over HTTP.

Carrier. Whoever answers is not trusted with anything: what comes back is checked as a
note. So all that matters here is that nobody can hold us up or fill our memory: no
redirects, one deadline over the whole exchange, one bound on its length.
"""

import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias
from urllib.parse import urlsplit

from updater.errors import RefusedError, UnreachableError

TIMEOUT_S = 30.0
"""Seconds that a whole exchange may take, however slowly its bytes drip."""

MAX_ANSWER = 262_144
"""Bytes of an answer: a note of the largest size."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    body: bytes
    content_type: str = field(default="", kw_only=True)


Ask: TypeAlias = Callable[[str, str, bytes | None], Answer]
"""Method, URL and body in, the answer out; raises `UnreachableError`."""


def ask(
    method: str, url: str, body: bytes | None = None, *, most: int = MAX_ANSWER
) -> Answer:
    """Ask once, over https, or over http where the host is this very machine.

    An answer may have `most` bytes.

    Raises:
        RefusedError: the URL is of another scheme, or http to another machine.
        UnreachableError: no answer, not in time, or too long a one.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        context = ssl.create_default_context()
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        connection = http.client.HTTPSConnection(
            host, parts.port, timeout=TIMEOUT_S, context=context
        )
    elif parts.scheme == "http" and is_loopback(host):
        connection = http.client.HTTPConnection(host, parts.port, timeout=TIMEOUT_S)
    else:
        raise RefusedError(f"{url!r}: expected https, or http to this machine")
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    # A timeout of a socket is for each byte; this one is for all of them.
    watch = threading.Timer(TIMEOUT_S, _abort, (connection,))
    watch.daemon = True
    watch.start()
    try:
        connection.request(method, path, body, {"User-Agent": "ringfence"})
        response = connection.getresponse()
        answer = response.read(most + 1)
    except (OSError, http.client.HTTPException) as error:
        raise UnreachableError(
            f"{url}: {str(error) or type(error).__name__}"
        ) from error
    finally:
        watch.cancel()
        connection.close()
    if len(answer) > most:
        raise UnreachableError(f"{url}: expected at most {most} bytes")
    kind = response.headers.get_content_type()
    return Answer(response.status, answer, content_type=kind)


def is_loopback(host: str) -> bool:
    """Tell whether a host is this very machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _abort(connection: http.client.HTTPConnection) -> None:
    if (opened := connection.sock) is not None:
        with contextlib.suppress(OSError):  # it ended by itself just now
            opened.shutdown(socket.SHUT_RDWR)
