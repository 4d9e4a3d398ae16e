"""Installing what was decided on: stage, probe, switch, probe again, or go back.

Carrier. Whenever the process is killed the old version or the new one is current and
complete, and the next run finishes (docs/formats/install.md, "An installation")::

    stage ──probe──> slot ──> state: pending ──> link ──probe through the launcher
                                   │                        │ bad: link back
                                   └── killed: forgotten    └── good: a start proves it
"""

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from updater.decision import VerifiedRelease
from updater.errors import (
    BusyError,
    MalformedError,
    MissingError,
    RefusedError,
    StoreError,
    UnhealthyError,
    UpdateError,
)
from updater.install import launcher
from updater.install.probe import COMPILE_S, PROBE_S, Probe, interpreter
from updater.install.root import Change, Root
from updater.install.stage import LIB, check_slot, read_tree, stage
from updater.installed.slots import Attempt, slot_name, version_of
from updater.installed.starts import (
    Action,
    begin,
    boot,
    confirm,
    give_up,
    leave,
    settle,
    way_back,
)
from updater.offer.product import RINGFENCE, Product, interpreter_tag

TIMES_FREE: Final = 6
"""Free space that is asked for, in bundles: it becomes four to five of them."""
FREE_BYTES: Final = 64 << 20
"""And on top of that, for everybody else on the disk."""

Progress = Callable[[str, int, int], None]
"""Takes a step's name, how much of it is done, and how much there is."""

_PROBES: Final = 2  # one retry: a machine that is busy, just now, is no bad release
_BUNDLE: Final = re.compile("[0-9a-f]{64}")
_MOST_LAUNCHER_BYTES: Final = 1 << 20
_LAUNCHER_VERSION: Final = re.compile(rb"^VERSION = ([0-9]{1,9})$", re.MULTILINE)


class Installer:
    """Changes what is installed in a managed folder.

    The caller holds `Root.running`, so that it is the only one.
    """

    def __init__(  # noqa: PLR0913 - what tests and slow machines change has a default
        self,
        root: Root,
        product: Product = RINGFENCE,
        *,
        progress: Progress = lambda _step, _done, _total: None,
        probe_s: float = PROBE_S,
        compile_s: float = COMPILE_S,
        python: Path | None = None,
    ) -> None:
        """Take where, what, and whom to tell.

        `python` is an interpreter to use and remember if the usual places have none
        for a platform: as a rule, the one that runs the updater.
        """
        self._root = root
        self._product = product
        self._progress = progress
        self._probe_s = probe_s
        self._compile_s = compile_s
        self._python = python

    def repair(self) -> None:
        """Finish or forget what an earlier run, or a start, was killed in.

        Raises:
            BusyError: another process holds the state for too long.
            StoreError: the folder cannot be used, or its state not be read.
        """
        root = self._root
        root.create()
        for name in root.files.names(root.stage):
            _remove(root, root.stage / name)
        with root.changing() as change:
            self._tell_of_launcher(change)
            self._finish_boot(change)
            current = root.current()
            settled = settle(change.state, current)
            if settled != change.state:
                told = {"forgotten": change.state.pending}
                change.write(settled, "repair", {**told})
            proved = change.state.pending is None
        if proved:  # else it may be our own version that has to prove itself yet
            self._update_launcher()

    def install(self, release: VerifiedRelease, evidence: Mapping[str, bytes]) -> str:
        """Make a release the current version, and name its slot.

        `evidence` is kept beside it, by file name, to be looked at again later.

        Raises:
            BusyError: another process holds the state for too long.
            MalformedError: the bundle is not what was decided on.
            MissingError: the interpreter for it is not there.
            StoreError: the disk is full or refuses; the old version still runs.
            UnhealthyError: it failed its test; the old version still runs.
        """
        root, slot = self._root, slot_name(release.version, release.sha256)
        self.repair()
        python = self._interpreter(release.platform)
        self._check_space(release.size)
        if not self._is_whole(slot, release.sha256):
            self._stage(release, evidence, slot, python)
        if root.current() != slot:
            self._switch(slot, python)
        self.collect()
        return slot

    def rollback(self) -> str:
        """Go back to the previous version because the user says so, and name its slot.

        Raises:
            BusyError: another process holds the state for too long.
            RefusedError: there is no version to go back to.
            MalformedError: it is not what was installed.
            MissingError: its interpreter is not there.
            StoreError: the disk refuses.
            UnhealthyError: it failed its test; all is as it was.
        """
        root = self._root
        self.repair()
        current = root.current()
        state = root.read()
        back = None if current is None else way_back(state, current, root.complete())
        if current is None or back is None:
            raise RefusedError("expected a version to go back to, found none")
        tree = check_slot(root.files, root.slot(back))
        python = self._interpreter(tree.platform)
        self._probe_folder(root.slot(back), python, version_of(back))
        with root.changing() as change:
            facts = {"from": current, "to": back, "why": "user"}
            change.write(leave(change.state, current, back), "rollback", {**facts})
            root.point(back)
        return back

    def collect(self) -> None:
        """Remove the versions and bundles that nothing needs and nobody runs.

        Raises:
            StoreError: the disk refuses.
        """
        root, state, current = self._root, self._root.read(), self._root.current()
        kept = {current, state.previous, state.pending}
        for slot in set(root.complete()) - kept:
            self._remove_slot(slot)
        bundle = read_tree(root.files, root.slot(current)).bundle if current else ""
        for name in root.files.names(root.store):
            if _BUNDLE.fullmatch(name.removesuffix(".part")) and name != bundle:
                root.files.remove(root.store / name)

    # Repairing

    def _tell_of_launcher(self, change: Change) -> None:
        """Write down that the launcher went back, which it cannot do itself."""
        state = change.state
        if state.pending is None and state.attempts:
            left = [each.slot for each in state.bad if each.why == "boot"]
            facts = {"from": left[-1] if left else None, "to": self._root.current()}
            told = {**facts, "why": "boot"}
            change.write(replace(state, attempts=()), "rollback", {**told})

    def _finish_boot(self, change: Change) -> None:
        """Do what a start would do now."""
        root, state, current = self._root, change.state, self._root.current()
        alive = [each for each in state.attempts if _lives(each)]
        found = boot(state, current, complete=root.complete(), alive=alive)
        if found.slot is None or found.action is Action.COUNT:
            return
        if found.action is Action.BACK and current is not None:
            self._go_back(change, current, found.slot)
        elif current is None:
            root.point(found.slot)

    def _go_back(self, change: Change, current: str, to: str) -> None:
        state, now = change.state, int(self._root.now())
        if not state.is_bad(current):
            gone = replace(give_up(state, current, why="boot", at=now), attempts=())
            facts = {"from": current, "to": to, "why": "boot"}
            change.write(gone, "rollback", {**facts})
        self._root.point(to)

    def _update_launcher(self) -> None:
        """Put our launcher in the place of an older one, if it works here."""
        root = self._root
        path = root.folder / self._product.launcher_name
        old = root.files.read_if_there(path, most=_MOST_LAUNCHER_BYTES)
        if old is not None and _launcher_version(old) >= launcher.VERSION:
            return
        trial = root.stage / path.name
        ours = Path(launcher.__file__).read_bytes()
        root.files.replace(trial, ours, 0o755)
        with self._probing(self._probe_s) as probe:
            probe.run([sys.executable, "-I", "-S", str(trial), "--self-test"])
        if old is not None:
            root.files.replace(path.with_name(f"{path.name}.old"), old, 0o755)
        root.files.rename(trial, path)

    # Installing

    def _interpreter(self, platform: str) -> Path:
        """Find the interpreter for a platform, and remember ours if there is no other.

        Raises:
            MissingError: there is none.
        """
        tag, root = interpreter_tag(platform), self._root
        state = root.read()
        try:
            return interpreter(tag, state.pythons)
        except MissingError:
            if self._python is None:
                raise
        with root.changing() as change:
            pythons = {**change.state.pythons, tag: str(self._python)}
            change.write(replace(change.state, pythons=pythons))
        return self._python

    def _check_space(self, size: int) -> None:
        needed = TIMES_FREE * size + FREE_BYTES
        free = self._root.files.free_space(self._root.folder)
        if free < needed:
            raise StoreError(
                f"{self._root.folder}: the disk is full: {free} bytes are free,"
                f" {needed} are needed"
            )

    def _is_whole(self, slot: str, sha256: str) -> bool:
        """Tell whether a slot is there, of this bundle and as it was made.

        Its name has twelve digits of the bundle's hash, which could be found twice.
        """
        if slot not in self._root.complete():
            return False
        try:
            tree = check_slot(self._root.files, self._root.slot(slot))
        except (MalformedError, StoreError):
            return False  # it is staged anew
        return tree.bundle == sha256

    def _stage(
        self,
        release: VerifiedRelease,
        evidence: Mapping[str, bytes],
        slot: str,
        python: Path,
    ) -> None:
        """Make the slot of a release, in its place only when it passed its test."""
        root = self._root
        with self._staging() as folder:
            self._progress("unpack", 0, 1)
            with self._probing(self._compile_s) as compiler:
                stage(
                    root.files,
                    Path(release.path),
                    folder,
                    product=self._product,
                    sha256=release.sha256,
                    python=python,
                    compiler=compiler,
                    evidence=evidence,
                )
            self._progress("probe", 0, 1)
            try:
                self._probe_folder(folder, python, release.version)
            except UnhealthyError:
                with root.changing() as change:
                    self._mark_bad(change, slot, root.current())
                raise
            if root.slot(slot).is_dir():  # damaged
                root.files.rename(root.slot(slot), root.stage / slot)
            root.files.rename(folder, root.slot(slot))
        root.note("stage", {"slot": slot, "sha256": release.sha256})

    def _switch(self, slot: str, python: Path) -> None:
        """Point the link at a slot, and back if what the launcher starts then fails.

        The state is held meanwhile, so that no start counts and none runs between.
        """
        root, version = self._root, version_of(slot)
        path = root.folder / self._product.launcher_name
        self._progress("switch", 0, 1)
        with root.changing() as change:
            current = root.current()
            facts = {"from": current, "to": slot}
            change.write(begin(change.state, slot, current), "switch", {**facts})
            root.point(slot)
            try:
                with self._probing(self._probe_s) as probe:
                    probe.check_launcher(python, path, self._product, version)
            except UnhealthyError:
                back = way_back(change.state, slot, root.complete())
                self._mark_bad(change, slot, back)
                if back is None:
                    root.files.remove(root.folder / "current")
                else:
                    root.point(back)
                raise
            if not self._product.confirms:
                done = {"slot": slot, "version": version}
                change.write(confirm(change.state, slot), "confirm", {**done})

    def _mark_bad(self, change: Change, slot: str, to: str | None) -> None:
        """Give a slot up that failed its test; another runs instead, if there is any.

        It is written before the link goes back: a kill between the two leaves a start
        that knows where to go.
        """
        bad = give_up(change.state, slot, why="probe", at=int(self._root.now()))
        facts = {"from": slot, "to": to, "why": "probe"}
        change.write(bad, "rollback", {**facts})

    def _probe_folder(self, folder: Path, python: Path, version: str) -> None:
        """Have a version test itself, and once more if it fails."""
        for left in range(_PROBES - 1, -1, -1):
            try:
                with self._probing(self._probe_s) as probe:
                    probe.check_folder(python, folder / LIB, self._product, version)
            except UnhealthyError:
                if not left:
                    raise
            else:
                return

    @contextmanager
    def _staging(self) -> Iterator[Path]:
        """Give an empty folder; what fails in it leaves nothing behind."""
        root = self._root
        folder = root.stage / root.entropy(8).hex()
        root.files.make_folder(folder)
        try:
            yield folder
        except UpdateError:
            with suppress(StoreError):  # a disk that is broken: the next run removes it
                root.files.remove_tree(folder)
            raise

    @contextmanager
    def _probing(self, timeout_s: float) -> Iterator[Probe]:
        """Give a probe with an empty home."""
        root = self._root
        home = root.stage / f"home-{root.entropy(8).hex()}"
        root.files.make_folder(home)
        try:
            yield Probe(home, timeout_s=timeout_s)
        finally:
            root.files.remove_tree(home)

    def _remove_slot(self, slot: str) -> None:
        """Remove a version that nobody runs."""
        root = self._root
        try:
            with root.files.lock(root.slot_lock(slot)):
                # First out of the way, so that no half of it is ever seen as a version.
                root.files.rename(root.slot(slot), root.stage / slot)
                root.files.remove(root.slot_lock(slot))
        except BusyError:
            return  # it runs; a later run finds it idle
        root.files.remove_tree(root.stage / slot)


def _remove(root: Root, path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        root.files.remove_tree(path)
    else:
        root.files.remove(path)


def _lives(attempt: Attempt) -> bool:
    return launcher.started(attempt.pid) == attempt.start


def _launcher_version(text: bytes) -> int:
    """Read the version of a launcher; 0 of something else."""
    found = _LAUNCHER_VERSION.search(text)
    return int(found[1]) if found else 0
