"""What stands in a statement besides the comparison."""

from dataclasses import replace

import pytest

from reproducible.builds.plan import LockFile, Plan
from reproducible.compare.verdict import Comparison, FileId
from reproducible.drive.finding import Finding, Signer, facts_of
from reproducible.explain.explaining import Explained
from reproducible.inputs.lock import Lock, LockedPackage, LockedWheel
from reproducible.inputs.recipefile import parse_recipe
from reproducible.inputs.tree import Tree
from reproducible.record.attest import Facts
from reproducible.record.buildinfo import (
    Buildinfo,
    BuiltFrom,
    Epoch,
    Python,
    Runtime,
    Walls,
)
from tests.reproducible import projects
from tests.updater.transparency.claimants import RELEASE, key
from updater.errors import MalformedError
from updater.transparency.claims.parts import Resource

TOOL = Resource(name="ringfence-0", sha256="7" * 64)
SIGNER = Signer(operator="anna", machine="anna/desk", tool=TOOL, key=key(51))
INFO = Buildinfo(
    recipe_sha256="b1" * 32,
    source=BuiltFrom(kind="tree"),
    tools=(),
    python=Python("CPython", "3.12.1", build="main"),
    runtime=Runtime(arch="x86_64", os="Linux", kernel="6", libc="glibc", zlib="1"),
    sandbox=Walls(level=1, tool="bwrap", probe="no-network"),
    env={},
    umask=0o022,
    epoch=Epoch(1, "commit"),
    started=10,
    finished=20,
    outputs=(),
    log_sha256="c" * 64,
)
SAME = Comparison(
    verdict="identical",
    method="sha256",
    published=FileId("a", 1, sha256="a" * 64),
    rebuilt=FileId("a", 1, sha256="a" * 64),
)
FINDING = Finding(
    claim=RELEASE,
    explained=Explained(SAME),
    plan=None,
    buildinfo=INFO,
    started=5,
    finished=25,
)


def plan(count: int) -> Plan:
    wheels = (LockedWheel(f"w{n}.whl", 1, sha256=f"{n:064x}") for n in range(count))
    packages = tuple(
        LockedPackage(f"w{n}", "1", wheel=each) for n, each in enumerate(wheels)
    )
    return Plan(
        tree=Tree(()),
        recipe=parse_recipe(projects.tally()[projects.RECIPE]),
        recipe_sha256="b1" * 32,
        source=BuiltFrom(kind="tree", tree_sha256="e" * 64),
        epoch=1,
        tools=LockFile(Lock(packages), "f" * 64),
    )


def facts(finding: Finding) -> Facts:
    return facts_of(
        finding,
        SIGNER,
        buildinfo=Resource(name="buildinfo.json", sha256="1" * 64),
        report=Resource(name="a.compare.json", sha256="2" * 64),
    )


def test_a_statement_says_who_speaks_and_with_which_tool() -> None:
    rebuilder = facts(FINDING).rebuilder

    assert (rebuilder.operator, rebuilder.id) == ("anna", "anna/desk")
    assert rebuilder.tool == TOOL


def test_the_source_is_the_claimed_commit_and_the_tree_that_was_found() -> None:
    source = facts(replace(FINDING, plan=plan(0))).source

    assert (source.git_commit, source.sha256) == ("c0" * 20, "e" * 64)


def test_a_source_that_was_refused_has_no_tree() -> None:
    assert facts(FINDING).source.sha256 is None


def test_the_recipe_is_the_claimed_one() -> None:
    assert facts(FINDING).recipe.sha256 == "b1" * 32


def test_the_environment_is_that_of_the_build() -> None:
    environment = facts(FINDING).environment

    assert (environment.arch, environment.level, environment.root) == (
        "x86_64",
        1,
        None,
    )


def test_a_locked_root_is_named() -> None:
    walls = replace(INFO.sandbox, level=2, root_sha256="9" * 64)
    finding = replace(FINDING, buildinfo=replace(INFO, sandbox=walls))

    assert facts(finding).environment.root == Resource(sha256="9" * 64)


def test_the_tools_are_those_of_the_lock() -> None:
    tools = facts(replace(FINDING, plan=plan(2))).toolchain

    assert [each.name for each in tools] == ["w0.whl", "w1.whl"]


def test_more_tools_than_a_statement_holds_are_left_to_the_buildinfo() -> None:
    assert len(facts(replace(FINDING, plan=plan(65))).toolchain) == 64


def test_the_times_are_those_of_the_whole_run() -> None:
    found = facts(FINDING)

    assert (found.started_on, found.finished_on) == (5, 25)


def test_the_files_beside_it_are_named() -> None:
    found = facts(FINDING)

    assert (found.buildinfo.name, found.report and found.report.name) == (
        "buildinfo.json",
        "a.compare.json",
    )


@pytest.mark.parametrize("name", ["Anna", "", "a b", "-a"])
def test_a_name_that_no_policy_can_have_is_refused(name: str) -> None:
    with pytest.raises(MalformedError, match="operator"):
        replace(SIGNER, operator=name)


def test_a_machine_that_no_statement_can_name_is_refused() -> None:
    with pytest.raises(MalformedError, match="id"):
        replace(SIGNER, machine="../anna")
