"""A commit exported, without ever checking it out.

Carrier. A repository is hostile, whoever owns the folder it lies in: its configuration
can name programs to run, its attributes can rewrite files on the way out. So objects
are fetched into a new, empty repository of our own, through the protocol that git means
for strangers (git(1), SECURITY), each of them checked (`transfer.fsckObjects`), and
read from there by hash. No hook, filter, attribute, line ending or `export-subst` has a
part in it, and no configuration but the one that is written here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from reproducible.inputs.tree import Tree

TIMEOUT_S = 600.0
"""Seconds for each call of git; a shallow fetch of the largest takes a few minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """A commit's tree, and what git says of the commit."""

    tree: Tree
    commit: str
    """Object id, lower hexadecimal: 40 digits, or 64 in a SHA-256 repository."""
    epoch: int
    """The committer's time in POSIX seconds."""
    tag: str | None
    """The tag that was named, if it does point to the commit."""
    warnings: tuple[str, ...] = ()
    """What does not change the tree and should be known."""


def resolve(
    repository: Path | str, ref: str, *, environment: Mapping[str, str] | None = None
) -> str:
    """Find the commit of a tag, branch or `HEAD`; an object id is its own answer.

    Raises:
        InputError: the repository cannot be asked, or has no such name.
        MissingError: there is no git.
        RecipeError: it is no name, or no address.
    """
    raise NotImplementedError


def export(
    repository: Path | str,
    commit: str,
    *,
    tag: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> Exported:
    """Fetch a commit by its object id and read its tree.

    `repository` is a folder, or a URL with https or ssh. `tag` should point to the
    commit: if it does not, or is gone, that is a warning, since the id is what counts
    and a host must not be able to veto a release. `environment` is the user's; only
    what says how to reach the network is taken from it.

    Raises:
        InputError: the repository cannot be asked, does not have the commit, or sends
            objects that are damaged.
        MissingError: there is no git.
        RecipeError: it is no object id, or no address.
        UnsupportedError: `source-form`: the tree holds a submodule, a link that leaves
            it, a path that is not plain, or too much.
    """
    raise NotImplementedError
