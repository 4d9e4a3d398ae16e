"""The table: each line changes something, and knows how that shows."""

import re
from dataclasses import replace

import pytest

from reproducible.errors import RecipeError
from reproducible.sandbox.levels import Conditions
from reproducible.sandbox.probe import Facts
from reproducible.vary.arrangements import SPACED, Setup
from reproducible.vary.variations import VARIATIONS, choose_variations, together
from tests.io_map import CHECKOUT
from tests.reproducible.vary.seen import MACHINE, USUAL

CONDITIONS = Conditions(epoch=1_750_000_000)
BY_NAME = {each.name: each for each in VARIATIONS}
LATER = replace(USUAL, clock=USUAL.clock + 60)
"""What a second build sees where nothing was changed."""

SHOWN = {
    "V02": LATER,
    "V03": replace(LATER, umask=0o077),
    "V04": replace(LATER, umask=0o002),
    "V05": replace(LATER, modes="x"),
    "V06": replace(LATER, modes="x"),
    "V07": replace(LATER, zone="FAR FAR +1400"),
    "V08": replace(LATER, zone="FAR FAR -1200"),
    "V09": replace(LATER, locale="C ."),
    "V10": replace(LATER, locale="et_EE.utf8 ,"),
    "V11": replace(LATER, seed="2"),
    "V12": replace(LATER, seed="3"),
    "V13": replace(LATER, path=f"/{SPACED}src"),
    "V14": replace(LATER, home="/nowhere", user="somebody"),
    "V15": replace(LATER, uid=5242, gid=5242),
    "V16": replace(LATER, owners="x"),
    "V17": replace(LATER, clock=USUAL.clock + 400 * 86_400),
    "V18": replace(LATER, mtimes="x"),
    "V19": replace(LATER, mtimes="x"),
    "V20": replace(LATER, order="x"),
    "V21": replace(LATER, hostname="elsewhere"),
    "V22": replace(LATER, arch="i686", kernel="2.6.60", cpus=1),
    "V23": replace(LATER, python="3.12.1"),
    "V24": replace(LATER, python="3.11.7"),
    "V25": replace(LATER, files="x"),
    "V26": replace(LATER, zlib="1.2.13.other"),
}


def test_there_are_26_lines_in_order() -> None:
    assert [each.name for each in VARIATIONS] == [f"V{n:02}" for n in range(1, 27)]


@pytest.mark.parametrize("name", SHOWN)
def test_a_change_that_a_build_saw_is_proven(name: str) -> None:
    assert BY_NAME[name].proof(USUAL, SHOWN[name])


@pytest.mark.parametrize("name", SHOWN)
def test_a_change_that_a_build_did_not_see_is_none(name: str) -> None:
    unchanged: Facts = USUAL if name == "V02" else LATER

    assert not BY_NAME[name].proof(USUAL, unchanged)


@pytest.mark.parametrize(
    ("name", "half"),
    [
        ("V02", replace(USUAL, clock=USUAL.clock + 1)),
        ("V13", replace(LATER, path="/tmp/other/src")),
        ("V14", replace(LATER, home="/nowhere")),
        ("V15", replace(LATER, uid=5242)),
        ("V17", replace(USUAL, clock=USUAL.clock + 398 * 86_400)),
        ("V22", replace(LATER, arch="i686")),
    ],
)
def test_half_a_change_is_none(name: str, half: Facts) -> None:
    assert not BY_NAME[name].proof(USUAL, half)


@pytest.mark.parametrize("name", SHOWN)
def test_every_line_is_arranged_on_a_machine_that_has_everything(name: str) -> None:
    assert BY_NAME[name].arrange(CONDITIONS, MACHINE) != Setup(conditions=CONDITIONS)


def test_the_baseline_changes_nothing() -> None:
    baseline = BY_NAME["V01"]

    assert baseline.arrange(CONDITIONS, MACHINE) == Setup(conditions=CONDITIONS)
    assert baseline.proof(USUAL, USUAL)


def test_all_lines_are_chosen_where_none_is_named() -> None:
    assert choose_variations(()) == VARIATIONS


def test_named_lines_come_in_order_and_with_the_baseline() -> None:
    chosen = choose_variations(("V11", "V03", "V11"))

    assert [each.name for each in chosen] == ["V01", "V03", "V11"]


def test_a_line_that_does_not_exist_is_refused() -> None:
    with pytest.raises(RecipeError, match="from V01 to V26, came 'V27'"):
        choose_variations(("V03", "V27"))


def test_lines_that_can_be_drawn_are_drawn_together() -> None:
    machine = replace(MACHINE, is_root=False, others=())
    found = together({"V03", "V05", "V13", "V16", "V18", "V23"}, CONDITIONS, machine)

    assert found.name == "V03+V05+V13+V18"
    assert found.about == (
        "umask 077, source closed to group and others, a long path with spaces,"
        " source of 2001"
    )
    assert found.arrange(CONDITIONS, machine) == Setup(
        conditions=replace(CONDITIONS, umask=0o077, path=f"/{SPACED}src"),
        sources=("private", "2001"),
        below=SPACED,
    )


def test_lines_drawn_together_are_all_proven() -> None:
    found = together({"V02", "V03", "V23"}, CONDITIONS, MACHINE)
    half = replace(LATER, umask=0o077)

    assert found.proof(USUAL, replace(half, python="3.12.1"))
    assert not found.proof(USUAL, half)
    assert found.arrange(CONDITIONS, MACHINE).interpreter == MACHINE.others[0]


def test_the_page_for_users_has_every_line() -> None:
    page = (CHECKOUT / "docs/rebuilding.md").read_text()
    rows = re.findall(r"(?m)^\| (V\d\d) \| (.+?) \|", page)

    assert rows == [(each.name, each.about) for each in VARIATIONS]
