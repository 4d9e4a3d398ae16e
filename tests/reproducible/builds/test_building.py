"""Whole builds, in a sandbox."""

import hashlib
import os
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from reproducible.builds.building import BUILDINFO, LOG, Result, build
from reproducible.builds.plan import Plan
from reproducible.builds.workshop import Workshop
from reproducible.errors import (
    BuildFailedError,
    InputError,
    IsolationError,
    MissingError,
    RecipeError,
)
from reproducible.fetch.cache import FolderSupply
from reproducible.inputs.recipe import OutputSpec
from reproducible.record.buildinfo import parse_buildinfo
from reproducible.sandbox.host import Host
from reproducible.sandbox.levels import Conditions, Level
from reproducible.source.sdist import sdist_tree
from tests.reproducible.projects import (
    EPOCH,
    PLATFORM,
    RECIPE,
    WORDS,
    commit,
    tally,
    write,
)
from tests.reproducible.workshops import plan_of, workshop
from updater.archive.bundle import check_bundle, open_bundle
from updater.archive.extent import in_memory
from updater.files import Files

_BACKEND = "build/backend.py"


def _changed(path: str, old: str, new: str) -> dict[str, bytes]:
    files = tally()
    assert old.encode() in files[path]
    return files | {path: files[path].replace(old.encode(), new.encode())}


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return _plan(tmp_path, tally())


def _plan(folder: Path, files: dict[str, bytes]) -> Plan:
    return plan_of(folder / "repository", commit(folder / "repository", files))


def _build(
    shop: Workshop,
    plan: Plan,
    out: Path,
    *,
    conditions: Conditions | None = None,
    prepare: Callable[[Path], None] | None = None,
) -> Result:
    return build(
        plan,
        sandbox=shop.sandbox(plan).sandbox,
        cache=shop.cache,
        supplies=shop.supplies,
        out=out,
        now=shop.now,
        conditions=conditions,
        prepare=prepare,
    )


def _hashes(result: Result) -> dict[str, str]:
    return {each.name: each.sha256 for each in result.outputs}


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Result:
    """Build tally once, for those who only look at what came out."""
    folder = tmp_path_factory.mktemp("usual")
    plan = _plan(folder, tally())
    return _build(workshop(folder / "shop"), plan, folder / "out")


def test_a_plan_becomes_wheel_sdist_and_bundle(usual: Result) -> None:
    names = ["tally-1.0-py3-none-any.whl", "tally-1.0.tar.gz"]

    assert [each.name for each in usual.outputs] == [
        *names,
        f"tally-1.0-{PLATFORM}.tar",
    ]


def test_outputs_are_what_is_said_of_them(usual: Result) -> None:
    read = {each.name: each.path.read_bytes() for each in usual.outputs}

    assert {
        name: (len(data), hashlib.sha256(data).hexdigest())
        for name, data in read.items()
    } == {each.name: (each.size, each.sha256) for each in usual.outputs}


def test_the_bundle_holds_the_wheel_that_was_built_and_the_locked_ones(
    usual: Result,
) -> None:
    wheel, _, made = usual.outputs
    bundle = open_bundle(in_memory(made.path.read_bytes()), product="tally")
    check_bundle(bundle)

    assert [(each.file, each.sha256) for each in bundle.manifest.wheels] == [
        (wheel.name, wheel.sha256),
        (WORDS[0], hashlib.sha256(WORDS[1]).hexdigest()),
    ]


def test_every_level_gives_the_same_bytes(plan: Plan, tmp_path: Path) -> None:
    levels: tuple[Level, ...] = (0, 1)
    shops = [workshop(tmp_path / f"shop-{level}", level) for level in levels]
    one, other = (
        _hashes(_build(shop, plan, tmp_path / f"out-{shop.level}")) for shop in shops
    )

    assert one == other


def test_a_wheel_from_the_sdist_is_the_wheel_from_git(
    usual: Result, plan: Plan, tmp_path: Path
) -> None:
    shop = workshop(tmp_path / "shop")
    wheel, sdist, _ = usual.outputs
    recipe = replace(plan.recipe, outputs=plan.recipe.outputs[:1])
    again = replace(plan, tree=sdist_tree(sdist.path.read_bytes()), recipe=recipe)

    assert _hashes(_build(shop, again, tmp_path / "sdist")) == {
        wheel.name: wheel.sha256
    }


def test_a_wheel_can_be_built_by_way_of_an_sdist(
    usual: Result, plan: Plan, tmp_path: Path
) -> None:
    shop = workshop(tmp_path / "shop")
    source = replace(plan.recipe.source, via_sdist=True)
    recipe = replace(plan.recipe, source=source, outputs=plan.recipe.outputs[:1])
    by_way = _hashes(_build(shop, replace(plan, recipe=recipe), tmp_path / "way"))

    assert by_way.items() <= _hashes(usual).items()


def test_what_was_built_is_recorded(usual: Result, plan: Plan) -> None:
    beside = usual.outputs[0].path.with_name(BUILDINFO)
    written = parse_buildinfo(beside.read_bytes())

    assert (
        written,
        [(each.name, each.sha256) for each in written.outputs],
        written.source.tree_sha256,
        (written.started, written.sandbox.probe),
    ) == (
        usual.buildinfo,
        [*_hashes(usual).items()],
        plan.source.tree_sha256,
        (EPOCH + 60, "no-network"),
    )


def test_a_build_that_fails_is_recorded_with_what_it_said(tmp_path: Path) -> None:
    files = _changed(_BACKEND, "    about = ", "    print('no')\n    about = 1 / 0 #")
    out = tmp_path / "out"
    with pytest.raises(BuildFailedError) as caught:
        _build(workshop(tmp_path / "shop"), _plan(tmp_path, files), out)
    written = parse_buildinfo((out / BUILDINFO).read_bytes())

    assert (
        caught.value.reason,
        written.outputs,
        b"no\n" in (out / LOG).read_bytes(),
    ) == ("exit", (), True)


def test_an_output_that_is_no_wheel_is_a_failed_build(tmp_path: Path) -> None:
    files = _changed(_BACKEND, '"\\n".join(rows).encode()', "b'nonsense'")
    out = tmp_path / "out"
    with pytest.raises(BuildFailedError, match="RECORD") as caught:
        _build(workshop(tmp_path / "shop"), _plan(tmp_path, files), out)

    assert (caught.value.reason, (out / BUILDINFO).exists()) == ("bad-output", True)


def test_a_build_that_fails_late_leaves_nothing_that_came_before(
    tmp_path: Path,
) -> None:
    files = _changed(_BACKEND, '"\\n".join(rows).encode()', "b'nonsense'")
    out = tmp_path / "out"
    with pytest.raises(BuildFailedError):
        _build(workshop(tmp_path / "shop"), _plan(tmp_path, files), out)

    assert {path.name for path in out.iterdir()} == {BUILDINFO, LOG}


def test_an_sdist_on_the_way_that_is_none_is_a_failed_build(tmp_path: Path) -> None:
    files = _changed(_BACKEND, '"w:gz"', '"w"')
    plan = _plan(tmp_path, files)
    source = replace(plan.recipe.source, via_sdist=True)
    recipe = replace(plan.recipe, source=source, outputs=plan.recipe.outputs[:1])

    with pytest.raises(BuildFailedError, match="gzip"):
        _build(
            workshop(tmp_path / "shop"),
            replace(plan, recipe=recipe),
            tmp_path / "out",
        )


def test_a_dependency_with_another_hash_stops_the_build(
    plan: Plan, tmp_path: Path
) -> None:
    wheels = write(tmp_path / "wheels", {WORDS[0]: WORDS[1][:-1] + b"!"})
    shop = workshop(tmp_path / "shop", supplies=[FolderSupply(wheels, Files())])

    with pytest.raises(InputError, match="expected SHA-256"):
        _build(shop, plan, tmp_path / "out")


def test_a_dependency_that_is_nowhere_stops_the_build(
    plan: Plan, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="nobody who was asked has it"):
        _build(workshop(tmp_path / "shop", supplies=[]), plan, tmp_path / "out")


def test_a_dependency_that_changes_while_it_is_built_stops_the_build(
    plan: Plan, tmp_path: Path
) -> None:
    shop = workshop(tmp_path / "shop")
    words = tmp_path / "shop/cache" / hashlib.sha256(WORDS[1]).hexdigest()

    def change(_: Path) -> None:
        words.write_bytes(WORDS[1][:-1] + b"!")

    with pytest.raises(InputError, match="has changed since it was fetched"):
        _build(shop, plan, tmp_path / "out", prepare=change)


def test_a_build_cannot_write_to_the_source_of_the_next(tmp_path: Path) -> None:
    files = _changed(
        _BACKEND,
        "def build_sdist(sdist_directory, config_settings=None):\n",
        "def build_sdist(sdist_directory, config_settings=None):\n"
        "    open('tally/left.py', 'w').close()\n",
    )
    shop = workshop(tmp_path / "shop")
    wheel = _build(shop, _plan(tmp_path, files), tmp_path / "out").outputs[0]

    assert b"left.py" not in wheel.path.read_bytes()


def test_what_is_prepared_is_what_is_built(plan: Plan, tmp_path: Path) -> None:
    def tamper(source: Path) -> None:
        (source / "tally/more.py").write_text("")

    shop = workshop(tmp_path / "shop")
    sdist = _build(shop, plan, tmp_path / "out", prepare=tamper).outputs[1]
    with tarfile.open(sdist.path) as archive:
        names = archive.getnames()

    assert "tally-1.0/tally/more.py" in names


def test_conditions_stand_for_those_of_the_recipe(
    usual: Result, plan: Plan, tmp_path: Path
) -> None:
    shop = workshop(tmp_path / "shop")
    varied = Conditions(umask=0o077, tz="Pacific/Kiritimati", epoch=EPOCH)
    result = _build(shop, plan, tmp_path / "varied", conditions=varied)

    assert (_hashes(result), result.buildinfo.umask, result.buildinfo.env["TZ"]) == (
        _hashes(usual),
        0o077,
        "Pacific/Kiritimati",
    )


def test_the_umask_of_who_builds_changes_nothing(
    usual: Result, plan: Plan, tmp_path: Path
) -> None:
    shop = workshop(tmp_path / "shop")
    before = os.umask(0o077)
    try:
        other = _hashes(_build(shop, plan, tmp_path / "other"))
    finally:
        os.umask(before)

    assert other == _hashes(usual)


def test_an_interpreter_that_the_recipe_does_not_allow_is_not_used(
    plan: Plan, tmp_path: Path
) -> None:
    shop = workshop(tmp_path / "shop")
    sandbox = shop.sandbox(plan).sandbox
    recipe = replace(plan.recipe, env=replace(plan.recipe.env, python="<3"))

    with pytest.raises(MissingError, match="expected a Python <3"):
        build(
            replace(plan, recipe=recipe),
            sandbox=sandbox,
            cache=shop.cache,
            supplies=shop.supplies,
            out=tmp_path / "out",
            now=shop.now,
        )


def test_a_build_sees_no_repository(plan: Plan, tmp_path: Path) -> None:
    source = replace(plan.recipe.source, git_dir=True)
    wanted = replace(plan, recipe=replace(plan.recipe, source=source))

    with pytest.raises(RecipeError, match="a build sees no repository"):
        _build(workshop(tmp_path / "shop"), wanted, tmp_path / "out")


@pytest.mark.parametrize(
    "outputs",
    [
        (OutputSpec("bundle", "bundle/1", platform=PLATFORM, lock="x"),),
        (OutputSpec("wheel"), OutputSpec("bundle", platform="cp399-a-b", lock="x")),
    ],
    ids=["no wheel", "no lock"],
)
def test_a_bundle_of_nothing_is_not_made(
    plan: Plan, tmp_path: Path, outputs: tuple[OutputSpec, ...]
) -> None:
    wanted = replace(plan, recipe=replace(plan.recipe, outputs=outputs))

    with pytest.raises(RecipeError, match="expected a wheel, platform and lock"):
        _build(workshop(tmp_path / "shop"), wanted, tmp_path / "out")


def test_without_a_wall_nothing_is_built(plan: Plan, tmp_path: Path) -> None:
    shop = workshop(tmp_path / "shop")
    host = Host(search=str(tmp_path), home=tmp_path)

    with pytest.raises(IsolationError):
        _build(replace(shop, host=host), plan, tmp_path / "out")


def test_a_recipe_changes_nothing_but_its_own_hash(
    usual: Result, tmp_path: Path
) -> None:
    plan = _plan(tmp_path, _changed(RECIPE, "schema", "# other\nschema"))
    result = _build(workshop(tmp_path / "shop"), plan, tmp_path / "out")

    assert (result.outputs[0].sha256, result.buildinfo.recipe_sha256) == (
        usual.outputs[0].sha256,
        plan.recipe_sha256,
    )
