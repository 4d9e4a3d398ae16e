"""Two sides are put together by path."""

from reproducible.compare.verdict import Difference
from reproducible.explain.evidence import is_about
from reproducible.explain.members import Member
from tests.reproducible.explain.packages import different, evidence, member
from updater.errors import MalformedError


def test_differences_are_found_by_class() -> None:
    odd, other = Difference("code", "both", "a"), Difference("name", "both", "b")
    found = evidence(comparison=different(odd, other))

    assert found.of("code", "native") == [odd]


def test_files_of_both_sides_are_paired() -> None:
    theirs, ours = member("1"), member("2")
    found = evidence({"a": theirs, "b": theirs}, {"a": ours, "c": ours})

    assert list(found.pairs()) == [("a", theirs, ours)]


def test_files_are_paired_archive_by_archive() -> None:
    files = {path: member(path) for path in ("w/a.whl", "a.whl!x", "b", "a.whl!y")}
    found = evidence(files, files).archives()

    assert [[path for path, _, _ in pairs] for pairs in found] == [
        ["w/a.whl", "b"],
        ["a.whl!x", "a.whl!y"],
    ]


def test_a_file_about_the_package_is_found_under_any_version() -> None:
    found = evidence(
        {"tally-1.0.dist-info/WHEEL": member("old")},
        {"tally-2.0.dist-info/WHEEL": member("new")},
    )

    assert list(found.about("WHEEL")) == [("old", "new")]


def test_each_wheel_of_a_bundle_has_its_own() -> None:
    wheels = {f"{name}.whl!{name}.dist-info/WHEEL": member(name) for name in "ab"}
    found = evidence(wheels, {"a.whl!a.py": member(), "b.whl!b.py": member()})

    assert list(found.about("WHEEL")) == [("a", ""), ("b", "")]


def test_what_was_not_opened_on_both_sides_is_not_compared() -> None:
    found = evidence({"a.dist-info/WHEEL": member("a")}, {})

    assert list(found.about("WHEEL")) == []


def test_a_file_of_that_name_elsewhere_is_not_meant() -> None:
    both = {"tally/WHEEL": member("a"), "a.dist-info/x/WHEEL": member("b")}
    found = evidence(both, both)

    assert list(found.about("WHEEL")) == []


def test_a_text_that_does_not_unpack_is_empty() -> None:
    def read() -> bytes:
        raise MalformedError("cut short")

    broken = {"a.dist-info/WHEEL": Member(size=1, stamp=0, mode=0, system=0, read=read)}

    assert list(evidence(broken, broken).about("WHEEL")) == [("", "")]


def test_a_text_that_is_too_large_is_empty() -> None:
    large = {"a.dist-info/WHEEL": member("x", size=2**20)}

    assert list(evidence(large, large).about("WHEEL")) == [("", "")]


def test_what_is_about_a_package_is_known_by_its_place() -> None:
    paths = ["a.dist-info/x", "a.egg-info/x", "a-1/PKG-INFO", "w.whl!a.dist-info/x"]

    assert [is_about(path) for path in [*paths, "a/x", "a/dist-info"]] == [
        *[True] * 4,
        *[False] * 2,
    ]
