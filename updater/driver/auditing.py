"""An installation looked over: every line, every file, every piece of evidence.

Carrier; asks nobody. What it finds shows tampering by those who cannot write the whole
folder; who can is found out by a head of the audit file that is kept elsewhere.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from updater.driver.anchor import Anchor
from updater.driver.following import NOBODY, log_client
from updater.driver.recheck import CLAIM, PROOF, recheck
from updater.errors import MalformedError, RefusedError, StoreError
from updater.install.root import Root
from updater.install.stage import EVIDENCE, check_slot, read_tree
from updater.installed.audit import (
    FILES_KEPT,
    MAX_FILE_BYTES,
    MAX_LINE_BYTES,
    START,
    read_chain,
)
from updater.transparency.proof import MAX_FILE
from updater.transparency.view import LogView


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that an audit looked at."""

    what: str
    text: str
    is_good: bool


def audit(root: Root, anchor: Anchor) -> Iterator[Finding]:
    """Look at everything that is kept, file by file.

    A state that cannot be read is made anew, so that updates can go on after somebody
    has looked.

    Raises:
        StoreError: the folder cannot be used.
        BusyError: an updater is at work.
    """
    with root.running():
        yield _audit_state(root)
        yield _audit_chain(root)
        log = log_client(root, anchor, NOBODY, NOBODY.trust_file).view()
        for slot in root.complete():
            yield _audit_slot(root, slot)
            yield _audit_evidence(root, slot, log)


def _audit_slot(root: Root, slot: str) -> Finding:
    try:
        tree = check_slot(root.files, root.slot(slot))
    except (MalformedError, StoreError) as error:
        return Finding(slot, str(error), is_good=False)
    return Finding(slot, f"{len(tree.files)} files as installed", is_good=True)


def _audit_evidence(root: Root, slot: str, log: LogView) -> Finding:
    """Check what a version was installed for once more, by all that was read since."""
    what, folder = f"{slot} evidence", root.slot(slot) / EVIDENCE
    try:
        bundle = read_tree(root.files, root.slot(slot)).bundle
        names = set(root.files.names(folder)) & {CLAIM, PROOF}
        files = {name: root.files.read(folder / name, most=MAX_FILE) for name in names}
        where = recheck(files, bundle, log.honoured.sets, root.now())
    except (RefusedError, StoreError) as error:
        return Finding(what, str(error), is_good=False)
    if log.index.yanks_of(bundle):
        return Finding(what, f"{where}; withdrawn since", is_good=False)
    return Finding(what, where, is_good=True)


def _audit_state(root: Root) -> Finding:
    try:
        root.read()
    except StoreError as error:
        root.renew()
        return Finding("state", f"made anew: {error}", is_good=False)
    return Finding("state", "readable", is_good=True)


def _audit_chain(root: Root) -> Finding:
    """Follow the chain of the audit file, the oldest part first."""
    most, count = MAX_FILE_BYTES + MAX_LINE_BYTES, 0
    there = set(root.files.names(root.folder))
    ages = [
        age
        for age in range(FILES_KEPT - 1, -1, -1)
        if root.audit_file(age).name in there
    ]
    # A full set of files has lost its beginning; else the chain starts with nothing.
    head = None if len(ages) == FILES_KEPT else START
    try:
        for age in ages:
            lines, head = read_chain(
                root.files.read(root.audit_file(age), most=most), head
            )
            count += len(lines)
    except (MalformedError, StoreError) as error:
        return Finding("audit", str(error), is_good=False)
    expected = root.read().audit
    if head != expected:
        text = f"expected the last line to be {expected.seq}, the file has another"
        return Finding("audit", text, is_good=False)
    return Finding("audit", f"{count} lines up to {expected.seq}", is_good=True)
