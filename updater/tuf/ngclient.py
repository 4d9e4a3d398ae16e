"""python-tuf's client, on our fetcher and our files: the only door to tuf for clients.

Carrier. The verification is the library's. What it leaves open is closed here: each
file is synced before it is renamed, the link to the root is never missing, a signed
length has a limit, expiry is judged at a time that is given, and every exception of its
comes out as one of ours. The private names this needs are held by contract tests.
Importing this takes 0.2 s: whoever may not need it imports late.
"""

import contextlib
import datetime as dt
import logging
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)
from securesystemslib.signer import Key
from tuf.api import exceptions
from tuf.api.metadata import Delegations, Metadata, Root, Signed, Targets
from tuf.api.serialization import DeserializationError
from tuf.ngclient import FetcherInterface, Updater, UpdaterConfig

from updater import jcs
from updater.errors import (
    FetchError,
    MalformedError,
    RepositoryDetail,
    RepositoryError,
    StoreError,
    UpdateError,
)
from updater.files import Files
from updater.tuf import layout
from updater.tuf.layout import Anchor

ROOT_BYTES: Final = 256 << 10  # a hybrid root of ten keys has 40 KiB
TIMESTAMP_BYTES: Final = 16 << 10
SNAPSHOT_BYTES: Final = 1 << 20
ROLE_BYTES: Final = 5 << 20  # what a signed length says, a stolen key may have said
ROOT_STEPS: Final = 256  # rotations that a client may have slept through
LOOKUP_ROLES: Final = 32
JSON_DEPTH: Final = 32

Get = Callable[[str, int], bytes]
"""Fetches a URL of at most so many bytes, or raises `FetchError`."""

_SIGNED_BY: Final = re.compile(r"signed by (\d+)/")
_LENGTH: Final = re.compile("length", re.IGNORECASE)

# What the library logs it then raises, and we say it once.
for _name in ("tuf", "securesystemslib"):
    logging.getLogger(_name).addHandler(logging.NullHandler())
    logging.getLogger(_name).propagate = False


class Client(Updater):
    """One run of the library's client against the metadata at one address.

    Raises:
        RepositoryError: the root does not hold.
        StoreError: it cannot be stored.
    """

    def __init__(
        self,
        folder: Path,
        address: str,
        get: Get,
        anchor: Anchor,
        files: Files,
    ) -> None:
        self._files = files
        self._anchor = anchor
        self._seen: set[str] = set()
        with refusals():
            super().__init__(
                str(folder),
                address,
                fetcher=_Adapter(get),
                config=_CONFIG,
                bootstrap=anchor.root,
            )
            # The library reads the clock itself, which an offline copy cannot pass.
            self._trusted_set.reference_time = dt.datetime.fromtimestamp(
                anchor.at, tz=dt.UTC
            )

    def load(self) -> None:
        """Refresh the four top-level roles and check what was loaded.

        Raises:
            RepositoryError: something does not hold.
            FetchError: something could not be had.
            StoreError: something cannot be stored.
        """
        with refusals():
            self.refresh()
            self._check_loaded()

    def find(self, path: str) -> tuple[str, int, str] | None:
        """Look a file up: the role that lists it, its size and its SHA-256 in hex.

        Raises:
            RepositoryError: a role that may list it does not hold.
            FetchError: a role could not be had.
            StoreError: a role cannot be stored.
        """
        with refusals():
            found = self.get_targetinfo(path)
            self._check_loaded()
        if found is None:
            return None
        digest = found.hashes.get("sha256")
        if digest is None:
            raise RepositoryError("syntax", f"{path}: listed without a sha256")
        lists = (
            name
            for name, signed in self.loaded().items()
            if isinstance(signed, Targets) and signed.targets.get(path) is found
        )
        return next(lists), found.length, digest

    def loaded(self) -> dict[str, Signed]:
        """Give each role that was loaded and verified, by name."""
        names = {role for _, role in self._trusted_set._trusted_delegations}  # noqa: SLF001 - contract
        names.add(Root.type)
        return {name: self._trusted_set[name] for name in names}

    def _check_loaded(self) -> None:
        """Hold every role that was not seen before to our layout and lifetimes."""
        for name, signed in sorted(self.loaded().items()):
            if self._anchor.checked and name not in self._seen:
                _check(name, signed)
                layout.check_lifetime(name, posix(signed.expires), self._anchor.at)
            self._seen.add(name)

    # The library's own ways to the disk

    def _persist_root(self, version: int, data: bytes) -> None:
        if self._anchor.checked:  # each on the way, for its keys say who signs the next
            _check_root(Metadata[Root].from_bytes(data).signed)
        history = Path(self._dir, "root_history")
        self._files.make_folder(history)
        self._persist_file(str(history / f"{version}.root.json"), data)

    def _persist_file(self, filename: str, data: bytes) -> None:
        path = Path(filename)
        if self._files.read_if_there(path, most=ROLE_BYTES) != data:
            self._files.replace(path, data)

    def _update_root_symlink(self) -> None:
        version = self._trusted_set.root.version
        link = Path(self._dir, "root.json")
        self._files.point(link, f"root_history/{version}.root.json")


_CONFIG: Final = UpdaterConfig(
    max_root_rotations=ROOT_STEPS,
    max_delegations=LOOKUP_ROLES,
    root_max_length=ROOT_BYTES,
    timestamp_max_length=TIMESTAMP_BYTES,
    snapshot_max_length=SNAPSHOT_BYTES,
    targets_max_length=ROLE_BYTES,
)


class _Adapter(FetcherInterface):
    """Our fetcher as the library wants it: whole files, and its exceptions."""

    def __init__(self, get: Get) -> None:
        self._get = get

    def _fetch(self, url: str) -> Iterator[bytes]:
        yield self.download_bytes(url, ROLE_BYTES)

    def download_bytes(self, url: str, max_length: int) -> bytes:
        try:
            # A length that a stolen key signed may be anything.
            data = self._get(url, min(max_length, ROLE_BYTES))
        except FetchError as error:
            if error.status in {403, 404}:  # ends the walk along the roots
                raise exceptions.DownloadHTTPError(str(error), error.status) from error
            raise
        _check_json(url, data)
        return data


def _check_json(url: str, data: bytes) -> None:
    """Check that this is JSON with one meaning, before the library's lenient reader.

    Raises:
        FetchError: it is something else altogether, or a part: a portal's page.
        RepositoryError: ``syntax``: it is JSON that readers may disagree on.
    """
    try:
        jcs.parse(data, most=ROLE_BYTES, depth=JSON_DEPTH)
    except MalformedError as error:
        if data[:1] == b"{" and data.rstrip()[-1:] == b"}":
            raise RepositoryError("syntax", f"{url}: {error}") from error
        raise FetchError("cut", f"{url}: expected a JSON object: {error}") from error


@contextlib.contextmanager
def refusals() -> Iterator[None]:
    """Let nothing out but errors of ours, whatever the library or its parts raise.

    Raises:
        RepositoryError: what was read does not hold; also for any foreign exception.
        FetchError: something could not be had.
        StoreError: the disk refuses.
    """
    try:
        yield
    except UpdateError:
        raise
    except exceptions.DownloadError as error:
        if isinstance(error.__cause__, FetchError):
            raise error.__cause__ from None
        raise FetchError("cut", str(error)) from error
    except exceptions.RepositoryError as error:
        raise RepositoryError(_detail(error), str(error)) from error
    except OSError as error:
        raise StoreError(str(error)) from error
    except Exception as error:  # what hostile metadata provokes in it has no one type
        raise RepositoryError("syntax", f"{type(error).__name__}: {error}") from error


def posix(moment: dt.datetime) -> int:
    """Give the POSIX seconds of a time in UTC, as TUF's are."""
    return int(moment.replace(tzinfo=dt.UTC).timestamp())


def _detail(error: exceptions.RepositoryError) -> RepositoryDetail:
    text = str(error)
    match error:
        case exceptions.UnsignedMetadataError():
            counted = _SIGNED_BY.search(text)
            return "unsigned" if counted and counted[1] == "0" else "threshold"
        case exceptions.BadVersionNumberError():
            return "rollback"
        case exceptions.ExpiredMetadataError():
            return "expired"
        case exceptions.LengthOrHashMismatchError():
            return "length" if _LENGTH.search(text) else "mismatch"
        case DeserializationError():
            return "syntax"
        case _:
            return "missing"


def _check(name: str, signed: Signed) -> None:
    match signed:
        case Root():
            _check_root(signed)
        case Targets():
            if name == Targets.type:
                layout.check_targets(signed.targets, _delegations(signed.delegations))
            else:
                listed = signed.delegations and signed.delegations.roles
                layout.check_delegated(name, list(listed or ()))
        case _:
            pass


def _check_root(root: Root) -> None:
    if not root.consistent_snapshot:
        raise RepositoryError("layout", "root: expected consistent snapshots")
    layout.check_root(
        {
            name: [_key_bytes(root.keys[each]) for each in role.keyids]
            for name, role in root.roles.items()
        }
    )


def _delegations(given: Delegations | None) -> list[layout.Delegation]:
    if given is None:
        return []
    if given.roles is None:
        raise RepositoryError("layout", "targets: expected roles, came hashed bins")
    return [
        layout.Delegation(
            name=name,
            paths=role.paths or (),
            terminating=role.terminating,
            keys=[_key_bytes(given.keys[each]) for each in role.keyids],
        )
        for name, role in given.roles.items()
    ]


def _key_bytes(key: Key) -> bytes:
    """Give what makes a key: its bytes, however they and its id are spelled."""
    public: str = key.keyval["public"]
    if key.keytype == "ed25519":
        return bytes.fromhex(public)
    loaded = load_pem_public_key(public.encode())
    return loaded.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
