"""Signing through an SSH agent's socket.

Carrier: asks and waits; messages are in `openssh`. The private key never comes here.
"""

import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from voip.errors import MalformedError, MissingError, RefusedError, UnreachableError
from voip.identity.openssh import (
    LIST_REQUEST,
    AgentKey,
    format_sign_request,
    parse_identities,
    parse_signature,
)
from voip.wire import be32

ANSWER_S: Final = 60.0  # an agent may ask its user, who has to find the window
MAX_ANSWER_BYTES: Final = 256 << 10  # what OpenSSH's own agent sends at most

_LENGTH_BYTES: Final = 4


@dataclass(frozen=True, slots=True)
class AgentSigner:
    """Signs with an Ed25519 key that an agent holds.

    Attributes:
        path: the agent's socket (what ``SSH_AUTH_SOCK`` says).
        identity: which of its keys, 32 bytes.
        timeout_s: how long an answer may take in all.
    """

    path: Path
    identity: bytes
    timeout_s: float = ANSWER_S

    def public_key(self) -> bytes:
        """Tell the identity: 32 raw bytes."""
        return self.identity

    def sign(self, data: bytes) -> bytes:
        """Have the agent sign: 64 raw bytes.

        Raises:
            MissingError: no agent at that path.
            UnreachableError: no answer in time.
            RefusedError: the agent, or its user, said no.
            MalformedError: the answer is not one.
        """
        request = format_sign_request(self.identity, data)
        return parse_signature(_ask(self.path, request, self.timeout_s))


def list_agent_keys(path: Path, *, timeout_s: float = ANSWER_S) -> tuple[AgentKey, ...]:
    """List the Ed25519 keys an agent offers.

    Raises:
        MissingError: no agent at that path.
        UnreachableError: no answer in time.
        RefusedError: the agent said no.
        MalformedError: the answer is not one.
    """
    return parse_identities(_ask(path, LIST_REQUEST, timeout_s))


def find_agent_signer(path: Path, identity: bytes | None = None) -> AgentSigner:
    """Choose a key of an agent: the one asked for, or the only one.

    Raises:
        RefusedError: it is not there, or there is more than one to choose from.
        CallError: as for `list_agent_keys`.
    """
    offered = [key.identity for key in list_agent_keys(path)]
    if identity is not None and identity in offered:
        return AgentSigner(path, identity)
    if identity is None and len(offered) == 1:
        return AgentSigner(path, offered[0])
    raise RefusedError(
        f"agent: {len(offered)} ssh-ed25519 keys are offered, and "
        + ("none is chosen" if identity is None else "this identity is not among them")
    )


def _ask(path: Path, request: bytes, timeout_s: float) -> bytes:
    deadline = time.monotonic() + timeout_s
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.settimeout(timeout_s)
            connection.connect(str(path))
            connection.sendall(be32(len(request)) + request)
            size = int.from_bytes(_take(connection, _LENGTH_BYTES, deadline), "big")
            if size > MAX_ANSWER_BYTES:
                raise MalformedError(
                    f"agent: expected at most {MAX_ANSWER_BYTES} bytes, came {size}"
                )
            return _take(connection, size, deadline)
        except TimeoutError:
            raise UnreachableError(f"agent: no answer in {timeout_s:g} s") from None
        except OSError as error:
            raise MissingError(f"agent: {path}: {error.strerror or error}") from error


def _take(connection: socket.socket, size: int, deadline: float) -> bytes:
    taken = bytearray()
    while len(taken) < size:
        # One deadline for all: byte by byte, an answer could else take for ever.
        left_s = deadline - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        connection.settimeout(left_s)
        chunk = connection.recv(size - len(taken))
        if not chunk:
            raise MalformedError(
                f"agent: expected {size} bytes, came {len(taken)} and the end"
            )
        taken += chunk
    return bytes(taken)
