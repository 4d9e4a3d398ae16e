"""One question to a web server, and its answer: HTTP/1.1 (RFC 9112), GET only.

Carrier. A body counts only if its end is certain: at the announced length, or at the
last of its chunks. A server may lie about either, send gzip that unpacks to gigabytes,
or go on for ever; none of it costs more than what was asked for.
"""

import contextlib
import http.client
import re
import ssl
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import SplitResult

from updater.errors import FetchError
from updater.fetch.connection import Connection

PIECE_BYTES: Final = 64 << 10  # read at once, so that memory and progress are steady
HEAD_BYTES: Final = 64 << 10  # of an answer; real ones have under 2 KiB
GZIP_BYTES: Final = 1 << 10  # that a packed body may be longer than a plain one
PAGE_BYTES: Final = 16 << 10  # of an error's page, which nobody here reads
USER_AGENT: Final = "ringfence"  # no version: it would tell who is vulnerable
PORTS: Final = {"https": 443, "http": 80}

_DIGITS: Final = re.compile("[0-9]{1,15}")
_GZIP: Final = 31  # zlib's window bits for a gzip frame and no other


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What is asked of a server: `most` bytes of a body, until `ends` on the clock.

    `span` is the first byte and the size of a part, `redirects` how often it may send
    elsewhere, `gzip` whether the body may come packed, and `accept` the one media type
    that is asked for; empty for whatever there is.
    """

    most: int
    ends: float
    redirects: int = 0
    gzip: bool = False
    accept: str = ""
    span: tuple[int, int] | None = None

    @property
    def most_sent(self) -> int:
        """How long the body may be as it is sent; a few bytes of gzip are longer."""
        return self.most + (GZIP_BYTES if self.gzip else 0)


@dataclass(frozen=True, slots=True)
class Answer:
    """A status of 200, 206 or 416, and the body in pieces; `span` is Content-Range."""

    status: int
    pieces: Iterator[bytes] = field(default=iter(()))
    span: str = ""


def send(line: Connection, parts: SplitResult, ask: Ask) -> http.client.HTTPResponse:
    """Send a request and read the head of the answer.

    Raises:
        FetchError: it takes too long or does not end.
        http.client.HTTPException, OSError: no answer; `fetch_errors` gives it a kind.
    """
    name = parts.netloc.removesuffix(f":{PORTS[parts.scheme]}")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = [
        f"GET {target} HTTP/1.1",
        f"Host: {name}",
        f"User-Agent: {USER_AGENT}",
        f"Accept-Encoding: {'gzip, identity' if ask.gzip else 'identity'}",
    ]
    if ask.accept:
        lines.append(f"Accept: {ask.accept}")
    if ask.span:
        start, size = ask.span
        lines.append(f"Range: bytes={start}-{start + size - 1}")
    # Chunks have frames of their own; those who send tiny ones are not heard out.
    line.begin(ends=ask.ends, budget=HEAD_BYTES + ask.most_sent * 2)
    line.sendall("\r\n".join([*lines, "", ""]).encode())
    response = http.client.HTTPResponse(line, method="GET")  # type: ignore[arg-type]  # all it uses is makefile
    response.begin()
    return response


def answer(response: http.client.HTTPResponse, ask: Ask) -> Answer:
    """Check the head of an answer, and give the body as it comes.

    Raises:
        FetchError: a status that is no success, or a body without a certain end.
    """
    status = response.status
    if status == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and ask.span:
        return Answer(status)
    partial = status == http.HTTPStatus.PARTIAL_CONTENT and ask.span
    if status != http.HTTPStatus.OK and not partial:
        if (response.length or 0) <= PAGE_BYTES:
            response.read(PAGE_BYTES)  # then the connection can be kept
        raise FetchError("status", f"answered {status}", status=status)
    pieces = _body(response, ask)
    coding = response.headers.get("Content-Encoding", "identity").lower()
    if coding == "gzip" and ask.gzip:
        pieces = _unpacked(pieces, ask.most)
    elif coding != "identity":
        raise FetchError("cut", f"came in {coding[:20]!r}, which was not asked for")
    return Answer(status, pieces, response.headers.get("Content-Range", ""))


def _body(response: http.client.HTTPResponse, ask: Ask) -> Iterator[bytes]:
    """Read a body to its announced end, be that a length or the last of its chunks."""
    lengths = response.headers.get_all("Content-Length", [])
    chunked = response.headers.get("Transfer-Encoding", "").lower() == "chunked"
    if len(lengths) + chunked != 1 or not all(map(_DIGITS.fullmatch, lengths)):
        raise FetchError("cut", "the answer does not say where it ends")
    announced = None if chunked else int(lengths[0])
    most = ask.most_sent
    if announced is not None and announced > most:
        raise FetchError("too-long", f"{announced} bytes, expected at most {most}")
    return _read(response, announced, most)


def _read(
    response: http.client.HTTPResponse, announced: int | None, most: int
) -> Iterator[bytes]:
    size = 0
    while piece := response.read(PIECE_BYTES):
        size += len(piece)
        if size > most:
            raise FetchError("too-long", f"expected at most {most} bytes")
        yield piece
    # The library ends quietly when a connection does.
    if announced is not None and size != announced:
        raise FetchError("cut", f"{size} bytes, {announced} were announced")


def _unpacked(pieces: Iterator[bytes], most: int) -> Iterator[bytes]:
    """Unpack gzip, of which a few bytes may claim to be gigabytes."""
    unpacker = zlib.decompressobj(_GZIP)
    left = most
    for piece in pieces:
        plain = unpacker.decompress(piece, left + 1)
        left -= len(plain)
        if left < 0:
            raise FetchError("too-long", f"expected at most {most} bytes, unpacked")
        yield plain
    if not unpacker.eof or unpacker.unused_data:
        raise FetchError("cut", "gzip that does not end with the body")


def check_end(line: Connection) -> None:
    """Check that nothing came after the body.

    Raises:
        FetchError: ``too-long``: something did.
    """
    if line.has_more():
        raise FetchError("too-long", "more came than was announced")


def may_keep(response: http.client.HTTPResponse, line: Connection) -> bool:
    """Tell whether the next question may go over the same connection."""
    ended = response.isclosed() and not response.will_close
    return ended and not line.has_more()


@contextlib.contextmanager
def fetch_errors(url: str) -> Iterator[None]:
    """Give every failure of an exchange its kind, and say where it was.

    Raises:
        FetchError: for every way in which the connection or its other end can fail.
    """
    try:
        yield
    except FetchError as error:
        raise FetchError(error.kind, f"{url}: {error}", status=error.status) from error
    except ssl.SSLError as error:
        raise FetchError("tls", f"{url}: {error}") from error
    except (http.client.HTTPException, OSError, zlib.error) as error:
        text = str(error) or type(error).__name__
        raise FetchError("cut", f"{url}: {text}") from error
