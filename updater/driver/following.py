"""Following the log that a managed folder knows, and the logs that succeed it.

Carrier: joins `updater.transparency` to a folder and to the addresses of a repository.
"""

from collections.abc import Callable
from dataclasses import dataclass

from updater.driver.anchor import Anchor
from updater.errors import FetchError, UnreachableError
from updater.fetch import mirrors
from updater.fetch.fetch import Fetcher, Source
from updater.install.root import Root
from updater.transparency.client import LogClient
from updater.transparency.honour import TrustSet
from updater.transparency.policy import Policy
from updater.transparency.view import LogView


@dataclass(frozen=True, slots=True)
class LogSource:
    """The folder of a log below each address of a repository."""

    fetcher: Fetcher
    bases: tuple[str, ...]

    def get(self, path: str, max_bytes: int) -> bytes:
        """Fetch a file from the first that has it.

        Raises:
            FetchError: none did.
        """
        return mirrors.ask_each(
            self.bases,
            lambda base: Source(self.fetcher, f"{base}log/").get(path, max_bytes),
        )


class Nobody:
    """Who is asked where nobody is to be asked."""

    def get(self, path: str, max_bytes: int) -> bytes:  # noqa: ARG002 - as LogSource
        """Answer nothing.

        Raises:
            FetchError: always.
        """
        raise FetchError("unreachable", f"{path}: nobody is asked")

    def trust_file(self, sha256: str) -> bytes:
        """Answer nothing, as `get`.

        Raises:
            UnreachableError: always.
        """
        raise UnreachableError(f"trust file {sha256}: nobody is asked")


NOBODY = Nobody()


def log_client(  # noqa: PLR0913 - the doors of a carrier, each by name
    root: Root,
    anchor: Anchor,
    source: LogSource | Nobody,
    trust_file: Callable[[str], bytes],
    *,
    own_policy: Policy | None = None,
    origin: str | None = None,
    trust: TrustSet | None = None,
) -> LogClient:
    """Open what a managed folder remembers of its log, or of one that succeeded it."""
    first = origin in {None, anchor.origin}
    return LogClient(
        root.folder / "log",
        origin or anchor.origin,
        files=root.files,
        source=source,
        trust_file=trust_file,
        built_in=trust or anchor.trust,
        floor=anchor.floor if first else None,
        own_policy=own_policy,
        now=root.now,
        entropy=root.entropy,
    )


def successor(view: LogView) -> str | None:
    """Name the log that goes on where this one was closed; None if it was not."""
    trust, policy = view.honoured.current.trust, view.honoured.current.policy
    if trust.closed_at(view.origin) is None:
        return None
    going_on = [each for each in policy.origins if trust.closed_at(each) is None]
    return going_on[0] if len(going_on) == 1 else None
