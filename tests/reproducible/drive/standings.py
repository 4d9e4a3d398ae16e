"""Standings of a rebuilder, for tests."""

from reproducible.drive.standing import Job, Said, Standing, looked
from updater.transparency.claims.rebuild import Verdict

NOW = 1_790_000_000
DAY = 86_400
PLATFORM = "cp312-linux-x86_64"
FILE = f"tally-1.0-{PLATFORM}.tar"


def dice(count: int) -> bytes:
    """Be entropy that never adds anything."""
    return bytes(count)


def sha256(version: str, platform: str = PLATFORM) -> str:
    """Give the hash that a file has in these tests."""
    return (f"{version}{platform}".encode().hex() + "0" * 64)[:64]


def seen(*versions: str, now: float = NOW) -> Standing:
    """Give a standing where these versions were just seen for the first time."""
    found = [(each, PLATFORM, sha256(each)) for each in versions]
    return looked(Standing(), found, frozenset(), now)


def said(
    verdict: Verdict = "identical", *, at: int = NOW, leaf: str = "a" * 64
) -> Said:
    """Give a statement that holds for 120 days."""
    return Said(
        file=FILE, verdict=verdict, leaf=leaf, finished_on=at, expires_on=at + 120 * DAY
    )


def job(standing: Standing, version: str) -> Job:
    """Find the job of a version."""
    (found,) = (each for each in standing.jobs if each.version == version)
    return found
