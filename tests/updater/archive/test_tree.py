"""What a bundle becomes, file by file, and whether it still is that."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.updater.transparency.mangled import assert_one_spelling
from tests.updater.wheels import (
    Raw,
    bundle_of,
    deflated_wheel,
    manifest_of,
    raw_wheel,
    sha256,
    small_bundle,
    small_wheels,
    zipped,
)
from updater import jcs
from updater.archive.bundle import open_bundle, unpack
from updater.archive.extent import in_memory
from updater.archive.tree import (
    MAX_TREE_BYTES,
    Tree,
    TreeFile,
    check_tree,
    format_tree,
    parse_tree,
    plan_tree,
    with_compiled,
)
from updater.errors import MalformedError

DATA = small_bundle()
BUNDLE = open_bundle(in_memory(DATA))
TREE = plan_tree(BUNDLE, sha256(DATA))
SMALL = replace(TREE, files=TREE.files[:2])
BODY = format_tree(SMALL)
COMPILED = TreeFile(
    "app/__pycache__/main.cpython-312.pyc", 7, sha256="e" * 64, origin="compiled"
)


def _found(tree: Tree) -> list[tuple[str, int, str]]:
    return [(each.path, each.size, each.sha256) for each in tree.files]


def _plan(wheels: dict[str, bytes]) -> Tree:
    data = bundle_of(manifest_of(wheels), wheels)
    return plan_tree(open_bundle(in_memory(data)), sha256(data))


def test_the_plan_is_what_unpacking_gives() -> None:
    unpacked = {
        file.path: b"".join(chunks) for file, chunks in unpack(BUNDLE, sha256(DATA))
    }

    assert sorted(_found(TREE)) == sorted(
        (path, len(data), sha256(data)) for path, data in unpacked.items()
    )


def test_files_are_sorted_by_the_bytes_of_their_paths() -> None:
    paths = [each.path.encode() for each in TREE.files]

    assert paths == sorted(paths)


def test_another_application_has_a_module_of_its_own() -> None:
    tree = plan_tree(BUNDLE, sha256(DATA), module="app.main")

    assert parse_tree(format_tree(tree)).module == "app.main"


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("app/main.py", "expected once"),
        ("APP/main.PY", "expected once"),
        ("app", "came the file 'app'"),
        ("app/main.py/x", "came the file 'app/main.py'"),
    ],
)
def test_a_path_of_two_wheels_is_refused(path: str, why: str) -> None:
    name, data = deflated_wheel({path: b"evil"}, project="evil")

    with pytest.raises(MalformedError, match=why):
        _plan(small_wheels() | {name: data})


def test_a_hostile_wheel_is_refused_before_anything_is_unpacked() -> None:
    name = "evil-1.0-py3-none-any.whl"
    data = zipped(raw_wheel([Raw(name="evil.pth")], about="evil-1.0.dist-info"))

    with pytest.raises(MalformedError, match=r"no \.pth file"):
        _plan(small_wheels() | {name: data})


def test_compiled_files_are_added_in_their_place() -> None:
    tree = with_compiled(TREE, [COMPILED])

    assert [each.path for each in tree.files if each.path.startswith("app/")] == [
        "app/__init__.py",
        "app/__pycache__/main.cpython-312.pyc",
        "app/main.py",
    ]
    assert parse_tree(format_tree(tree)) == tree


@pytest.mark.parametrize(
    "path",
    [
        "app/main.pyc",
        "app/__pycache__/other.cpython-312.pyc",
        "__pycache__/main.cpython-312.pyc",
        "app/__pycache__/main.pyc",
        "app/__pycache__/main.cpython-312.py",
        "app/__pycache__/x/main.cpython-312.pyc",
    ],
)
def test_compiled_code_without_its_source_is_refused(path: str) -> None:
    with pytest.raises(MalformedError, match="expected a source to it"):
        with_compiled(TREE, [replace(COMPILED, path=path)])


def test_compiled_code_from_a_wheel_is_refused() -> None:
    tree = replace(TREE, files=(replace(COMPILED, origin="wheel"), *TREE.files))

    with pytest.raises(MalformedError, match="expected to be compiled here"):
        with_compiled(tree, [])


def test_a_tree_is_itself() -> None:
    check_tree(TREE, reversed(_found(TREE)))


@pytest.mark.parametrize(
    ("found", "odd"),
    [
        (_found(TREE)[1:], repr(TREE.files[0].path)),
        ([*_found(TREE), ("more.py", 0, "f" * 64)], "'more.py'"),
        ([("app/main.py", 1, "f" * 64), *_found(TREE)], "'app/main.py'"),
        ([(path, size + 1, digest) for path, size, digest in _found(TREE)], "8 files"),
        ([(path, size, "0" * 64) for path, size, digest in _found(TREE)], "8 files"),
        ([], "8 files are missing, changed or foreign"),
    ],
)
def test_a_tree_that_changed_is_noticed(
    found: list[tuple[str, int, str]], odd: str
) -> None:
    with pytest.raises(MalformedError, match=odd):
        check_tree(TREE, found)


def test_a_tree_has_one_spelling() -> None:
    assert_one_spelling(parse_tree, format_tree, BODY)


@given(st.binary(max_size=64))
def test_any_bytes_are_a_tree_or_malformed(data: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_tree(data)


def _changed(**changes: jcs.Json) -> bytes:
    fields = jcs.parse(BODY, most=len(BODY))
    assert isinstance(fields, dict)
    return jcs.write(fields | changes)


def _file(**changes: jcs.Json) -> bytes:
    row: dict[str, jcs.Json] = {
        "from": "wheel",
        "path": "a",
        "sha256": "e" * 64,
        "size": 1,
    }
    return _changed(files=[row | changes])


def _files(*paths: str, size: int = 1) -> bytes:
    return _changed(
        files=[
            {"from": "wheel", "path": path, "sha256": "e" * 64, "size": size}
            for path in paths
        ]
    )


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"[]", "expected an object"),
        (_changed(schema="ringfence-tree/2"), "schema: expected ringfence-tree/1"),
        (_changed(bundle="a"), "bundle: .* does not match"),
        (_changed(version="one"), "version: .* does not match"),
        (_changed(platform="any"), "platform: .* does not match"),
        (_changed(module="os; evil"), "module: .* does not match"),
        (_changed(module="a..b"), "module: .* does not match"),
        (_changed(files={}), "files: expected an array"),
        (_changed(files=[0] * 40_001), "0 to 40000 items, came 40001"),
        (_changed(more=1), "has no place there"),
        (_file(mode=1), "has no place there"),
        (_file(path="../a"), "relative path"),
        (_file(path="/etc/passwd"), "relative path"),
        (_file(path=1), "path: expected a string"),
        (_file(size=-1), "size: expected 0 to"),
        (_file(size=MAX_TREE_BYTES + 1), "size: expected 0 to"),
        (_file(sha256="E" * 64), "sha256: .* does not match"),
        (_file(**{"from": "network"}), "from: expected wheel or compiled"),
        (_files("b", "a"), "sorted by path"),
        (_files("a", "a"), "expected once"),
        (_files("A", "a"), "expected once"),
        (_files("a", "a/b"), "came the file 'a'"),
        (_files("a", "b", size=MAX_TREE_BYTES), "at most 2147483648 bytes"),
    ],
)
def test_a_hostile_tree_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(MalformedError, match=why):
        parse_tree(data)


def test_a_plan_of_too_many_files_is_refused() -> None:
    many = (replace(TREE.files[0], path=f"{number:05}") for number in range(40_001))

    with pytest.raises(MalformedError, match="at most 40000 files, came 40001"):
        with_compiled(replace(TREE, files=tuple(many)), [])
