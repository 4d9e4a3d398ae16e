"""The lock of a root has one spelling."""

from dataclasses import replace

import pytest

from reproducible.inputs.rootlock import (
    MAX_BYTES,
    RootLock,
    RootPackage,
    format_root_lock,
    parse_root_lock,
)
from tests.io_map import CHECKOUT
from tests.updater.transparency.mangled import assert_one_spelling
from updater.errors import MalformedError
from updater.jcs import Json, parse, write

LIBC = RootPackage("libc6", "2.36-9+deb12u10", arch="amd64", sha256="ef" * 32)
ROOT = RootLock(
    suite="bookworm",
    arch="amd64",
    epoch=1_750_000_000,
    tool="mmdebstrap 1.3.5",
    tar_sha256="cd" * 32,
    packages=(LIBC,),
)


def test_a_damaged_lock_is_malformed_or_another() -> None:
    assert_one_spelling(parse_root_lock, format_root_lock, format_root_lock(ROOT))


def test_the_example_of_the_format_is_what_is_written() -> None:
    page = (CHECKOUT / "docs/formats/recipe.md").read_text()
    example = page.partition("```json\n")[2].partition("\n```")[0]

    assert format_root_lock(ROOT).decode() == example.replace("\n ", "")


def test_packages_are_written_in_order() -> None:
    other = replace(LIBC, arch="all")
    turned = replace(ROOT, packages=(LIBC, other))

    assert parse_root_lock(format_root_lock(turned)).packages == (other, LIBC)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("schema", "ringfence-root/2"),
        ("suite", "Bookworm"),
        ("arch", ""),
        ("epoch", -1),
        ("tool", ""),
        ("tar_sha256", "CD" * 32),
        ("packages", []),
        ("packages", [{}]),
        ("mirror", "x"),
    ],
)
def test_another_lock_is_malformed(key: str, value: Json) -> None:
    said = parse(format_root_lock(ROOT), most=MAX_BYTES)
    assert isinstance(said, dict)

    with pytest.raises(MalformedError):
        parse_root_lock(write({**said, key: value}))


@pytest.mark.parametrize("names", [("b", "a"), ("a", "a")], ids=["turned", "twice"])
def test_packages_in_another_order_are_malformed(names: tuple[str, str]) -> None:
    said = parse(format_root_lock(ROOT), most=MAX_BYTES)
    assert isinstance(said, dict)
    rows: list[Json] = [
        {"arch": "all", "name": f"lib{name}", "sha256": "ef" * 32, "version": "1"}
        for name in names
    ]

    with pytest.raises(MalformedError, match="in order, each once"):
        parse_root_lock(write({**said, "packages": rows}))
