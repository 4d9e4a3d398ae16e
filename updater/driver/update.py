"""The driver of updates: gather, decide, fetch, decide again, install.

Carrier. What is cheap comes before what is dear, and every gate is asked whenever there
is a decision. The verdict is `decide`'s alone, and only its `VerifiedRelease` is
installed::

    gather ──decide──> only the file is missing ──fetch──> decide ──yes──> install
               │                                              │
               └── a check ends here                          └── a refusal ends here
"""

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from updater import jcs
from updater.decision import VerifiedRelease, decide, run
from updater.driver.anchor import Anchor
from updater.driver.conclusion import (
    Notice,
    Report,
    conclude,
    is_ready,
    later,
    notices,
    report_json,
    summary,
)
from updater.driver.gather import attempt, running_tree
from updater.driver.obtain import Obtaining, read_artifact
from updater.driver.session import Session, Surroundings, open_session
from updater.driver.standing import VERDICT
from updater.errors import MalformedError, MissingError, UpdateError
from updater.files import Files
from updater.findings import Failed, Refusal, Result, failed
from updater.gates import GATES
from updater.gates.evidence import Evidence, Vouched, Wish
from updater.install.root import Root
from updater.installed.slots import MOST_CODES, Last, slot_name, version_of
from updater.installed.starts import forgive
from updater.offer.channel import Channel
from updater.transparency.index import Place
from updater.transparency.view import LogView
from updater.tuf.layout import DAY_S, Target

_ABOUT_HERE: Final = frozenset({"select", "wave"})
"""Gates about this machine and moment, which say nothing about a file."""
_STEPS: Final = {"unhealthy": "health", "tree": "stage", "disk": "stage"}
"""Which step of an installation a code belongs to; all others are the switch."""


class Updater:
    """Updates one product in one managed folder."""

    def __init__(self, root: Root, anchor: Anchor, given: Surroundings) -> None:
        self._root = root
        self._anchor = anchor
        self._given = given

    def check(self, wish: Wish) -> Report:
        """Say whether something may be installed now; nothing is fetched for it.

        Raises:
            BusyError: another updater is at work.
            StoreError: the folder cannot be used, or its state not be read.
        """
        with open_session(self._root, self._anchor, self._given) as session:
            evidence = session.gathering.gather(wish)
            report = self._report(session, evidence, decide(evidence).results)
            self._finish(session, evidence, report)
            return report

    def apply(self, wish: Wish) -> Report:
        """Install what may be installed now.

        Raises:
            BusyError: another updater is at work.
            MissingError: the interpreter for it is not there.
            StoreError: the folder cannot be used, or its state not be read.
        """
        with open_session(self._root, self._anchor, self._given) as session:
            evidence = session.gathering.gather(wish)
            verdict = decide(evidence)
            if is_ready(verdict.results):
                evidence = self._with_artifact(session, evidence)
                verdict = decide(evidence)
            report = self._report(session, evidence, verdict.results)
            if verdict.release is not None:
                report = self._install(session, evidence, verdict.release, report)
            self._finish(session, evidence, report)
            return report

    def verify(self, path: Path) -> Report:
        """Judge a bundle as if the channel offered it, and install nothing.

        Raises:
            BusyError: another updater is at work.
            StoreError: the folder cannot be used, or its state not be read.
        """
        product = self._anchor.product.name
        with open_session(self._root, self._anchor, self._given) as session:
            stored, manifest = read_artifact(Files(), path, product=product)
            if isinstance(stored, Failed) or isinstance(manifest, Failed):
                missing = stored if isinstance(stored, Failed) else manifest
                assert isinstance(missing, Failed)
                return self._unreadable(session, missing)
            evidence = session.gathering.gather(
                Wish(version=manifest.version, is_by_hand=True), (manifest, stored)
            )
            # Not `decide`: what is found here about a file is nothing to install.
            results = tuple(
                Result(name, run(gate, evidence))
                for name, gate in GATES.items()
                if name not in _ABOUT_HERE
            )
            return self._report(session, evidence, results)

    def _with_artifact(self, session: Session, evidence: Evidence) -> Evidence:
        """Fetch what everything else was said yes to, and read it."""
        target, channel = evidence.target, evidence.channel
        # Both are there: `select` and `hash` have looked at them.
        assert isinstance(target, Target)
        assert isinstance(channel, Channel)
        root, name = self._root, self._anchor.product.name
        obtaining = Obtaining(
            root,
            session.repository,
            product=name,
            deltas=self._given.settings.deltas,
            progress=self._given.progress,
        )
        path = attempt(lambda: obtaining.obtain(target, channel), "not-fetched")
        if isinstance(path, Failed):
            return replace(evidence, artifact=path, now=root.now())
        stored, manifest = read_artifact(root.files, path, product=name)
        return replace(evidence, artifact=stored, manifest=manifest, now=root.now())

    def _install(
        self,
        session: Session,
        evidence: Evidence,
        release: VerifiedRelease,
        report: Report,
    ) -> Report:
        """Install, and remember it; whatever fails leaves what ran before."""
        root, slot = self._root, slot_name(release.version, release.sha256)
        with root.changing() as change:
            state = change.state
            if evidence.wish.retries_bad:
                state = forgive(state, slot)
            change.write(state, "decide", summary(report))
        verdict = jcs.write(report_json(report))
        try:
            session.installer.install(
                release, {**session.gathering.files, VERDICT: verdict}
            )
        except MissingError:
            raise
        except UpdateError as error:
            code = "tree" if isinstance(error, MalformedError) else "unhealthy"
            refusal = failed(error, code).refusal(code)
            step = Result(_STEPS.get(refusal.code, "switch"), refusal)
            results = (*report.results, step)
            return replace(report, results=results, kind=conclude(results))
        place = _place(evidence, release)
        if place is not None:
            # It is installed whether or not the log's memory takes it; our own state
            # has the floor as well.
            with contextlib.suppress(UpdateError):
                session.gathering.log.record_install(place, release.version)
        return replace(report, kind="installed", slot=slot)

    # What it came to

    def _report(
        self,
        session: Session,
        evidence: Evidence,
        results: tuple[Result, ...],
    ) -> Report:
        root, here, slot = self._root, evidence.here, session.current
        channel = None if isinstance(evidence.channel, Failed) else evidence.channel
        told: tuple[Notice, ...] = ()
        if not isinstance(evidence.log, Failed):
            tree = running_tree(root)
            told = notices(
                evidence.log,
                channel,
                platform=here.platform,
                current=here.current,
                bundle=tree.bundle if tree else None,
            )
        return Report(
            at=int(evidence.now),
            kind=conclude(results),
            channel=here.channel,
            current=version_of(slot) if slot else None,
            offered=channel.offer(here.current) if channel else None,
            results=results,
            notices=told,
        )

    def _unreadable(self, session: Session, missing: Failed) -> Report:
        refusal = missing.refusal("manifest")
        return Report(
            at=int(self._root.now()),
            kind=conclude([Result("manifest", refusal)]),
            channel=self._root.read().channel,
            current=version_of(session.current) if session.current else None,
            offered=None,
            results=(Result("manifest", refusal),),
        )

    def _finish(self, session: Session, evidence: Evidence, report: Report) -> None:
        """Remember how it ended, and what is known of the time."""
        root = self._root
        refused = [
            each.outcome.code
            for each in report.results
            if isinstance(each.outcome, Refusal)
        ]
        last = Last(
            at=report.at,
            kind=report.kind,
            codes=tuple(dict.fromkeys(refused))[:MOST_CODES],
            version=report.offered,
        )
        with root.changing() as change:
            times = later(
                change.state.time, signed=_signed(evidence.log), hints=_hints(evidence)
            )
            state = replace(change.state, last=last, time=times)
            change.write(state, "check", summary(report))
        root.files.replace(root.folder / VERDICT, jcs.write(report_json(report)))
        session.gathering.tidy()


def _signed(view: LogView | Failed) -> int | None:
    return None if isinstance(view, Failed) else view.fresh_at


def _hints(evidence: Evidence) -> Iterator[float]:
    """Give times that suggest what time it is, though nobody vouches for them."""
    yield evidence.now
    if not isinstance(evidence.metadata, Failed):
        yield evidence.metadata["timestamp"].expires - DAY_S
    if isinstance(evidence.sigstore, Vouched):
        yield from evidence.sigstore.facts.times


def _place(evidence: Evidence, release: VerifiedRelease) -> Place | None:
    """Find where the claim of a release stands, in the index that was read."""
    if isinstance(evidence.log, Failed):
        return None
    rows = evidence.log.index.files_of(release.version, release.platform)
    places = [each.place for each in rows]
    return next((p for p in places if p.leaf_hash == release.leaf_hash), None)
