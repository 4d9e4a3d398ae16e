"""One run of the updater: its folder, its locks, its doors.

Carrier.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from updater.driver.anchor import Anchor
from updater.driver.embedded import ANCHOR, write_anchor
from updater.driver.following import NOBODY, LogSource, log_client
from updater.driver.gather import (
    Gathering,
    Means,
    Progress,
    mirrors_file,
    running_tree,
)
from updater.driver.settings import Settings
from updater.errors import RefusedError, UpdateError
from updater.fetch.fetch import Fetcher, Network
from updater.fetch.mirrors import MAX_BYTES as MAX_MIRRORS
from updater.fetch.mirrors import in_order, parse_mirrors
from updater.gates.local import time_floor
from updater.install.install import Installer
from updater.install.root import Root
from updater.offer.product import interpreter_tag
from updater.transparency.policy import Policy
from updater.tuf.layout import Anchor as TufAnchor
from updater.tuf.repository import Repository, Site


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What an updater is given besides its folder and its anchor.

    Attributes:
        network: how the network is reached.
        platform: for a first install, as of `updater.offer.product.platform_tag`.
        repositories: asked instead of the anchor's and all mirrors.
        is_copy: whether they are a copy from another machine: the expiry of metadata
            is then judged as of the copy, whose age the gate of freshness looks at.
        running: the version of the program that asks, if that is what is updated.
        python: an interpreter of that platform, for where the usual places have none.
        own_policy: the user's own witnesses, which must be content too.
    """

    network: Network
    platform: str
    repositories: tuple[str, ...] = ()
    is_copy: bool = False
    running: str | None = None
    python: Path | None = None
    settings: Settings = field(default=Settings())
    own_policy: Policy | None = None
    progress: Progress = lambda _step, _done, _total: None


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One run, with all that is open during it."""

    fetcher: Fetcher
    bases: tuple[str, ...]
    """Addresses of the repository."""
    repository: Repository
    gathering: Gathering
    installer: Installer
    current: str | None
    """The slot that ran when it began."""


def begin(root: Root, anchor: Anchor) -> None:
    """Make a managed folder for a product that is not installed yet.

    Raises:
        RefusedError: another product lives there.
        StoreError: the folder cannot be used.
        MalformedError: what lies there is no anchor.
    """
    root.create()
    with root.changing() as change:
        if root.current() is not None:
            raise RefusedError(f"{root.folder}: a version is installed there already")
        change.write(replace(change.state, channel=anchor.channel))
    write_anchor(root.folder / ANCHOR, anchor, root.files)


@contextlib.contextmanager
def open_session(root: Root, anchor: Anchor, given: Surroundings) -> Iterator[Session]:
    """Be the only updater at work, finish what was left, and open all doors.

    Raises:
        BusyError: another updater is at work.
        StoreError: the folder cannot be used, or its state not be read.
    """
    bases = _bases(root, anchor, given)
    with contextlib.ExitStack() as opened:
        opened.enter_context(root.running())
        installer = _installer(root, anchor, given)
        installer.repair()
        fetcher = opened.enter_context(Fetcher(root.files, given.network))
        at = _judged_at(root, anchor, given, LogSource(fetcher, bases))
        repository = Repository(
            root.folder / "tuf",
            fetcher,
            [Site.under(base) for base in bases],
            TufAnchor(anchor.root, at),
            root.files,
        )
        opened.enter_context(repository)
        means = Means(
            root=root,
            anchor=anchor,
            fetcher=fetcher,
            bases=bases,
            platform=given.platform,
            running=given.running,
            settings=given.settings,
            own_policy=given.own_policy,
            progress=given.progress,
        )
        yield Session(
            fetcher=fetcher,
            bases=bases,
            repository=repository,
            gathering=Gathering(means, repository),
            installer=installer,
            current=root.current(),
        )


def _installer(root: Root, anchor: Anchor, given: Surroundings) -> Installer:
    """Give what installs; an interpreter of another platform is of no use to it."""
    tree = running_tree(root)
    tag = interpreter_tag(tree.platform if tree else given.platform)
    is_right = tag == interpreter_tag(given.platform)
    return Installer(
        root,
        anchor.product,
        progress=given.progress,
        python=given.python if is_right else None,
    )


def _bases(root: Root, anchor: Anchor, given: Surroundings) -> tuple[str, ...]:
    """Say where to ask: the user's mirrors, the listed ones, the anchor's."""
    listed: tuple[str, ...] = ()
    if given.repositories:
        return given.repositories
    with contextlib.suppress(UpdateError):  # a hint, and none is there at first
        listed = parse_mirrors(root.files.read(mirrors_file(root), most=MAX_MIRRORS))
    return in_order(given.settings.mirrors, (*listed, *anchor.repositories))


def _judged_at(
    root: Root, anchor: Anchor, given: Surroundings, source: LogSource
) -> float:
    """Say at which time the expiry of metadata is judged.

    Never before a time that was seen: a clock set back brings nothing back to life.
    """
    times = root.read().time
    if not given.is_copy:
        return max(root.now(), time_floor(times))
    client = log_client(
        root, anchor, source, NOBODY.trust_file, own_policy=given.own_policy
    )
    return max(client.update().fresh_at or 0, times.signed)
