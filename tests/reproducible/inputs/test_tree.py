"""Source trees: plain files in one order, links that stay inside, one name."""

import hashlib
import io
import tarfile

import pytest

from reproducible.errors import SourceError, UnsupportedError
from reproducible.inputs import tree as limits
from reproducible.inputs.tree import (
    SourceFile,
    Tree,
    make_tree,
    tree_sha256,
    tree_tar,
)

EPOCH = 1_750_000_000
RUN = SourceFile("run.sh", b"#!/bin/sh\n", executable=True)
TEXT = SourceFile("app/\u00e9.txt", b"x\n")


def _link(path: str, to: str) -> SourceFile:
    return SourceFile(path, b"", link=to)


def test_files_stand_in_the_order_of_their_bytes() -> None:
    paths = ["b", "a/b", "a", "\U00010000", "\uffff"]
    paths.remove("a")
    tree = make_tree(SourceFile(path, b"") for path in paths)

    assert [each.path for each in tree.files] == ["a/b", "b", "\uffff", "\U00010000"]


def test_the_name_of_a_tree_is_that_of_the_format() -> None:
    name = "cd74910a2c07496bbab9482600f09dc36f997743a51c0c4d4b0cf68c3abdfa91"

    assert tree_sha256(make_tree([RUN, TEXT]), EPOCH) == name


def test_a_tree_becomes_a_tar_that_others_read() -> None:
    data = tree_tar(make_tree([RUN, TEXT]), EPOCH)
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        found = [(each.name, each.mode, each.mtime) for each in tar]

    assert found == [("app/\u00e9.txt", 0o644, EPOCH), ("run.sh", 0o755, EPOCH)]


@pytest.mark.parametrize(
    "other",
    [
        SourceFile("run.sh", b"#!/bin/sh \n", executable=True),
        SourceFile("run.sh", b"#!/bin/sh\n"),
        SourceFile("run.sx", b"#!/bin/sh\n", executable=True),
    ],
    ids=["content", "mode", "path"],
)
def test_another_file_gives_another_name(other: SourceFile) -> None:
    tree, changed = make_tree([RUN, TEXT]), make_tree([other, TEXT])

    assert tree_sha256(tree, EPOCH) != tree_sha256(changed, EPOCH)


def test_modes_and_times_of_an_archive_are_no_part_of_the_name() -> None:
    archived = SourceFile(RUN.path, RUN.data, executable=True, mode=0o775, mtime=1)

    assert tree_sha256(make_tree([archived]), EPOCH) == tree_sha256(
        make_tree([RUN]), EPOCH
    )


def test_a_file_is_read_by_its_path() -> None:
    assert make_tree([RUN, TEXT]).read("run.sh") == RUN.data


@pytest.mark.parametrize("path", ["app", "link"])
def test_what_is_no_file_is_not_read(path: str) -> None:
    with pytest.raises(SourceError, match=r"expected a file '(app|link)', came none"):
        make_tree([RUN, TEXT, _link("link", "run.sh")]).read(path)


def test_a_file_is_found_by_its_hash() -> None:
    tree = make_tree([RUN, TEXT])

    assert tree.find(hashlib.sha256(TEXT.data).hexdigest()) == TEXT


def test_a_link_is_not_found_as_an_empty_file() -> None:
    tree = make_tree([_link("link", "x")])

    assert tree.find(hashlib.sha256(b"").hexdigest()) is None


@pytest.mark.parametrize(
    "link",
    [
        _link("a", "b"),
        _link("a", "./b"),
        _link("a", "b/c/"),
        _link("d/a", "../b"),
        _link("d/a", ".."),
        _link("d/e/a", "../../x"),
        _link("d/e/a", "../.."),
    ],
    ids=lambda each: f"{each.path} {each.link}",
)
def test_a_link_may_stay_inside(link: SourceFile) -> None:
    assert make_tree([link]).files == (link,)


@pytest.mark.parametrize(
    ("link", "sentence"),
    [
        (_link("a", ".."), "a link that stays inside"),
        (_link("d/a", "../../x"), "a link that stays inside"),
        (_link("a", "/etc/passwd"), "without empty parts"),
        (_link("a", "/"), "without empty parts"),
        (_link("a", ""), "without empty parts"),
        (_link("a", "./../x"), "without empty parts"),
        (_link("d/a", "b/../../.."), "without empty parts"),
        (_link("a", "x" * 513), "a shorter link"),
    ],
    ids=lambda each: each[:9] if isinstance(each, str) else f"{str(each.link)[:9]}",
)
def test_a_link_that_leads_elsewhere_is_refused(
    link: SourceFile, sentence: str
) -> None:
    with pytest.raises(UnsupportedError, match=sentence) as caught:
        make_tree([link])

    assert caught.value.reason == "source-form"


@pytest.mark.parametrize(
    ("paths", "sentence"),
    [
        (["a", "a"], "expected 'a' once"),
        (["a/b", "a"], "expected folders above it, came a file"),
        (["a/b/c/d", "a/b"], "expected folders above it, came a file"),
        (["/a"], "without empty parts"),
        (["../a"], "without empty parts"),
        (["a\\b"], "no backslash"),
    ],
    ids=["twice", "folder", "deep folder", "absolute", "above", "backslash"],
)
def test_paths_that_cannot_be_laid_out_are_refused(
    paths: list[str], sentence: str
) -> None:
    with pytest.raises(UnsupportedError, match=sentence):
        make_tree(SourceFile(path, b"") for path in paths)


def test_there_is_a_largest_number_of_files() -> None:
    files = (SourceFile(f"{each}", b"") for each in range(limits.MAX_FILES + 1))

    with pytest.raises(UnsupportedError, match="at most 50000 files"):
        make_tree(files)


def test_there_is_a_largest_size() -> None:
    block = bytes(64 << 20)
    files = (SourceFile(f"{each}", block) for each in range(17))

    with pytest.raises(UnsupportedError, match="at most 50000 files of 1073741824"):
        make_tree(files)


@pytest.mark.parametrize(
    ("tree", "sentence"),
    [
        (make_tree([_link("a", "b")]), "'a': expected a file, came a link"),
        (make_tree([SourceFile("a", b""), SourceFile("A", b"")]), "expected once"),
    ],
    ids=["link", "case"],
)
def test_a_tree_that_is_not_the_same_everywhere_has_no_name(
    tree: Tree, sentence: str
) -> None:
    with pytest.raises(UnsupportedError, match=sentence):
        tree_sha256(tree, EPOCH)
