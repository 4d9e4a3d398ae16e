"""Following a repository: each new release is rebuilt, and what is found handed out.

Carrier; `standing` decides. In its folder::

    state.json          what was seen, found and handed out
    lock                held while a watcher is at work
    said/               what is signed and not handed out: a folder for each statement,
                        by its SHA-256, with report and buildinfo
    public/             index.html, status.json, and a folder of each file with report,
                        statement and buildinfo, for any web server

A statement is on disk before the state names it, and the state names it before anybody
is given it, our own page included: whenever it is killed, the next run goes on, and
says nothing twice. What goes wrong with one release, a fault of ours too, is remembered
with it and stops no other: else a publisher who finds the fault could silence us.
"""

import hashlib
import tempfile
import traceback
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from reproducible.drive import standing as rules
from reproducible.drive.outlets import Outlet
from reproducible.drive.page import Watched, format_page, format_status
from reproducible.drive.standing import (
    Job,
    Said,
    Standing,
    format_standing,
    parse_standing,
)
from reproducible.drive.telling import Told, claim_name
from reproducible.errors import InputError, RebuildError
from reproducible.explain.report import MAX_BYTES as MAX_REPORT
from updater.driver.published import Published, Releases
from updater.errors import MalformedError, StoreError, UpdateError
from updater.files import Files
from updater.statement import MAX_ENVELOPE_BYTES

_STATE: Final = "state.json"
_PUBLIC: Final = 0o644

Rebuild = Callable[[Published, Path], Told]
"""Builds a published file again in an empty folder, and signs what came of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """What a watcher is to do.

    Attributes:
        about: whose work it is, and on what.
        releases: opens the repository, as `updater.driver.published.open_releases`.
        rebuild: does the work; what it gives is signed.
        outlets: where statements go.
        platforms: those to rebuild; None is all.
        scratch: where builds leave their files until they are thrown away.
        now: gives POSIX seconds.
        pause: waits for so many seconds, and gives True where it was told to stop.
        entropy: as `os.urandom`.
        tell: is told in a few words what is being done.
    """

    about: Watched
    releases: Callable[[], AbstractContextManager[Releases]]
    rebuild: Rebuild
    outlets: Sequence[Outlet]
    platforms: frozenset[str] | None
    scratch: Path
    now: Callable[[], float]
    pause: Callable[[float], bool]
    entropy: Callable[[int], bytes]
    tell: Callable[[str], None] = field(default=lambda _: None)


class Watcher:
    """One rebuilder at work in one folder.

    Attributes:
        is_faulty: whether there was a fault of ours, which was told.
    """

    def __init__(self, folder: Path, duty: Duty) -> None:
        self.is_faulty = False
        self._folder = folder
        self._duty = duty
        self._files = Files()
        self._standing = Standing()

    def run(self, interval_s: float) -> None:
        """Go round after round, until told to stop; what is being built is ended.

        Raises:
            BusyError: another watcher is at work here.
            StoreError: the disk refuses, or the state cannot be read.
        """
        while True:
            standing = self.once()
            wait_s = rules.wait_s(
                standing,
                interval_s=interval_s,
                now=self._duty.now(),
                entropy=self._duty.entropy,
            )
            if self._duty.pause(wait_s):
                return

    def once(self) -> Standing:
        """Look for releases, rebuild what is due, and hand out what is found.

        Raises:
            BusyError: another watcher is at work here.
            StoreError: the disk refuses, or the state cannot be read.
        """
        for each in (self._folder, self._folder / "said"):
            self._files.make_folder(each)
        self._files.make_folder(self._folder / "public", 0o755)
        with self._files.lock(self._folder / "lock"):
            self._standing = self._load()
            self._hand_out()
            try:
                with self._duty.releases() as releases:
                    self._look(releases)
                    self._work(releases)
            except UpdateError as error:
                self._duty.tell(f"no releases: {error}")
                self._save(rules.look_failed(self._standing, str(error)))
            return self._standing

    def _look(self, releases: Releases) -> None:
        wanted, rows = self._duty.platforms, releases.listed()
        found = [
            (row.version, row.platform, row.sha256)
            for row in rows
            if wanted is None or row.platform in wanted
        ]
        withdrawn = frozenset(row.sha256 for row in rows if releases.is_yanked(row))
        now = self._duty.now()
        self._save(rules.looked(self._standing, found, withdrawn, now))

    def _work(self, releases: Releases) -> None:
        while (job := self._standing.due(self._duty.now())) is not None:
            if self._duty.pause(0):
                return
            self._duty.tell(f"{job.version} for {job.platform}")
            try:
                with tempfile.TemporaryDirectory(dir=self._duty.scratch) as folder:
                    self._take(job, self._rebuilt(releases, job, Path(folder)))
            except (RebuildError, UpdateError) as error:
                self._fail(job, str(error))
            except Exception as error:  # noqa: BLE001 - it must not silence the others
                self._tell_fault(error)
                self._fail(job, f"a fault of ours: {type(error).__name__}: {error}")
            self._hand_out()

    def _rebuilt(self, releases: Releases, job: Job, out: Path) -> Told:
        published = releases.fetch(job.version, job.platform)
        try:
            if published.artifact.sha256 != job.sha256:  # the folder knew another log
                raise InputError(
                    f"expected the file {job.sha256}, published is"
                    f" {published.artifact.sha256}"
                )
            return self._duty.rebuild(published, out)
        finally:
            releases.drop(published)

    def _fail(self, job: Job, why: str) -> None:
        """Remember that there is no verdict."""
        self._duty.tell(f"no verdict: {why}")
        now, entropy = self._duty.now(), self._duty.entropy
        self._save(
            rules.failed(self._standing, job.sha256, why, now=now, entropy=entropy)
        )

    def _take(self, job: Job, told: Told) -> None:
        """Remember what was signed, if it is news."""
        assert told.claim is not None
        assert told.leaf is not None
        said = Said(
            file=told.claim.subject.name,
            verdict=told.claim.verdict,
            leaf=hashlib.sha256(told.leaf).hexdigest(),
            finished_on=told.claim.finished_on,
            expires_on=told.claim.expires_on,
        )
        self._duty.tell(said.verdict)
        changed = rules.concluded(
            self._standing,
            job.sha256,
            said,
            now=self._duty.now(),
            entropy=self._duty.entropy,
        )
        if any(each.said and each.said.leaf == said.leaf for each in changed.jobs):
            kept = self._kept(said)
            self._files.make_folder(kept)
            for each in told.files:
                data = self._files.read(each, most=MAX_REPORT)
                self._files.replace(kept / each.name, data)
            self._files.replace(kept / self._name(said), told.leaf)
        self._save(changed)

    def _show(self, said: Said) -> None:
        """Put report, statement and buildinfo where everybody can read them."""
        kept, shown = self._kept(said), self._folder / "public" / said.file
        self._files.make_folder(shown, 0o755)
        for name in self._files.names(kept):
            data = self._files.read(kept / name, most=MAX_REPORT)
            self._files.replace(shown / name, data, _PUBLIC)

    def _hand_out(self) -> None:
        """Give every outlet what it has not got; one that is busy is asked later."""
        for job in self._standing.unsent:
            assert job.said is not None
            self._show(job.said)
            name = self._name(job.said)
            path = self._kept(job.said) / name
            leaf = self._files.read(path, most=MAX_ENVELOPE_BYTES)
            try:
                for outlet in self._duty.outlets:
                    outlet.hand_out(name, leaf)
            except UpdateError as error:
                self._duty.tell(f"not handed out: {error}")
                continue
            except Exception as error:  # noqa: BLE001 - as in `_work`
                self._tell_fault(error)
                continue
            self._save(rules.handed_out(self._standing, job.said.leaf))

    def _tell_fault(self, error: Exception) -> None:
        self.is_faulty = True
        for line in traceback.format_exception(error):
            self._duty.tell(line.rstrip())

    def _name(self, said: Said) -> str:
        return claim_name(said.file, self._duty.about.operator)

    def _kept(self, said: Said) -> Path:
        return self._folder / "said" / said.leaf

    def _load(self) -> Standing:
        """Read the state, and throw away what needs not be handed out by it."""
        data = self._files.read_if_there(self._folder / _STATE, most=rules.MAX_BYTES)
        try:
            standing = parse_standing(data) if data is not None else Standing()
        except MalformedError as error:
            raise StoreError(f"{self._folder / _STATE}: {error}") from error
        kept = {job.said.leaf for job in standing.unsent if job.said}
        for name in set(self._files.names(self._folder / "said")) - kept:
            self._files.remove_tree(self._folder / "said" / name)
        return standing

    def _save(self, standing: Standing) -> None:
        """Write the state, then what others see of it."""
        public = self._folder / "public"
        self._files.replace(self._folder / _STATE, format_standing(standing))
        self._standing = standing
        status = format_status(self._duty.about, standing)
        self._files.replace(public / "status.json", status, _PUBLIC)
        page = format_page(self._duty.about, standing)
        self._files.replace(public / "index.html", page, _PUBLIC)
