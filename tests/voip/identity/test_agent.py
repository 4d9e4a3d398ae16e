"""Signing through an agent: the real one, and some that misbehave."""

import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from tests.voip.identity.people import ALICE, BOB
from voip.errors import (
    CallError,
    CertificateError,
    MalformedError,
    MissingError,
    RefusedError,
    UnreachableError,
)
from voip.identity.agent import AgentSigner, find_agent_signer, list_agent_keys
from voip.identity.signer import check_signature, checked_sign

A, B = ALICE.public_key(), BOB.public_key()
Serve = Callable[[socket.socket], None]


@pytest.fixture
def folder() -> Iterator[Path]:
    """Give a folder with a short name: a socket's path has 108 bytes at most."""
    with tempfile.TemporaryDirectory(prefix="rf") as name:
        yield Path(name)


@pytest.fixture
def agent(folder: Path) -> Iterator[Path]:
    """Run OpenSSH's own agent."""
    if shutil.which("ssh-agent") is None:
        pytest.skip("ssh-agent is not installed")
    path = folder / "agent"
    running = subprocess.Popen(
        ["ssh-agent", "-D", "-a", str(path)], stdout=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 10
        while not path.exists() and time.monotonic() < deadline:
            threading.Event().wait(0.01)
        yield path
    finally:
        running.terminate()
        running.wait()


def _load(agent: Path, seed: bytes) -> None:
    key = Ed25519PrivateKey.from_private_bytes(seed).private_bytes(
        Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()
    )
    subprocess.run(
        ["ssh-add", "-q", "-"], input=key, env={"SSH_AUTH_SOCK": str(agent)}, check=True
    )


def test_a_real_agent_signs(agent: Path) -> None:
    _load(agent, ALICE.seed)
    signature = checked_sign(find_agent_signer(agent), b"text")

    check_signature(A, signature, b"text")


def test_a_key_is_chosen_among_several(agent: Path) -> None:
    _load(agent, ALICE.seed)
    _load(agent, BOB.seed)

    assert find_agent_signer(agent, B) == AgentSigner(agent, B)


def test_a_choice_is_not_made_for_the_user(agent: Path) -> None:
    _load(agent, ALICE.seed)
    _load(agent, BOB.seed)

    with pytest.raises(RefusedError, match="2 ssh-ed25519 keys are offered, and none"):
        find_agent_signer(agent)


def test_a_key_that_is_not_offered_is_refused(agent: Path) -> None:
    with pytest.raises(RefusedError, match=r"0 ssh-ed25519 keys .* not among them"):
        find_agent_signer(agent, A)


def test_an_agent_refuses_a_key_it_does_not_have(agent: Path) -> None:
    with pytest.raises(RefusedError, match="it refused"):
        AgentSigner(agent, A).sign(b"text")


def test_an_agent_that_is_not_there_is_missing(folder: Path) -> None:
    with pytest.raises(MissingError, match="No such file"):
        list_agent_keys(folder / "none")


@contextmanager
def _misbehaving(folder: Path, serve: Serve) -> Iterator[Path]:
    """Serve one connection on a thread."""
    path = folder / "agent"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def run() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                serve(connection)

        thread = threading.Thread(target=run)
        thread.start()
        yield path
        thread.join()


def _until_closed(connection: socket.socket) -> None:
    while connection.recv(4096):
        pass


def _drip(connection: socket.socket) -> None:
    connection.sendall(b"\0\0\x10\0")
    try:
        while True:
            connection.sendall(b"\x0e")
            threading.Event().wait(0.02)
    except BrokenPipeError:
        return


def _reset(connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    ("serve", "error", "sentence"),
    [
        (lambda c: c.sendall(b"\0\0"), MalformedError, "expected 4 bytes, came 2"),
        (lambda c: c.sendall(b"\0\0\0\x09\x0e"), MalformedError, "expected 9 bytes"),
        (lambda c: c.sendall(b"\xff" * 4), MalformedError, "came 4294967295"),
        (lambda c: c.sendall(b"\0\0\0\1\x06"), MalformedError, "expected answer 14"),
        (lambda c: c.sendall(b"\0\0\0\0"), MalformedError, "cut short"),
        (lambda c: c.sendall(b"\0\0\0\1\x05"), RefusedError, "it refused"),
        (_reset, MalformedError, "came 0 and the end"),
        (_until_closed, UnreachableError, r"no answer in 0\.2 s"),
        (_drip, UnreachableError, r"no answer in 0\.2 s"),
    ],
)
def test_a_misbehaving_agent_gives_one_sentence(
    folder: Path, serve: Serve, error: type[CallError], sentence: str
) -> None:
    with (
        _misbehaving(folder, serve) as path,
        pytest.raises(error, match=sentence),
    ):
        AgentSigner(path, A, timeout_s=0.2).sign(b"text")


def test_an_agent_that_signs_with_another_key_is_noticed(folder: Path) -> None:
    def serve(connection: socket.socket) -> None:
        signature = BOB.sign(b"text")
        blob = b"\0\0\0\x0bssh-ed25519\0\0\0\x40" + signature
        body = b"\x0e" + len(blob).to_bytes(4, "big") + blob
        connection.sendall(len(body).to_bytes(4, "big") + body)

    with (
        _misbehaving(folder, serve) as path,
        pytest.raises(CertificateError, match="signature"),
    ):
        checked_sign(AgentSigner(path, A), b"text")
