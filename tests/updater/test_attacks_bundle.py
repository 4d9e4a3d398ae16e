"""Hostile archives, released by whoever has every key there is.

All gates but the last say yes; whatever is wrong in the archive is found before any of
it reaches the disk, or while it is staged, and what ran before still runs.
"""

from pathlib import Path

import pytest

from tests.updater.archive import test_wheel, test_zips
from tests.updater.clients import Client
from tests.updater.places import BROKEN, PLATFORM, app_bundle
from tests.updater.wheels import (
    EPOCH,
    LIBRARY_NAME,
    Raw,
    bundle_of,
    manifest_of,
    raw_wheel,
    zipped,
)
from tests.updater.world import DAY, World, ready
from updater.archive.packing import pure_wheel

GOOD = app_bundle("1.1")


def with_wheel(data: bytes, name: str = LIBRARY_NAME) -> bytes:
    """Make a bundle of the app and another wheel."""
    code = {"app/__init__.py": b"", "app/main.py": b"def run():\n    return 0\n"}
    wheels = dict([pure_wheel("app", "1.1", code, epoch=EPOCH), (name, data)])
    manifest = manifest_of(wheels, version="1.1", product="app", platform=PLATFORM)
    return bundle_of(manifest, wheels)


def header(at: int, value: bytes) -> bytes:
    """Change the header of the bundle's first member, and its check sum."""
    block = bytearray(GOOD[:512])
    block[at : at + len(value)] = value
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block) + GOOD[512:]


BUNDLES = {
    "empty": b"\0",
    "cut": GOOD[:-512],
    "cut in the middle": GOOD[: len(GOOD) // 2],
    "trailing": GOOD + b"\0",
    "trailing block": GOOD + bytes(10_240),
    "twice": GOOD + GOOD,
    "other name": header(0, b"../evil.json\0"),
    "absolute": header(0, b"/etc/passwd\0\0"),
    "mode": header(100, b"0004755\0"),
    "owner": header(108, b"0001750\0"),
    "symbolic link": header(156, b"2"),
    "hard link": header(156, b"1"),
    "character device": header(156, b"3"),
    "block device": header(156, b"4"),
    "folder": header(156, b"5"),
    "pipe": header(156, b"6"),
    "sparse": header(156, b"S"),
    "long name": header(156, b"L"),
    "pax": header(156, b"x"),
    "link name": header(157, b"/etc/passwd"),
    "other magic": header(257, b"ustar  \0"),
    "prefix": header(345, b".."),
    "size": header(124, b"77777777777\0"),
    "a wheel is missing": GOOD[: len(GOOD) // 1024 * 512],
    "the same path in two wheels": with_wheel(
        zipped(raw_wheel([Raw(name="app/main.py", data=b"evil = 1\n")]))
    ),
    "the same path by case": with_wheel(
        zipped(raw_wheel([Raw(name="APP/main.py", data=b"evil = 1\n")]))
    ),
    "a file where a folder is": with_wheel(
        zipped(raw_wheel([Raw(name="app", data=b"evil = 1\n")]))
    ),
    **{f"zip {name}": with_wheel(data or b"\0") for name, (data, _) in
       test_zips.HOSTILE.items()},
    **{f"wheel {name}": with_wheel(data) for name, (data, _) in
       test_wheel.HOSTILE.items()},
}  # fmt: skip


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, Client]:
    world = ready()
    client = Client(world, tmp_path_factory.mktemp("client"))
    client.apply(world)
    return world, client


def below(folder: Path) -> set[str]:
    """Name what a failed release must not add to."""
    return {
        f"{name}/{each}"
        for name in ("versions", "stage")
        for each in sorted(path.name for path in (folder / name).iterdir())
    } | {str((folder / "current").readlink())}


@pytest.mark.parametrize("name", BUNDLES)
def test_a_hostile_archive_leaves_what_runs_as_it_is(
    name: str, installed: tuple[World, Client], tmp_path: Path
) -> None:
    world, client = installed[0].copy(), installed[1].copy(tmp_path / "client")
    before = below(client.root.folder)
    world.release("1.1", bundle=BUNDLES[name])
    world.wait(8 * DAY)

    report = client.apply(world)

    assert report.headline is not None, report.kind
    assert (report.kind, report.headline[0]) in {
        ("refused", "manifest"),
        ("refused", "stage"),
    }
    assert below(client.root.folder) == before


def test_a_release_that_does_not_start_never_becomes_current(tmp_path: Path) -> None:
    world = ready()
    client = Client(world, tmp_path)
    client.apply(world)
    before = client.root.current()
    world.release("1.1", bundle=app_bundle("1.1", BROKEN))
    world.wait(8 * DAY)

    report = client.apply(world)

    assert report.headline is not None
    assert report.headline[1].code == "unhealthy"
    assert client.root.current() == before
    assert client.check() == {"select": "bad"}


def test_a_release_that_says_it_is_another_is_not_kept(tmp_path: Path) -> None:
    world = ready()
    client = Client(world, tmp_path)
    client.apply(world)
    before = client.root.current()
    liar = "def run():\n    print('app', '9.9')\n    return 0\n"
    world.release("1.1", bundle=app_bundle("1.1", liar))
    world.wait(8 * DAY)
    client.apply(world)

    assert client.root.current() == before
