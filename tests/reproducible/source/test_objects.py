"""Listings, blobs, commits and names as git prints them."""

import hashlib

import hypothesis
import pytest
from hypothesis import strategies as st

from reproducible.errors import RecipeError, UnsupportedError
from reproducible.inputs.tree import MAX_BYTES, SourceFile
from reproducible.source.objects import (
    Ref,
    Row,
    batch_size,
    check_name,
    choose_ref,
    committed,
    parse_address,
    parse_listing,
    parse_refs,
    tree_of,
)
from updater.errors import MalformedError

_ID = "94b36085ba71d2995714747788bb0bc1028fc7b8"
_COMMIT = (
    f"tree {_ID}\nauthor A <a@example.org> 1 +0000\n"
    "committer B <b@example.org> 1750000000 +0200\n\ncommitter C <c@x> 5 +0000\n"
).encode()


def _line(path: bytes, mode: str = "100644", size: str = "3") -> bytes:
    return f"{mode} blob {_ID} {size:>7}\t".encode() + path + b"\0"


def _row(path: str, data: bytes, mode: str = "100644") -> tuple[Row, bytes]:
    blob = hashlib.sha1(data, usedforsecurity=False).hexdigest()
    printed = f"{blob} blob {len(data)}\n".encode() + data + b"\n"
    return Row(path, blob, size=len(data), mode=mode), printed


def test_a_listing_is_read_with_paths_as_they_are() -> None:
    rows = parse_listing(_line("w\u00f6rter\n.txt".encode()) + _line(b"b", "100755"))

    assert rows == (
        Row("w\u00f6rter\n.txt", _ID, size=3, mode="100644"),
        Row("b", _ID, size=3, mode="100755"),
    )


def test_a_submodule_is_no_source_of_ours() -> None:
    row = f"160000 commit {_ID}       -\tlib\0".encode()

    with pytest.raises(UnsupportedError, match="'lib' is a submodule"):
        parse_listing(row)


def test_a_path_is_utf_8() -> None:
    with pytest.raises(UnsupportedError, match="expected UTF-8"):
        parse_listing(_line(b"\xff"))


@pytest.mark.parametrize(
    "line",
    [
        b"nonsense\0",
        _line(b"a", "040000"),
        _line(b"a", size="-"),
    ],
    ids=["nonsense", "folder", "no size"],
)
def test_other_rows_are_refused(line: bytes) -> None:
    with pytest.raises(MalformedError, match="expected a"):
        parse_listing(line)


def test_a_tree_that_is_too_large_is_refused_before_it_is_read() -> None:
    with pytest.raises(UnsupportedError, match="source: expected at most"):
        parse_listing(_line(b"a", size=str(MAX_BYTES + 1)))


def test_blobs_become_files_and_links() -> None:
    given = [
        _row("a", b"one\n"),
        _row("b", b"", "100755"),
        _row("c", b"a", "120000"),
    ]
    tree = tree_of([row for row, _ in given], b"".join(each for _, each in given))

    assert tree.files == (
        SourceFile("a", b"one\n"),
        SourceFile("b", b"", executable=True),
        SourceFile("c", b"", link="a"),
    )


def test_what_is_printed_for_rows_fits_its_bound() -> None:
    row, printed = _row("a", b"x" * 100)

    assert batch_size([row]) >= len(printed)


@pytest.mark.parametrize(
    "batch",
    [
        b"",
        b"0000 blob 3\nabc\n",
        _row("a", b"abcd")[1],
        _row("a", b"abc")[1][:-1],
        _row("a", b"abc")[1] + b"more",
    ],
    ids=["nothing", "no id", "another blob", "cut", "more"],
)
def test_blobs_of_other_rows_are_refused(batch: bytes) -> None:
    row, _ = _row("a", b"abc")

    with pytest.raises(MalformedError, match="git: "):
        tree_of([row], batch)


def test_a_blob_of_another_size_is_refused() -> None:
    row, printed = _row("a", b"abc")

    with pytest.raises(MalformedError, match="expected 3 bytes"):
        tree_of([row], printed.replace(b" 3\n", b" 2\n"))


def test_a_link_is_utf_8() -> None:
    row, printed = _row("a", b"\xff", "120000")

    with pytest.raises(UnsupportedError, match="expected a link in UTF-8"):
        tree_of([row], printed)


def test_a_link_out_of_the_tree_is_refused() -> None:
    row, printed = _row("a", b"../../etc/passwd", "120000")

    with pytest.raises(UnsupportedError, match="stays inside"):
        tree_of([row], printed)


def test_the_committers_time_is_that_of_the_header() -> None:
    assert committed(_COMMIT) == 1_750_000_000


def test_a_commit_without_a_time_is_refused() -> None:
    with pytest.raises(MalformedError, match="a committer and a time"):
        committed(b"tree x\n\ncommitter C <c@x> 5 +0000\n")


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("https://example.org/a.git", "https://example.org/a.git"),
        ("git+https://example.org/a", "https://example.org/a"),
        ("ssh://git@example.org/a", "ssh://git@example.org/a"),
    ],
    ids=["https", "git+https", "ssh"],
)
def test_an_address_is_taken(address: str, url: str) -> None:
    assert parse_address(address) == url


@pytest.mark.parametrize(
    "address",
    ["ext::sh -c id", "file:///a", "ssh://-oProxyCommand=id/a", "http://a/b", "-u"],
)
def test_an_address_that_runs_or_proves_nothing_is_refused(address: str) -> None:
    with pytest.raises(RecipeError, match="expected a folder, https"):
        parse_address(address)


@pytest.mark.parametrize("ref", ["--upload-pack=id", "a..b", "a b", "", "a@{1}", "x:y"])
def test_what_is_no_name_is_refused(ref: str) -> None:
    with pytest.raises(RecipeError, match="expected a commit, tag or branch"):
        check_name(ref)


@pytest.mark.parametrize("ref", ["v1.0", "release/2026-11", "pkg@1.0", "HEAD"])
def test_what_can_be_a_name_is_one(ref: str) -> None:
    check_name(ref)


def test_a_tag_stands_for_the_commit_behind_it_and_before_a_branch() -> None:
    printed = (
        f"{'1' * 40}\tHEAD\n{'2' * 40}\trefs/tags/v1\n{'3' * 40}\trefs/tags/v1^{{}}\n"
        f"{'4' * 40}\trefs/heads/v1\n{'5' * 40}\trefs/heads/main\n"
    )
    refs = parse_refs(printed.encode())

    assert [choose_ref(refs, name) for name in ("v1", "main", "HEAD", "gone")] == [
        Ref("3" * 40, "v1"),
        Ref("5" * 40),
        Ref("1" * 40),
        None,
    ]


def test_a_list_of_names_that_is_none_is_refused() -> None:
    with pytest.raises(MalformedError, match="expected a name"):
        parse_refs(b"nonsense\n")


@hypothesis.given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for read in (parse_listing, parse_refs, committed):
        try:
            read(data)
        except (MalformedError, UnsupportedError):
            continue
