"""Claim and manifest of one release, held against each other."""

from dataclasses import replace

import pytest

from reproducible.drive.claimed import claimed
from reproducible.errors import SourceError
from tests.updater.transparency.claimants import RELEASE
from updater.archive.bundle import Manifest
from updater.findings import Failed, Severity

MANIFEST = Manifest(
    name="ringfence",
    version="1.4.0",
    platform="cp312-linux-x86_64",
    epoch=RELEASE.build.source_date_epoch,
    commit=RELEASE.source.commit,
    tree_sha256="f1" * 32,
    recipe_sha256=RELEASE.build.recipe,
    lock_sha256="f2" * 32,
    app="wheels/a.whl",
    wheels=(),
)


def test_what_both_say_is_what_is_built_from() -> None:
    found = claimed(RELEASE, MANIFEST)

    assert (found.recipe_sha256, found.epoch) == ("b1" * 32, 1_790_000_000)


def test_the_toolchain_is_the_claims_and_the_lock_of_a_platform_the_bundles() -> None:
    found = claimed(RELEASE, MANIFEST)

    assert found.tools_sha256 == "b2" * 32
    assert found.apps == {"cp312-linux-x86_64": "f2" * 32}


def test_the_tree_is_what_the_bundle_says() -> None:
    assert claimed(RELEASE, MANIFEST).tree_sha256 == "f1" * 32


def test_of_what_is_no_bundle_the_claim_alone_is_known() -> None:
    found = claimed(RELEASE, Failed(Severity.REFUSED, "not a tar"))

    assert (found.tree_sha256, found.apps) == (None, {})
    assert found.tools_sha256 == "b2" * 32


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("commit", replace(MANIFEST, commit="d" * 40)),
        ("recipe", replace(MANIFEST, recipe_sha256="d" * 64)),
        ("epoch", replace(MANIFEST, epoch=1)),
    ],
    ids=["commit", "recipe", "epoch"],
)
def test_a_bundle_that_says_otherwise_is_of_another_source(
    name: str, changed: Manifest
) -> None:
    with pytest.raises(SourceError, match=f"^{name}: claimed is .*, the bundle says"):
        claimed(RELEASE, changed)
