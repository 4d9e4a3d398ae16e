"""Kills a PostgreSQL or a NATS a hundred times under load, and counts what is left.

For decision 0065: neither is a store of the relay, so writers speak to the engine as it
comes from Debian, one blob of 4096 bytes at a time, and note each that it acknowledged.
In the end all of them must be there. A kill shows what an engine holds back in its own
memory; not what it left to the kernel, which a power cut would take as well.

    python -m benchmarks.enginekills postgresql|nats KILLS
"""

import contextlib
import itertools
import json
import os
import random
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

WRITERS = 8
BLOB_BYTES = 4096
START_S = 60.0


class Client(Protocol):
    """One connection to an engine; raises an OSError where that has gone."""

    def put(self, number: int) -> None:
        """Leave a blob under a number; back once it is acknowledged."""

    def numbers(self) -> set[int]:
        """Give all that are there."""


class Engine(Protocol):
    """One server, on a folder of its own."""

    def start(self) -> None:
        """Start it; it need not answer yet."""

    def connect(self) -> Client:
        """Connect; raises an OSError while it does not answer."""

    def kill(self) -> None:
        """End it, and all that it started."""

    def has_ended(self) -> bool:
        """Whether it ended by itself."""


class PostgreSql:
    """As Debian sets it up: each commit is synced."""

    def __init__(self, folder: Path) -> None:
        (self._bin,) = sorted(Path("/usr/lib/postgresql").glob("*/bin"))[-1:]
        self._folder = folder
        shutil.chown(folder, "postgres", "postgres")
        self._run("initdb", "-D", str(folder / "data"), "-A", "trust").wait()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        settings = ("-k", str(self._folder), "-h", "", "-D", str(self._folder / "data"))
        self._process = self._run("postgres", *settings)

    def connect(self) -> "PostgreSqlClient":
        return PostgreSqlClient(self._folder / ".s.PGSQL.5432")

    def kill(self) -> None:
        assert self._process is not None
        _kill_family(self._process)

    def has_ended(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def _run(self, name: str, *options: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [self._bin / name, *options],
            user="postgres",
            group="postgres",
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


class PostgreSqlClient:
    """Speaks what little of the protocol (version 3) simple queries need."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(START_S)
        self._socket.connect(str(path))
        self._file = self._socket.makefile("rb")
        hello = struct.pack("!I", 3 << 16) + b"user\0postgres\0\0"
        self._socket.sendall(struct.pack("!I", len(hello) + 4) + hello)
        self._rows()
        self._ask("CREATE TABLE IF NOT EXISTS blob (n bigint PRIMARY KEY, blob bytea)")

    def put(self, number: int) -> None:
        blob = os.urandom(BLOB_BYTES).hex()
        self._ask(f"INSERT INTO blob VALUES ({number}, '\\x{blob}')")

    def numbers(self) -> set[int]:
        query = f"SELECT n FROM blob WHERE length(blob) = {BLOB_BYTES}"
        return {int(row[6:]) for row in self._ask(query)}

    def _ask(self, query: str) -> list[bytes]:
        raw = query.encode() + b"\0"
        self._socket.sendall(b"Q" + struct.pack("!I", len(raw) + 4) + raw)
        return self._rows()

    def _rows(self) -> list[bytes]:
        """Read until the server is ready for more."""
        rows = []
        while True:
            kind, size = struct.unpack("!cI", self._take(5))
            body = self._take(size - 4)
            if kind == b"D":
                rows.append(body)
            elif kind == b"E":
                raise ConnectionError(body)
            elif kind == b"Z":
                return rows

    def _take(self, size: int) -> bytes:
        raw = self._file.read(size)
        if len(raw) < size:
            raise ConnectionError("closed")
        return raw


class Nats:
    """With JetStream on a folder, and otherwise as Debian sets it up."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = int(free.getsockname()[1])
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            [
                *("nats-server", "-a", "127.0.0.1", "-p", str(self._port)),
                *("-js", "-sd", str(self._folder)),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def connect(self) -> "NatsClient":
        return NatsClient(self._port)

    def kill(self) -> None:
        assert self._process is not None
        _kill_family(self._process)

    def has_ended(self) -> bool:
        return self._process is None or self._process.poll() is not None


class NatsClient:
    """Speaks what little of the protocol publishing with an answer needs."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=START_S)
        self._file = self._socket.makefile("rb")
        self._answers = os.urandom(8).hex()
        self._socket.sendall(
            b'CONNECT {"verbose":false}\r\nSUB _A.%s 1\r\n' % self._answers.encode()
        )
        stream = {"name": "blobs", "subjects": ["b.*"], "storage": "file"}
        self._ask("$JS.API.STREAM.CREATE.blobs", json.dumps(stream).encode())

    def put(self, number: int) -> None:
        answer = self._ask(f"b.{number}", os.urandom(BLOB_BYTES))
        if "seq" not in answer:
            raise ConnectionError(answer)

    def numbers(self) -> set[int]:
        state = self._ask("$JS.API.STREAM.INFO.blobs", b"")["state"]
        found = set()
        for sequence in range(state["first_seq"], state["last_seq"] + 1):
            wanted = json.dumps({"seq": sequence}).encode()
            answer = self._ask("$JS.API.STREAM.MSG.GET.blobs", wanted)
            if "message" in answer:
                found.add(int(answer["message"]["subject"].removeprefix("b.")))
        return found

    def _ask(self, subject: str, body: bytes) -> dict[str, Any]:
        head = f"PUB {subject} _A.{self._answers} {len(body)}\r\n"
        self._socket.sendall(head.encode() + body + b"\r\n")
        while line := self._file.readline():
            if line.startswith(b"PING"):
                self._socket.sendall(b"PONG\r\n")
            elif line.startswith(b"MSG"):
                size = int(line.split()[-1])
                answer: dict[str, Any] = json.loads(self._file.read(size + 2))
                return answer
            elif line.startswith(b"-ERR"):
                raise ConnectionError(line)
        raise ConnectionError("closed")


def _kill_family(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and its children; PostgreSQL's are in sessions of their own."""
    if process.poll() is not None:
        return  # it could not start
    process.send_signal(signal.SIGSTOP)  # it starts no more of them
    file = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    children = [int(each) for each in file.read_text().split()]
    process.kill()
    for child in children:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
    process.wait()


class Sweep:
    """Writers that go on whatever happens, and what was acknowledged to them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._numbers = itertools.count()
        self._is_over = threading.Event()
        self.acknowledged: list[int] = []

    def run(self, kills: int) -> set[int]:
        """Kill the engine so often under load; give what is there in the end."""
        luck = random.Random(1)
        self._engine.start()
        writers = [threading.Thread(target=self._write) for _ in range(WRITERS)]
        for writer in writers:
            writer.start()
        for _ in range(kills):
            before = len(self.acknowledged)
            while len(self.acknowledged) == before:  # until it works again
                if self._engine.has_ended():  # a memory of the last one was in use
                    self._engine.start()
                time.sleep(0.05)
            time.sleep(luck.uniform(0.05, 0.4))
            self._engine.kill()
            self._engine.start()
        self._is_over.set()
        for writer in writers:
            writer.join()
        return next(self._connections()).numbers()

    def _write(self) -> None:
        for client in self._connections():
            with contextlib.suppress(OSError):
                while not self._is_over.is_set():
                    number = next(self._numbers)
                    client.put(number)
                    self.acknowledged.append(number)
                return

    def _connections(self) -> Iterator[Client]:
        while True:
            try:
                yield self._engine.connect()
            except OSError:
                time.sleep(0.05)


def main(name: str, kills: int) -> int:
    """Say what was lost; 1 if anything was."""
    with tempfile.TemporaryDirectory() as folder:
        engine: Engine
        if name == "postgresql":
            engine = PostgreSql(Path(folder))
        else:
            engine = Nats(Path(folder))
        sweep = Sweep(engine)
        try:
            there = sweep.run(kills)
        finally:
            engine.kill()
    lost = set(sweep.acknowledged) - there
    print(f"{name}: {len(lost)} lost of {len(sweep.acknowledged)} acknowledged")
    return bool(lost)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
