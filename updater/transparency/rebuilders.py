"""Who may say that a release can be built again, and how many of them it takes.

The object `rebuilders` of trust.json. Three things are not settings, so that no policy
can switch them off: only `identical` counts, only what is logged counts, and the
publisher never counts. Format: docs/formats/claims.md.
"""

from dataclasses import dataclass, replace
from typing import Final

from updater import shape
from updater.errors import MalformedError
from updater.jcs import Json
from updater.statement import KEY_BYTES, key_id
from updater.transparency.claims import parts
from updater.transparency.claims.rebuild import Stage

SCHEMA: Final = "rebuild-policy/1"
STAGE: Final[Stage] = "git-to-bundle"
"""What must have been built: the released file, from the source's own history."""

MAX_OPERATORS: Final = 64  # also in the log's reports: 1,024 statements about a file
MAX_KEYS: Final = 8  # of one operator: some machines, and a rotation

_MOST: Final = 32  # no quorum asks for more; half of the operators there can be
_MOST_ENVIRONMENTS: Final = 8
_LONGEST_DAYS: Final = 365  # a statement lives for a year at most


@dataclass(frozen=True, slots=True)
class Operator:
    """Somebody who rebuilds.

    Attributes:
        name: a word.
        keys: raw Ed25519 public keys, 32 bytes each.
        is_publisher: shown, but never counted.
    """

    name: str
    keys: tuple[bytes, ...]
    is_publisher: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RebuildPolicy:
    """How many must agree.

    Attributes:
        is_enforced: too few stop an install; otherwise they are only shown.
        threshold: operators with a positive and no negative statement.
        veto_quorum: operators with a negative statement that stop an install.
        min_environments: distinct environments among the counted.
        min_level: sandbox level, 0 to 2, from which a positive counts.
        max_age_days: after its end, a positive counts for so long.
        operators: by name.
    """

    is_enforced: bool
    threshold: int
    veto_quorum: int
    min_environments: int
    min_level: int
    max_age_days: int
    operators: tuple[Operator, ...]

    @property
    def keys(self) -> tuple[bytes, ...]:
        """All operators' keys."""
        return tuple(key for each in self.operators for key in each.keys)

    def owner(self, keyid: str) -> Operator | None:
        """Find whose key this is, by its SHA-256 in hexadecimal; None if nobody's."""
        for operator in self.operators:
            if keyid in map(key_id, operator.keys):
                return operator
        return None

    def tightened(
        self, *, threshold: int | None = None, max_age_days: int | None = None
    ) -> "RebuildPolicy":
        """Give this policy with a user's own wishes, which can only make it stricter.

        A threshold of one's own is enforced, whatever the policy says.
        """
        policy = self
        if threshold is not None:
            policy = replace(
                policy, threshold=max(threshold, self.threshold), is_enforced=True
            )
        if max_age_days is not None:
            policy = replace(policy, max_age_days=min(max_age_days, self.max_age_days))
        return policy


def rebuild_policy(value: Json) -> RebuildPolicy:
    """Read the object `rebuilders`.

    Raises:
        MalformedError: a field is missing, wrong or one too many; an operator or a key
            occurs twice; or nobody could ever meet an enforced policy.
    """
    said = shape.record(
        value,
        "rebuilders",
        (
            "maxAgeDays",
            "minDistinctEnvironments",
            "minLevel",
            "mode",
            "operators",
            "schema",
            "stage",
            "threshold",
            "vetoQuorum",
        ),
    )
    shape.one_of(said["schema"], "schema", SCHEMA)
    shape.one_of(said["stage"], "stage", STAGE)
    listed = shape.items(said["operators"], "operators", most=MAX_OPERATORS)
    policy = RebuildPolicy(
        is_enforced=shape.one_of(said["mode"], "mode", "report", "enforce")
        == "enforce",
        threshold=shape.integer(said["threshold"], "threshold", least=1, most=_MOST),
        veto_quorum=shape.integer(
            said["vetoQuorum"], "vetoQuorum", least=1, most=_MOST
        ),
        min_environments=shape.integer(
            said["minDistinctEnvironments"],
            "minDistinctEnvironments",
            least=1,
            most=_MOST_ENVIRONMENTS,
        ),
        min_level=shape.integer(said["minLevel"], "minLevel", most=2),
        max_age_days=shape.integer(
            said["maxAgeDays"], "maxAgeDays", least=1, most=_LONGEST_DAYS
        ),
        operators=tuple(_operator(each) for each in listed),
    )
    _check_operators(policy)
    return policy


def _operator(value: Json) -> Operator:
    said = shape.record(value, "operator", ("keys", "operator", "role"))
    listed = shape.items(said["keys"], "keys", least=1, most=MAX_KEYS)
    role = shape.one_of(said["role"], "role", "independent", "publisher")
    return Operator(
        shape.text(said["operator"], "operator", parts.WORD),
        tuple(shape.unbase64(each, "key", size=KEY_BYTES) for each in listed),
        is_publisher=role == "publisher",
    )


def _check_operators(policy: RebuildPolicy) -> None:
    names = [each.name for each in policy.operators]
    if len(set(names)) != len(names):
        raise MalformedError("operators: expected each name once")
    # One key with two owners would let one machine speak as two operators.
    if len(set(policy.keys)) != len(policy.keys):
        raise MalformedError("operators: expected each key once")
    independent = sum(not each.is_publisher for each in policy.operators)
    if policy.is_enforced and not (
        2 <= policy.threshold <= independent and policy.veto_quorum <= independent
    ):
        raise MalformedError(
            f"rebuilders: expected a threshold of 2 or more and quorums that "
            f"{independent} independent operators can meet, came {policy.threshold} "
            f"and {policy.veto_quorum}"
        )


def rebuild_policy_json(policy: RebuildPolicy) -> dict[str, Json]:
    """Write a policy as `rebuild_policy` reads it."""
    return {
        "maxAgeDays": policy.max_age_days,
        "minDistinctEnvironments": policy.min_environments,
        "minLevel": policy.min_level,
        "mode": "enforce" if policy.is_enforced else "report",
        "operators": [
            {
                "keys": [shape.base64_text(key) for key in each.keys],
                "operator": each.name,
                "role": "publisher" if each.is_publisher else "independent",
            }
            for each in policy.operators
        ],
        "schema": SCHEMA,
        "stage": STAGE,
        "threshold": policy.threshold,
        "vetoQuorum": policy.veto_quorum,
    }
