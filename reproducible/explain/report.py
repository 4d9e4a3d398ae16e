"""ringfence-compare/1: a comparison for programs.

Format: docs/formats/compare-report.md.
"""

import re
from collections.abc import Sequence
from typing import Final, assert_never, cast

from reproducible.compare.verdict import (
    KINDS,
    Cause,
    Comparison,
    Difference,
    FileId,
    Kind,
    Side,
)
from updater import jcs
from updater.errors import MalformedError
from updater.jcs import Json
from updater.shape import SHA256, integer, items, one_of, record, text
from updater.transparency.claims.rebuild import (
    FIELDS,
    STAGES,
    VERDICTS,
    Exemption,
    Method,
    Stage,
    Verdict,
)

SCHEMA: Final = "ringfence-compare/1"
MAX_BYTES: Final = 64 * 1024 * 1024
"""Of a report. A bundle of 40 wheels with all members changed comes to some 2 MiB."""

MAX_DIFFERENCES_BYTES: Final = 56 * 1024 * 1024
"""Of the differences that are listed; the rest is counted."""
MAX_TEXT: Final = 4_096
"""Characters of a name, detail, cause or warning; longer ones are cut."""
MAX_ITEMS: Final = 1_000
"""Of causes, exceptions and warnings each; there are a few dozen."""

_CODE = re.compile("[a-z][a-z-]{0,31}")
_TEXT = re.compile(f"(?s:.{{0,{MAX_TEXT}}})")
_DETAIL = re.compile(f"(?s:.{{1,{MAX_TEXT}}})")
_SIDES = ("both", "published", "rebuilt")
_METHODS = ("sha256", "patch-proof/1")
_REQUIRED = (
    "schema", "verdict", "method", "published", "rebuilt", "exceptions", "differences",
    "differences_total", "causes", "warnings",
)  # fmt: skip


def format_report(comparison: Comparison) -> bytes:
    """Write a report as RFC 8785.

    All differences are listed, unless they would take more than 56 MiB.
    """
    return jcs.write(report_json(comparison))


def report_json(comparison: Comparison) -> dict[str, Json]:
    """Give a report as a value that has every string within its bounds."""
    rebuilt = comparison.rebuilt
    listed = _listed(comparison.differences)
    said: dict[str, Json] = {
        "schema": SCHEMA,
        "verdict": comparison.verdict,
        "method": comparison.method,
        "published": _file_json(comparison.published),
        "rebuilt": None if rebuilt is None else _file_json(rebuilt),
        "exceptions": [_exemption_json(each) for each in comparison.exceptions],
        "differences": listed,
        "differences_total": len(comparison.differences),
        "causes": [_cause_json(each) for each in comparison.causes[:MAX_ITEMS]],
        "warnings": [_bounded(each) for each in comparison.warnings[:MAX_ITEMS]],
    }
    if comparison.reason is not None:
        said["reason"] = comparison.reason
    if comparison.stage is not None:
        said["stage"] = comparison.stage
    return said


def parse_report(data: bytes) -> Comparison:
    """Read a report, whatever its spacing.

    Where it lists fewer differences than there were, a warning says how many.

    Raises:
        MalformedError: it is none.
    """
    said = record(
        jcs.parse(data, most=MAX_BYTES), "report", _REQUIRED, ("reason", "stage")
    )
    one_of(said["schema"], "schema", SCHEMA)
    listed = items(said["differences"], "differences", most=MAX_BYTES)
    total = integer(said["differences_total"], "differences_total", least=len(listed))
    warnings = [
        text(each, "warning", _TEXT)
        for each in items(said["warnings"], "warnings", most=MAX_ITEMS)
    ]
    if total > len(listed):
        warnings.append(f"{total - len(listed)} more differences were not reported")
    rebuilt = said["rebuilt"]
    found = Comparison(
        # `one_of` has looked at each word before it is cast.
        verdict=cast("Verdict", one_of(said["verdict"], "verdict", *VERDICTS)),
        method=cast("Method", one_of(said["method"], "method", *_METHODS)),
        published=_file(said["published"], "published"),
        rebuilt=None if rebuilt is None else _file(rebuilt, "rebuilt"),
        exceptions=tuple(
            _exemption(each)
            for each in items(said["exceptions"], "exceptions", most=MAX_ITEMS)
        ),
        differences=tuple(map(_difference, listed)),
        causes=tuple(
            _cause(each) for each in items(said["causes"], "causes", most=MAX_ITEMS)
        ),
        warnings=tuple(warnings),
        reason=text(said["reason"], "reason", _CODE) if "reason" in said else None,
        stage=cast("Stage", one_of(said["stage"], "stage", *STAGES))
        if "stage" in said
        else None,
    )
    _check_verdict(found)
    return found


def _check_verdict(found: Comparison) -> None:
    """Hold the parts of a report to its verdict: a page is made of what it says."""
    rebuilt = found.rebuilt
    same = rebuilt is not None and rebuilt.sha256 == found.published.sha256
    parts = bool(found.exceptions), bool(found.differences)
    match found.verdict:
        case "identical":
            fits = same and parts == (False, False) and found.method == "sha256"
        case "identical-with-exceptions":
            fits = rebuilt is not None and not same and parts == (True, False)
            fits = fits and found.method == "patch-proof/1"
        case "different":
            fits = not same and parts == (False, True)
        case "build-failed" | "unsupported":
            fits = rebuilt is None and not found.exceptions
        case _:
            assert_never(found.verdict)
    if not fits:
        raise MalformedError(f"report: its parts do not fit {found.verdict!r}")


def _listed(differences: Sequence[Difference]) -> list[Json]:
    """List differences for as long as they surely fit."""
    found: list[Json] = []
    budget = MAX_DIFFERENCES_BYTES
    for each in differences:
        said: dict[str, Json] = {
            "class": each.kind,
            "side": each.side,
            "entry": _bounded(each.entry),
        }
        if each.detail:
            said["detail"] = _bounded(each.detail)
        # A character takes at most six bytes, written \u0001; the keys take the rest.
        budget -= 100 + 6 * (
            min(len(each.entry), MAX_TEXT) + min(len(each.detail), MAX_TEXT)
        )
        if budget < 0:
            break
        found.append(said)
    return found


def _bounded(written: str) -> str:
    """Cut a text, and make it one that has bytes: names on disk may have none."""
    return written[:MAX_TEXT].encode(errors="backslashreplace").decode()[:MAX_TEXT]


def _file_json(file: FileId) -> Json:
    return {"name": _bounded(file.name), "size": file.size, "sha256": file.sha256}


def _file(value: Json, where: str) -> FileId:
    said = record(value, where, ("name", "size", "sha256"))
    return FileId(
        text(said["name"], f"{where}: name", _TEXT),
        integer(said["size"], f"{where}: size"),
        sha256=text(said["sha256"], f"{where}: sha256", SHA256),
    )


def _exemption_json(exemption: Exemption) -> Json:
    return {
        "field": exemption.field,
        "count": exemption.count,
        "entry": _bounded(exemption.entry),
        "reason": _bounded(exemption.reason),
    }


def _exemption(value: Json) -> Exemption:
    said = record(value, "exception", ("field", "count", "entry", "reason"))
    return Exemption(
        field=one_of(said["field"], "field", *FIELDS),
        count=integer(said["count"], "count", least=1),
        entry=text(said["entry"], "entry", _TEXT),
        reason=text(said["reason"], "reason", _TEXT),
    )


def _difference(value: Json) -> Difference:
    said = record(value, "difference", ("class", "side", "entry"), ("detail",))
    return Difference(
        # `one_of` has looked at each word before it is cast.
        cast("Kind", one_of(said["class"], "class", *KINDS)),
        cast("Side", one_of(said["side"], "side", *_SIDES)),
        text(said["entry"], "entry", _TEXT),
        text(said["detail"], "detail", _DETAIL) if "detail" in said else "",
    )


def _cause_json(cause: Cause) -> Json:
    return {"code": cause.code, "text": _bounded(cause.text), "entries": cause.entries}


def _cause(value: Json) -> Cause:
    said = record(value, "cause", ("code", "text", "entries"))
    return Cause(
        text(said["code"], "code", _CODE),
        text(said["text"], "text", _TEXT),
        integer(said["entries"], "entries"),
    )
