import contextlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reproducible.compare.verdict import Comparison, FileId
from reproducible.explain.explaining import Explained
from reproducible.pypi.results import StageResult
from reproducible.pypi.stored import Asked, Row, format_row, parse_row, row_of
from tests.reproducible.pypi.test_results import tried
from updater.errors import MalformedError

FILE = FileId("a-1-py3-none-any.whl", 1, sha256="ab" * 32)
SAME = Comparison(
    verdict="identical",
    method="sha256",
    published=FILE,
    rebuilt=FILE,
    stage="sdist-to-wheel",
)
ROW = Row(SAME, "python 3.11", 2, 1500)


def test_what_was_kept_is_read_back() -> None:
    assert parse_row(format_row(ROW)) == ROW


@pytest.mark.parametrize("changed", [b"ringfence-rebuilt/2", b""])
def test_a_row_of_another_form_is_refused(changed: bytes) -> None:
    data = format_row(ROW).replace(b"ringfence-rebuilt/1", changed)

    with pytest.raises(MalformedError):
        parse_row(data)


@given(st.binary())
def test_any_bytes_raise_one_error(data: bytes) -> None:
    with contextlib.suppress(MalformedError):
        parse_row(data)


def test_a_note_is_the_reason_or_the_knobs() -> None:
    assert ROW.note == "python 3.11"
    assert Row(replace(SAME, reason="no-sdist")).note == "no-sdist"


def test_a_row_counts_all_tries() -> None:
    tries = (tried("different", 1), tried("identical"))
    stage = StageResult(
        stage="sdist-to-wheel", explained=tries[1].explained, tries=tries
    )

    assert row_of(stage) == Row(
        tries[1].comparison, "python 3.11, flit-core==3.9.0", 2, 2
    )


def test_what_was_not_tried_has_no_knobs() -> None:
    stage = StageResult(stage="sdist-to-wheel", explained=Explained(SAME))

    assert row_of(stage) == Row(SAME)


ASKED = Asked(
    wheel="a-1-py3-none-any.whl",
    sha256="ab" * 32,
    tool="1",
    index="https://one.example/simple/",
    newest=None,
    pythons=("3.11.7",),
    level=None,
)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("wheel", "b-1-py3-none-any.whl"),
        ("sha256", "cd" * 32),
        ("tool", "2"),
        ("index", "https://other.example/simple/"),
        ("newest", 0),
        ("pythons", ("3.11.8",)),
        ("level", 0),
    ],
)
def test_a_result_answers_no_other_question(field: str, value: object) -> None:
    assert replace(ASKED, **{field: value}).key != ASKED.key  # type: ignore[arg-type]  # any field


def test_a_question_has_one_key() -> None:
    assert replace(ASKED).key == ASKED.key
