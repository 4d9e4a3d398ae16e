"""Where a relay keeps its blobs, and what it lends: options that take some reading."""

import re
from dataclasses import dataclass
from pathlib import Path

from voip.errors import MalformedError, RefusedError
from voip.signalling.turn import TurnOffer

_SECRET_BYTES = 1024  # a larger file is no secret
_SQLITE = "sqlite:"
_SHARED = re.compile(r"(rediss?|unix)://")
_PASSWORD = re.compile(r"//[^/@]*:[^/@]*@|[?&]password=")


@dataclass(frozen=True, slots=True)
class StorePlace:
    """Where a relay keeps its blobs: a file of ours, or an engine's address."""

    path: Path | None
    url: str | None

    @property
    def is_shared(self) -> bool:
        """Whether several processes may use it."""
        return self.url is not None


def parse_store(text: str) -> StorePlace:
    """Read where blobs are kept.

    Raises:
        MalformedError: another form, or a password, which all users of the machine
            would see in the list of processes.
    """
    if text.startswith(_SQLITE) and len(text) > len(_SQLITE):
        return StorePlace(Path(text.removeprefix(_SQLITE)), None)
    if _PASSWORD.search(text):
        raise MalformedError("--store: expected no password, use --store-password-file")
    if _SHARED.match(text):
        return StorePlace(None, text)
    raise MalformedError(
        f"--store: expected sqlite:PATH, redis://HOST or unix://PATH, came {text!r}"
    )


def read_offer(urls: tuple[str, ...], secret_file: Path | None) -> TurnOffer | None:
    """Read which TURN servers are offered; none where neither is given.

    Raises:
        MalformedError: one without the other, or a URL or secret that is none.
    """
    if not urls and secret_file is None:
        return None
    if not urls or secret_file is None:
        raise MalformedError("give both --turn-uri and --turn-secret-file, or neither")
    return TurnOffer(urls, read_secret(secret_file).encode())


def read_secret(path: Path) -> str:
    """Read the secret of another program.

    Raises:
        RefusedError: every user of the machine can.
    """
    # Not those of the group as well: what systemd hands over looks as if it could.
    if path.stat().st_mode & 0o007:
        raise RefusedError(f"everybody can read {str(path)!r}; chmod 600 it")
    with path.open(encoding="utf-8", errors="replace") as file:
        return file.read(_SECRET_BYTES).strip()
