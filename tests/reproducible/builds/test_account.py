"""What is written down about a build."""

import hashlib
from dataclasses import fields
from typing import Any, cast

from reproducible.builds.account import account
from reproducible.builds.plan import LockFile, Plan
from reproducible.inputs.lock import Lock, LockedPackage, LockedWheel
from reproducible.inputs.recipefile import parse_recipe
from reproducible.inputs.tree import make_tree
from reproducible.record.buildinfo import (
    Buildinfo,
    BuiltFrom,
    Epoch,
    Tool,
    Walls,
    format_buildinfo,
    parse_buildinfo,
)
from reproducible.sandbox.levels import Conditions
from reproducible.sandbox.probe import Facts
from tests.reproducible.projects import EPOCH, RECIPE, tally

_TOOL = LockedPackage("words", "2.1", wheel=LockedWheel("w.whl", 1, sha256="a" * 64))


def _account(epoch: int | None) -> Buildinfo:
    plan = Plan(
        tree=make_tree([]),
        recipe=parse_recipe(tally()[RECIPE]),
        recipe_sha256="b" * 64,
        source=BuiltFrom(kind="tree", commit="0" * 40, tree_sha256="c" * 64),
        epoch=epoch,
        tools=LockFile(Lock((_TOOL,)), "d" * 64),
    )
    said = {each.name: 1 if each.type is int else "x" for each in fields(Facts)}
    return account(
        plan,
        Conditions(epoch=epoch, extra=(("EXTRA", "1"),)),
        Facts(**cast("dict[str, Any]", said)),
        walls=Walls(level=1, tool="bubblewrap 0.8.0", probe="no-network"),
        started=EPOCH,
        finished=EPOCH + 1,
        outputs=[],
        log=b"said",
    )


def test_an_account_is_a_buildinfo() -> None:
    written = _account(EPOCH)

    assert parse_buildinfo(format_buildinfo(written)) == written


def test_tools_are_named_by_hash_and_the_log_too() -> None:
    written = _account(EPOCH)

    assert (written.tools, written.log_sha256) == (
        (Tool("words", "2.1", sha256="a" * 64),),
        hashlib.sha256(b"said").hexdigest(),
    )


def test_the_variables_of_the_build_are_written_down() -> None:
    assert _account(EPOCH).env == {
        "EXTRA": "1",
        "HOME": "x",
        "LC_ALL": "C.UTF-8",
        "PYTHONHASHSEED": "0",
        "SOURCE_DATE_EPOCH": str(EPOCH),
        "TZ": "UTC",
    }


def test_an_epoch_that_is_unset_is_no_variable() -> None:
    written = _account(None)

    assert ("SOURCE_DATE_EPOCH" in written.env, written.epoch) == (
        False,
        Epoch(None, "commit"),
    )
