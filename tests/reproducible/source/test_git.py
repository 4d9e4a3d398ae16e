"""Commits of repositories that nobody should trust."""

import contextlib
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from reproducible.errors import (
    InputError,
    MissingError,
    RecipeError,
    UnsupportedError,
)
from reproducible.inputs.tree import tree_sha256
from reproducible.source.git import export, resolve
from reproducible.source.objects import Ref
from tests.reproducible.projects import EPOCH, commit, git, tally

_RAN = "somebody-elses-program-ran"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    commit(tmp_path / "repository", tally(), tag="v1.0")
    return tmp_path / "repository"


def _head(repository: Path) -> str:
    return git(repository, "rev-parse", "HEAD")


def test_a_commit_is_exported_as_it_was_committed(repository: Path) -> None:
    exported = export(repository, _head(repository), tag="v1.0")
    files = {file.path: file.data for file in exported.tree.files}

    assert (files, exported.epoch, exported.tag, exported.warnings) == (
        tally(),
        EPOCH,
        "v1.0",
        (),
    )


def test_an_older_commit_is_had_by_its_id(repository: Path) -> None:
    first = _head(repository)
    commit(repository, tally("2.0"))

    assert export(repository, first).tree.read("pyproject.toml").endswith(b'"1.0"\n')


def test_executables_and_links_are_kept(repository: Path) -> None:
    script = repository / "run.sh"
    script.write_bytes(b"#!/bin/sh\n")
    script.chmod(0o755)
    (repository / "link").symlink_to("run.sh")
    git(repository, "add", "run.sh", "link")
    git(repository, "commit", "-q", "-m", "more")
    tree = export(repository, _head(repository)).tree
    found = {each.path: (each.executable, each.link) for each in tree.files}

    assert (found["run.sh"], found["link"]) == ((True, None), (False, "run.sh"))


def test_a_repository_of_sha_256_is_read(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "--object-format=sha256")
    found = commit(tmp_path, tally())

    assert export(tmp_path, found).tree.read("README.md") == tally()["README.md"]


def test_two_commits_with_one_tree_are_two_commits(repository: Path) -> None:
    first = export(repository, _head(repository))
    second = export(repository, commit(repository, tally(), when=EPOCH + 60))

    assert (first.tree == second.tree, second.epoch - first.epoch) == (True, 60)


def test_the_same_tree_at_another_time_has_another_name(repository: Path) -> None:
    tree = export(repository, _head(repository)).tree

    assert tree_sha256(tree, EPOCH) != tree_sha256(tree, EPOCH + 60)


def test_a_tag_that_was_moved_is_a_warning(repository: Path) -> None:
    first = _head(repository)
    moved = commit(repository, tally("6.6"), tag="v1.0")
    exported = export(repository, first, tag="v1.0")

    assert (exported.tag, exported.warnings) == (
        None,
        (f"tag 'v1.0' points to {moved}, not to {first}",),
    )


def test_a_tag_that_is_gone_is_a_warning(repository: Path) -> None:
    git(repository, "tag", "-d", "v1.0")
    exported = export(repository, _head(repository), tag="v1.0")

    assert (exported.tag, len(exported.warnings)) == (None, 1)


def test_names_are_resolved(repository: Path) -> None:
    head = _head(repository)

    assert [resolve(repository, name) for name in ("v1.0", "main", "HEAD", head)] == [
        Ref(head, "v1.0"),
        Ref(head),
        Ref(head),
        Ref(head),
    ]


def test_a_name_that_is_not_there_is_an_input_that_is_not_to_be_had(
    repository: Path,
) -> None:
    with pytest.raises(InputError, match="has no tag or branch 'v9'"):
        resolve(repository, "v9")


def test_a_commit_that_is_not_there_is_an_input_that_is_not_to_be_had(
    repository: Path,
) -> None:
    with pytest.raises(InputError, match="git fetch: "):
        export(repository, "0" * 39 + "1")


def test_a_folder_that_is_no_repository_is_an_input_that_is_not_to_be_had(
    tmp_path: Path,
) -> None:
    with pytest.raises(InputError, match=r"^git ls-remote: [^\n]+\Z"):
        resolve(tmp_path, "v1.0")


def test_a_short_id_is_no_commit(repository: Path) -> None:
    with pytest.raises(RecipeError, match="expected the id of a commit"):
        export(repository, "abcdef")


def test_git_that_is_not_there_is_missing(repository: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="git is not installed"):
        resolve(repository, "v1.0", environment={"PATH": str(tmp_path)})


def test_export_subst_and_line_endings_are_not_applied(repository: Path) -> None:
    files = tally() | {
        ".gitattributes": b"*.py export-subst text eol=crlf\nsecret export-ignore\n",
        "tally/main.py": b"COMMIT = '$Format:%H$'\n",
        "secret": b"in the tree all the same\n",
    }
    found = export(repository, commit(repository, files)).tree

    assert {each.path: each.data for each in found.files} == files


def test_a_submodule_is_not_supported(repository: Path) -> None:
    head = _head(repository)
    git(repository, "update-index", "--add", "--cacheinfo", f"160000,{head},library")
    git(repository, "commit", "-q", "-m", "a submodule")

    with pytest.raises(UnsupportedError, match="'library' is a submodule"):
        export(repository, _head(repository))


def test_a_link_out_of_the_tree_is_not_supported(repository: Path) -> None:
    (repository / "link").symlink_to("../../../etc/passwd")
    git(repository, "add", "link")
    git(repository, "commit", "-q", "-m", "a link")

    with pytest.raises(UnsupportedError, match="stays inside"):
        export(repository, _head(repository))


def _program(folder: Path) -> str:
    """Write a program that leaves a trace beside itself."""
    path = folder / "program.sh"
    path.write_text(f"#!/bin/sh\ntouch {folder / _RAN}\nexit 1\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def _by_configuration(repository: Path, program: str) -> None:
    for name in (
        "core.alternateRefsCommand", "core.editor", "core.fsmonitor", "core.gitProxy",
        "core.pager", "core.sshCommand", "credential.helper", "diff.external",
        "filter.evil.clean", "filter.evil.smudge", "filter.evil.process",
        "uploadpack.packObjectsHook", "gpg.program",
    ):  # fmt: skip
        git(repository, "config", name, program)
    (repository / ".git/info/attributes").write_text("* filter=evil diff=evil\n")


def _by_hooks(repository: Path, program: str) -> None:
    for name in (
        "fsmonitor-watchman", "post-checkout", "post-index-change", "post-merge",
        "post-update", "pre-auto-gc", "pre-receive", "reference-transaction", "update",
    ):  # fmt: skip
        (repository / ".git/hooks" / name).symlink_to(program)
    git(repository, "config", "core.hooksPath", str(repository / ".git/hooks"))


def _by_a_lazy_fetch(repository: Path, program: str) -> None:
    blob = git(repository, "rev-parse", "HEAD:README.md")
    (repository / ".git/objects" / blob[:2] / blob[2:]).unlink()
    git(repository, "config", "core.repositoryFormatVersion", "1")
    git(repository, "config", "extensions.partialClone", "evil")
    git(repository, "config", "remote.evil.promisor", "true")
    git(repository, "config", "remote.evil.url", str(repository))
    git(repository, "config", "remote.evil.uploadpack", program)


@pytest.mark.parametrize(
    "arm",
    [_by_configuration, _by_hooks, _by_a_lazy_fetch],
    ids=["configuration", "hooks", "lazy fetch"],
)
def test_nothing_that_a_repository_names_is_run(
    repository: Path, tmp_path: Path, arm: Callable[[Path, str], None]
) -> None:
    head = _head(repository)
    for each in (repository / ".git/hooks").iterdir():
        each.unlink()
    arm(repository, _program(tmp_path))
    with contextlib.suppress(InputError):  # of a repository that lacks objects
        export(repository, head, tag="v1.0")

    assert not (tmp_path / _RAN).exists()


def test_the_users_own_configuration_has_no_part(
    repository: Path, tmp_path: Path
) -> None:
    config = tmp_path / "config"
    config.write_text(f"[core]\n\tfsmonitor = {_program(tmp_path)}\n[bad\n")
    user = dict(os.environ) | {
        "GIT_CONFIG_GLOBAL": str(config),
        "GIT_DIR": "/nonexistent",
        "GIT_EXTERNAL_DIFF": _program(tmp_path),
        "HOME": str(tmp_path),
    }

    assert export(repository, _head(repository), environment=user).epoch == EPOCH


def test_a_damaged_object_is_not_taken(repository: Path) -> None:
    blob = git(repository, "rev-parse", "HEAD:README.md")
    other = git(repository, "rev-parse", "HEAD:tally/main.py")
    objects = repository / ".git/objects"
    place = objects / blob[:2] / blob[2:]
    place.unlink()
    place.write_bytes((objects / other[:2] / other[2:]).read_bytes())

    with pytest.raises(InputError, match="git "):
        export(repository, _head(repository))
