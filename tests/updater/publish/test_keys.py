"""Keys of a publisher: where they are, and that they open."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import load_der_public_key

from tests.updater.publish.projects import NOW, TUF, key, keys
from updater.errors import MalformedError, MissingError, RefusedError, StoreError
from updater.files import Files
from updater.keyfile import PrivateKey
from updater.publish import metadata
from updater.publish.keyring import Keyring, spki
from updater.publish.keys import (
    KeyFiles,
    KeyUri,
    open_module,
    parse_uri,
    read_public,
    write_public,
)
from updater.publish.roles import TOP, Signers

SOFTHSM = next(
    (
        path
        for path in (
            "/usr/lib/softhsm/libsofthsm2.so",
            "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
            "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
        )
        if Path(path).exists()
    ),
    None,
)
PIN = b"1234"


@pytest.mark.parametrize(
    "text", ["sealed:keys/a.key", "plain:a", "hsm:/lib/m.so?token=t&label=l"]
)
def test_a_uri_is_read_as_it_was_written(text: str) -> None:
    assert str(parse_uri(text)) == text


@pytest.mark.parametrize(
    "text", ["", "keys/a.key", "file2:a", "sealed:", "hsm:/lib/m.so", "sealed:a b"]
)
def test_other_uris_name_no_key(text: str) -> None:
    with pytest.raises(MalformedError, match="key: expected"):
        parse_uri(text)


@pytest.fixture
def files(tmp_path: Path) -> KeyFiles:
    return KeyFiles(tmp_path, Files())


@pytest.mark.parametrize("scheme", ["sealed", "plain"])
def test_a_key_opens_as_it_was_made(files: KeyFiles, scheme: str) -> None:
    uri = parse_uri(f"{scheme}:a.key")
    files.create(uri, key("a"), lambda: b"pass", os.urandom)

    opened = files.open(uri, lambda: b"pass")

    assert spki(opened) == spki(key("a"))


def test_a_sealed_key_needs_its_passphrase(files: KeyFiles) -> None:
    uri = parse_uri("sealed:a.key")
    files.create(uri, key("a"), lambda: b"pass", os.urandom)

    with pytest.raises(RefusedError, match="wrong passphrase"):
        files.open(uri, lambda: b"word")


def test_a_key_that_others_can_write_is_refused(
    files: KeyFiles, tmp_path: Path
) -> None:
    uri = parse_uri("plain:a.key")
    files.create(uri, key("a"), lambda: b"", os.urandom)
    (tmp_path / "a.key").chmod(0o666)

    with pytest.raises(StoreError, match="others may write it"):
        files.open(uri, lambda: b"")


def test_no_key_is_put_into_a_module(files: KeyFiles) -> None:
    uri = parse_uri("hsm:/lib/m.so?token=t&label=l")

    with pytest.raises(RefusedError, match="made inside its module"):
        files.create(uri, key("a"), lambda: b"", os.urandom)


def test_a_public_half_is_read_as_it_was_written() -> None:
    public = spki(key("a"))

    assert read_public(write_public(public)) == public


def test_rubbish_is_no_public_half() -> None:
    with pytest.raises(MalformedError, match="public key"):
        read_public(b"rubbish")


def test_a_ring_opens_a_key_only_when_it_is_needed() -> None:
    opened: list[str] = []

    def open_it() -> PrivateKey:
        opened.append("a")
        return key("a")

    ring = Keyring(closed={spki(key("a")): open_it})
    before = (ring.count([spki(key("a"))]), list(opened))
    ring.signers([spki(key("a"))], 1)
    ring.signers([spki(key("a"))], 1)

    assert (before, opened) == ((1, []), ["a"])


def test_a_key_file_with_another_key_is_noticed() -> None:
    ring = Keyring(closed={spki(key("a")): lambda: key("b")})

    with pytest.raises(RefusedError, match="another key than its public half"):
        ring.signers([spki(key("a"))], 1)


def test_a_module_that_is_not_there_is_missing() -> None:
    uri = parse_uri("hsm:/nowhere.so?token=t&label=l")

    with pytest.raises(MissingError, match=r"hsm: /nowhere\.so"):
        open_module(uri, lambda: PIN).__enter__()


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> KeyUri:
    """Make a token with one P-256 key in SoftHSM."""
    tool = shutil.which("softhsm2-util")
    if SOFTHSM is None or tool is None:
        pytest.skip("needs SoftHSM2 (package softhsm2)")
    (tmp_path / "tokens").mkdir()
    settings = tmp_path / "softhsm2.conf"
    settings.write_text(f"directories.tokendir = {tmp_path / 'tokens'}\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(settings))
    words = ("--init-token", "--free", "--label", "release", "--so-pin", "5678")
    subprocess.run(
        [tool, *words, "--pin", PIN.decode()], check=True, capture_output=True
    )
    script = (
        "import pkcs11, sys\n"
        "from pkcs11 import Attribute, KeyType\n"
        "from pkcs11.util.ec import encode_named_curve_parameters as curve\n"
        "token = pkcs11.lib(sys.argv[1]).get_token(token_label='release')\n"
        "with token.open(rw=True, user_pin='1234') as session:\n"
        "    made = session.create_domain_parameters(KeyType.EC, {\n"
        "        Attribute.EC_PARAMS: curve('secp256r1')}, local=True)\n"
        "    made.generate_keypair(store=True, label='ci')\n"
    )

    # In a process of its own: a module reads its settings once.
    subprocess.run([sys.executable, "-c", script, SOFTHSM], check=True)
    return parse_uri(f"hsm:{SOFTHSM}?token=release&label=ci")


def test_a_key_in_a_module_signs_metadata(module: KeyUri) -> None:
    with open_module(module, lambda: PIN) as (public, signer):
        who = {name: Signers(1, (public,)) for name in TOP}
        root = metadata.sign(metadata.new_root(who, version=1, now=NOW), [signer])

    assert metadata.standing(root, "root", root).missing == 0


def test_a_key_in_a_module_vouches_for_a_file(module: KeyUri) -> None:
    digest = hashlib.sha256(b"a file").digest()

    with open_module(module, lambda: PIN) as (public, signer):
        signature = signer.sign_digest(digest)

    key = load_der_public_key(public)
    assert isinstance(key, ec.EllipticCurvePublicKey)
    key.verify(signature, digest, ec.ECDSA(Prehashed(hashes.SHA256())))


def test_five_people_sign_a_root_of_two_kinds() -> None:
    from cryptography.hazmat.primitives.asymmetric import mldsa  # noqa: PLC0415 - here

    classical = keys("root", 3)
    later = [mldsa.MLDSA65PrivateKey.from_seed_bytes(bytes([n]) * 32) for n in range(3)]
    ring = Keyring([*classical, *later])
    both = (*map(spki, classical), *map(spki, later))
    who = {name: Signers(1, (spki(TUF[name][0]),)) for name in TOP}
    made = metadata.new_root(who | {"root": Signers(4, both)}, version=1, now=NOW)

    root = metadata.sign(made, ring.signers(both, 4))

    standing = metadata.standing(root, "root", root)
    kinds = {type(load_der_public_key(each)).__name__ for each in standing.signed}
    assert (standing.missing, len(kinds)) == (0, 2)
