"""One thing is changed, or it is said what is not there to change it with."""

from dataclasses import replace

import pytest

from reproducible.errors import MissingError
from reproducible.sandbox.levels import Conditions, Level
from reproducible.vary import arrangements
from reproducible.vary.arrangements import Arrange, Machine, Setup
from tests.reproducible.vary.seen import MACHINE, interpreter

USUAL = Conditions(epoch=1_750_000_000, extra=(("A", "b"),))


def test_what_a_build_sees_is_changed() -> None:
    arrange = arrangements.seen(lambda x: replace(x, umask=0))

    assert arrange(USUAL, MACHINE) == Setup(conditions=replace(USUAL, umask=0))


def test_a_source_is_changed_on_disk() -> None:
    found = arrangements.changed("stale")(USUAL, MACHINE)

    assert found == Setup(conditions=USUAL, sources=("stale",))


def test_a_module_is_imported_first() -> None:
    found = arrangements.preloaded("shim")(USUAL, MACHINE)

    assert found == Setup(conditions=replace(USUAL, preload="shim"))


def test_time_passes_before_the_same_is_done_again() -> None:
    found = arrangements.again(USUAL, MACHINE)

    assert found == Setup(conditions=USUAL, wait_s=arrangements.AGAIN_S)


def test_the_first_foreign_locale_is_taken() -> None:
    machine = replace(MACHINE, locales=frozenset({"C", "de_DE.utf8", "tr_TR.utf8"}))
    found = arrangements.foreign_locale(USUAL, machine)

    assert found.conditions.locale == "tr_TR.utf8"


@pytest.mark.parametrize("level", [0, 1])
def test_a_source_lies_far_down_at_every_level(level: Level) -> None:
    machine = replace(MACHINE, level=level)
    found = arrangements.long_path(USUAL, machine)

    assert found.conditions.path.endswith(f"{found.below}src")
    assert " " in found.below


def test_another_user_has_another_number() -> None:
    assert arrangements.other_uid(USUAL, MACHINE).conditions.uid == 5242


def test_a_source_is_given_away() -> None:
    assert arrangements.other_owner(USUAL, MACHINE).sources == ("owned",)


def test_a_clock_is_put_forward_and_the_times_of_files_are_not() -> None:
    found = arrangements.other_clock(USUAL, MACHINE).conditions

    assert found.wrapper == ("/usr/bin/faketime", "-f", "+400d")
    assert found.extra == (("A", "b"), ("NO_FAKE_STAT", "1"))


def test_a_machine_poses_as_an_old_one() -> None:
    found = arrangements.old_machine(USUAL, MACHINE).conditions

    assert found.wrapper == (
        "/usr/bin/setarch", "i686", "--uname-2.6", "/usr/bin/taskset", "-c", "3",
    )  # fmt: skip


@pytest.mark.parametrize(("number", "minor"), [(0, 12), (1, 11)])
def test_other_interpreters_are_taken_in_their_order(number: int, minor: int) -> None:
    found = arrangements.other_python(number)(USUAL, MACHINE)

    assert found.interpreter == interpreter(minor)


@pytest.mark.parametrize(
    ("arrange", "machine", "why"),
    [
        (
            arrangements.foreign_locale,
            replace(MACHINE, locales=frozenset({"C.utf8"})),
            "a locale et_EE.utf8 or",
        ),
        (arrangements.other_uid, replace(MACHINE, level=0), "sandbox level 1"),
        (arrangements.other_owner, replace(MACHINE, is_root=False), "to be root"),
        (
            arrangements.other_clock,
            replace(MACHINE, programs=frozenset()),
            "the program faketime",
        ),
        (
            arrangements.old_machine,
            replace(MACHINE, programs=frozenset({"setarch"})),
            "the program taskset",
        ),
        (arrangements.old_machine, replace(MACHINE, arch="aarch64"), "came aarch64"),
        (
            arrangements.other_python(1),
            replace(MACHINE, others=MACHINE.others[:1]),
            "expected 2 other minor versions of Python, came 1",
        ),
    ],
    ids=range(7),
)
def test_what_is_not_there_is_said(
    arrange: Arrange, machine: Machine, why: str
) -> None:
    with pytest.raises(MissingError, match=why):
        arrange(USUAL, machine)
