"""Going back by hand: to the version before, or on after proven misbehaviour.

Carrier; asks nobody.
"""

from updater.driver.anchor import Anchor
from updater.driver.following import NOBODY, log_client
from updater.install.install import Installer
from updater.install.root import Root
from updater.install.stage import read_tree
from updater.installed.slots import version_of
from updater.installed.starts import way_back


def withdrawn_way_back(root: Root, anchor: Anchor) -> str | None:
    """Say why the version that `roll_back` leads to was withdrawn, None if it was not.

    Raises:
        StoreError: the folder cannot be read.
    """
    state, current = root.read(), root.current()
    back = way_back(state, current, root.complete()) if current else None
    if back is None:
        return None
    log = log_client(root, anchor, NOBODY, NOBODY.trust_file).view()
    yanks = log.index.yanks_of(read_tree(root.files, root.slot(back)).bundle)
    if not yanks:
        return None
    return f"{version_of(back)} was withdrawn: {yanks[0].reason or 'no reason'}"


def roll_back(root: Root, anchor: Anchor) -> str:
    """Go back to the version before, and name its slot.

    Raises:
        BusyError: another updater is at work.
        UpdateError: as `Installer.rollback`.
    """
    with root.running():
        return Installer(root, anchor.product).rollback()


def unfreeze(root: Root, anchor: Anchor, evidence: str) -> None:
    """Go on although misbehaviour was proven; `evidence` is its SHA-256.

    Raises:
        BusyError: another updater is at work.
        RefusedError: this is not what stopped the updates.
        StoreError: what is remembered cannot be read or written.
    """
    with root.running():
        log_client(root, anchor, NOBODY, NOBODY.trust_file).unfreeze(evidence)
        root.note("unfreeze", {"evidence": evidence})
