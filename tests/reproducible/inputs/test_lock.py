"""Locks: each package once, one wheel, by hash."""

import tomllib
from collections.abc import Callable
from typing import Any

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from reproducible.errors import RecipeError, UnsupportedError
from reproducible.inputs.lock import (
    MAX_BYTES,
    Lock,
    LockedPackage,
    LockedWheel,
    format_lock,
    parse_lock,
)
from tests.io_map import CHECKOUT


def _package(name: str, file: str | None = None) -> LockedPackage:
    wheel = LockedWheel(file or f"{name}-2.1-py3-none-any.whl", 884, sha256="ab" * 32)
    return LockedPackage(name, "2.1", wheel=wheel)


WORDS = Lock((_package("words"),), ">=3.11")
BOTH = Lock((_package("a-b", "A_b-2.1-cp312-cp312-linux_x86_64.whl"), _package("c")))


@pytest.mark.parametrize("lock", [WORDS, BOTH, Lock(())], ids=["one", "two", "none"])
def test_a_lock_is_read_back(lock: Lock) -> None:
    assert parse_lock(format_lock(lock)) == lock


def test_the_example_of_the_format_is_what_is_written() -> None:
    page = (CHECKOUT / "docs/formats/recipe.md").read_text()
    example = page.split("```toml\n")[2].partition("```")[0]

    assert format_lock(WORDS).decode() == example


def test_packages_are_written_and_read_in_order() -> None:
    turned = Lock(BOTH.packages[::-1])

    assert parse_lock(format_lock(turned)) == BOTH


def test_a_package_is_found_by_its_name() -> None:
    assert BOTH.by_name["c"] == BOTH.packages[1]


def _changed(change: Callable[[dict[str, Any]], object]) -> bytes:
    said = tomllib.loads(format_lock(WORDS).decode())
    change(said)
    return tomli_w.dumps(said).encode()


def _wheel(**keys: object) -> Callable[[dict[str, Any]], None]:
    """Change a wheel; None takes a key away."""

    def change(said: dict[str, Any]) -> None:
        wheel = said["packages"][0]["wheels"][0] | keys
        kept = {key: value for key, value in wheel.items() if value is not None}
        said["packages"][0]["wheels"][0] = kept

    return change


@pytest.mark.parametrize(
    "change",
    [
        _wheel(name=None),
        _wheel(name=None, path="./wheels/words-2.1-py3-none-any.whl"),
        _wheel(
            name=None, path=None, url="https://f.example/words-2.1-py3-none-any.whl"
        ),
        _wheel(upload_time="2026-01-01T00:00:00Z"),
        lambda said: said.update({"environments": [], "tool": {"uv": {"x": 1.5}}}),
        lambda said: said["packages"][0].update(index="https://index.example/simple"),
        lambda said: said["packages"][0].update(sdist={"name": "words-2.1.tar.gz"}),
    ],
    ids=["path", "folder", "url", "time", "tool", "index", "sdist"],
)
def test_the_lock_of_another_tool_says_the_same(
    change: Callable[[dict[str, Any]], object],
) -> None:
    assert parse_lock(_changed(change)) == WORDS


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda said: said.update({"lock-version": "2.0"}), "expected 1.0"),
        (lambda said: said.pop("packages"), "'packages' is missing"),
        (lambda said: said.update(packages=[{}] * 512), "expected 0 to 511 items"),
        (lambda said: said["packages"].append(said["packages"][0]), "each name once"),
        (lambda said: said.update({"requires-python": "3"}), "requires-python: exp"),
        (lambda said: said["packages"][0].update(name="Words"), "package name: "),
        (lambda said: said["packages"][0].update(version="2 1"), "words version: "),
        (lambda said: said["packages"][0].pop("version"), "words version: "),
        (lambda said: said["packages"][0].update(marker="x"), "words: expected no ma"),
        (lambda said: said["packages"][0].update(wheels=[]), "expected 1 to 1 items"),
        (lambda said: said["packages"][0]["wheels"].append({}), "expected 1 to 1"),
        (_wheel(size=None), "'size' is missing"),
        (_wheel(size=0), "words size: "),
        (_wheel(size=(512 << 20) + 1), "words size: "),
        (_wheel(hashes={"md5": "0"}), "'sha256' is missing"),
        (_wheel(hashes={"sha256": "AB" * 32}), "words sha256: "),
        (_wheel(name=None, path=None), "a name, path or url"),
        (_wheel(name=1), "words wheel: expected a string"),
        (_wheel(name="words-2.1.tar.gz"), "words wheel: "),
        (_wheel(name="word-2.1-py3-none-any.whl"), "a wheel of it, came 'word-2.1"),
        (_wheel(name=f"words-2.1-{'x' * 200}.whl"), "a shorter name"),
    ],
    ids=range(21),
)
def test_another_lock_is_refused(
    change: Callable[[dict[str, Any]], object], sentence: str
) -> None:
    with pytest.raises(RecipeError, match=sentence):
        parse_lock(_changed(change))


def test_a_package_without_a_wheel_would_need_a_build() -> None:
    data = _changed(lambda said: said["packages"][0].pop("wheels"))

    with pytest.raises(UnsupportedError, match="words: expected a wheel") as caught:
        parse_lock(data)

    assert caught.value.reason == "toolchain-needs-build"


def test_a_lock_has_a_largest_size() -> None:
    with pytest.raises(RecipeError, match="lock: TOML: expected at most"):
        parse_lock(b"#" * (MAX_BYTES + 1))


@given(st.data())
def test_damage_gives_a_lock_or_one_error(data: st.DataObject) -> None:
    good = bytearray(format_lock(BOTH))
    at = data.draw(st.integers(0, len(good) - 1))
    good[at : at + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=9))
    try:
        lock = parse_lock(bytes(good))
    except (RecipeError, UnsupportedError):
        return

    assert parse_lock(format_lock(lock)) == lock
