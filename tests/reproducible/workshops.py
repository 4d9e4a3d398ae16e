"""Workshops for tests that really build, and are skipped where no wall can be made."""

import functools
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from reproducible.builds.plan import Plan, plan_tree, recipe_at
from reproducible.builds.workshop import Workshop
from reproducible.errors import IsolationError
from reproducible.fetch.cache import Cache, FolderSupply, Supply
from reproducible.inputs.recipe import Limits
from reproducible.sandbox.choose import choose
from reproducible.sandbox.host import Host
from reproducible.sandbox.levels import Level
from reproducible.sandbox.run import Site
from reproducible.source.git import export
from tests.reproducible.projects import EPOCH, RECIPE, wheels_folder
from updater.files import Files


def workshop(
    folder: Path, level: Level | None = None, supplies: Sequence[Supply] | None = None
) -> Workshop:
    """Make a workshop that has the wheels of tally, in a new folder."""
    lacks = _lacks(level)
    if lacks:
        pytest.skip(lacks)
    folder.mkdir(parents=True)
    scratch = folder / "scratch"
    scratch.mkdir(mode=0o700)
    if supplies is None:
        supplies = (FolderSupply(wheels_folder(folder / "wheels"), Files()),)
    return Workshop(
        host=_host(),
        scratch=scratch,
        cache=Cache(folder / "cache", Files()),
        supplies=supplies,
        now=lambda: float(EPOCH + 60),
        level=level,
    )


def plan_of(repository: Path, commit: str) -> Plan:
    """Plan a build of a commit of a project like tally."""
    exported = export(repository, commit)
    return plan_tree(
        exported.tree,
        recipe_at(exported.tree, RECIPE),
        commit=commit,
        committed=exported.epoch,
    )


@functools.cache
def _host() -> Host:
    return Host.here()


@functools.cache
def _lacks(level: Level | None) -> str:
    """Say why no wall of this level can be made here; nothing where one can."""
    with tempfile.TemporaryDirectory() as scratch:
        site = Site(
            host=_host(),
            interpreter=_host().interpreters()[0],
            scratch=Path(scratch),
            limits=Limits(),
        )
        try:
            choose(level, site)
        except IsolationError as error:
            return str(error)
    return ""
