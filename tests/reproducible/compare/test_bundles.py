"""Bundles that differ, wheel by wheel."""

from dataclasses import replace

import pytest

from reproducible.compare.bundles import compare_bundles, is_bundle
from reproducible.compare.verdict import Difference
from reproducible.errors import InputError
from tests.reproducible import tampered_wheels
from tests.reproducible.tampered_bundles import CASES, GOOD, MANIFEST, NAME, WHEELS
from tests.reproducible.tampering_case import Case
from tests.updater.wheels import bundle_of
from updater.archive.extent import Extent, in_memory

BY_NAME = {case.about.removeprefix("bundle-"): case.tampered for case in CASES}


def _compare(published: bytes, rebuilt: bytes = GOOD) -> list[Difference]:
    return compare_bundles(in_memory(published), in_memory(rebuilt), name=NAME)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.about)
def test_each_way_of_tampering_has_its_class(case: Case) -> None:
    assert _compare(case.tampered)[0].kind == case.kind


@pytest.mark.parametrize(
    ("about", "expected"),
    [
        ("code", ("code", f"{tampered_wheels.NAME}!pkg/__init__.py", "1 line")),
        (
            "product",
            ("name", "manifest.json", "name published fence, rebuilt ringfence"),
        ),
        (
            "epoch",
            (
                "container",
                "manifest.json",
                "epoch published 1750000002, rebuilt 1750000000",
            ),
        ),
        ("wheel-added", ("file-set", "wheels/more-1.0-py3-none-any.whl", "")),
        (
            "prepended-script",
            (
                "malformed",
                tampered_wheels.NAME,
                "zip: expected the directory to end at 1604, came 1594",
            ),
        ),
        (
            "wheel-not-as-listed",
            ("malformed", NAME, None),
        ),
    ],
)
def test_a_difference_is_said_in_words(
    about: str, expected: tuple[str, str, str | None]
) -> None:
    first = _compare(BY_NAME[about])[0]
    detail = first.detail if expected[2] is None else expected[2]

    assert (first.kind, first.entry, first.detail) == (*expected[:2], detail)


def test_a_field_of_the_manifest_is_one_difference_each() -> None:
    other = replace(MANIFEST, commit="0" * 40, tree_sha256="0" * 64, version="2.0")
    found = _compare(bundle_of(other, WHEELS))

    assert [each.detail.split()[0] for each in found] == [
        "version", "commit", "tree_sha256",
    ]  # fmt: skip


def test_bundles_of_any_product_are_compared() -> None:
    bundles = [
        bundle_of(replace(MANIFEST, name="other-app", epoch=epoch), WHEELS)
        for epoch in (1_750_000_000, 1_750_000_002)
    ]

    assert [each.kind for each in _compare(*bundles)] == ["container"]


def test_a_manifest_without_a_product_is_malformed() -> None:
    nameless = GOOD.replace(b'"name":"ringfence"', b'"nam0":"ringfence"')

    assert _compare(nameless)[0].detail == "manifest: 'name' is missing"


def test_a_wheel_that_changes_after_its_bundle_was_checked_is_no_verdict() -> None:
    tampered = BY_NAME["code"]
    is_checked = False

    def read_rebuilt(offset: int, size: int) -> bytes:
        nonlocal is_checked
        is_checked = offset + size == len(GOOD)
        return GOOD[offset : offset + size]

    def read_published(offset: int, size: int) -> bytes:
        data = GOOD if is_checked else tampered
        return data[offset : offset + size]

    published, rebuilt = (
        Extent(read_published, len(tampered)),
        Extent(read_rebuilt, len(GOOD)),
    )
    with pytest.raises(InputError, match=r"pkg-1\.0.*: changed while it was read"):
        compare_bundles(published, rebuilt, name=NAME)


@pytest.mark.parametrize(
    ("start", "expected"),
    [(GOOD[:512], True), (GOOD[:13], True), (b"", False), (b"manifest.jsonx", False)],
    ids=["bundle", "cut", "empty", "other"],
)
def test_a_bundle_is_told_by_its_first_member(start: bytes, *, expected: bool) -> None:
    assert is_bundle(start) is expected
