"""A commit exported, without ever checking it out.

Carrier. A repository is hostile, whoever owns the folder it lies in: its configuration
can name programs to run, its attributes can rewrite files on the way out. So objects
are fetched into a new, empty repository of our own, through the protocol that git means
for strangers (git(1), SECURITY), each of them checked (`transfer.fsckObjects`), and
read from there by hash. No hook, filter, attribute, line ending or `export-subst` has a
part in it, and no configuration but the one that is written here.
"""

import contextlib
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from reproducible.errors import InputError, RecipeError
from reproducible.inputs.tree import MAX_FILES, Tree
from reproducible.source.objects import (
    COMMIT,
    Ref,
    batch_size,
    check_name,
    choose_ref,
    committed,
    parse_address,
    parse_listing,
    parse_refs,
    tag_of,
    tree_of,
)
from reproducible.source.process import Git

_MAX_COMMIT_BYTES: Final = 1 << 20
_MAX_REFS_BYTES: Final = 64 * 1024  # of the five names that are asked for
_MAX_LISTING_BYTES: Final = MAX_FILES * 640  # a path has 512 bytes at most

# Read by every git that is started, the one that serves a local folder included.
_CONFIG: Final = """\
[safe]
	directory = *
[transfer]
	fsckObjects = true
[fetch "fsck"]
	# Two old mistakes of git itself, in the history of well-known projects.
	zeroPaddedFilemode = warn
	badTimezone = warn
[protocol]
	version = 2
[core]
	hooksPath = /dev/null
	askPass =
	# The repository lives for one export: no power cut can lose anything in it.
	fsync = none
[credential]
	helper =
[gc]
	auto = 0
"""


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


def parse_repository(text: str) -> Path | str:
    """Take what a user writes for a repository: a URL, or else a folder.

    Raises:
        RecipeError: it is a URL that is not asked.
    """
    return parse_address(text) if "://" in text else Path(text)


def resolve(
    repository: Path | str, ref: str, *, environment: Mapping[str, str] | None = None
) -> Ref:
    """Find the commit of a tag, branch or `HEAD`; an object id is its own answer.

    Raises:
        InputError: the repository cannot be asked, or has no such name.
        MissingError: there is no git.
        RecipeError: it is no name, or no address.
    """
    if COMMIT.fullmatch(ref):
        return Ref(ref)
    check_name(ref)
    address = _address(repository)
    with _own_repository(environment, "sha1") as git:
        found = choose_ref(_refs(git, address, ref), ref)
    if found is None:
        raise InputError(f"{address}: has no tag or branch {ref!r}")
    return found


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
        MalformedError: what has this id is no commit.
        MissingError: there is no git.
        RecipeError: it is no object id, or no address.
        UnsupportedError: `source-form`: the tree holds a submodule, a link that leaves
            it, a path that is not plain, or too much.
    """
    if not COMMIT.fullmatch(commit):
        raise RecipeError(f"{commit[:80]!r}: expected the id of a commit")
    address = _address(repository)
    hashed = "sha1" if len(commit) == 40 else "sha256"
    with _own_repository(environment, hashed) as git:
        # Only what is asked for by its id is ever read, so names change nothing.
        git.run(
            "fetch", "--quiet", "--depth=1", "--no-tags", "--no-write-fetch-head",
            "--", address, commit,
        )  # fmt: skip
        epoch = committed(git.run("cat-file", "commit", commit, most=_MAX_COMMIT_BYTES))
        listing = git.run(
            "ls-tree", "-r", "-z", "-l", "--full-tree", commit, most=_MAX_LISTING_BYTES
        )
        rows = parse_listing(listing)
        asked = "".join(f"{row.id}\n" for row in rows).encode()
        size = batch_size(rows)
        tree = tree_of(rows, git.run("cat-file", "--batch", given=asked, most=size))
        told = None if tag is None else tag_of(_refs(git, address, tag), tag)
    warnings = []
    if tag is not None and told is None:
        warnings.append(f"tag {tag!r} is not in {address}")
    elif tag is not None and told != commit:
        warnings.append(f"tag {tag!r} points to {told}, not to {commit}")
    return Exported(
        tree=tree,
        commit=commit,
        epoch=epoch,
        tag=tag if told == commit else None,
        warnings=tuple(warnings),
    )


def _refs(git: Git, address: str, ref: str) -> Mapping[str, str]:
    """Ask what a name stands for there."""
    check_name(ref)
    names = (f"refs/tags/{ref}", f"refs/tags/{ref}^{{}}", f"refs/heads/{ref}")
    asked = git.run("ls-remote", "--", address, "HEAD", *names, most=_MAX_REFS_BYTES)
    return parse_refs(asked)


def _address(repository: Path | str) -> str:
    """Give what git is to ask; a folder is asked as a server would be."""
    if isinstance(repository, Path):
        return repository.absolute().as_uri()
    return parse_address(repository)


@contextlib.contextmanager
def _own_repository(
    environment: Mapping[str, str] | None, hashed: str
) -> Iterator[Git]:
    """Make an empty repository for the time of the block."""
    with tempfile.TemporaryDirectory(prefix="ringfence-source-") as folder:
        home = Path(folder)
        (home / "config").write_text(_CONFIG, encoding="utf-8")
        git = Git(home, environment or {})
        # Without a template there are no hooks.
        git.run("init", "--quiet", "--template=", f"--object-format={hashed}")
        yield git
