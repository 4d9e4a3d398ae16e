"""Who may say that a release can be built again, and how many of them it takes.

The object `rebuilders` of trust.json. Three things are not settings, so that no policy
can switch them off: only `identical` counts, only what is logged counts, and the
publisher never counts. Format: docs/formats/claims.md.
"""

from dataclasses import dataclass, replace
from typing import Literal

from updater.jcs import Json


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
        stage: what must have been built.
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
    stage: Literal["git-to-bundle"] = "git-to-bundle"

    def owner(self, keyid: str) -> Operator | None:
        """Find whose key this is, by its SHA-256 in hexadecimal; None if nobody's."""
        raise NotImplementedError

    def tightened(
        self, *, threshold: int | None = None, max_age_days: int | None = None
    ) -> "RebuildPolicy":
        """Give this policy with a user's own wishes, which can only make it stricter.

        A threshold of one's own is enforced, whatever the policy says.
        """
        raise NotImplementedError


def rebuild_policy(value: Json) -> RebuildPolicy:
    """Read the object `rebuilders`.

    Raises:
        MalformedError: a field is missing, wrong or one too many; an operator or a key
            occurs twice; or nobody could ever meet an enforced policy.
    """
    raise NotImplementedError


def rebuild_policy_json(policy: RebuildPolicy) -> dict[str, Json]:
    """Write a policy as `rebuild_policy` reads it."""
    raise NotImplementedError
