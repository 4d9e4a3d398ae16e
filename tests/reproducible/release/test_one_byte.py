"""One byte of an input is another one: the outputs say so, and why, in plain words."""

from pathlib import Path

import pytest

from reproducible.builds.building import Result
from reproducible.builds.plan import conditions_of
from reproducible.errors import InputError
from reproducible.vary.arrangements import Setup
from reproducible.vary.observing import explain_pairs, observe
from tests.reproducible.projects import (
    APP_LOCK,
    BUILD_LOCK,
    EPOCH,
    WORDS,
    commit,
    lock,
    tally,
)
from tests.reproducible.workshops import plan_of, workshop
from updater.archive.packing import pure_wheel

BACKEND = "build/backend.py"
MAIN = "tally/main.py"
WHEEL, SDIST, BUNDLE = (
    "tally-1.0-py3-none-any.whl",
    "tally-1.0.tar.gz",
    "tally-1.0-cp311-linux-x86_64.tar",
)


def built(
    folder: Path,
    files: dict[str, bytes],
    *,
    when: int = EPOCH,
    wheel: tuple[str, bytes] = WORDS,
) -> Result:
    revision = commit(folder / "repository", files, when=when)
    shop = workshop(folder / "shop")
    (folder / "shop" / "wheels" / wheel[0]).write_bytes(wheel[1])
    plan = plan_of(folder / "repository", revision)
    result, _ = observe(
        plan,
        Setup(conditions=conditions_of(plan)),
        sandbox=shop.sandbox(plan).sandbox,
        workshop=shop,
        out=folder / "out",
    )
    return result


def causes(one: Result, two: Result) -> dict[str, str]:
    """Give what is said of each file that is not the same."""
    return {
        each.comparison.published.name: "; ".join(
            cause.text for cause in each.comparison.causes
        )
        for each in explain_pairs(one, two)
    }


@pytest.fixture
def usual(tmp_path: Path) -> Result:
    return built(tmp_path / "usual", tally())


def test_the_same_commit_is_the_same(usual: Result, tmp_path: Path) -> None:
    assert causes(usual, built(tmp_path / "again", tally())) == {}


def test_a_byte_of_the_source_is_shown(usual: Result, tmp_path: Path) -> None:
    files = tally() | {MAIN: tally()[MAIN].replace(b"0", b"1")}
    found = causes(usual, built(tmp_path / "other", files))

    assert found.keys() == {WHEEL, SDIST, BUNDLE}
    assert "what the package holds differs" in found[WHEEL]
    assert "built from different sources" in found[BUNDLE]


def test_a_byte_of_a_lock_is_shown(usual: Result, tmp_path: Path) -> None:
    files = tally() | {APP_LOCK: tally()[APP_LOCK].replace(b"ringfence", b"ringfencf")}
    found = causes(usual, built(tmp_path / "other", files))

    assert found.keys() == {SDIST, BUNDLE}
    assert "the other wheels come from different locks" in found[BUNDLE]


def test_a_hash_of_a_lock_that_nothing_has_stops_the_build(tmp_path: Path) -> None:
    digest = b'sha256 = "'
    start = tally()[APP_LOCK].index(digest) + len(digest)
    mangled = bytearray(tally()[APP_LOCK])
    mangled[start] = ord("0") if mangled[start] != ord("0") else ord("1")

    with pytest.raises(InputError, match="expected SHA-256"):
        built(tmp_path / "other", tally() | {APP_LOCK: bytes(mangled)})


def test_another_epoch_is_shown(usual: Result, tmp_path: Path) -> None:
    found = causes(usual, built(tmp_path / "other", tally(), when=EPOCH + 2))

    assert found.keys() == {WHEEL, SDIST, BUNDLE}
    assert "another SOURCE_DATE_EPOCH" in found[WHEEL]
    assert "built for different times" in found[BUNDLE]


def with_tool(version: bytes) -> tuple[dict[str, bytes], tuple[str, bytes]]:
    """Make a project whose backend signs with what a wheel of its toolchain says."""
    code = {"words/__init__.py": b"VERSION = '" + version + b"'\n"}
    wheel = pure_wheel("words", "2.1", code, epoch=EPOCH)
    backend = tally()[BACKEND].replace(
        b'WHEEL = "Wheel-Version: 1.0\\n',
        b"import words\n\n"
        b'WHEEL = "Wheel-Version: 1.0\\nGenerator: words " + words.VERSION + "\\n',
    )
    locks = {BUILD_LOCK: lock(dict([wheel])), APP_LOCK: lock(dict([wheel]))}
    return tally() | {BACKEND: backend} | locks, wheel


def test_a_byte_of_the_toolchain_is_shown(tmp_path: Path) -> None:
    results: list[Result] = []
    for version in (b"2.1", b"2.2"):
        files, wheel = with_tool(version)
        folder = tmp_path / str(len(results))
        results.append(built(folder, files, wheel=wheel))
    found = causes(results[0], results[1])

    assert found.keys() == {WHEEL, SDIST, BUNDLE}
    assert "words 2.1" in found[WHEEL]
