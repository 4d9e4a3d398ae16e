"""Wheels, sdists and bundles in their final form."""

from dataclasses import replace

import pytest

from reproducible.builds.outputs import bundle_manifest, packed
from reproducible.builds.plan import Plan, plan_tree, recipe_at
from reproducible.errors import BuildFailedError, RecipeError
from reproducible.inputs.recipe import OutputSpec
from reproducible.inputs.tree import SourceFile, make_tree
from tests.reproducible.projects import EPOCH, PLATFORM, RECIPE, WORDS, tally
from updater.archive.bundle import BundledWheel, file_name, list_wheel

_WHEEL = OutputSpec("wheel", "canonical-wheel/1")
_SDIST = OutputSpec("sdist", "canonical-sdist/1")
_COMMIT = "6ab72a2112073ee7831ac992c3877e62086043b2"
_APP = BundledWheel("wheels/my_tally-1.0-py3-none-any.whl", 7, sha256="a" * 64)
_OTHER = list_wheel(WORDS[0], [WORDS[1]])


def _plan() -> Plan:
    tree = make_tree(SourceFile(path, data) for path, data in tally().items())
    return plan_tree(tree, recipe_at(tree, RECIPE), commit=_COMMIT, committed=EPOCH)


def test_a_wheel_that_is_canonical_stays() -> None:
    assert packed(WORDS[1], WORDS[0], _WHEEL, EPOCH) == WORDS[1]


def test_a_wheel_is_packed_with_the_epoch() -> None:
    assert packed(WORDS[1], WORDS[0], _WHEEL, EPOCH + 60) != WORDS[1]


def test_what_has_no_form_stays_as_it_was_written() -> None:
    assert packed(b"raw", WORDS[0], OutputSpec("wheel"), None) == b"raw"


@pytest.mark.parametrize("spec", [_WHEEL, _SDIST], ids=["wheel", "sdist"])
def test_what_is_no_archive_is_a_bad_output(spec: OutputSpec) -> None:
    with pytest.raises(BuildFailedError, match=f"^{WORDS[0]}: ") as caught:
        packed(b"nonsense", WORDS[0], spec, EPOCH)

    assert caught.value.reason == "bad-output"


def test_a_form_needs_an_epoch() -> None:
    with pytest.raises(RecipeError, match="canonical-wheel/1 needs an epoch"):
        packed(WORDS[1], WORDS[0], _WHEEL, None)


def test_a_wheel_does_not_become_a_bundle() -> None:
    with pytest.raises(RecipeError, match="wheel cannot become a bundle"):
        packed(WORDS[1], WORDS[0], OutputSpec("wheel", "bundle/1"), EPOCH)


def test_a_bundle_says_what_it_was_built_from() -> None:
    plan = _plan()
    manifest = bundle_manifest(plan, PLATFORM, _APP, [_OTHER])

    assert (
        file_name(manifest),
        manifest.commit,
        manifest.tree_sha256,
        manifest.recipe_sha256,
        manifest.lock_sha256,
        manifest.wheels,
    ) == (
        f"my-tally-1.0-{PLATFORM}.tar",
        _COMMIT,
        plan.source.tree_sha256,
        plan.recipe_sha256,
        plan.apps[PLATFORM].sha256,
        (_APP, _OTHER),
    )


def test_two_commits_with_one_tree_give_two_bundles() -> None:
    plan = _plan()
    other = replace(plan, source=replace(plan.source, commit="0" * 40))

    assert bundle_manifest(plan, PLATFORM, _APP, []) != (
        bundle_manifest(other, PLATFORM, _APP, [])
    )


@pytest.mark.parametrize(
    ("plan", "platform"),
    [
        (replace(_plan(), epoch=None), PLATFORM),
        (replace(_plan(), source=replace(_plan().source, commit=None)), PLATFORM),
        (_plan(), "cp399-linux-x86_64"),
    ],
    ids=["epoch", "commit", "platform"],
)
def test_a_bundle_without_an_origin_is_not_made(plan: Plan, platform: str) -> None:
    with pytest.raises(RecipeError, match="expected an epoch, a commit and a lock"):
        bundle_manifest(plan, platform, _APP, [])


@pytest.mark.parametrize(
    ("app", "others"),
    [
        (replace(_APP, name="wheels/tally.whl"), []),
        (replace(_APP, name="wheels/tally-x-py3-none-any.whl"), []),
        (_APP, [_APP]),
    ],
    ids=["name", "version", "twice"],
)
def test_what_no_reader_takes_is_not_written(
    app: BundledWheel, others: list[BundledWheel]
) -> None:
    with pytest.raises(BuildFailedError, match=f"^bundle of {PLATFORM}: "):
        bundle_manifest(_plan(), PLATFORM, app, others)
