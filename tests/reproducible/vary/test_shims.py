"""Modules that change the library of the language, tried in an interpreter."""

import subprocess
import sys
from pathlib import Path

import pytest

from reproducible.builds.plan import LockFile, Plan
from reproducible.inputs.lock import Lock, LockedPackage, LockedWheel
from reproducible.inputs.recipe import Env, Limits, Recipe, Source, Toolchain
from reproducible.inputs.tree import Tree
from reproducible.record.buildinfo import BuiltFrom
from reproducible.vary.shims import (
    OTHER_DEFLATE,
    OTHER_ORDER,
    SHIMS,
    SHIMS_SHA256,
    with_shims,
)
from tests.updater.wheels import sha256
from updater.archive.extent import in_memory
from updater.archive.wheel import open_wheel

NAMES = [f"file-{number}" for number in range(20)]


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    name, data = SHIMS
    for file, chunks in open_wheel(name, in_memory(data)).unpack(len):
        if "/" not in file.path:
            (tmp_path / file.path).write_bytes(b"".join(chunks))
    return tmp_path


def run(tools: Path, module: str | None, code: str) -> str:
    first = f"import sys; sys.path.insert(0, {str(tools)!r}); "
    first += f"import {module}; " if module else ""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", first + code],
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout


@pytest.mark.parametrize(
    "listing",
    [
        "os.listdir('.')",
        "[e.name for e in os.scandir('.')]",
        "[e.name for e in os.scandir()]",
        "next(os.walk('.'))[2]",
        "[p.name for p in pathlib.Path('.').iterdir()]",
        "glob.glob('*')",
    ],
)
def test_names_come_in_another_order(tools: Path, listing: str) -> None:
    folder = tools / "folder"
    folder.mkdir()
    for name in NAMES:
        (folder / name).touch()
    code = f"import os, glob, pathlib; os.chdir({str(folder)!r}); print(*{listing})"
    found = run(tools, OTHER_ORDER, code).split()

    assert sorted(found) == sorted(NAMES)
    assert found not in (sorted(NAMES), sorted(NAMES, reverse=True))
    assert found != run(tools, None, code).split()


def test_a_listing_can_be_closed_early(tools: Path) -> None:
    code = "import os\nwith os.scandir('/') as found: next(found); found.close()"

    assert run(tools, OTHER_ORDER, code) == ""


@pytest.mark.parametrize(
    "packed",
    [
        "zlib.compress(DATA)",
        "zlib.compress(DATA, 9, 15)",
        "(lambda c: c.compress(DATA) + c.flush())(zlib.compressobj())",
    ],
)
def test_deflate_gives_other_bytes_for_the_same(tools: Path, packed: str) -> None:
    code = f"import zlib; DATA = b'abc' * 99; packed = {packed}; "
    code += "print(packed.hex(), zlib.decompress(packed) == DATA)"
    usual, found = run(tools, None, code), run(tools, OTHER_DEFLATE, code)

    assert found.endswith("True\n")
    assert found != usual


def test_another_deflate_library_shows_in_the_version(tools: Path) -> None:
    code = "import zlib; print(zlib.ZLIB_RUNTIME_VERSION)"

    assert (
        run(tools, OTHER_DEFLATE, code) == run(tools, None, code).strip() + ".other\n"
    )


def test_the_wheel_is_always_the_same() -> None:
    assert sha256(SHIMS[1]) == SHIMS_SHA256


def test_the_toolchain_of_a_plan_gets_one_wheel_more() -> None:
    wheel = LockedWheel("zz-1-py3-none-any.whl", 1, sha256="a" * 64)
    lock = Lock((LockedPackage("zz", "1", wheel=wheel),))
    plan = Plan(
        tree=Tree(()),
        recipe=Recipe(
            source=Source(),
            env=Env(python=">=3.11"),
            toolchain=Toolchain(backend="b"),
            outputs=(),
            limits=Limits(),
        ),
        recipe_sha256="b" * 64,
        source=BuiltFrom(kind="tree"),
        epoch=1,
        tools=LockFile(lock, "c" * 64),
    )
    found = with_shims(plan).tools

    assert [each.name for each in found.lock.packages] == ["ringfence-shims", "zz"]
    assert found.lock.packages[0].wheel == LockedWheel(
        SHIMS[0], len(SHIMS[1]), sha256=SHIMS_SHA256
    )
    assert found.sha256 != plan.tools.sha256
