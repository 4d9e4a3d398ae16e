"""Which trust files count: those that were public for long enough, and never back.

A set of trust files is honoured if it is built in, or if a policy entry names the hash
of each, is signed by the policy role of the set before, stands later in the log than
that set's own entry, is older than that set's delay by the witnesses' times, names a
time that has passed, and if nothing is wrong with the files. A client that slept
through several changes walks them in order. Times are signed ones: no clock takes part.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from updater.transparency.entry import Entry
from updater.transparency.index import Place
from updater.transparency.policy import Policy
from updater.transparency.trust import Trust

POLICY = "policy"
TRUST = "trust.json"
NAMES = (POLICY, "sigstore.json", TRUST, "trusted_root.json")
"""The files of a set; the first and `trust.json` always, the others with Sigstore."""


@dataclass(frozen=True, slots=True)
class TrustSet:
    """Trust files that belong together, opened."""

    trust: Trust
    policy: Policy
    files: Mapping[str, bytes] = field(kw_only=True, repr=False)
    """The bytes of each file, by its name in `NAMES`."""

    @property
    def digests(self) -> dict[str, str]:
        """The SHA-256 of each file, lower hexadecimal, by its name."""
        return {
            name: hashlib.sha256(data).hexdigest() for name, data in self.files.items()
        }


@dataclass(frozen=True, slots=True)
class LoggedPolicy:
    """A policy entry of a log, with when an honest witness had seen it (POSIX s)."""

    place: Place
    entry: Entry
    seen_at: int | None = field(kw_only=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Honoured:
    """The outcome of a walk."""

    sets: tuple[TrustSet, ...]
    """All that were ever honoured since the one built in, which is first."""
    place: Place | None
    """The entry of the last set; None if the built-in set is nowhere in the log."""
    ages: Mapping[str, int]
    """For how long each digest that an entitled policy entry names is public, in
    seconds by the witnesses' times; lower hexadecimal."""
    ignored: tuple[tuple[Place, str], ...]
    """Entries that are due and not honoured, and why."""

    @property
    def current(self) -> TrustSet:
        """The set that counts."""
        return self.sets[-1]


def read_set(files: Mapping[str, bytes]) -> TrustSet:
    """Open a set of trust files.

    Raises:
        MalformedError: one is missing, does not parse or has no place in a set.
        RefusedError: the witness policy protects nobody.
    """
    raise NotImplementedError


def walk(
    built_in: TrustSet,
    logged: Sequence[LoggedPolicy],
    *,
    fresh_at: int | None,
    fetch: Callable[[str], bytes],
) -> Honoured:
    """Go through the policy entries of a log, in its order.

    Args:
        built_in: the set that came with the running program.
        logged: all policy entries.
        fresh_at: until when witnesses called the accepted checkpoint the newest,
            POSIX seconds; None where nobody vouches for a time, then nothing is due.
        fetch: gives a file by its SHA-256 in lower hexadecimal; its bytes are compared
            with that here.

    Raises:
        UpdateError: `fetch` raised it. The former set must not stay in use because
            somebody withholds a file.
    """
    raise NotImplementedError
