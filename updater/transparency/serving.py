"""A witness over HTTP: add-checkpoint, and what it signed last (C2SP tlog-witness).

Carrier. It speaks plain HTTP; to be reached from elsewhere it stands behind a server
that has TLS. Anybody may connect, so connections are few, short and small: one request
each, one deadline over all its bytes, and no body is read that is too long.
"""

import contextlib
import socket
import threading
from collections.abc import Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from updater.errors import BusyError, DeclinedError, StoreError
from updater.transparency.checkpoint import NUMBER
from updater.transparency.cosigning import SIZE_TYPE, check_post
from updater.transparency.witness import Witness

MAX_CONNECTIONS = 64
"""At once; more wait in the kernel. A log asks its witnesses a few times a day."""

DEADLINE_S = 20.0
"""Seconds for a whole request, however slowly its bytes drip."""

_POLL_S = 0.05  # how soon the end of the block is noticed
_TEXT = "text/plain; charset=utf-8"


@contextlib.contextmanager
def serve_witness(
    witness: Witness, *, host: str = "127.0.0.1", port: int = 0
) -> Iterator[str]:
    """Answer while the block runs; gives the URL that is both prefixes.

    Raises:
        StoreError: nothing can listen there.
    """
    try:
        server = _Server((host, port), witness)
    except OSError as error:
        raise StoreError(f"{host}:{port}: {error.strerror}") from error
    thread = threading.Thread(
        target=server.serve_forever, args=(_POLL_S,), name="witness", daemon=True
    )
    thread.start()
    try:
        yield f"http://{_bracketed(host)}:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # those who wait for one of the connections

    def __init__(self, place: tuple[str, int], witness: Witness) -> None:
        self.witness = witness
        self._free = threading.BoundedSemaphore(MAX_CONNECTIONS)
        if ":" in place[0]:
            self.address_family = socket.AF_INET6
        super().__init__(place, _Handler)

    def process_request(
        self, request: Any, client_address: Any
    ) -> None:  # Any: as in socketserver
        self._free.acquire()  # not accepted before: a flood waits, it costs nothing
        try:
            super().process_request(request, client_address)
        except BaseException:  # no thread to be had: the place is free again
            self._free.release()
            raise

    def process_request_thread(
        self, request: Any, client_address: Any
    ) -> None:  # likewise
        watch = threading.Timer(DEADLINE_S, _abort, (request,))
        watch.daemon = True
        watch.start()
        try:
            super().process_request_thread(request, client_address)
        finally:
            watch.cancel()
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: whoever went away, or was too slow, needs no traceback."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = DEADLINE_S  # for each read; the watch is for all together

    def do_POST(self) -> None:
        if not self.path.endswith("/add-checkpoint"):
            self._answer(HTTPStatus.NOT_FOUND, b"no such path\n")
            return
        try:
            lines = self.server.witness.add_checkpoint(self._body())
        except DeclinedError as error:
            self._decline(error)
        except (BusyError, StoreError):
            # What is wrong with our disk is nobody else's business.
            self._answer(HTTPStatus.SERVICE_UNAVAILABLE, b"try again later\n")
        else:
            self._answer(HTTPStatus.OK, lines)

    def do_GET(self) -> None:
        place, _, name = self.path.rpartition("/")
        if self.path.endswith("/add-checkpoint"):
            self._answer(HTTPStatus.METHOD_NOT_ALLOWED, b"expected POST\n")
            return
        found = None
        if name == "checkpoint":
            found = self.server.witness.checkpoint(place.rpartition("/")[2])
        if found is None:
            self._answer(HTTPStatus.NOT_FOUND, b"no such checkpoint\n")
        else:
            self._answer(HTTPStatus.OK, found)

    def send_error(
        self, code: int, message: str | None = None, explain: str | None = None
    ) -> None:
        """Answer what http.server itself refuses, without its page."""
        # An unknown method is 501 there, and 405 in the specification of witnesses.
        status = HTTPStatus.METHOD_NOT_ALLOWED if code == 501 else code
        self._answer(status, f"{message or explain or 'refused'}\n".encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
        """Log nothing: whoever asks a witness is nobody's business."""

    def version_string(self) -> str:
        """Name the program, not the Python under it."""
        return "ringfence"

    def _body(self) -> bytes:
        """Read the body, once its length is known to be small.

        Raises:
            DeclinedError: its length is not said, or too large.
        """
        length = self.headers.get("Content-Length", "")
        if not NUMBER.fullmatch(length):
            raise DeclinedError("expected a Content-Length", status=411)
        check_post(self.command, int(length))
        return self.rfile.read(int(length))

    def _decline(self, error: DeclinedError) -> None:
        if error.status == HTTPStatus.CONFLICT:
            self._answer(HTTPStatus.CONFLICT, f"{error.size}\n".encode(), SIZE_TYPE)
        else:
            self._answer(error.status, f"{error}\n".encode())

    def _answer(self, status: int, body: bytes, kind: str = _TEXT) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _abort(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it ended by itself just now
        connection.shutdown(socket.SHUT_RDWR)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
