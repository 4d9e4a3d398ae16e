"""Paths of archives: relative, one spelling, no two the same file."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from updater.archive.names import check_path, check_together, folded
from updater.errors import MalformedError

ANY_PATH = st.text(max_size=600)


@pytest.mark.parametrize("path", ["a", "a/b.py", "é/ü", "a b", "...", "a/" * 200 + "b"])
def test_plain_paths_are_fine(path: str) -> None:
    check_path(path)


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("", "relative path"),
        ("/a", "relative path"),
        ("a/", "relative path"),
        ("a//b", "relative path"),
        ("./a", "relative path"),
        ("a/./b", "relative path"),
        ("..", "relative path"),
        ("a/../../b", "relative path"),
        ("a\\b", "no backslash"),
        ("C:a", "no backslash, colon"),
        ("a\nb", "control character"),
        ("a\x7f", "control character"),
        ("a\x85", "control character"),
        ("\ud800", "expected Unicode"),
        ("a" * 513, "at most 512 bytes, came 513"),
        ("é" * 257, "at most 512 bytes, came 514"),
    ],
)
def test_clever_paths_are_refused(path: str, why: str) -> None:
    with pytest.raises(MalformedError, match=why):
        check_path(path)


@given(ANY_PATH)
def test_any_text_is_a_path_or_malformed(path: str) -> None:
    try:
        check_path(path)
    except MalformedError:
        return

    assert not path.startswith("/")
    assert ".." not in path.split("/")


@pytest.mark.parametrize(
    "files", [[], ["a", "b"], ["a/b", "a/c", "a.b"], ["a/b/c", "a/b/d", "a/e"]]
)
def test_different_files_go_together(files: list[str]) -> None:
    check_together(files)


def test_a_file_may_lie_in_a_folder_that_is_listed() -> None:
    check_together(["a/b/c"], ["a", "a/b"])


@pytest.mark.parametrize(
    ("files", "folders", "why"),
    [
        (["a", "a"], [], "expected once"),
        (["a/B", "A/b"], [], "came also as 'a/B'"),
        (["\u00e9"], ["e\u0301"], "expected once"),
        (["stra\u00dfe", "STRASSE"], [], "expected once"),
        ([], ["a", "A"], "expected once"),
        (["a"], ["a"], "expected once"),
        (["a", "a/b"], [], "came the file 'a'"),
        (["A", "b/c", "a/b/c"], [], "came the file 'A'"),
        (["a"], ["a/b"], "came the file 'a'"),
    ],
)
def test_files_that_would_meet_are_refused(
    files: list[str], folders: list[str], why: str
) -> None:
    with pytest.raises(MalformedError, match=why):
        check_together(files, folders)


def test_deep_paths_cost_no_more_than_they_are_long() -> None:
    """Every folder above every file, remembered, would be gigabytes for 10 MiB."""
    files = [f"{number}/" + "/".join("x" * 250) for number in range(200)]
    tracemalloc.start()
    check_together(files)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 10 * sum(map(len, files))


@given(ANY_PATH)
def test_folding_twice_changes_nothing(path: str) -> None:
    assert folded(folded(path)) == folded(path)
