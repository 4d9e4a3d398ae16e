"""Reaches the private key of an identity: in the store, in a file, in an SSH agent.

Carrier: reads a file or asks an agent; what is in them is for `signer` and `openssh` to
say. Used when an identity begins and at each weekly rotation.
"""

import base64
import hashlib
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Final

from voip.errors import MissingError, PassphraseError, RefusedError
from voip.identity.agent import AgentSigner, find_agent_signer, list_agent_keys
from voip.identity.keys import Entropy
from voip.identity.openssh import KEY_TYPE, open_key_file
from voip.identity.signer import SEED_BYTES, NativeSigner, Signer, parse_seed
from voip.identity.vault import SignerKind, SignerSource
from voip.wire import be32

MAX_FILE_BYTES: Final = 64 << 10  # an OpenSSH key file has below 1 kB

AskPassphrase = Callable[[], bytes]
"""Asks for the passphrase of a key file that has one."""


def choose(
    kind: SignerKind,
    where: str,
    *,
    agent: Path | None,
    ask: AskPassphrase,
    entropy: Entropy,
) -> tuple[SignerSource, Signer]:
    """Settle where an identity's key is, and reach it for the first time.

    Args:
        kind: where it is; `NATIVE` makes a new one.
        where: the key file's path for `SEED` and `OPENSSH`; for `AGENT` the key's
            fingerprint as ``ssh-add -l`` shows it, or empty if there is only one.
        agent: the agent's socket, if there is one.
        ask: for the passphrase of a key file.
        entropy: random bytes, for a new key.

    Raises:
        MissingError: no such file, or no agent.
        RefusedError: not a key we can use, or one that others can read.
        PassphraseError: not the passphrase of the key file.
        CallError: the agent's own failure.
    """
    match kind:
        case SignerKind.NATIVE:
            source = SignerSource(kind, seed=entropy(SEED_BYTES))
        case SignerKind.AGENT:
            return SignerSource(kind), _choose_agent_key(_socket(agent), where)
        case _:
            source = SignerSource(kind, path=where)
    return source, reach(source, b"", agent=agent, ask=ask)


def reach(
    source: SignerSource,
    identity: bytes,
    *,
    agent: Path | None,
    ask: AskPassphrase | None,
) -> Signer:
    """Reach the key of an identity again; `ask` is None where nobody can be asked.

    The signer may be another identity's, if a file was changed: `Vault.rotated` checks.

    Raises:
        CallError: as for `choose`.
    """
    match source.kind:
        case SignerKind.NATIVE:
            return NativeSigner(source.seed)
        case SignerKind.SEED:
            return NativeSigner(parse_seed(_read(Path(source.path))))
        case SignerKind.OPENSSH:
            return _open_key_file(_read(Path(source.path)), ask)
        case SignerKind.AGENT:
            return find_agent_signer(_socket(agent), identity)
        case SignerKind.EXTERNAL:
            raise MissingError(
                "the identity's key is with another program, which signs"
            )


def _choose_agent_key(path: Path, fingerprint: str) -> AgentSigner:
    if not fingerprint:
        return find_agent_signer(path)
    for key in list_agent_keys(path):
        if _fingerprint(key.identity) == fingerprint:
            return AgentSigner(path, key.identity)
    raise RefusedError(f"agent: expected an ssh-ed25519 key {fingerprint}, came none")


def _fingerprint(identity: bytes) -> str:
    blob = be32(len(KEY_TYPE)) + KEY_TYPE + be32(len(identity)) + identity
    digest = base64.b64encode(hashlib.sha256(blob).digest()).decode()
    return f"SHA256:{digest.rstrip('=')}"


def _socket(agent: Path | None) -> Path:
    if agent is None:
        raise MissingError("no agent is running: SSH_AUTH_SOCK is not set")
    return agent


def _open_key_file(raw: bytes, ask: AskPassphrase | None) -> NativeSigner:
    try:
        return open_key_file(raw, None)
    except PassphraseError:
        if ask is None:
            raise
        return open_key_file(raw, ask())


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(path.stat().st_mode)
            raw = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise MissingError(f"key file {path}: {error.strerror}") from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise RefusedError(f"key file {path}: expected mode 600, came {mode:o}")
    if len(raw) > MAX_FILE_BYTES:
        raise RefusedError(f"key file {path}: expected at most {MAX_FILE_BYTES} bytes")
    return raw
