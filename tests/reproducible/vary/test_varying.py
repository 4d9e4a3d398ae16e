"""The same project, built under many conditions, behind a real wall."""

import os
import time
from pathlib import Path

import pytest

from reproducible.errors import BuildFailedError
from reproducible.sandbox.levels import Level
from reproducible.vary.outcomes import Outcome
from reproducible.vary.variations import VARIATIONS, choose_variations
from reproducible.vary.varying import vary, vary_commit
from tests.reproducible.projects import RECIPE, commit, tally
from tests.reproducible.workshops import plan_of, workshop

BACKEND = "build/backend.py"
METADATA = b'    members[about + "METADATA"] = METADATA.encode()\n'
LEAKS = {
    "V03": "os.umask(0)",
    "V05": "oct(os.stat('tally/main.py').st_mode)",
    "V07": "time.strftime('%z', time.localtime(0))",
    "V09": "os.environ['LC_ALL']",
    "V11": "hash('x')",
    "V13": "os.getcwd()",
    "V14": "os.environ.get('HOME')",
    "V18": "os.stat('tally/main.py').st_mtime",
    "V20": "os.listdir('/usr')",
    "V21": "os.uname().nodename",
    "V25": "os.listdir('tally')",
    "V26": "__import__('zlib').compress(b'abc' * 99)",
}
"""What a careless backend might write into a wheel, and the line that catches it."""


def leaking(expression: str) -> dict[str, bytes]:
    """Make a project whose backend writes what it sees into the wheel."""
    files = tally()
    leak = f"    members['tally/leak.txt'] = repr({expression}).encode()\n".encode()
    files[BACKEND] = b"import time\n" + files[BACKEND].replace(
        METADATA, METADATA + leak
    )
    return files


def run(folder: Path, files: dict[str, bytes], *names: str) -> list[Outcome]:
    revision = commit(folder / "repository", files)
    shop = workshop(folder / "shop")
    plan = plan_of(folder / "repository", revision)
    chosen = choose_variations(names)
    return list(vary(plan, shop, chosen, wait=lambda _: None))


def test_a_careful_project_is_the_same_under_a_few_conditions(tmp_path: Path) -> None:
    found = run(tmp_path, tally(), "V03", "V12", "V20")

    assert [(each.name, each.state) for each in found] == [
        ("V01", "baseline"),
        ("V03", "same"),
        ("V12", "same"),
        ("V20", "same"),
    ]


@pytest.mark.parametrize("name", LEAKS)
def test_what_leaks_into_a_wheel_is_caught(name: str, tmp_path: Path) -> None:
    _, found = run(tmp_path, leaking(LEAKS[name]), name)

    assert found.state == "different"
    assert found.text == "tally-1.0-py3-none-any.whl"


def test_a_difference_is_explained(tmp_path: Path) -> None:
    _, found = run(tmp_path, leaking(LEAKS["V21"]), "V21")
    differences = found.explained[0].comparison.differences

    assert "tally/leak.txt" in {each.entry for each in differences}


def test_a_build_that_fails_under_a_condition_is_no_pass(tmp_path: Path) -> None:
    breaking = leaking("1 // (time.timezone == 0)")
    _, found = run(tmp_path, breaking, "V07")

    assert found.state == "failed"


def test_a_change_that_nobody_can_see_is_no_pass(tmp_path: Path) -> None:
    # No time passes here, so the second build is not of a later time.
    found = run(tmp_path, tally(), "V02")

    assert found[1].state == "unvaried"


def test_a_variation_that_cannot_be_made_is_skipped_and_says_why(
    tmp_path: Path,
) -> None:
    revision = commit(tmp_path / "repository", tally())
    shop = workshop(tmp_path / "shop", level=0)
    plan = plan_of(tmp_path / "repository", revision)
    found = list(vary(plan, shop, choose_variations(("V15",)), wait=lambda _: None))

    assert (found[1].state, found[1].text) == (
        "skipped",
        "expected sandbox level 1: level 0 has one user number",
    )


def test_time_passes_before_the_second_build(tmp_path: Path) -> None:
    waited: list[float] = []
    revision = commit(tmp_path / "repository", tally())
    shop = workshop(tmp_path / "shop")
    plan = plan_of(tmp_path / "repository", revision)
    list(vary(plan, shop, choose_variations(("V02",)), wait=waited.append))

    assert waited == [3.0]


def test_a_baseline_that_cannot_be_built_is_said(tmp_path: Path) -> None:
    with pytest.raises(BuildFailedError):
        run(tmp_path, leaking("1 // 0"))


def test_a_commit_is_varied_by_its_name(tmp_path: Path) -> None:
    commit(tmp_path / "repository", tally(), tag="v1.0")
    shop = workshop(tmp_path / "shop")
    found = vary_commit(
        tmp_path / "repository",
        "v1.0",
        recipe=RECIPE,
        workshop=shop,
        variations=choose_variations(("V03",)),
        wait=lambda _: None,
    )

    assert [each.state for each in found] == ["baseline", "same"]


@pytest.mark.slow
@pytest.mark.parametrize("level", [0, 1])
def test_every_line_that_can_be_drawn_here_is_seen_by_the_build(
    level: Level, tmp_path: Path
) -> None:
    revision = commit(tmp_path / "repository", tally())
    shop = workshop(tmp_path / "shop", level=level)
    plan = plan_of(tmp_path / "repository", revision)
    found = list(vary(plan, shop, VARIATIONS, wait=time.sleep))

    assert {each.state for each in found} <= {"baseline", "same", "skipped"}
    assert sum(each.state == "same" for each in found) >= (20 if os.geteuid() else 21)
