"""How a call's end becomes an exit code."""

import re

import pytest

from cli.codes import Code
from cli.ends import code_of
from tests.io_map import CHECKOUT
from voip.events import End

_TABLE = (CHECKOUT / "docs" / "exit-codes.md").read_text()
_ROWS = dict(re.findall(r"(?m)^\| ([a-z, ]+) \| (\d+) \|$", _TABLE))


@pytest.mark.parametrize("end", End)
def test_the_document_says_what_the_program_does(end: End) -> None:
    assert str(int(code_of(end, is_broken=False))) == _ROWS[end.value]


def test_the_document_lists_no_other_end() -> None:
    assert set(_ROWS) == {end.value for end in End}


@pytest.mark.parametrize("end", End)
def test_broken_trust_comes_before_every_end(end: End) -> None:
    assert code_of(end, is_broken=True) == Code.DISTRUST
