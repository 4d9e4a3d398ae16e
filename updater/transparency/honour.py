"""Which trust files count: those that were public for long enough, and never back.

A set of trust files is honoured if it is built in, or if a policy entry names the hash
of each, is signed by the policy role of the set before, stands later in the log than
that set's own entry, is older than that set's delay by the witnesses' times, names a
time that has passed, and if nothing is wrong with the files. A client that slept
through several changes walks them in the order in which they became due. Times are
signed ones: no clock takes part.
"""

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
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
MAX_SETS = 64
"""Since the program was made, its own included: one a month for five years. A later one
is not honoured; only a newer program brings it."""


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
    places: tuple[Place, ...]
    """The entry of each set but the first, in the order of the log."""
    ages: Mapping[str, int]
    """For how long each digest that an entitled policy entry names is public, in
    seconds by the witnesses' times; lower hexadecimal."""
    ignored: tuple[tuple[Place, str], ...]
    """Entries that are not honoured and never will be, and why."""

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


def walk(  # noqa: PLR0913 - what is known of a log, each by name
    built_in: TrustSet,
    logged: Sequence[LoggedPolicy],
    *,
    fresh_at: int | None,
    settled: Collection[int] = (),
    is_whole: bool = True,
    fetch: Callable[[str], bytes],
) -> Honoured:
    """Go through the policy entries of a log, in the order in which they became due.

    Args:
        built_in: the set that came with the running program.
        logged: all policy entries, in the order of the log.
        fresh_at: until when witnesses called the accepted checkpoint the newest,
            POSIX seconds; None where nobody vouches for a time, then nothing is due.
        settled: the entries honoured before: what was honoured once stays so, whoever
            still witnesses this log.
        is_whole: whether `logged` is all that the log has; until then nothing is due,
            since what was not read yet may have become due before.
        fetch: gives a file by its SHA-256 in lower hexadecimal; its bytes are compared
            with that here.

    Raises:
        UpdateError: a file could not be had. The former set must not stay in use
            because somebody withholds a file.
    """
    start = _start(built_in, logged)
    # What stands before the built-in set is history: never back.
    first = len(logged) if start is None else logged.index(start) + 1
    later = logged[first:]
    walk_ = _Walk(built_in, fetch)
    for each in later:
        if each.place.index in settled and _is_entitled(walk_.current.trust, each):
            walk_.take(each)
    while is_whole and (due := walk_.next_due(later, fresh_at)) is not None:
        walk_.take(due)
    return Honoured(
        sets=(built_in, *(each for each, _ in walk_.steps)),
        places=tuple(place for _, place in walk_.steps),
        ages=walk_.ages(logged, fresh_at),
        ignored=tuple(walk_.ignored(later)),
    )


class _Walk:
    """Where a walk has come to: each set that was honoured, and its entry."""

    def __init__(self, built_in: TrustSet, fetch: Callable[[str], bytes]) -> None:
        self.steps: list[tuple[TrustSet, Place]] = []
        self._built_in = built_in
        self._refused: dict[int, str] = {}
        self._fetch = fetch

    @property
    def current(self) -> TrustSet:
        """The set that counts so far."""
        return self.steps[-1][0] if self.steps else self._built_in

    def next_due(
        self, later: Sequence[LoggedPolicy], fresh_at: int | None
    ) -> LoggedPolicy | None:
        """Find what became due first of all that stands after the current set.

        Not simply the next entry: one that names a late time would else wait in front
        of those after it, and take their place when its time comes.
        """
        last = self.steps[-1][1].index if self.steps else -1
        delay_s = self.current.trust.policy_delay_s
        due = [
            (max(each.seen_at + delay_s, each.claim.not_before), each.place.index, each)
            for each in later
            if each.place.index > last
            and each.place.index not in self._refused
            and each.seen_at is not None
            and _is_of_a_set(each.claim)
            and _is_entitled(self.current.trust, each)
        ]
        at, _, first = min(due, key=lambda each: each[:2], default=(0, 0, None))
        return None if fresh_at is None or at > fresh_at else first

    def take(self, logged: LoggedPolicy) -> None:
        """Honour the files of an entry, if nothing is wrong with them."""
        try:
            self.steps.append((self._read(logged.claim), logged.place))
        except RefusedError as error:
            self._refused[logged.place.index] = str(error)

    def ages(
        self, logged: Sequence[LoggedPolicy], fresh_at: int | None
    ) -> dict[str, int]:
        """Say for how long the files of each entitled entry are public, in seconds."""
        ages: dict[str, int] = {}
        for each in logged:
            if fresh_at is None or each.seen_at is None:
                continue
            if _is_entitled(self._before(each.place).trust, each):
                age_s = max(0, fresh_at - each.seen_at)
                for file in each.claim.files:
                    ages[file.sha256] = max(age_s, ages.get(file.sha256, 0))
        return ages

    def ignored(self, later: Sequence[LoggedPolicy]) -> Iterator[tuple[Place, str]]:
        """Name what will never be honoured, and why."""
        taken = [place.index for _, place in self.steps]
        last = max(taken, default=-1)
        for each in later:
            index = each.place.index
            if not _is_entitled(self._before(each.place).trust, each):
                yield each.place, "not signed by the policy role"
            elif index in self._refused:
                yield each.place, self._refused[index]
            elif index < last and index not in taken and _is_of_a_set(each.claim):
                text = f"entry {last} counts already, which stands after it"
                yield each.place, text

    def _before(self, place: Place) -> TrustSet:
        """Give the set that decides who may sign the entry at a place."""
        sets = [each for each, at in self.steps if at.index < place.index]
        return sets[-1] if sets else self._built_in

    def _read(self, claim: PolicyClaim) -> TrustSet:
        if 1 + len(self.steps) == MAX_SETS:
            raise RefusedError(f"{MAX_SETS} sets counted already: renew the program")
        named = {file.name: file.sha256 for file in claim.files if file.name in NAMES}
        if missing := set(self.current.files) - set(named):
            # A set is replaced whole: half of it would belong to nothing logged.
            raise RefusedError(f"the entry does not name {min(missing)}")
        known = {
            digest: each.files[name]
            for each in (self._built_in, *(each for each, _ in self.steps))
            for name, digest in each.digests.items()
        }
        new = read_set(
            {
                name: known[digest] if digest in known else self._get(digest)
                for name, digest in named.items()
            }
        )
        if new.trust.requires_sigstore and (missing := set(NAMES) - set(named)):
            # Honoured all the same, it would refuse every release there will ever be.
            raise RefusedError(f"Sigstore is asked for, and {min(missing)} not named")
        return new

    def _get(self, digest: str) -> bytes:
        data = self._fetch(digest)
        if hashlib.sha256(data).hexdigest() != digest:
            # The entry is good: a mirror that lies must not keep the former set alive.
            raise UnreachableError(f"trust file {digest}: came with another hash")
        return data


def _is_of_a_set(claim: PolicyClaim) -> bool:
    """Tell whether an entry is about files that somebody here has to honour."""
    return claim.sha256(POLICY) is not None or claim.sha256(TRUST) is not None


def _start(built_in: TrustSet, logged: Sequence[LoggedPolicy]) -> LoggedPolicy | None:
    """Find the first entry that names every file of the built-in set.

    Who may sign it, only the set before could tell. So it is the first: whoever can
    append to the log can name these files again, and would undo what came since.
    """
    digests = built_in.digests.items()
    for each in logged:
        if all(each.claim.sha256(name) == digest for name, digest in digests):
            return each
    return None


def _is_entitled(trust: Trust, logged: LoggedPolicy) -> bool:
    try:
        check_entry(trust, logged.entry)
    except RefusedError:
        return False
    return True
