"""Which trust files count: those that were public for long enough, and never back.

A set of trust files is honoured if it is built in, or if a policy entry names the hash
of each, is signed by the policy role of the set before, stands later in the log than
that set's own entry, is older than that set's delay by the witnesses' times, names a
time that has passed, and if nothing is wrong with the files. A client that slept
through several changes walks them in order. Times are signed ones: no clock takes part.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field

from updater.errors import MalformedError, RefusedError, UnreachableError
from updater.transparency.claims.policy import PolicyClaim
from updater.transparency.entry import Entry
from updater.transparency.index import Place
from updater.transparency.lint import lint
from updater.transparency.policy import Policy, parse_policy
from updater.transparency.trust import Trust, check_entry, parse_trust

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
    """A policy entry of a log."""

    place: Place
    entry: Entry
    """Its signatures are not checked yet."""
    _: KW_ONLY
    claim: PolicyClaim
    seen_at: int | None
    """When an honest witness had seen it, POSIX seconds; None if none vouches."""


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
    if not {POLICY, TRUST} <= set(files) <= set(NAMES):
        raise MalformedError(
            f"trust files: expected {POLICY}, {TRUST} and perhaps those of Sigstore,"
            f" came {', '.join(sorted(files))[:200]}"
        )
    trust = parse_trust(files[TRUST])
    keys = [key for role in trust.roles.values() for key in role.keys]
    weak = lint(
        files[POLICY],
        cooldown_group=trust.cooldown_group,
        role_keys=[*keys, *trust.rebuilders.keys],
    )
    for each in weak:
        if each.level == "error":
            raise RefusedError(f"witness policy: {each.text}")
    return TrustSet(trust, parse_policy(files[POLICY]), files=dict(files))


def walk(
    built_in: TrustSet,
    logged: Sequence[LoggedPolicy],
    *,
    fresh_at: int | None,
    settled: int | None,
    fetch: Callable[[str], bytes],
) -> Honoured:
    """Go through the policy entries of a log, in its order.

    Args:
        built_in: the set that came with the running program.
        logged: all policy entries.
        fresh_at: until when witnesses called the accepted checkpoint the newest,
            POSIX seconds; None where nobody vouches for a time, then nothing is due.
        settled: up to this index the entries were found due before: what was honoured
            once stays so, whoever still witnesses this log.
        fetch: gives a file by its SHA-256 in lower hexadecimal; its bytes are compared
            with that here.

    Raises:
        UpdateError: a file could not be had. The former set must not stay in use
            because somebody withholds a file.
    """
    start = _place_of(built_in, logged)
    walk_ = _Walk([built_in], place=start, settled=settled, fetch=fetch)
    for each in logged:
        # What stands before the built-in set is history: never back.
        if start is not None and each.place.index > start.index:
            walk_.take(each, fresh_at)
        elif _is_entitled(built_in.trust, each):
            walk_.publish(each, fresh_at)
    return Honoured(
        sets=tuple(walk_.sets),
        place=walk_.place,
        ages=walk_.ages,
        ignored=tuple(walk_.ignored),
    )


class _Walk:
    """Where a walk has come to."""

    def __init__(
        self,
        sets: list[TrustSet],
        *,
        place: Place | None,
        settled: int | None,
        fetch: Callable[[str], bytes],
    ) -> None:
        self.sets = sets
        self.place = place
        self.ages: dict[str, int] = {}
        self.ignored: list[tuple[Place, str]] = []
        self._settled = -1 if settled is None else settled
        self._fetch = fetch

    def take(self, logged: LoggedPolicy, fresh_at: int | None) -> None:
        """Go past an entry, and honour its files if they are due."""
        current = self.sets[-1]
        if not _is_entitled(current.trust, logged):
            self.ignored.append((logged.place, "not signed by the policy role"))
            return
        age_s = self.publish(logged, fresh_at)
        claim = logged.claim
        if claim.sha256(POLICY) is None and claim.sha256(TRUST) is None:
            return  # about other files, which nobody here has to honour
        if not self._is_due(logged, age_s, fresh_at):
            return
        try:
            new = self._read(claim, current)
        except RefusedError as error:
            self.ignored.append((logged.place, str(error)))
            return
        self.sets.append(new)
        self.place = logged.place

    def _is_due(
        self, logged: LoggedPolicy, age_s: int | None, fresh_at: int | None
    ) -> bool:
        if logged.place.index <= self._settled:
            return True
        if fresh_at is None or age_s is None:
            return False
        delay_s = self.sets[-1].trust.policy_delay_s
        return age_s >= delay_s and logged.claim.not_before <= fresh_at

    def publish(self, logged: LoggedPolicy, fresh_at: int | None) -> int | None:
        """Note since when the files of an entry are public; gives its age."""
        if fresh_at is None or logged.seen_at is None:
            return None
        age_s = max(0, fresh_at - logged.seen_at)
        for file in logged.claim.files:
            self.ages[file.sha256] = max(age_s, self.ages.get(file.sha256, 0))
        return age_s

    def _read(self, claim: PolicyClaim, current: TrustSet) -> TrustSet:
        named = {file.name: file.sha256 for file in claim.files if file.name in NAMES}
        if missing := set(current.files) - set(named):
            # A set is replaced whole: half of it would belong to nothing logged.
            raise RefusedError(f"the entry does not name {min(missing)}")
        known = {
            digest: each.files[name]
            for each in self.sets
            for name, digest in each.digests.items()
        }
        return read_set(
            {
                name: known[digest] if digest in known else self._get(digest)
                for name, digest in named.items()
            }
        )

    def _get(self, digest: str) -> bytes:
        data = self._fetch(digest)
        if hashlib.sha256(data).hexdigest() != digest:
            # The entry is good: a mirror that lies must not keep the former set alive.
            raise UnreachableError(f"trust file {digest}: came with another hash")
        return data


def _place_of(built_in: TrustSet, logged: Sequence[LoggedPolicy]) -> Place | None:
    """Find the last entry that names every file of the built-in set."""
    places = [
        each.place
        for each in logged
        if all(
            each.claim.sha256(name) == digest
            for name, digest in built_in.digests.items()
        )
    ]
    return places[-1] if places else None


def _is_entitled(trust: Trust, logged: LoggedPolicy) -> bool:
    try:
        check_entry(trust, logged.entry)
    except RefusedError:
        return False
    return True
