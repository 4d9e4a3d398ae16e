"""A file server on loopback that misbehaves on request, path by path.

Carrier, for tests. It serves a folder as it should, with ranges and kept connections,
and remembers what it was asked; for a path in `behaviour` it does that instead.

::

    with HostileServer(folder) as server:
        server.behaviour["/metadata/timestamp.json"] = drip(b"{}", per_s=2)
        fetcher.get(server.url + "metadata/timestamp.json", max_bytes=100)
"""

import contextlib
import re
import socket
import ssl
import threading
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self
from urllib.parse import unquote

_HEAD: Final = 64 << 10
_PATIENCE_S: Final = 60.0  # a test that hangs longer fails anyway
_RANGE: Final = re.compile(r"bytes=([0-9]+)-([0-9]*)")
_GIB: Final = 1 << 30


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked; header names in lower case."""

    path: str
    headers: Mapping[str, str]


class Line:
    """One connection, as a behaviour sees it."""

    def __init__(self, opened: socket.socket, stopping: threading.Event) -> None:
        self._socket = opened
        self._stopping = stopping

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._socket.sendall(data)

    def pause(self, seconds: float) -> bool:
        """Wait; false once the server is being closed."""
        return not self._stopping.wait(seconds)

    def head(self, status: int, **headers: object) -> None:
        """Send the head of an answer; an underscore in a name stands for a hyphen."""
        lines = [
            f"{name.replace('_', '-')}: {value}" for name, value in headers.items()
        ]
        text = "\r\n".join([f"HTTP/1.1 {status} -", *lines, "", ""])
        self.send(text.encode())

    def read_request(self) -> Request | None:
        """Wait for a request; None when the other side is done."""
        data = b""
        while not data.endswith(b"\r\n\r\n"):
            piece = self._socket.recv(_HEAD)
            if not piece or len(data) > _HEAD:
                return None
            data += piece
        first, *rest = data.decode("latin-1").split("\r\n")[:-2]
        pairs = (line.partition(":") for line in rest)
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        return Request(first.split(" ")[1], headers)


Behaviour = Callable[[Line, Request], None]
"""Answers one request in its own way; the connection is closed afterwards."""


class HostileServer:
    """Serves a folder over http, or https with `tls`; `asked` holds what came."""

    def __init__(
        self,
        folder: Path,
        *,
        tls: ssl.SSLContext | None = None,
        host: str = "127.0.0.1",
    ) -> None:
        self.behaviour: dict[str, Behaviour] = {}
        self.asked: list[Request] = []
        self.connections = 0
        self._folder = folder
        self._tls = tls
        self._stopping = threading.Event()
        self._listening = socket.create_server((host, 0))
        port = self._listening.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://{host}:{port}/"
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._served: list[threading.Thread] = []
        self._open: set[socket.socket] = set()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for opened in list(self._open):
            with contextlib.suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)
        for thread in (self._thread, *self._served):
            thread.join()

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                opened, _ = self._listening.accept()
            except OSError:  # closed by __exit__
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(opened,), daemon=True)
            self._served.append(thread)
            thread.start()

    def _serve(self, opened: socket.socket) -> None:
        opened.settimeout(_PATIENCE_S)
        # A head and a body sent one after the other would wait for each other 40 ms.
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # A client that gives up is what is being tested.
        with contextlib.suppress(OSError), opened:
            if self._tls:
                opened = self._tls.wrap_socket(opened, server_side=True)
            with opened:
                self._open.add(opened)
                line = Line(opened, self._stopping)
                while request := line.read_request():
                    self.asked.append(request)
                    special = self.behaviour.get(request.path)
                    if special is not None:
                        special(line, request)
                        break
                    self._give(line, request)
                self._open.discard(opened)

    def _give(self, line: Line, request: Request) -> None:
        """Serve a file, or the part of it that was asked for."""
        path = self._folder / unquote(request.path.partition("?")[0]).lstrip("/")
        if not path.is_file():
            line.head(404, Content_Length=0)
            return
        data = path.read_bytes()
        span = _RANGE.fullmatch(request.headers.get("range", ""))
        if span is None:
            line.head(200, Content_Length=len(data))
            line.send(data)
            return
        start, end = int(span[1]), min(int(span[2] or len(data)), len(data) - 1)
        if start >= len(data):
            line.head(416, Content_Length=0, Content_Range=f"bytes */{len(data)}")
            return
        part = data[start : end + 1]
        where = f"bytes {start}-{end}/{len(data)}"
        line.head(206, Content_Length=len(part), Content_Range=where)
        line.send(part)


def page(body: bytes, status: int = 200, **headers: object) -> Behaviour:
    """Answer with these bytes: a portal's page, an error, or last week's file."""

    def answer(line: Line, _: Request) -> None:
        line.head(status, Content_Length=len(body), **headers)
        line.send(body)

    return answer


def redirect(to: str, status: int = 302) -> Behaviour:
    """Send the client elsewhere."""
    return page(b"", status, Location=to)


def raw(data: bytes) -> Behaviour:
    """Answer with exactly these bytes, head and all."""
    return lambda line, _: line.send(data)


def lying(body: bytes, announced: int) -> Behaviour:
    """Announce another length than that of the body."""

    def answer(line: Line, _: Request) -> None:
        line.head(200, Content_Length=announced)
        line.send(body)

    return answer


def cut(body: bytes, after: int) -> Behaviour:
    """Break off in the middle of the body; a later try is answered the same way."""
    return lying(body[:after], len(body))


def endless(announced: int | None = None) -> Behaviour:
    """Send for ever: in chunks, or after a length that is a lie."""

    def answer(line: Line, _: Request) -> None:
        block = bytes(1 << 16)
        if announced is None:
            line.head(200, Transfer_Encoding="chunked")
            block = b"10000\r\n" + block + b"\r\n"
        else:
            line.head(200, Content_Length=announced)
        while line.pause(0):
            line.send(block)

    return answer


def bomb(size: int = _GIB) -> Behaviour:
    """Send gzip of about a thousandth of the size that it unpacks to."""

    def answer(line: Line, _: Request) -> None:
        packer = zlib.compressobj(9, zlib.DEFLATED, 31)
        block = bytes(1 << 20)
        line.head(200, Transfer_Encoding="chunked", Content_Encoding="gzip")
        for _block in range(size // len(block)):
            packed = packer.compress(block)
            if packed:
                line.send(b"%x\r\n%s\r\n" % (len(packed), packed))
        packed = packer.flush()
        line.send(b"%x\r\n%s\r\n0\r\n\r\n" % (len(packed), packed))

    return answer


def drip(body: bytes, pause_s: float, *, head: bool = False) -> Behaviour:
    """Send one byte after the other; with `head`, from the first of the head on."""

    def answer(line: Line, _: Request) -> None:
        text = f"HTTP/1.1 200 -\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        if not head:
            line.send(text)
            text = b""
        for each in text + body:
            if not line.pause(pause_s):
                return
            line.send(bytes([each]))

    return answer


def silence(*, after_head: bool = False) -> Behaviour:
    """Say nothing, or nothing after the head."""

    def answer(line: Line, _: Request) -> None:
        if after_head:
            line.head(200, Content_Length=1_000)
        line.pause(_PATIENCE_S)

    return answer


def wrong_range(body: bytes, content_range: str) -> Behaviour:
    """Answer with a part that is not the one that was asked for."""
    return page(body, 206, Content_Range=content_range)
