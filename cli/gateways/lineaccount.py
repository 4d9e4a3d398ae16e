"""A telephone account as it lies on disk: its file, and its password beside it."""

import os
from pathlib import Path

from voip.errors import MissingError, RefusedError
from voip.gateway.sip.account import SipAccount, parse_account, parse_password

_MAX_FILE = 1 << 17  # bytes; more is no account and no password


def read_account(path: Path) -> tuple[SipAccount, str | None]:
    """Read an account, and its password if it has one.

    Raises:
        MalformedError: what the files say.
        MissingError: one of them cannot be read.
        RefusedError: others can read the password.
    """
    account = parse_account(_read(path))
    if account.password_file is None:
        return account, None
    secret = path.parent / account.password_file
    try:
        about = secret.stat()
    except OSError as error:
        raise MissingError(f"cannot read {str(secret)!r}: {error.strerror}") from error
    # What systemd lends us (LoadCredential) is root's, and its group bits are those of
    # an access list that names us alone.
    is_ours = about.st_uid == os.geteuid()
    if about.st_mode & (0o077 if is_ours else 0o007):
        raise RefusedError(f"password: others can read {str(secret)!r}; chmod 600 it")
    return account, parse_password(_read(secret))


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_MAX_FILE)
    except OSError as error:
        raise MissingError(f"cannot read {str(path)!r}: {error.strerror}") from error
