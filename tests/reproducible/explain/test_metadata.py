"""Files about a package tell what built it, and what it asks for."""

import json

import pytest

from reproducible.explain import metadata
from reproducible.explain.members import Member
from tests.reproducible.explain.packages import (
    ABOUT,
    codes,
    evidence,
    member,
)
from updater.errors import MalformedError


@pytest.mark.parametrize(
    ("file", "published", "rebuilt", "code", "text"),
    [
        (
            "WHEEL",
            "Generator: flit 3.9",
            "Generator: flit 3.8",
            "generator",
            "published 'flit 3.9', rebuilt 'flit 3.8'",
        ),
        (
            "WHEEL",
            "Tag: py3-none-any",
            "Tag: py2-none-any\nTag: py3-none-any",
            "python-tag",
            "published none, rebuilt 'py2-none-any'",
        ),
        (
            "METADATA",
            "Metadata-Version: 2.1",
            "Metadata-Version: 2.4",
            "metadata-version",
            "published '2.1', rebuilt '2.4'",
        ),
        (
            "METADATA",
            "Requires-Dist: a\nRequires-Dist: b",
            "Requires-Dist: b\nRequires-Dist: a",
            "dependencies",
            "published 'a', 'b', rebuilt 'b', 'a'",
        ),
        (
            "METADATA",
            "\n".join(f"Requires-Dist: {name}" for name in "abcde"),
            "Name: x",
            "dependencies",
            "published 'a', 'b', 'c' and 2 more, rebuilt none",
        ),
    ],
    ids=["generator", "tag", "version", "order", "many"],
)
def test_a_header_that_differs_is_quoted(
    file: str, published: str, rebuilt: str, code: str, text: str
) -> None:
    theirs, ours = ({f"{ABOUT}/{file}": member(s)} for s in (published, rebuilt))
    (cause,) = metadata.headers(evidence(theirs, ours))

    assert (cause.code, cause.text.partition(": ")[2]) == (code, text)


def test_what_stands_in_a_description_is_no_header() -> None:
    head = "Name: tally\n\n"
    theirs = {f"{ABOUT}/METADATA": member(f"{head}Requires-Dist: evil")}
    ours = {f"{ABOUT}/METADATA": member(head)}

    assert list(metadata.headers(evidence(theirs, ours))) == []


def test_a_file_that_one_side_lacks_is_compared_with_nothing() -> None:
    theirs = {f"{ABOUT}/WHEEL": member("Generator: a")}
    ours = {"a.py": member()}

    assert list(metadata.headers(evidence(theirs, ours))) == []


def test_entry_points_of_one_side_are_told() -> None:
    theirs = {f"{ABOUT}/entry_points.txt": member("[console_scripts]\na = b:c\n")}

    ours = {f"{ABOUT}/WHEEL": member()}

    assert codes(metadata.runnable(evidence(theirs, ours))) == ["entry-points"]


def test_the_same_entry_points_are_not_told() -> None:
    both = {f"{ABOUT}/entry_points.txt": member("[console_scripts]\na = b:c\n")}

    assert list(metadata.runnable(evidence(both, both))) == []


def test_the_platform_of_old_setuptools_is_known() -> None:
    theirs = {"tally-1.0/PKG-INFO": member("Platform: UNKNOWN\n")}
    ours = {"tally-1.0/PKG-INFO": member("Name: tally\n")}

    assert codes(metadata.habits(evidence(theirs, ours))) == ["old-setuptools"]


@pytest.mark.parametrize("side", ["published", "rebuilt"])
def test_lines_of_windows_are_known(side: str) -> None:
    windows = {f"{ABOUT}/METADATA": member("Name: tally\r\n")}
    other = {f"{ABOUT}/METADATA": member("Name: tally\n")}
    sides = (windows, other) if side == "published" else (other, windows)
    (cause,) = metadata.habits(evidence(*sides))

    assert cause.text == f"{side} from Windows: its lines end in CR LF"


def test_a_manifest_says_what_a_bundle_was_made_of() -> None:
    said = {
        "epoch": 1,
        "lock_sha256": "aa",
        "platform": "p",
        "recipe_sha256": "bb",
        "version": "1",
    }
    theirs = {**said, "source": {"commit": "c1", "tree_sha256": "t1"}}
    ours = {**theirs, "source": {"commit": "c2", "tree_sha256": "t1"}, "epoch": 2}
    bundles = [{"manifest.json": member(json.dumps(m))} for m in (theirs, ours)]
    found = metadata.manifests(evidence(bundles[0], bundles[1]))

    assert [(cause.code, cause.text.partition(": ")[2]) for cause in found] == [
        ("source-commit", "published 'c1', rebuilt 'c2'"),
        ("epoch", "published '1', rebuilt '2'"),
    ]


@pytest.mark.parametrize(
    "content", ["no JSON", "[1]", '{"source": 1}'], ids=["text", "list", "no source"]
)
def test_what_is_no_manifest_says_nothing(content: str) -> None:
    both = {"manifest.json": member(content)}

    assert list(metadata.manifests(evidence(both, both))) == []


def test_a_manifest_that_is_not_there_or_too_large_says_nothing() -> None:
    large = {"manifest.json": member("{}", size=2**30)}
    good = {"manifest.json": member('{"epoch": 1}')}

    sides = [(large, good), (good, {})]

    assert [list(metadata.manifests(evidence(*each))) for each in sides] == [[], []]


def test_a_manifest_that_does_not_unpack_says_nothing() -> None:
    def read() -> bytes:
        raise MalformedError("cut short")

    broken = {"manifest.json": Member(size=1, stamp=0, mode=0, system=0, read=read)}

    assert list(metadata.manifests(evidence(broken, broken))) == []
