"""Opening the keys of a publisher: sealed files, plain files, hardware modules.

Carrier, and the only door to PKCS#11. A key is named by a URI::

    sealed:keys/root-1.key               a file that a passphrase opens
    plain:keys/ci.key                    a file that anybody can use who gets it
    hsm:/usr/lib/softhsm/libsofthsm2.so?token=release&label=ci

A path is relative to the publisher's folder. A key in a module never leaves it: it
signs there, ECDSA on P-256 or P-384 alone, so that it can sign metadata and no claims.
"""

import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, assert_never

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
    load_pem_public_key,
)
from securesystemslib.signer import Key, SecretsHandler, Signature, Signer, SSlibKey

from updater.errors import MalformedError, MissingError, RefusedError
from updater.files import Files
from updater.keyfile import (
    MAX_FILE_BYTES,
    PrivateKey,
    format_plain_key,
    open_key,
    parse_plain_key,
    seal_key,
)

if TYPE_CHECKING:
    import pkcs11

Scheme = Literal["sealed", "plain", "hsm"]

_URI: Final = re.compile(r"(sealed|plain|hsm):([!-~]{1,500})")
_MODULE: Final = re.compile(r"(/[^?]+)\?token=([^&]{1,32})&label=([^&]{1,64})")
_HASHES: Final = {256: hashlib.sha256, 384: hashlib.sha384}


@dataclass(frozen=True, slots=True)
class KeyUri:
    """Where a private key is."""

    scheme: Scheme
    place: str
    """A path, or of a module: path, token and label."""

    def __str__(self) -> str:
        return f"{self.scheme}:{self.place}"


def parse_uri(text: str) -> KeyUri:
    """Read where a key is.

    Raises:
        MalformedError: it is none of the three forms.
    """
    found = _URI.fullmatch(text)
    if found is None:
        raise MalformedError(
            f"key: expected sealed:, plain: or hsm:, came {text[:80]!r}"
        )
    schemes: dict[str, Scheme] = {"sealed": "sealed", "plain": "plain", "hsm": "hsm"}
    uri = KeyUri(schemes[found[1]], found[2])
    if uri.scheme == "hsm" and not _MODULE.fullmatch(uri.place):
        raise MalformedError(
            f"key: expected hsm:/path/to/module.so?token=…&label=…, came {text[:80]!r}"
        )
    return uri


class KeyFiles:
    """Key files below a publisher's folder."""

    def __init__(self, folder: Path, files: Files) -> None:
        self._folder = folder
        self._files = files

    def create(
        self,
        uri: KeyUri,
        key: PrivateKey,
        passphrase: Callable[[], bytes],
        entropy: Callable[[int], bytes],
    ) -> None:
        """Write the file of a new key.

        Raises:
            StoreError: there is one already, or it cannot be written.
            RefusedError: keys are not put into hardware here.
        """
        match uri.scheme:
            case "sealed":
                data = seal_key(key, passphrase(), entropy)
            case "plain":
                data = format_plain_key(key)
            case "hsm":
                raise RefusedError("a key is made inside its module, by its own tool")
            case _:
                assert_never(uri.scheme)
        self._files.create(self._folder / uri.place, data)

    def has(self, uri: KeyUri) -> bool:
        """Tell whether the file of a key is here."""
        return (self._folder / uri.place).is_file()

    def open(self, uri: KeyUri, passphrase: Callable[[], bytes]) -> PrivateKey:
        """Open the file of a key.

        Raises:
            StoreError: it is not here, or others can write it.
            RefusedError: the passphrase is wrong.
            MalformedError: it is no key file.
        """
        path = self._folder / uri.place
        data = self._files.read(path, most=MAX_FILE_BYTES)
        self._files.check_private(path)
        if uri.scheme == "plain":
            return parse_plain_key(data)
        return open_key(data, passphrase())


def write_public(spki: bytes) -> bytes:
    """Write a public half as PEM, as it lies beside a key."""
    return load_der_public_key(spki).public_bytes(
        Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
    )


def read_public(data: bytes) -> bytes:
    """Read a public half; gives it as DER SubjectPublicKeyInfo.

    Raises:
        MalformedError: it is none.
    """
    try:
        return load_pem_public_key(data).public_bytes(
            Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        )
    except (ValueError, UnsupportedAlgorithm) as error:
        raise MalformedError(f"public key: {error}") from None


@contextmanager
def open_module(
    uri: KeyUri, pin: Callable[[], bytes]
) -> Iterator[tuple[bytes, "ModuleSigner"]]:
    """Open a key in a hardware module; gives its public half (DER) and its signer.

    Raises:
        MissingError: python-pkcs11, the module, the token or the key is not there.
        RefusedError: the PIN is wrong, or the key is of no kind of ours.
    """
    with _session(uri, pin) as session:
        label = _parts(uri)[2]
        spki = _public(session, label)
        yield spki, ModuleSigner(spki, _signing(session, label))


@contextmanager
def _session(uri: KeyUri, pin: Callable[[], bytes]) -> Iterator["pkcs11.Session"]:
    try:
        import pkcs11  # noqa: PLC0415 - an extra, and only whoever has a module needs it
    except ImportError:
        raise MissingError(
            "hsm: python-pkcs11 is not installed: it comes with ringfence[hsm]"
        ) from None
    path, token, _ = _parts(uri)
    try:
        found = pkcs11.lib(path).get_token(token_label=token)
        opened: AbstractContextManager[pkcs11.Session] = found.open(
            user_pin=pin().decode()
        )
        with opened as session:
            yield session
    except pkcs11.exceptions.PinIncorrect:
        raise RefusedError(f"hsm: wrong PIN of the token {token!r}") from None
    except (pkcs11.exceptions.PKCS11Error, RuntimeError, OSError) as error:
        reason = str(error) or type(error).__name__
        raise MissingError(f"hsm: {path}: {reason}") from error


def _parts(uri: KeyUri) -> tuple[str, str, str]:
    found = _MODULE.fullmatch(uri.place)
    assert found is not None  # `parse_uri` has looked
    return found[1], found[2], found[3]


def _public(session: "pkcs11.Session", label: str) -> bytes:
    from pkcs11 import KeyType, ObjectClass, PublicKey  # noqa: PLC0415 - see `_session`
    from pkcs11.util.ec import encode_ec_public_key  # noqa: PLC0415

    key = session.get_key(
        object_class=ObjectClass.PUBLIC_KEY, key_type=KeyType.EC, label=label
    )
    assert isinstance(key, PublicKey)
    spki = bytes(encode_ec_public_key(key))
    loaded = load_der_public_key(spki)
    if not isinstance(loaded, ec.EllipticCurvePublicKey):
        raise RefusedError(f"hsm: {label!r}: expected an elliptic curve")
    if loaded.key_size not in _HASHES:
        raise RefusedError(
            f"hsm: {label!r}: expected P-256 or P-384, came {loaded.curve.name}"
        )
    return spki


def _signing(session: "pkcs11.Session", label: str) -> Callable[[bytes], bytes]:
    from pkcs11 import (  # noqa: PLC0415 - see `_session`
        KeyType,
        Mechanism,
        ObjectClass,
        SignMixin,
    )

    private = session.get_key(
        object_class=ObjectClass.PRIVATE_KEY, key_type=KeyType.EC, label=label
    )
    assert isinstance(private, SignMixin)

    def sign(digest: bytes) -> bytes:
        raw = bytes(private.sign(digest, mechanism=Mechanism.ECDSA))
        half = len(raw) // 2  # r and s, of one size (PKCS #11, section 6.3.1)
        return encode_dss_signature(
            int.from_bytes(raw[:half], "big"), int.from_bytes(raw[half:], "big")
        )

    return sign


class ModuleSigner(Signer):
    """Signs with a key that never leaves its module."""

    def __init__(self, spki: bytes, sign: Callable[[bytes], bytes]) -> None:
        public = load_der_public_key(spki)
        assert isinstance(public, ec.EllipticCurvePublicKey)  # `_public` has looked
        self._hash = _HASHES[public.key_size]
        self._public_key = SSlibKey.from_crypto(public)
        self._sign = sign
        self.public_spki = spki

    @property
    def public_key(self) -> Key:
        """The public half, as metadata lists it."""
        return self._public_key

    def sign(self, payload: bytes) -> Signature:
        """Sign a payload of metadata inside the module."""
        signature = self.sign_digest(self._hash(payload).digest())
        return Signature(self._public_key.keyid, signature.hex())

    def sign_digest(self, digest: bytes) -> bytes:
        """Sign a digest inside the module; gives ECDSA's signature in DER."""
        return self._sign(digest)

    @classmethod
    def from_priv_key_uri(
        cls,
        priv_key_uri: str,
        public_key: Key,  # noqa: ARG003 - the library's signature
        secrets_handler: SecretsHandler | None = None,  # noqa: ARG003 - likewise
    ) -> "Signer":
        """Refuse: the library's URIs name files in the clear."""
        raise MalformedError(
            f"{priv_key_uri}: expected a URI of `updater.publish.keys`"
        )
