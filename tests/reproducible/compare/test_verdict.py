"""The words of a comparison are those that statements have."""

from typing import get_args

from reproducible.compare.verdict import KINDS, Comparison, Difference, FileId, Kind

A = FileId("a.whl", 1, sha256="a" * 64)
B = FileId("a.whl", 1, sha256="b" * 64)
DIFFERENT = Comparison(
    verdict="different",
    method="sha256",
    published=A,
    rebuilt=B,
    differences=(Difference("code", "both", "a.py"),),
)


def test_every_class_has_its_place_in_the_order() -> None:
    assert get_args(Kind) == KINDS


def test_the_stage_is_said_beside_what_was_found() -> None:
    found = DIFFERENT.at("sdist-to-wheel")

    assert found.stage == "sdist-to-wheel"
    assert (found.verdict, found.differences) == ("different", DIFFERENT.differences)
