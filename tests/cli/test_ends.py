"""How a call's end becomes an exit code."""

import pytest

from cli.codes import Code
from cli.ends import code_of
from voip.events import End


@pytest.mark.parametrize(
    ("end", "code"),
    [
        (End.HUNG_UP, Code.DONE),
        (End.ANSWERED_ELSEWHERE, Code.DONE),
        (End.DECLINED, Code.REFUSED),
        (End.NO_ANSWER, Code.NO_ANSWER),
        (End.MISSED, Code.NO_ANSWER),
        (End.BUSY, Code.BUSY),
        (End.SECURITY, Code.DISTRUST),
        (End.UNREACHABLE, Code.UNREACHABLE),
        (End.LOST, Code.UNREACHABLE),
    ],
)
def test_an_end_is_a_code(end: End, code: Code) -> None:
    assert code_of(end, is_broken=False) == code


@pytest.mark.parametrize("end", End)
def test_broken_trust_comes_before_every_end(end: End) -> None:
    assert code_of(end, is_broken=True) == Code.DISTRUST


@pytest.mark.parametrize("end", End)
def test_every_end_has_a_code(end: End) -> None:
    assert code_of(end, is_broken=False) in Code
