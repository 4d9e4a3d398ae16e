"""Each likely cause is found in what it leaves behind, and only there."""

import pytest

from reproducible.compare.verdict import (
    Comparison,
    Difference,
    Kind,
    Side,
)
from reproducible.explain.causes import causes_of
from reproducible.explain.members import Members
from tests.reproducible.explain.packages import (
    ABOUT,
    a_file,
    code,
    codes,
    different,
    excerpt,
    member,
)
from updater.transparency.claims.rebuild import Exemption

_OTHER = "tally-2.0-py3-none-any.whl"


def _found(
    comparison: Comparison,
    published: Members | None = None,
    rebuilt: Members | None = None,
) -> list[tuple[str, str]]:
    found = causes_of(comparison, published or {}, rebuilt or {}, [])
    return [(cause.code, cause.text) for cause in found]


@pytest.mark.parametrize(
    ("kind", "side", "entry", "code"),
    [
        ("malformed", "published", "tally.whl", "malformed"),
        ("source", "published", "tally.whl", "source"),
        ("file-set", "published", "tally.pth", "start-up"),
        ("code", "both", "tally.whl!tally.pth", "start-up"),
        ("file-set", "published", "tally/evil.py", "published-only"),
        ("file-set", "rebuilt", "tally/more.py", "rebuilt-only"),
        ("file-set", "rebuilt", f"{ABOUT}/licenses/LICENSE", "about-files"),
        ("file-set", "published", "tally/__pycache__/a.py", "stale-build"),
        ("file-set", "published", "w.whl!tally/a.pyc", "stale-build"),
        ("native", "both", "tally/_fast.so", "native"),
        ("code", "both", "tally/a.py", "code"),
        ("record", "both", f"{ABOUT}/RECORD", "record"),
        ("order", "both", "tally/a.py", "order"),
        ("deflate", "both", "tally/a.py", "deflate"),
        ("gzip", "both", "tally.tar.gz", "gzip"),
        ("container", "both", "tally/a.py", "container"),
    ],
    ids=lambda value: str(value)[:16],
)
def test_a_class_of_difference_has_a_cause(
    kind: Kind, side: Side, entry: str, code: str
) -> None:
    found = causes_of(different(Difference(kind, side, entry)), {}, {}, [])

    assert code in codes(found)


@pytest.mark.parametrize("kind", ["header", "reason", "dist-info"])
def test_a_class_that_tells_nothing_alone_has_none(kind: Kind) -> None:
    assert _found(different(Difference(kind, "both", "a"))) == []


def test_what_may_be_an_attack_is_said_first() -> None:
    said = different(
        Difference("file-set", "published", "a.py"), Difference("order", "both", "b.py")
    )

    assert [name for name, _ in _found(said)] == ["published-only", "order"]


def test_record_is_no_cause_where_contents_differ() -> None:
    said = different(
        Difference("code", "both", "a.py"), Difference("record", "both", "RECORD")
    )

    assert [name for name, _ in _found(said)] == ["code"]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        (_OTHER, "version"),
        ("tally-1.0-py2-none-any.whl", "file-name"),
        ("x", "file-name"),
    ],
    ids=["version", "tag", "all"],
)
def test_another_file_name_is_explained(name: str, code: str) -> None:
    said = different(
        Difference("name", "both", name), rebuilt=a_file(name, sha256="bb")
    )

    assert [found for found, _ in _found(said)] == [code]


def test_names_in_a_manifest_are_no_file_names() -> None:
    assert _found(different(Difference("name", "both", "manifest.json"))) == []


def test_line_endings_silence_the_code_they_changed() -> None:
    found = causes_of(code("a"), {}, {}, [excerpt("a\r\nb\n", "a\nb\n", "a")])

    assert codes(found) == ["line-endings"]


def test_line_endings_silence_no_other_code() -> None:
    found = causes_of(code("a", "b"), {}, {}, [excerpt("a\r\n", "a\n", "a")])

    assert [(cause.code, cause.entries) for cause in found] == [
        ("code", 1),
        ("line-endings", 1),
    ]


def test_line_endings_with_a_change_among_them_are_code() -> None:
    found = causes_of(code("a"), {}, {}, [excerpt("a\r\nb\n", "a\nc\n", "a")])

    assert codes(found) == ["code"]


def test_what_is_left_out_of_an_excerpt_may_be_code() -> None:
    lines = 300
    found = excerpt("a\r\n" * lines, "a\n" * lines, "a")

    assert codes(causes_of(code("a"), {}, {}, [found])) == ["code"]


def test_a_leak_does_not_silence_the_code_around_it() -> None:
    found = causes_of(code("a"), {}, {}, [excerpt("/tmp/x\n", "y\n", "a")])

    assert codes(found) == ["code", "local-path"]


@pytest.mark.parametrize("side", ["published", "rebuilt"])
def test_an_executable_file_is_named(side: str) -> None:
    modes = (0o755, 0o644) if side == "published" else (0o644, 0o755)
    sides = ({"run": member(mode=mode)} for mode in modes)

    assert _found(different(), *sides) == [
        ("executable", f"may be run in the {side} file alone: 'run'")
    ]


@pytest.mark.parametrize("side", ["published", "rebuilt"])
def test_a_umask_is_known_by_what_others_may_write(side: str) -> None:
    modes = (0o664, 0o644) if side == "published" else (0o644, 0o664)
    sides = ({"a": member(mode=mode)} for mode in modes)

    assert _found(different(), *sides) == [
        ("umask", f"{side} under umask 002, or from a checkout with such modes")
    ]


@pytest.mark.parametrize("side", ["published", "rebuilt"])
def test_windows_is_known_by_its_zip_entries(side: str) -> None:
    systems = (0, 3) if side == "published" else (3, 0)
    sides = ({"a": member(system=system)} for system in systems)

    assert _found(different(), *sides) == [
        ("windows", f"{side} from Windows, by its zip entries")
    ]


@pytest.mark.parametrize(
    ("published", "code"),
    [
        ({"a.py": 1, f"{ABOUT}/WHEEL": 9}, "build-time"),
        ({"a.py": 9, f"{ABOUT}/WHEEL": 9}, "other-epoch"),
        ({"a.py": 8, f"{ABOUT}/WHEEL": 9}, "no-epoch"),
    ],
    ids=["build-time", "other-epoch", "no-epoch"],
)
def test_times_tell_who_set_them(published: dict[str, int], code: str) -> None:
    theirs = {path: member(stamp=stamp) for path, stamp in published.items()}
    ours = {path: member() for path in published}

    assert [name for name, _ in _found(different(), theirs, ours)] == [code]


def test_times_of_each_archive_are_told_apart() -> None:
    theirs = {
        "wheels/a.whl": member(stamp=60),
        "a.whl!a.py": member(stamp=1 << 20),
        "b.whl!a.py": member(stamp=8),
        "b.whl!b.py": member(stamp=9),
    }
    ours = {path: member() for path in theirs}
    found = causes_of(different(), theirs, ours, [])

    assert [(cause.code, cause.entries) for cause in found] == [
        ("other-epoch", 2),
        ("no-epoch", 2),
    ]


def test_another_manifest_is_not_packed_otherwise() -> None:
    assert _found(different(Difference("container", "both", "manifest.json"))) == []


def test_another_tar_is_no_other_compression() -> None:
    exceptions = tuple(
        Exemption(field=field, count=1, entry="a", reason="unlisted")
        for field in ("gzip.deflate", "tar.mtime")
    )
    said = different(verdict="identical-with-exceptions", exceptions=exceptions)

    assert _found(said) == []


def test_another_user_is_known_by_the_owner() -> None:
    sides = ({"a": member(owner=owner)} for owner in ("alice", "bob"))

    assert _found(different(), *sides) == [("owner", "packed by another user")]


@pytest.mark.parametrize(
    ("field", "code"), [("gzip.deflate", "deflate"), ("gzip.mtime", "gzip")], ids=str
)
def test_exceptions_have_causes_too(field: str, code: str) -> None:
    exemption = Exemption(field=field, count=1, entry="a", reason="unlisted")
    said = different(verdict="identical-with-exceptions", exceptions=(exemption,))

    assert [name for name, _ in _found(said)] == [code]
