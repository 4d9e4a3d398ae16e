"""An identity's key, wherever it is."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.voip.identity.people import ALICE, luck
from voip.errors import CallError, MissingError, PassphraseError, RefusedError
from voip.identity.reach import choose, reach
from voip.identity.signer import Signer, checked_sign
from voip.identity.vault import SignerKind, SignerSource


def _nobody() -> bytes:
    raise AssertionError("nobody was to be asked")


def _key_file(path: Path, passphrase: bytes | None) -> Path:
    key = Ed25519PrivateKey.from_private_bytes(ALICE.seed)
    encryption: serialization.KeySerializationEncryption = (
        serialization.BestAvailableEncryption(passphrase)
        if passphrase
        else serialization.NoEncryption()
    )
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.OpenSSH,
            encryption,
        )
    )
    path.chmod(0o600)
    return path


def _chosen(
    kind: SignerKind, where: object = "", agent: Path | None = None
) -> tuple[SignerSource, Signer]:
    return choose(kind, str(where), agent=agent, ask=_nobody, entropy=luck())


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Path]:
    """Run OpenSSH's own agent with Alice's key in it."""
    if shutil.which("ssh-agent") is None:
        pytest.skip("no ssh-agent on this machine")
    path = tmp_path / "agent"
    server = subprocess.Popen(
        ["ssh-agent", "-D", "-a", path],
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
    )
    assert server.stdout is not None
    server.stdout.readline()  # it says where it listens, and so it does
    key = _key_file(tmp_path / "key", None)
    subprocess.run(["ssh-add", "-q", key], env={"SSH_AUTH_SOCK": str(path)}, check=True)
    yield path
    server.terminate()
    server.communicate()


def test_a_new_key_stays_in_the_store() -> None:
    source, signer = _chosen(SignerKind.NATIVE)
    again = reach(source, b"", agent=None, ask=None)

    assert again.public_key() == signer.public_key()


def test_a_seed_file_is_read_again_at_each_rotation(tmp_path: Path) -> None:
    path = tmp_path / "seed"
    path.write_text(ALICE.seed.hex())
    path.chmod(0o600)
    source, signer = _chosen(SignerKind.SEED, path)

    assert signer.public_key() == ALICE.public_key()
    assert source == SignerSource(SignerKind.SEED, path=str(path))


def test_a_key_file_without_a_passphrase_asks_nobody(tmp_path: Path) -> None:
    path = _key_file(tmp_path / "key", None)
    _, signer = _chosen(SignerKind.OPENSSH, path)

    assert signer.public_key() == ALICE.public_key()


def test_a_key_file_with_a_passphrase_asks_for_it(tmp_path: Path) -> None:
    path = _key_file(tmp_path / "key", b"open sesame")
    source = SignerSource(SignerKind.OPENSSH, path=str(path))
    signer = reach(source, b"", agent=None, ask=lambda: b"open sesame")

    assert signer.public_key() == ALICE.public_key()


def test_a_locked_key_file_with_nobody_to_ask_is_an_error(tmp_path: Path) -> None:
    path = _key_file(tmp_path / "key", b"open sesame")
    source = SignerSource(SignerKind.OPENSSH, path=str(path))

    with pytest.raises(PassphraseError):
        reach(source, b"", agent=None, ask=None)


@pytest.mark.parametrize(
    ("content", "mode", "error", "sentence"),
    [
        (b"x" * 32, 0o644, RefusedError, "expected mode 600, came 644"),
        (b"x" * (64 << 10) + b"x", 0o600, RefusedError, "at most 65536 bytes"),
    ],
)
def test_a_file_that_cannot_be_a_key_is_refused(
    tmp_path: Path,
    content: bytes,
    mode: int,
    error: type[CallError],
    sentence: str,
) -> None:
    path = tmp_path / "seed"
    path.write_bytes(content)
    path.chmod(mode)

    with pytest.raises(error, match=sentence):
        _chosen(SignerKind.SEED, path)


def test_a_file_that_is_gone_is_missing(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="gone: No such file"):
        _chosen(SignerKind.OPENSSH, tmp_path / "gone")


def test_an_agent_signs_with_its_only_key(agent: Path) -> None:
    source, signer = _chosen(SignerKind.AGENT, agent=agent)
    again = reach(source, ALICE.public_key(), agent=agent, ask=None)

    assert signer.public_key() == ALICE.public_key()
    assert checked_sign(again, b"text") == ALICE.sign(b"text")


def test_an_agents_key_is_chosen_by_its_fingerprint(
    agent: Path, tmp_path: Path
) -> None:
    shown = subprocess.run(
        ["ssh-keygen", "-lf", tmp_path / "key"],
        capture_output=True,
        text=True,
        check=True,
    )
    _, signer = _chosen(SignerKind.AGENT, shown.stdout.split()[1], agent)

    assert signer.public_key() == ALICE.public_key()


def test_a_fingerprint_no_agent_key_has_is_refused(agent: Path) -> None:
    with pytest.raises(RefusedError, match="SHA256:nobody, came none"):
        _chosen(SignerKind.AGENT, "SHA256:nobody", agent)


def test_without_an_agent_there_is_no_key() -> None:
    with pytest.raises(MissingError, match="SSH_AUTH_SOCK is not set"):
        _chosen(SignerKind.AGENT)


def test_a_key_of_another_program_is_not_reached_from_here() -> None:
    with pytest.raises(MissingError, match="with another program"):
        reach(SignerSource(SignerKind.EXTERNAL), b"", agent=None, ask=None)
