"""How far a release has come, as its publisher is told."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.updater.publish.projects import PRODUCT, Project
from updater.errors import NotYetError
from updater.offer.waves import Wave
from updater.publish.draft import read_channel
from updater.publish.reach import Rollout, fresh_at, rollouts

WAVES = (Wave(0, 100), Wave(7200, 1000))
COOLDOWN_S = 3600


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path).create()


def far(project: Project) -> Rollout:
    (found,) = rollouts(project.place, PRODUCT, project.clock.now())
    return found


@pytest.mark.parametrize(
    ("later_s", "per_mille", "next_s"),
    [
        (0, 0, COOLDOWN_S),
        (COOLDOWN_S - 1, 0, COOLDOWN_S),
        (COOLDOWN_S, 100, COOLDOWN_S + 7200),
        (COOLDOWN_S + 7200, 1000, None),
    ],
)
def test_waves_open_after_the_cooldown(
    project: Project, later_s: int, per_mille: int, next_s: int | None
) -> None:
    begun = project.clock.now()
    project.release("1.0", waves=WAVES)
    project.clock.time = begun + later_s

    assert far(project) == Rollout(
        "stable",
        "1.0",
        per_mille=per_mille,
        next_at=None if next_s is None else int(begun) + next_s,
        is_paused=False,
    )


def test_a_pause_is_told(project: Project) -> None:
    project.release("1.0")
    public = read_channel(project.place, "stable")
    assert public is not None
    project.publisher().set_channel(replace(public, paused=True))

    assert far(project).is_paused


def test_a_channel_whose_release_is_not_there_has_not_begun(project: Project) -> None:
    project.release("1.0")
    public = read_channel(project.place, "stable")
    assert public is not None
    project.publisher().set_channel(replace(public, version="2.0"))

    assert (far(project).per_mille, far(project).next_at) == (0, None)


def test_the_log_is_as_fresh_as_its_witnesses_say(project: Project) -> None:
    begun = project.clock.now()
    project.clock.time += 3600
    before = fresh_at(project.place, project.clock.now())
    project.publisher().refresh()

    after = fresh_at(project.place, project.clock.now())

    assert (before, after) == (begun, begun + 3600)


def test_a_witness_that_is_silent_lets_the_log_go_stale(project: Project) -> None:
    begun = project.clock.now()
    project.clock.time += 3600
    project.silent.add("w1")
    with pytest.raises(NotYetError):
        project.publisher().refresh()

    assert fresh_at(project.place, project.clock.now()) == begun


def test_a_log_that_nobody_saw_is_not_fresh(tmp_path: Path) -> None:
    project = Project(tmp_path, silent={"w1"})
    with pytest.raises(NotYetError):
        project.create()

    assert fresh_at(project.place, project.clock.now()) is None
