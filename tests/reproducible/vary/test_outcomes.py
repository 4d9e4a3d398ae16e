"""An outcome says what was seen before it says what was built."""

from dataclasses import replace

import pytest

from reproducible.vary.outcomes import Observation, Outcome, State, judge, worst
from reproducible.vary.variations import VARIATIONS
from tests.reproducible.vary.seen import USUAL

BASELINE, *_ = VARIATIONS
(UMASK,) = (each for each in VARIATIONS if each.name == "V03")
OTHER = replace(USUAL, umask=0o077)
FILES = {"a.whl": "aa", "a.tar.gz": "bb"}
BEFORE = Observation([USUAL, USUAL], FILES)


def test_a_baseline_is_neither_good_nor_bad() -> None:
    assert judge(BASELINE, BEFORE, BEFORE) == Outcome(
        "V01", "as the recipe says", state="baseline", files=FILES
    )


def test_the_same_bytes_under_another_umask_are_the_same() -> None:
    found = Observation([OTHER, OTHER], FILES)

    assert judge(UMASK, BEFORE, found) == Outcome(
        "V03", "umask 077", state="same", files=FILES
    )


@pytest.mark.parametrize(
    "files",
    [
        FILES | {"a.whl": "cc"},
        {"a.whl": "cc", "a.tar.gz": "bb"},
        {"a.whl": "aa", "b.tar.gz": "bb"},
        {"a.whl": "aa"},
        FILES | {"c": "cc"},
        {},
    ],
    ids=range(6),
)
def test_other_bytes_names_or_files_are_different(files: dict[str, str]) -> None:
    found = judge(UMASK, BEFORE, Observation([OTHER, OTHER], files))

    assert found.state == "different"
    assert found.text


@pytest.mark.parametrize("files", [FILES, {}], ids=["same", "others"])
def test_a_change_that_one_step_did_not_see_is_no_test(files: dict[str, str]) -> None:
    found = judge(UMASK, BEFORE, Observation([OTHER, USUAL], files))

    assert found.state == "unvaried"


def test_a_build_that_saw_nothing_at_all_is_no_test() -> None:
    nothing = Observation([], FILES)

    assert judge(UMASK, nothing, nothing).state == "unvaried"


@pytest.mark.parametrize(
    ("states", "strict", "expected"),
    [
        (["baseline"], False, "same"),
        (["baseline", "same"], True, "same"),
        (["same", "skipped"], False, "same"),
        (["same", "skipped"], True, "skipped"),
        (["different", "same"], False, "different"),
        (["different", "skipped"], False, "different"),
        (["failed", "same"], False, "failed"),
        (["failed", "different"], False, "different"),
        (["different", "unvaried"], False, "unvaried"),
        (["unvaried", "skipped"], True, "skipped"),
    ],
)
def test_the_worst_outcome_counts(
    states: list[State], expected: State, *, strict: bool
) -> None:
    outcomes = [Outcome("V03", "", state=state) for state in states]

    assert worst(outcomes, strict=strict) == expected
