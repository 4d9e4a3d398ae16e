"""Private keys of logs and witnesses: a sealed file each, and how it is opened.

The passphrase comes from where the store's comes from. A file that is not sealed is for
machines that sign alone, and must be asked for by name.
"""

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cli.home import Home
from cli.output import note
from updater.errors import RefusedError
from updater.files import Files
from updater.keyfile import (
    MAX_FILE_BYTES,
    format_plain_key,
    open_key,
    parse_plain_key,
    seal_key,
)
from updater.transparency.key import Kind, SigningKey

_PLAIN = b"-----BEGIN PRIVATE KEY-----"


def create_key(
    home: Home, path: Path, name: str, kind: Kind, *, is_plain: bool
) -> SigningKey:
    """Make a key and write its file, which must not be there yet."""
    key = Ed25519PrivateKey.generate()
    made = SigningKey(name, kind, seed=key.private_bytes_raw())
    data = (
        format_plain_key(key)
        if is_plain
        else seal_key(key, home.passphrase(new=True), os.urandom)
    )
    Files().create(path, data)
    if is_plain:
        note(f"whoever reads {path} can sign as {name}")
    return made


def read_key(home: Home, path: Path, name: str, kind: Kind) -> SigningKey:
    """Open the file of a key."""
    data = Files().read(path, most=MAX_FILE_BYTES)
    key = (
        parse_plain_key(data)
        if data.startswith(_PLAIN)
        else open_key(data, home.passphrase())
    )
    if not isinstance(key, Ed25519PrivateKey):
        raise RefusedError(f"{path}: expected an Ed25519 key")
    return SigningKey(name, kind, seed=key.private_bytes_raw())
