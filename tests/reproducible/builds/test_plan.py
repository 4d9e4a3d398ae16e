"""What is to be built, held to what is claimed."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace

import pytest

from reproducible.builds.plan import (
    Claimed,
    Plan,
    check_claimed,
    choose_interpreter,
    conditions_of,
    find_recipe,
    plan_tree,
    recipe_at,
)
from reproducible.errors import MissingError, RecipeError, SourceError
from reproducible.inputs.rootlock import RootLock, RootPackage, format_root_lock
from reproducible.inputs.tree import SourceFile, make_tree, tree_sha256
from reproducible.sandbox.levels import Conditions, Interpreter
from tests.reproducible.projects import (
    APP_LOCK,
    BUILD_LOCK,
    EPOCH,
    PLATFORM,
    RECIPE,
    tally,
)

_COMMIT = "6ab72a2112073ee7831ac992c3877e62086043b2"
_ROOT = RootLock(
    suite="bookworm",
    arch="amd64",
    epoch=EPOCH,
    tool="mmdebstrap 1.3.5",
    tar_sha256="1" * 64,
    packages=(RootPackage("base", "1", arch="amd64", sha256="2" * 64),),
)


def _plan(changes: Mapping[str, bytes] | None = None) -> Plan:
    files = {**tally(), **(changes or {})}
    tree = make_tree(SourceFile(path, data) for path, data in files.items())
    recipe = recipe_at(tree, RECIPE)
    return plan_tree(tree, recipe, commit=_COMMIT, committed=EPOCH, tag="v1.0")


def _recipe(old: bytes, new: bytes) -> dict[str, bytes]:
    recipe = tally()[RECIPE]
    assert old in recipe
    return {RECIPE: recipe.replace(old, new)}


def _sha256(path: str) -> str:
    return hashlib.sha256(tally()[path]).hexdigest()


_CLAIMED = Claimed(
    tree_sha256=tree_sha256(_plan().tree, EPOCH),
    recipe_sha256=_sha256(RECIPE),
    tools_sha256=_sha256(BUILD_LOCK),
    apps={PLATFORM: _sha256(APP_LOCK)},
    epoch=EPOCH,
)


def test_a_plan_names_everything_by_its_hash() -> None:
    plan = _plan()

    assert (
        plan.recipe_sha256,
        plan.source.tree_sha256,
        plan.source.tag,
        plan.epoch,
        plan.tools.sha256,
        {platform: lock.sha256 for platform, lock in plan.apps.items()},
        plan.root,
    ) == (
        _sha256(RECIPE),
        _CLAIMED.tree_sha256,
        "v1.0",
        EPOCH,
        _sha256(BUILD_LOCK),
        {PLATFORM: _sha256(APP_LOCK)},
        None,
    )


def test_a_recipe_may_fix_the_epoch() -> None:
    assert _plan(_recipe(b'epoch = "commit"', b"epoch = 1700000000")).epoch == (
        1_700_000_000
    )


def test_a_recipe_may_name_a_root() -> None:
    named = _recipe(b"backend_path", b'root = "root.json", backend_path')

    assert _plan({**named, "root.json": format_root_lock(_ROOT)}).root == _ROOT


def test_a_root_lock_that_is_none_is_the_recipes_fault() -> None:
    named = _recipe(b"backend_path", b'root = "root.json", backend_path')

    with pytest.raises(RecipeError, match=r"^root\.json: "):
        _plan({**named, "root.json": b"{}"})


def test_a_lock_that_is_not_in_the_tree_is_the_recipes_fault() -> None:
    with pytest.raises(RecipeError, match=r"expected a file 'pylock\.gone\.toml'"):
        _plan(_recipe(BUILD_LOCK.encode(), b"pylock.gone.toml"))


def test_a_release_is_built_from_its_own_tree() -> None:
    other = b'type = "sdist", url = "https://x/y.tar.gz", sha256 = "' + b"0" * 64 + b'"'
    changed = _recipe(b'type = "tree"', other)[RECIPE]
    changed = changed.replace(b'epoch = "commit"', b"epoch = 1")

    with pytest.raises(RecipeError, match="expected a source of type tree, came sdist"):
        _plan({RECIPE: changed})


def test_a_release_has_a_locked_toolchain() -> None:
    with pytest.raises(RecipeError, match="expected a lock of the toolchain"):
        _plan(_recipe(f'lock = "{BUILD_LOCK}"'.encode(), b"requires = []"))


def test_the_recipe_of_a_release_is_found_by_its_hash() -> None:
    files = tally()
    moved = files.pop(RECIPE)
    tree = make_tree(
        SourceFile(path, data) for path, data in {**files, "r": moved}.items()
    )

    assert find_recipe(tree, _sha256(RECIPE)).path == "r"


def test_a_recipe_that_is_not_in_the_source_is_another_source() -> None:
    with pytest.raises(SourceError, match="no file of its source has it"):
        find_recipe(_plan().tree, "0" * 64)


def test_a_recipe_that_was_named_and_is_not_there_is_wrong_usage() -> None:
    with pytest.raises(RecipeError, match=r"expected a file 'recipe\.toml'"):
        recipe_at(_plan().tree, "recipe.toml")


def test_what_is_claimed_is_held() -> None:
    check_claimed(_plan(), _CLAIMED)


def test_what_is_not_claimed_is_not_asked_for() -> None:
    check_claimed(_plan(), replace(_CLAIMED, tree_sha256=None, epoch=None, apps={}))


@pytest.mark.parametrize(
    ("claimed", "complaint"),
    [
        (replace(_CLAIMED, tree_sha256="0" * 64), "^source tree: the release claims 0"),
        (replace(_CLAIMED, recipe_sha256="0" * 64), "^recipe: the release claims 0"),
        (replace(_CLAIMED, tools_sha256="0" * 64), "^lock of the toolchain: "),
        (replace(_CLAIMED, apps={PLATFORM: "0" * 64}), f"^lock of {PLATFORM}: "),
        (replace(_CLAIMED, apps={"cp311-x-y": "0" * 64}), "its source gives none$"),
        (replace(_CLAIMED, epoch=EPOCH + 1), f"claims {EPOCH + 1}, its source gives"),
    ],
    ids=["tree", "recipe", "tools", "app", "platform", "epoch"],
)
def test_another_source_than_claimed_is_refused(
    claimed: Claimed, complaint: str
) -> None:
    with pytest.raises(SourceError, match=complaint):
        check_claimed(_plan(), claimed)


def test_one_byte_of_the_source_makes_another_source() -> None:
    with pytest.raises(SourceError, match="source tree"):
        check_claimed(_plan({"tally/main.py": b"evil\n"}), _CLAIMED)


def _python(full: str) -> Interpreter:
    major, minor = (int(each) for each in full.split(".")[:2])
    return Interpreter("/usr/bin/python3", (major, minor), prefix="/usr", full=full)


def test_the_newest_interpreter_that_is_allowed_is_taken() -> None:
    recipe = _plan(_recipe(b">=3.11", b">=3.8,<3.13")).recipe
    found = [_python(each) for each in ("3.13.0", "3.11.7", "3.9.18", "3.7.2")]

    assert choose_interpreter(recipe, found) == _python("3.11.7")


@pytest.mark.parametrize(
    ("here", "said"),
    [(["3.9.18", "3.8.1"], "has 3.9.18, 3.8.1$"), ([], "has none$")],
    ids=["older", "none"],
)
def test_no_interpreter_that_is_allowed_is_missing(here: list[str], said: str) -> None:
    with pytest.raises(MissingError, match=f"expected a Python >=3.11.*{said}"):
        choose_interpreter(_plan().recipe, [_python(each) for each in here])


def test_a_build_sees_what_the_recipe_says() -> None:
    changed = _recipe(
        b'epoch = "commit"', b'epoch = "commit", umask = "002", clock = 2'
    )

    assert conditions_of(_plan(changed)) == Conditions(
        epoch=EPOCH, umask=0o002, clock=2
    )
