"""Fetching from servers that are slow, broken or hostile.

Carrier: the one way to the network for metadata, targets and the log; knows neither TUF
nor logs. Redirects, retries and compression exist only where they are written here, and
there are no cookies, validators or identifiers: every client asks the same questions.
Whatever goes wrong is a `FetchError`, and a partial answer never counts.
"""

import contextlib
import hashlib
import http.client
import os
import re
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from updater.errors import FetchError, StoreError
from updater.fetch.connection import Connection, Limits, Route, connect
from updater.fetch.exchange import (
    PIECE_BYTES,
    PORTS,
    Answer,
    Ask,
    answer,
    check_end,
    fetch_errors,
    may_keep,
    send,
)
from updater.fetch.proxy import Proxies, is_loopback
from updater.files import Files, Part

REDIRECTS: Final = 3  # hosts of large files send to their stores
PART: Final = ".part"  # ends the name of a download that is not complete

_PLAIN: Final = re.compile(r"[!-\[\]-~]+")  # printable ASCII without a backslash
_REDIRECT: Final = frozenset({301, 302, 303, 307, 308})

Progress = Callable[[int, int], None]
"""Told (bytes done, bytes in all) after each piece."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """How the network is reached, and what else than https may be asked.

    `loopback` allows http to this machine, for developers; `copies` allows ``file:``,
    for updates without a network. `clock` is monotonic, in seconds.
    """

    proxies: Proxies = field(default=Proxies())
    limits: Limits = field(default=Limits())
    tls: ssl.SSLContext | None = None
    loopback: bool = False
    copies: bool = False
    clock: Callable[[], float] = time.monotonic


class Fetcher:
    """Fetches for one run: one connection per host, one deadline for all.

    Not to be used by two threads at once.
    """

    def __init__(self, files: Files, network: Network) -> None:
        self._files = files
        self._network = network
        self._limits = network.limits
        self._tls = network.tls
        self._ends = network.clock() + network.limits.run_s
        self._open: dict[tuple[str, str, int], Connection] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        for connection in self._open.values():
            connection.close()
        self._open.clear()

    def get(  # noqa: PLR0913 - what is asked of a server, each by name
        self,
        url: str,
        *,
        max_bytes: int,
        exact: int | None = None,
        redirects: int = 0,
        gzip: bool = False,
        accept: str = "",
    ) -> bytes:
        """Fetch a small file whole, of at most `max_bytes` or `exact` bytes.

        `accept` is the media type that is asked for, where an address has several.

        Raises:
            FetchError: it could not be had.
        """
        ask = Ask(
            most=max_bytes if exact is None else exact,
            ends=self._within(self._limits.small_s),
            redirects=redirects,
            gzip=gzip,
            accept=accept,
        )
        with self._asking(url, ask) as came:
            data = b"".join(came.pieces)
        if exact is not None and len(data) != exact:
            raise FetchError("cut", f"{url}: {len(data)} bytes, expected {exact}")
        return data

    def get_range(self, url: str, start: int, size: int, *, whole: int) -> bytes:
        """Fetch `size` bytes from offset `start` of a file of `whole` bytes.

        Raises:
            FetchError: it could not be had; ``status`` also from a server that has no
                ranges.
        """
        ask = Ask(
            most=size,
            ends=self._large(size),
            redirects=REDIRECTS,
            span=(start, size),
        )
        with self._asking(url, ask) as came:
            if came.status != http.HTTPStatus.PARTIAL_CONTENT:
                raise FetchError("status", "no ranges here", status=came.status)
            _check_span(came, start, start + size, whole)
            data = b"".join(came.pieces)
        if len(data) != size:
            raise FetchError("cut", f"{url}: {len(data)} bytes, expected {size}")
        return data

    def download(
        self,
        url: str,
        path: Path,
        *,
        size: int,
        sha256: str,
        progress: Progress | None = None,
    ) -> None:
        """Fetch a large file to `path`, going on where a former try was cut off.

        Until it is whole and has this hash, it is `path` + ``.part``. If the right file
        is there already, nobody is asked.

        Raises:
            FetchError: it could not be had; what came is kept for the next try, unless
                its hash is wrong.
            StoreError: it cannot be written.
        """
        if self._is_there(path, size, sha256):
            return
        part = path.with_name(path.name + PART)
        told = progress or _nobody
        with self._files.appending(part) as file:
            if file.size > size:
                file.cut(0)
            resumed = file.size
            found = self._grow(url, part, file, size, told)
            if found != sha256 and resumed:
                # The wrong bytes may have been there before: once more from zero.
                file.cut(0)
                found = self._grow(url, part, file, size, told)
            if found != sha256:
                file.cut(0)
                raise FetchError("cut", f"{url}: expected {sha256}, came {found}")
            file.sync()
        self._files.rename(part, path)

    def _grow(self, url: str, path: Path, file: Part, size: int, told: Progress) -> str:
        """Fetch what a file lacks; give the SHA-256 of all of it."""
        ends = self._large(size)
        with self._files.open(path) as before:
            digest = hashlib.file_digest(before, "sha256")
        while file.size < size:
            start = file.size
            ask = Ask(
                most=size,  # the server may answer with all of it
                ends=ends,
                redirects=REDIRECTS,
                span=(start, size - start) if start else None,
            )
            with self._asking(url, ask) as came:
                if came.status == http.HTTPStatus.PARTIAL_CONTENT:
                    _check_span(came, start, size, size)
                elif start:  # all of it comes, or the server knows no such part
                    file.cut(0)
                    digest = hashlib.sha256()
                for piece in came.pieces:
                    file.write(piece)
                    digest.update(piece)
                    told(file.size, size)
            if came.status != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                break
        if file.size != size:
            raise FetchError("cut", f"{url}: {file.size} bytes, expected {size}")
        return digest.hexdigest()

    def _is_there(self, path: Path, size: int, sha256: str) -> bool:
        try:
            with self._files.open(path) as file:
                if file.seek(0, os.SEEK_END) != size:
                    return False
                file.seek(0)
                return hashlib.file_digest(file, "sha256").hexdigest() == sha256
        except StoreError:
            return False

    def _within(self, seconds: float) -> float:
        return min(self._network.clock() + seconds, self._ends)

    def _large(self, size: int) -> float:
        return self._within(self._limits.large_s + size / self._limits.slowest)

    @contextlib.contextmanager
    def _asking(self, url: str, ask: Ask) -> Iterator[Answer]:
        """Ask, and follow redirects as far as they are allowed."""
        hops = ask.redirects
        while True:
            parts = self._address(url)
            if parts.scheme == "file":
                with fetch_errors(url), self._reading(parts, ask) as came:
                    yield came
                return
            with fetch_errors(url), self._exchange(parts, ask) as response:
                if response.status not in _REDIRECT:
                    yield answer(response, ask)
                    return
                if not hops:
                    raise FetchError("redirect", f"answered {response.status}")
                onward = response.headers.get("Location", "")
            hops -= 1
            url = self._redirected(url, onward)

    def _address(self, url: str) -> SplitResult:
        """Check that a URL is one that we may ask, before anything of it is believed.

        It may come from metadata, a mirror list or a redirect.
        """
        try:
            parts = urlsplit(url)
            host, _ = parts.hostname or "", parts.port
        except ValueError as error:
            raise FetchError("unreachable", f"{url[:200]!r}: {error}") from error
        local = self._network.loopback and parts.scheme == "http" and is_loopback(host)
        copy = self._network.copies and parts.scheme == "file" and not host
        if not copy and not (host and (local or parts.scheme == "https")):
            raise FetchError("unreachable", f"{url[:200]!r}: expected https")
        dots = any(unquote(each) in {".", ".."} for each in parts.path.split("/"))
        if dots or parts.username is not None or not _PLAIN.fullmatch(url):
            raise FetchError("unreachable", f"{url[:200]!r}: expected a plain address")
        return parts

    def _redirected(self, url: str, target: str) -> str:
        try:
            onward = urljoin(url, target)
            scheme = self._address(onward).scheme
        except (FetchError, ValueError) as error:
            raise FetchError("redirect", f"{url}: redirects to {error}") from error
        if scheme != urlsplit(url).scheme:
            raise FetchError("redirect", f"{url}: redirects to {scheme}")
        return onward

    @contextlib.contextmanager
    def _reading(self, parts: SplitResult, ask: Ask) -> Iterator[Answer]:
        """Read a file of a copy of the repository as a server would give it."""
        path = Path(unquote(parts.path))
        try:
            file = self._files.open(path)
        except StoreError as error:
            if path.exists():
                raise FetchError("unreachable", str(error)) from error
            raise FetchError("status", "no such file", status=404) from error
        with file:
            whole = file.seek(0, os.SEEK_END)
            start, size = ask.span or (0, whole)
            if size > ask.most:
                raise FetchError("too-long", f"expected at most {ask.most} bytes")
            file.seek(start)
            pieces = iter(lambda: file.read(PIECE_BYTES), b"")
            if ask.span is None:
                yield Answer(200, pieces)
            else:
                data = file.read(size)
                span = f"bytes {start}-{start + size - 1}/{whole}"
                yield Answer(206, iter((data,)), span)

    @contextlib.contextmanager
    def _exchange(
        self, parts: SplitResult, ask: Ask
    ) -> Iterator[http.client.HTTPResponse]:
        """Ask once; the connection is kept if the answer ended where it should."""
        where = (parts.scheme, parts.hostname or "", parts.port or PORTS[parts.scheme])
        line = self._line(where)
        response = None
        try:
            response = send(line, parts, ask)
            yield response
            check_end(line)
        finally:
            if response is not None and may_keep(response, line):
                self._open[where] = line
            else:
                line.close()

    def _line(self, where: tuple[str, str, int]) -> Connection:
        kept = self._open.pop(where, None)
        if kept is not None:
            if kept.is_idle():
                return kept
            kept.close()
        scheme, host, port = where
        if scheme == "https" and self._tls is None:
            self._tls = _system_tls()
        tls = self._tls if scheme == "https" else None
        route = Route(host, port, tls, self._network.proxies.leading_to(host))
        return connect(route, self._limits, self._network.clock)


@dataclass(frozen=True, slots=True)
class Source:
    """A folder on a server, for those who fetch only from there: a log's files."""

    fetcher: Fetcher
    base: str

    def get(self, path: str, max_bytes: int) -> bytes:
        """Fetch a file below the base; gzip is allowed, redirects are not.

        Raises:
            FetchError: it could not be had.
        """
        return self.fetcher.get(self.base + path, max_bytes=max_bytes, gzip=True)


def _check_span(came: Answer, start: int, end: int, whole: int) -> None:
    """Check that a part is the one that was asked for.

    Raises:
        FetchError: ``cut``: another part, or of another file.
    """
    expected = f"bytes {start}-{end - 1}/{whole}"
    if came.span != expected:
        raise FetchError("cut", f"expected {expected!r}, came {came.span[:60]!r}")


def _system_tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _nobody(_: int, __: int) -> None:
    """Take the progress that nobody wants to see."""
