"""A file judged by what lies beside it: statements of rebuilders, and their proofs.

Nobody is asked, so nobody learns who judges what. Who counts is decided by the rule of
an update (`updater.quorum`); here it is found out which statements are in the log.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Final

from reproducible.errors import RecipeError
from reproducible.record.attest import PROVENANCE
from updater.errors import MalformedError, RefusedError
from updater.jcs import parse
from updater.quorum import Decision, evaluate
from updater.statement import parse_envelope, read_statement
from updater.transparency.merkle import hash_leaf
from updater.transparency.policy import Policy
from updater.transparency.proof import check_proof, parse_proof
from updater.transparency.rebuilders import SCHEMA, RebuildPolicy, rebuild_policy
from updater.transparency.trust import MAX_TRUST_BYTES, parse_trust
from updater.transparency.witnessed import accept

MAX_JSONL: Final = 64 * 65_536
"""Bytes of a file of envelopes: one statement for each file of a release."""


@dataclass(frozen=True, slots=True)
class Said:
    """A statement, as it came in the file `name`.

    Attributes:
        proof: the proof file beside it (C2SP tlog-proof), None where there is none.
    """

    name: str
    leaf: bytes = field(repr=False)
    proof: bytes | None = field(default=None, kw_only=True, repr=False)


@dataclass(frozen=True, slots=True)
class Unproven:
    """A proof that does not hold, and why."""

    name: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What statements about a file come to.

    Attributes:
        unlogged: operators who signed that they got other bytes, in no log that is
            proven; it blocks nothing, and must be seen.
    """

    decision: Decision
    unproven: tuple[Unproven, ...]
    unlogged: tuple[str, ...]


def read_policy(data: bytes) -> RebuildPolicy:
    """Read who counts: a rebuild policy alone, or a whole trust.json.

    Raises:
        MalformedError: it is neither.
    """
    value = parse(data, most=MAX_TRUST_BYTES)
    if isinstance(value, dict) and value.get("schema") == SCHEMA:
        return rebuild_policy(value)
    return parse_trust(data).rebuilders


def split_jsonl(name: str, data: bytes) -> Iterator[Said]:
    """Give the statements of a file of envelopes, one to a line.

    Provenances are left out: they say how a file was built, not what was found.
    """
    for line in data.splitlines():
        if line and not _is_provenance(line):
            yield Said(name, line)


def judge(
    sha256: str,
    said: Collection[Said],
    *,
    policy: RebuildPolicy,
    witnesses: Policy | None,
    now: float,
) -> Judgement:
    """Judge a file, by its SHA-256 in lower hexadecimal.

    Args:
        sha256: of the file.
        said: at most 1,024 statements.
        policy: who counts.
        witnesses: which log is believed, and who must have seen it; without one, no
            statement is known to be logged, and none counts.
        now: POSIX seconds.

    Raises:
        RecipeError: the proofs are of several logs, so nothing says what came first.
        LimitError: too many statements.
    """
    # A statement may have several places: which of them counts is the rule's to say.
    places: list[tuple[bytes, int | None]] = []
    origins: set[str] = set()
    unproven = []
    for each in said:
        if each.proof is None:
            places.append((each.leaf, None))
            continue
        try:
            origin, index = _place(each.leaf, each.proof, witnesses, now)
        except RefusedError as error:
            unproven.append(Unproven(each.name, str(error)))
            places.append((each.leaf, None))
            continue
        origins.add(origin)
        places.append((each.leaf, index))
    if len(origins) > 1:
        raise RecipeError(f"proofs: expected one log, came {sorted(origins)!r}")
    return Judgement(
        decision=evaluate(policy, sha256, places, now),
        unproven=tuple(unproven),
        unlogged=_unlogged(policy, sha256, places, now),
    )


def _place(
    leaf: bytes, proof: bytes, witnesses: Policy | None, now: float
) -> tuple[str, int]:
    """Give the log that a statement is in, and its index there."""
    if witnesses is None:
        raise RefusedError("no policy of a log was given to check it with")
    found = parse_proof(proof)
    opened = accept(witnesses, found.checkpoint, now)
    check_proof(found, hash_leaf(leaf), opened)
    return opened.checkpoint.origin, found.index


def _unlogged(
    policy: RebuildPolicy,
    sha256: str,
    places: Collection[tuple[bytes, int | None]],
    now: float,
) -> tuple[str, ...]:
    """Name who would veto if the log held what they signed."""
    held = {leaf for leaf, index in places if index is not None}
    vetoes: set[str] = set()
    for leaf in {leaf for leaf, _ in places} - held:
        vetoes.update(evaluate(policy, sha256, [(leaf, 0)], now).vetoes)
    return tuple(sorted(vetoes))


def _is_provenance(envelope: bytes) -> bool:
    try:
        statement = read_statement(parse_envelope(envelope).payload)
    except MalformedError:
        return False
    return statement.predicate_type == PROVENANCE
