"""A report says all of a comparison, to the byte, and nothing else is read as one."""

import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reproducible.compare.verdict import Cause, Comparison, Difference
from reproducible.explain.report import (
    MAX_BYTES,
    MAX_DIFFERENCES_BYTES,
    MAX_TEXT,
    format_report,
    parse_report,
    report_json,
)
from tests.reproducible.explain.packages import a_file, different, explained, wheel
from updater import jcs
from updater.errors import MalformedError
from updater.transparency.claims.rebuild import Exemption

_DIFFERENT = different(
    Difference("code", "both", "tally/\u202e\x1b.py", "2 lines"),
    Difference("file-set", "published", "tally.pth"),
    causes=(Cause("code", "what the package holds differs: read the lines", 1),),
    warnings=("the two files have different names",),
    stage="git-to-wheel",
)
_IDENTICAL = Comparison(
    verdict="identical", method="sha256", published=a_file(), rebuilt=a_file()
)
_EXCEPTED = Comparison(
    verdict="identical-with-exceptions",
    method="patch-proof/1",
    published=a_file(),
    rebuilt=a_file(sha256="bb"),
    exceptions=(Exemption(field="zip.create", count=2, entry="a", reason="unlisted"),),
)
_UNSUPPORTED = Comparison(
    verdict="unsupported",
    method="sha256",
    published=a_file(),
    rebuilt=None,
    differences=(Difference("reason", "published", "platform-wheel"),),
    reason="platform-wheel",
)
_FAILED = replace(_UNSUPPORTED, verdict="build-failed", reason="timeout")
_ALL = [_DIFFERENT, _IDENTICAL, _EXCEPTED, _UNSUPPORTED, _FAILED]


@pytest.mark.parametrize("comparison", _ALL, ids=lambda each: each.verdict)
def test_a_report_is_read_as_it_was_written(comparison: Comparison) -> None:
    assert parse_report(format_report(comparison)) == comparison


@pytest.mark.parametrize("comparison", _ALL, ids=lambda each: each.verdict)
def test_a_report_that_is_written_again_is_the_same(comparison: Comparison) -> None:
    data = format_report(comparison)

    assert format_report(parse_report(data)) == data


def test_a_report_is_read_with_any_spacing() -> None:
    spaced = json.dumps(report_json(_DIFFERENT), indent=2).encode()

    assert parse_report(spaced) == _DIFFERENT


def _changed(comparison: Comparison, **changes: Any) -> bytes:
    return jcs.write({**report_json(comparison), **changes})


@pytest.mark.parametrize(
    ("comparison", "changes", "sentence"),
    [
        (_DIFFERENT, {"schema": "ringfence-compare/2"}, "schema: expected"),
        (_DIFFERENT, {"verdict": "same"}, "verdict: expected identical or"),
        (_DIFFERENT, {"method": "eyes"}, "method: expected"),
        (_DIFFERENT, {"stage": "git-to-disk"}, "stage: expected"),
        (_DIFFERENT, {"extra": 1}, "'extra' has no place there"),
        (_DIFFERENT, {"differences_total": 1}, "expected 2 to"),
        (_DIFFERENT, {"warnings": [1]}, "warning: expected a string"),
        (_DIFFERENT, {"differences": []}, "do not fit 'different'"),
        (_DIFFERENT, {"verdict": "identical"}, "do not fit 'identical'"),
        (_DIFFERENT, {"verdict": "identical-with-exceptions"}, "do not fit"),
        (_DIFFERENT, {"verdict": "unsupported"}, "do not fit 'unsupported'"),
        (_IDENTICAL, {"verdict": "different"}, "do not fit 'different'"),
        (_IDENTICAL, {"method": "patch-proof/1"}, "do not fit 'identical'"),
        (_IDENTICAL, {"rebuilt": None}, "do not fit 'identical'"),
        (_EXCEPTED, {"method": "sha256"}, "do not fit 'identical-with-exceptions'"),
        (_EXCEPTED, {"exceptions": []}, "do not fit 'identical-with-exceptions'"),
        (_EXCEPTED, {"verdict": "build-failed"}, "do not fit 'build-failed'"),
        (_UNSUPPORTED, {"reason": "No!"}, "reason: 'No!' does not match"),
    ],
    ids=str,
)
def test_a_report_whose_parts_disagree_is_refused(
    comparison: Comparison, changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(MalformedError, match=sentence):
        parse_report(_changed(comparison, **changes))


@pytest.mark.parametrize(
    "difference",
    [
        {"class": "smell", "side": "both", "entry": "a"},
        {"class": "code", "side": "left", "entry": "a"},
        {"class": "code", "side": "both", "entry": "a", "detail": ""},
        {"class": "code", "side": "both"},
        "code",
    ],
    ids=["class", "side", "empty detail", "no entry", "text"],
)
def test_a_difference_of_another_form_is_refused(difference: Any) -> None:
    with pytest.raises(MalformedError):
        parse_report(_changed(_DIFFERENT, differences=[difference, difference]))


def test_an_exception_that_is_no_header_field_is_refused() -> None:
    odd = {"field": "zip.contents", "count": 1, "entry": "a", "reason": "trust me"}

    with pytest.raises(MalformedError, match="field: expected"):
        parse_report(_changed(_EXCEPTED, exceptions=[odd]))


def test_more_differences_than_fit_are_counted() -> None:
    each = Difference("code", "both", "x" * MAX_TEXT)
    count = MAX_DIFFERENCES_BYTES // (6 * MAX_TEXT) + 100
    found = parse_report(format_report(different(*[each] * count)))
    listed = len(found.differences)

    assert found.warnings == (f"{count - listed} more differences were not reported",)


def test_a_report_with_too_many_differences_is_not_too_large() -> None:
    each = Difference("code", "both", "\x1b" * MAX_TEXT)
    report = format_report(different(*[each] * 3_000))

    assert len(report) < MAX_BYTES


def test_a_name_without_bytes_is_written_as_text() -> None:
    name = "wheel\udcff" + "x" * MAX_TEXT
    found = parse_report(format_report(replace(_IDENTICAL, published=a_file(name))))

    assert found.published.name == f"wheel\\udcff{'x' * MAX_TEXT}"[:MAX_TEXT]


def test_the_worked_example_is_what_comes_out() -> None:
    page = Path(__file__).parents[3] / "docs/formats/compare-report.md"
    theirs, ours = (wheel({"tally.py": f"print('{n}')\n"}) for n in ("two", "one"))
    report = format_report(explained(theirs, ours).comparison)
    text = page.read_text()

    assert hashlib.sha256(report).hexdigest() in text
    assert report.decode() in re.sub(r"\n +", "", text)


@given(st.binary(max_size=80) | st.from_regex(r"\{.*\}").map(str.encode))
def test_any_bytes_are_a_report_or_malformed(data: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_report(data)


@given(st.sampled_from(_ALL), st.data())
def test_a_value_of_another_type_is_malformed(
    comparison: Comparison, data: st.DataObject
) -> None:
    said = report_json(comparison)
    key = data.draw(st.sampled_from(sorted(said)))
    value = data.draw(st.sampled_from([True, 1.5, [[]], {"a": 1}, "", -1]))

    with pytest.raises(MalformedError):
        parse_report(json.dumps({**said, key: value}).encode())
