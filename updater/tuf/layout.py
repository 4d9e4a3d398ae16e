"""The roles of our TUF repository: who may list what, for how long.

Rules, and one table for both sides: a client refuses metadata that departs from it, and
a publisher makes none. What it stops is said in docs/formats/repository.md.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from updater.errors import RepositoryError

DAY_S: Final = 86_400
REBUILD: Final = "rebuild-"
"""Begins the role of an operator who rebuilds; the operator's name follows."""

_OPERATOR: Final = re.compile("[a-z0-9][a-z0-9-]{0,31}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A role as it should be; `longest_s` is the furthest expiry that is accepted.

    A key that was stolen once cannot sign a decade of freezing, therefore the limit.
    `threshold` of `keys` is what a new repository is given.
    """

    name: str
    paths: tuple[str, ...] = ()
    terminating: bool = True
    threshold: int
    keys: int
    lifetime_s: int
    longest_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegation:
    """A role as the targets role delegates to it; keys are bytes, not ids."""

    name: str
    paths: Sequence[str]
    terminating: bool
    keys: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Anchor:
    """Where trust begins: a root that came with the program, at every start.

    The one on disk may have been lost. `at` (POSIX seconds) is the time at which expiry
    is judged. With `checked`, metadata must have our layout and lifetimes too.
    """

    root: bytes
    at: float
    checked: bool = field(default=True, kw_only=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedFile:
    """One verified metadata file; `expires` in POSIX seconds, `sha256` lower hex."""

    role: str
    version: int
    sha256: str
    expires: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A file that a verified role lists; `size` in bytes, `sha256` lower hex."""

    path: str
    size: int
    sha256: str
    role: str


_ARTIFACTS: Final = (
    "releases/*/*.tar",
    "releases/*/*.tar.sigstore.json",
    "releases/*/*.tar.from-*.patch",
)
TOP: Final = (
    Role(name="root", threshold=3, keys=5,
         lifetime_s=365 * DAY_S, longest_s=400 * DAY_S),
    Role(name="targets", threshold=2, keys=3,
         lifetime_s=180 * DAY_S, longest_s=220 * DAY_S),
    Role(name="snapshot", threshold=1, keys=1,
         lifetime_s=7 * DAY_S, longest_s=14 * DAY_S),
    Role(name="timestamp", threshold=1, keys=1,
         lifetime_s=DAY_S, longest_s=2 * DAY_S),
)  # fmt: skip
TRUST: Final = Role(
    name="trust", paths=("trust/*", "trust/history/*"), threshold=2, keys=3,
    lifetime_s=180 * DAY_S, longest_s=220 * DAY_S,
)  # fmt: skip
CLAIMS: Final = Role(
    name="claims", paths=("releases/*/*.claim.json", "releases/*/*.tlog-proof"),
    threshold=1, keys=1, lifetime_s=30 * DAY_S, longest_s=60 * DAY_S,
)  # fmt: skip
CHANNELS: Final = Role(
    name="channels", paths=("channels/*.json",), threshold=1, keys=3,
    lifetime_s=30 * DAY_S, longest_s=60 * DAY_S,
)  # fmt: skip
RELEASES: Final = Role(
    name="releases", paths=_ARTIFACTS, terminating=False, threshold=2, keys=3,
    lifetime_s=90 * DAY_S, longest_s=120 * DAY_S,
)  # fmt: skip
ARCHIVE: Final = Role(
    name="archive", paths=_ARTIFACTS, threshold=2, keys=3,
    lifetime_s=180 * DAY_S, longest_s=220 * DAY_S,
)  # fmt: skip


def rebuild_role(operator: str) -> Role:
    """Give the role of one operator who rebuilds releases.

    Raises:
        RepositoryError: ``layout``: no operator has such a name.
    """
    if not _OPERATOR.fullmatch(operator):
        raise RepositoryError("layout", f"expected an operator, came {operator!r}")
    name = REBUILD + operator
    return Role(
        name=name,
        paths=(f"releases/*/*.{name}.claim.json", f"releases/*/*.{name}.tlog-proof"),
        threshold=1,
        keys=1,
        lifetime_s=30 * DAY_S,
        longest_s=60 * DAY_S,
    )


def role(name: str) -> Role:
    """Give the role that has this name.

    Raises:
        RepositoryError: ``layout``: there is none.
    """
    if name.startswith(REBUILD):
        return rebuild_role(name.removeprefix(REBUILD))
    for each in (*TOP, TRUST, CLAIMS, CHANNELS, RELEASES, ARCHIVE):
        if each.name == name:
            return each
    raise RepositoryError("layout", f"no role of ours is called {name!r}")


def check_root(keys: Mapping[str, Sequence[bytes]]) -> None:
    """Check that no role of a root counts one key twice; keys are given by role.

    Raises:
        RepositoryError: ``layout``: one key stands under two ids.
    """
    for name, listed in keys.items():
        _check_twins(name, listed)


def check_targets(paths: Iterable[str], delegations: Sequence[Delegation]) -> None:
    """Check that the targets role lists nothing and delegates as the table says.

    Raises:
        RepositoryError: ``layout``: it lists or delegates something else.
    """
    for path in paths:
        raise RepositoryError("layout", f"targets: expected no files, came {path!r}")
    _check_order([each.name for each in delegations])
    for each in delegations:
        _check_delegation(each)
    trusted = {key for each in delegations if each.name == "trust" for key in each.keys}
    for each in delegations:
        # Whoever may change what is trusted must not be who makes releases.
        if each.name != "trust" and not trusted.isdisjoint(each.keys):
            raise RepositoryError("layout", f"trust and {each.name} share a key")


def check_delegated(name: str, delegations: Sequence[str]) -> None:
    """Check that a delegated role delegates nothing itself.

    Raises:
        RepositoryError: ``layout``: it does.
    """
    for delegated in delegations:
        raise RepositoryError("layout", f"{name} delegates to {delegated!r}")


def check_lifetime(name: str, expires: float, now: float) -> None:
    """Check that metadata ends in time; both in POSIX seconds.

    Raises:
        RepositoryError: ``lifetime``: too far ahead; ``layout``: no such role.
    """
    longest = role(name).longest_s
    if expires - now > longest:
        days = round((expires - now) / DAY_S)
        raise RepositoryError(
            "lifetime",
            f"{name} expires in {days} days, expected at most {longest // DAY_S}",
        )


def _check_delegation(given: Delegation) -> None:
    known = role(given.name)
    if tuple(sorted(given.paths)) != tuple(sorted(known.paths)):
        raise RepositoryError(
            "layout", f"{given.name}: expected {known.paths}, came {tuple(given.paths)}"
        )
    if given.terminating != known.terminating:
        how = "terminating" if known.terminating else "not terminating"
        raise RepositoryError("layout", f"{given.name}: expected it {how}")
    _check_twins(given.name, given.keys)


def _check_order(names: Sequence[str]) -> None:
    """Roles of operators stand before `claims`, whose patterns match their files too.

    Terminating, they keep a stolen key of `claims` out of those files.
    """
    ranks = [_rank(name) for name in names]
    if ranks != sorted(ranks) or len(set(names)) != len(names):
        raise RepositoryError("layout", f"delegations out of order: {', '.join(names)}")


def _rank(name: str) -> int:
    if name.startswith(REBUILD):
        return 1
    order = {"trust": 0, "claims": 2, "channels": 3, "releases": 4, "archive": 5}
    if name not in order:
        raise RepositoryError("layout", f"targets delegates to {name!r}")
    return order[name]


def _check_twins(name: str, keys: Sequence[bytes]) -> None:
    # TUF counts key ids, and one key may stand under several.
    if len(set(keys)) != len(keys):
        raise RepositoryError("layout", f"{name}: one key stands under two ids")
