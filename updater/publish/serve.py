"""A static folder over HTTP on this machine, with ranges: for rehearsals and demos.

Carrier. Several folders may lie over each other, the first that has a file gives it:
what is staged over what is public is what everybody would see. Anybody here may
connect, so connections are few and short, and no path leads out of the folders.
"""

import contextlib
import re
import threading
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, BinaryIO, Final
from urllib.parse import unquote, urlsplit

from updater.archive.names import check_path
from updater.errors import MalformedError, StoreError
from updater.files import PIECE_BYTES, Files

MAX_CONNECTIONS: Final = 32
"""At once; more wait in the kernel."""
IDLE_S: Final = 20.0
"""Seconds for which a connection may say nothing."""

_RANGE: Final = re.compile(r"bytes=([0-9]{1,15})-([0-9]{1,15})")


@contextlib.contextmanager
def serve_folders(folders: Sequence[Path], *, port: int = 0) -> Iterator[str]:
    """Serve folders on the loopback interface while the block runs; gives the URL.

    Raises:
        StoreError: nothing can listen there.
    """
    try:
        server = _Server(("127.0.0.1", port), folders)
    except OSError as error:
        raise StoreError(f"port {port}: {error.strerror}") from error
    thread = threading.Thread(target=server.serve_forever, name="folders", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, place: tuple[str, int], folders: Sequence[Path]) -> None:
        self.folders = tuple(each.resolve() for each in folders)
        self._free = threading.BoundedSemaphore(MAX_CONNECTIONS)
        super().__init__(place, _Handler)

    def process_request(
        self, request: Any, client_address: Any
    ) -> None:  # Any: as in socketserver
        self._free.acquire()
        super().process_request(request, client_address)

    def process_request_thread(
        self, request: Any, client_address: Any
    ) -> None:  # likewise
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: whoever went away needs no traceback."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"  # one connection for all questions of a run
    timeout = IDLE_S
    # Head and body leave together, or each answer waits 40 ms to be acknowledged.
    wbufsize = PIECE_BYTES
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def _answer(self, *, with_body: bool) -> None:
        with contextlib.ExitStack() as opened:
            file = self._open(opened)
            if file is None:
                self._refuse(HTTPStatus.NOT_FOUND)
                return
            size = file.seek(0, 2)
            start, end = self._span(size)
            if start >= end > 0 or start > size:
                self._refuse(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
                return
            is_part = (start, end) != (0, size)
            self.send_response(HTTPStatus.PARTIAL_CONTENT if is_part else HTTPStatus.OK)
            if is_part:
                self.send_header("Content-Range", f"bytes {start}-{end - 1}/{size}")
            self.send_header("Content-Type", "application/octet-stream")
            self.send_header("Content-Length", str(end - start))
            self.end_headers()
            if with_body:
                self._send(file, start, end)

    def _open(self, opened: contextlib.ExitStack) -> BinaryIO | None:
        """Open what is asked for in the first folder that has it."""
        path = unquote(urlsplit(self.path).path).removeprefix("/")
        try:
            check_path(path)
        except MalformedError:
            return None
        for folder in self.server.folders:
            with contextlib.suppress(StoreError):
                return opened.enter_context(Files(folder).open(folder / path))
        return None

    def _span(self, size: int) -> tuple[int, int]:
        """Read which bytes are asked for: all, unless it is one plain range."""
        found = _RANGE.fullmatch(self.headers.get("Range", ""))
        if found is None:
            return 0, size
        return int(found[1]), min(int(found[2]) + 1, size)

    def _send(self, file: BinaryIO, start: int, end: int) -> None:
        file.seek(start)
        left = end - start
        while left and (piece := file.read(min(PIECE_BYTES, left))):
            self.wfile.write(piece)
            left -= len(piece)

    def _refuse(self, status: HTTPStatus) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
        """Log nothing."""

    def version_string(self) -> str:
        """Name the program, not the Python under it."""
        return "ringfence"
