"""Managed folders of people who follow a log, or one of its two histories."""

from pathlib import Path

from tests.updater.transparency.worlds import Log, World, junk
from updater.driver.anchor import Anchor
from updater.driver.embedded import ANCHOR, write_anchor
from updater.files import Files
from updater.install.root import Root
from updater.offer.product import RINGFENCE
from updater.transparency.client import LogClient
from updater.transparency.honour import TrustSet
from updater.transparency.view import LogView


def anchor_of(world: World) -> Anchor:
    """Say where trust in a world begins."""
    return Anchor(
        product=RINGFENCE,
        channel="stable",
        repositories=("https://updates.example/",),
        root=b"{}",
        accepted=frozenset(),
        origin=world.log.origin,
        floor=None,
        trust=world.trust_set,
    )


def follower(world: World, folder: Path) -> Root:
    """Make the folder of somebody who has not asked for updates yet."""
    root = Root(folder, now=lambda: world.now, entropy=bytes)
    root.create()
    write_anchor(root.folder / ANCHOR, anchor_of(world), Files())
    return root


def client_of(
    world: World,
    root: Root,
    log: Log | None = None,
    *,
    trust: TrustSet | None = None,
) -> LogClient:
    """Open the log as an updater does, or what it is shown instead."""
    log = log or world.log
    return LogClient(
        root.folder / "log",
        log.origin,
        files=root.files,
        source=log,
        trust_file=world.trust_file,
        built_in=trust or world.trust_set,
        floor=None,
        now=root.now,
        entropy=root.entropy,
    )


def follow(world: World, folder: Path, log: Log | None = None) -> Root:
    """Make the folder of somebody who accepted what a log shows now."""
    root = follower(world, folder)
    view = client_of(world, root, log).update()
    assert view.troubles == ()
    return root


def view_of(world: World, root: Root) -> LogView:
    """Look at what somebody remembers."""
    return client_of(world, root).view()


def split(world: World, *, ahead: int = 2) -> tuple[Log, Log]:
    """Fork the log of a world; all witnesses sign both histories, the second longer."""
    world.log.leaves += junk(1, 5)
    ours, theirs = world.log, world.log.fork()
    ours.leaves += junk(2, 3)
    theirs.leaves += junk(3, 3 + ahead)
    world.publish(ours)
    world.publish(theirs)
    return ours, theirs
