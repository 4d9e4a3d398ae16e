"""How far a rebuilder has come: what was seen, found and handed out.

Rules. A file of a release is a `Job`, and goes one way; every arrow is a state on disk
before and after it, so that a kill at any moment costs work and never says a thing
twice::

    seen ──built──> said ──handed out──> out ──its end is near──> built again
      │                │
      └── trouble ──> later, and later again

A statement is signed once for what was found: building again with the same outcome
changes nothing while the former statement still counts. Times are POSIX seconds.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final, cast

from updater import jcs, shape
from updater.errors import MalformedError
from updater.jcs import Json
from updater.offer.version import check_version, order
from updater.transparency.claims.parts import NAME
from updater.transparency.claims.rebuild import VERDICTS, Verdict
from updater.transparency.claims.release import PLATFORM

MAX_BYTES: Final = 64 << 20  # as many jobs as below, with a sentence each
MAX_JOBS: Final = 100_000  # more files than one log of a project will ever name
MAX_TROUBLE: Final = 500  # characters of a sentence that are kept

RENEW_BEFORE_S: Final = 30 * 86_400
"""A statement is made anew so long before it ends: a quorum must never lapse because
one machine was switched off for a week."""
FIRST_DELAY_S: Final = 300  # after a first trouble: a mirror that restarts
LONGEST_DELAY_S: Final = 86_400  # a day: what is broken for longer, a person looks at
_ENTROPY_BYTES: Final = 8

_SCHEMA: Final = "ringfence-watch/1"
_TROUBLE: Final = re.compile(r"(?s:.{0,500})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A statement that was signed.

    Attributes:
        file: the published file's name.
        leaf: SHA-256 of the envelope's bytes, lower hexadecimal.
        expires_on: after this it counts for nobody.
        is_out: whether everybody who is to have it has it.
    """

    file: str
    verdict: Verdict
    leaf: str
    finished_on: int
    expires_on: int
    is_out: bool = False

    @property
    def renew_on(self) -> int:
        """When it is made anew: a month before its end, or half way there."""
        life_s = self.expires_on - self.finished_on
        return self.expires_on - min(RENEW_BEFORE_S, life_s // 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A file of a release, and what became of it here.

    Attributes:
        sha256: of the published file, lower hexadecimal.
        next_on: not before this is it built, again or at all.
        tries: how often in a row it came to nothing.
        trouble: why, the last time; empty after a verdict.
        is_withdrawn: yanked: nobody needs a word on it any more.
    """

    version: str
    platform: str
    sha256: str
    next_on: int = 0
    tries: int = 0
    trouble: str = ""
    said: Said | None = None
    is_withdrawn: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """All jobs, in the order in which the log named them.

    Attributes:
        looked_on: when releases were last looked for, with success; 0 is never.
        trouble: why the last look failed; empty after one that did not.
    """

    jobs: tuple[Job, ...] = ()
    looked_on: int = 0
    trouble: str = ""

    def due(self, now: float) -> Job | None:
        """Give what is to be built next: what has no verdict yet, newest first."""
        ready = [each for each in self.jobs if _is_due(each, now)]
        return max(
            ready,
            key=lambda job: (job.said is None, order(job.version)),
            default=None,
        )

    @property
    def unsent(self) -> tuple[Job, ...]:
        """What is signed and has not reached everybody."""
        return tuple(each for each in self.jobs if each.said and not each.said.is_out)

    @property
    def is_well(self) -> bool:
        """Whether releases were looked for, none is in trouble, all is handed out."""
        troubled = any(each.trouble for each in self.jobs if _is_live(each))
        return not (self.trouble or troubled or self.unsent)

    def next_on(self) -> int | None:
        """Give when the next job is due; None if none ever is."""
        return min((each.next_on for each in self.jobs if _is_live(each)), default=None)


def looked(
    standing: Standing,
    found: Iterable[tuple[str, str, str]],
    withdrawn: frozenset[str],
    now: float,
) -> Standing:
    """Take in a look at the releases: version, platform and SHA-256 of each file.

    `withdrawn` are the SHA-256 of files that were yanked. A job is never forgotten.

    Raises:
        MalformedError: there are more files than are kept.
    """
    known = {each.sha256: each for each in standing.jobs}
    for version, platform, sha256 in found:
        job = Job(version=version, platform=platform, sha256=sha256)
        known.setdefault(sha256, job)
    if len(known) > MAX_JOBS:
        raise MalformedError(f"expected at most {MAX_JOBS} files, came {len(known)}")
    jobs = (
        replace(each, is_withdrawn=each.sha256 in withdrawn) for each in known.values()
    )
    return replace(standing, jobs=tuple(jobs), looked_on=int(now), trouble="")


def look_failed(standing: Standing, why: str) -> Standing:
    """Take in that releases could not be looked at."""
    return replace(standing, trouble=_sentence(why))


def failed(
    standing: Standing,
    sha256: str,
    why: str,
    *,
    now: float,
    entropy: Callable[[int], bytes],
) -> Standing:
    """Take in that there was no verdict; the job is tried again, ever more rarely.

    `entropy` spreads the tries of many machines, so that a mirror which comes back is
    not asked by all of them at once.
    """

    def change(job: Job) -> Job:
        return replace(
            job,
            tries=job.tries + 1,
            trouble=_sentence(why),
            next_on=int(now + _delay_s(job.tries, entropy)),
        )

    return _changed(standing, sha256, change)


def concluded(
    standing: Standing,
    sha256: str,
    said: Said,
    *,
    now: float,
    entropy: Callable[[int], bytes],
) -> Standing:
    """Take in a verdict and the statement that was signed for it.

    While a former statement with the same verdict counts for long enough, it stands
    and the new one is not used. A build that failed is tried again, as in `failed`.
    """

    def change(job: Job) -> Job:
        old = job.said
        kept = said
        if old and old.verdict == said.verdict and now < old.renew_on:
            kept = old
        if said.verdict == "build-failed":  # perhaps it was only this machine
            next_on = int(now + _delay_s(job.tries, entropy))
            tries = job.tries + 1
        else:
            next_on, tries = kept.renew_on, 0
        return replace(job, said=kept, tries=tries, trouble="", next_on=next_on)

    return _changed(standing, sha256, change)


def handed_out(standing: Standing, leaf: str) -> Standing:
    """Take in that a statement (SHA-256 of its envelope) is where it belongs."""

    def change(job: Job) -> Job:
        if job.said is None or job.said.leaf != leaf:
            return job
        return replace(job, said=replace(job.said, is_out=True))

    return replace(standing, jobs=tuple(change(each) for each in standing.jobs))


def wait_s(
    standing: Standing,
    *,
    interval_s: float,
    now: float,
    entropy: Callable[[int], bytes],
) -> float:
    """Say for how long there is nothing to do.

    An interval, up to a tenth shorter, so that machines started together drift apart;
    less where a job is due before that, unless the last look failed: nothing can be
    built before the next. At least a second.
    """
    until = interval_s * (1 - _fraction(entropy) / 10)
    next_on = standing.next_on()
    if next_on is not None and not standing.trouble:
        until = min(until, next_on - now)
    return max(1.0, until)


def format_standing(standing: Standing) -> bytes:
    """Write a standing as `parse_standing` reads it (RFC 8785)."""
    return jcs.write(
        {
            "jobs": [_job_json(each) for each in standing.jobs],
            "lookedOn": standing.looked_on,
            "schema": _SCHEMA,
            "trouble": standing.trouble,
        }
    )


def parse_standing(data: bytes) -> Standing:
    """Read a standing.

    Raises:
        MalformedError: it is none.
    """
    found = shape.record(
        jcs.parse_canonical(data, most=MAX_BYTES),
        "watch",
        ("jobs", "lookedOn", "schema", "trouble"),
    )
    shape.one_of(found["schema"], "schema", _SCHEMA)
    jobs = tuple(map(_job, shape.items(found["jobs"], "jobs", most=MAX_JOBS)))
    if len({each.sha256 for each in jobs}) != len(jobs):
        raise MalformedError("jobs: expected each file once")
    return Standing(
        jobs=jobs,
        looked_on=shape.integer(found["lookedOn"], "lookedOn"),
        trouble=shape.text(found["trouble"], "trouble", _TROUBLE),
    )


def _is_live(job: Job) -> bool:
    return not job.is_withdrawn


def _is_due(job: Job, now: float) -> bool:
    return _is_live(job) and job.next_on <= now


def _sentence(why: str) -> str:
    """Cut what went wrong to what is kept; a name on a disk need not be text."""
    text = why[:MAX_TROUBLE].encode(errors="replace").decode()
    return text or "unknown"


def _delay_s(tries: int, entropy: Callable[[int], bytes]) -> float:
    doubled = FIRST_DELAY_S << min(tries, 20)
    return min(doubled, LONGEST_DELAY_S) * (1 + _fraction(entropy) / 4)


def _fraction(entropy: Callable[[int], bytes]) -> float:
    return int.from_bytes(entropy(_ENTROPY_BYTES), "big") / (1 << 8 * _ENTROPY_BYTES)


def _changed(standing: Standing, sha256: str, change: Callable[[Job], Job]) -> Standing:
    jobs = (change(each) if each.sha256 == sha256 else each for each in standing.jobs)
    return replace(standing, jobs=tuple(jobs))


def _job_json(job: Job) -> Json:
    return {
        "nextOn": job.next_on,
        "platform": job.platform,
        "said": None if job.said is None else _said_json(job.said),
        "sha256": job.sha256,
        "tries": job.tries,
        "trouble": job.trouble,
        "version": job.version,
        "withdrawn": job.is_withdrawn,
    }


def _said_json(said: Said) -> Json:
    return {
        "expiresOn": said.expires_on,
        "file": said.file,
        "finishedOn": said.finished_on,
        "leaf": said.leaf,
        "out": said.is_out,
        "verdict": said.verdict,
    }


def _job(value: Json) -> Job:
    found = shape.record(
        value,
        "job",
        (
            "nextOn", "platform", "said", "sha256", "tries", "trouble", "version",
            "withdrawn",
        ),
    )  # fmt: skip
    said = found["said"]
    return Job(
        version=check_version(found["version"], "version"),
        platform=shape.text(found["platform"], "platform", PLATFORM),
        sha256=shape.text(found["sha256"], "sha256", shape.SHA256),
        next_on=shape.integer(found["nextOn"], "nextOn"),
        tries=shape.integer(found["tries"], "tries"),
        trouble=shape.text(found["trouble"], "trouble", _TROUBLE),
        said=None if said is None else _said(said),
        is_withdrawn=shape.flag(found["withdrawn"], "withdrawn"),
    )


def _said(value: Json) -> Said:
    found = shape.record(
        value, "said", ("expiresOn", "file", "finishedOn", "leaf", "out", "verdict")
    )
    verdict = shape.one_of(found["verdict"], "verdict", *VERDICTS)
    return Said(
        file=shape.text(found["file"], "file", NAME),
        verdict=cast("Verdict", verdict),  # `one_of` has looked
        leaf=shape.text(found["leaf"], "leaf", shape.SHA256),
        finished_on=shape.integer(found["finishedOn"], "finishedOn"),
        expires_on=shape.integer(found["expiresOn"], "expiresOn"),
        is_out=shape.flag(found["out"], "out"),
    )
