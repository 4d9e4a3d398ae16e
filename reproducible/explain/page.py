"""Comparisons as one static HTML page, with excerpts side by side."""

from collections.abc import Iterator, Sequence
from typing import Final, assert_never

from reproducible.compare.verdict import Cause, Comparison, FileId
from reproducible.explain.excerpt import Excerpt, Row
from reproducible.explain.explaining import Explained
from reproducible.explain.frame import frame, quoted
from reproducible.explain.lines import shared
from reproducible.explain.text import SAID
from updater.transparency.claims.rebuild import Verdict

MOST_ENTRIES: Final = 1_000
"""Rows of differences; nobody scrolls further, and the report has them all."""

_MOST_OPEN = 3  # excerpts that are unfolded at first
_MOST_OF_DIFFOSCOPE = 200_000  # characters

_SIGNS: Final[dict[Verdict, str]] = {
    "identical": "✓",
    "identical-with-exceptions": "≈",
    "different": "✗",
    "build-failed": "○",
    "unsupported": "○",
}


def format_page(explained: Sequence[Explained], *, title: str = "Rebuild") -> bytes:
    """Write a page in UTF-8 with a section for each comparison.

    The result depends on nothing else: no time, no version.
    """
    parts = list(_overview(explained)) if len(explained) > 1 else []
    for number, each in enumerate(explained, 1):
        parts += _section(each, number)
    return frame(title, "".join(f"{part}\n" for part in parts))


def _overview(explained: Sequence[Explained]) -> Iterator[str]:
    """Give a table with a row for each comparison."""
    yield '<table class="facts"><caption>What was compared</caption>'
    yield _head("File", "Step", "Verdict")
    yield "<tbody>"
    for number, each in enumerate(explained, 1):
        comparison = each.comparison
        name = f'<a href="#f{number}">{quoted(comparison.published.name)}</a>'
        stage = comparison.stage or ""
        yield (
            f'<tr><th scope="row">{name}</th><td>{stage}</td>'
            f"<td>{_verdict(comparison)}</td></tr>"
        )
    yield "</tbody></table>"


def _section(explained: Explained, number: int) -> Iterator[str]:
    comparison = explained.comparison
    yield f'<section aria-labelledby="f{number}">'
    yield f'<h2 id="f{number}">{quoted(comparison.published.name)}</h2>'
    stage = f' <span class="dim">{comparison.stage}</span>' if comparison.stage else ""
    meaning = SAID[comparison.verdict]
    yield f"<p>{_verdict(comparison)}: {meaning}.{stage}</p>"
    yield from _files(comparison)
    yield from _list("Likely causes", [_cause(each) for each in comparison.causes])
    yield from _list("Warnings", [quoted(each) for each in comparison.warnings])
    yield from _exceptions(comparison)
    yield from _differences(comparison)
    yield from _excerpts(explained.excerpts)
    yield from _diffoscope(explained.diffoscope)
    yield "</section>"


def _verdict(comparison: Comparison) -> str:
    verdict = comparison.verdict
    reason = f" ({quoted(comparison.reason)})" if comparison.reason else ""
    sign = f'<span aria-hidden="true">{_SIGNS[verdict]}</span>'
    return f'<span class="verdict {verdict}">{sign} {verdict}</span>{reason}'


def _files(comparison: Comparison) -> Iterator[str]:
    """Say what the two files are, to the hash."""
    yield '<table class="facts stack"><caption>The files</caption>'
    yield _head("File", "Name", "Bytes", "SHA-256")
    yield "<tbody>"
    yield _file("Published", comparison.published)
    if comparison.rebuilt is not None:
        yield _file("Rebuilt", comparison.rebuilt)
    yield "</tbody></table>"


def _file(side: str, file: FileId) -> str:
    return (
        f'<tr><th scope="row">{side}</th><td>{quoted(file.name)}</td>'
        f'<td data-name="Bytes">{file.size}</td>'
        f"<td><code>{file.sha256}</code></td></tr>"
    )


def _cause(cause: Cause) -> str:
    count = f' <span class="dim">({cause.entries})</span>' if cause.entries > 1 else ""
    return f"{quoted(cause.text)}{count}"


def _list(title: str, items: Sequence[str]) -> Iterator[str]:
    if items:
        yield f"<h3>{title}</h3>"
        yield "<ul>"
        yield from (f"<li>{item}</li>" for item in items)
        yield "</ul>"


def _exceptions(comparison: Comparison) -> Iterator[str]:
    if not comparison.exceptions:
        return
    yield "<h3>Exceptions</h3>"
    yield (
        "<p>Copied from the published file into the rebuilt one, these header fields"
        " alone gave the published file, bit for bit.</p>"
    )
    yield '<table class="stack"><caption>Header fields that differ</caption>'
    yield _head("Field", "Times", "First in", "Reason")
    yield "<tbody>"
    for each in comparison.exceptions:
        yield (
            f'<tr><th scope="row"><code>{each.field}</code></th>'
            f'<td data-name="Times">{each.count}</td>'
            f'<td data-name="First in"><code>{quoted(each.entry)}</code></td>'
            f'<td data-name="Reason">{quoted(each.reason)}</td></tr>'
        )
    yield "</tbody></table>"


def _differences(comparison: Comparison) -> Iterator[str]:
    if not comparison.differences:
        return
    total = len(comparison.differences)
    shown = comparison.differences[:MOST_ENTRIES]
    left_out = f", of which {len(shown)} are listed" if len(shown) < total else ""
    yield "<h3>Differences</h3>"
    yield f'<table class="stack"><caption>{total} in all{left_out}</caption>'
    yield _head("Class", "Side", "Entry", "Detail")
    yield "<tbody>"
    for each in shown:
        yield (
            f'<tr><th scope="row">{each.kind}</th><td>{each.side}</td>'
            f"<td><code>{quoted(each.entry)}</code></td>"
            f"<td>{quoted(each.detail)}</td></tr>"
        )
    yield "</tbody></table>"


def _excerpts(excerpts: Sequence[Excerpt]) -> Iterator[str]:
    if not excerpts:
        return
    yield "<h3>Excerpts</h3>"
    for number, excerpt in enumerate(excerpts):
        is_open = " open" if number < _MOST_OPEN else ""
        entry = quoted(excerpt.entry)
        yield f"<details{is_open}><summary><code>{entry}</code></summary>"
        yield f'<table class="diff"><caption>Lines of {entry} that differ</caption>'
        yield '<colgroup><col class="number"><col><col class="number"><col></colgroup>'
        yield _head("Line", "Published", "Line", "Rebuilt")
        yield "<tbody>"
        yield from map(_row, excerpt.rows)
        yield "</tbody></table>"
        if excerpt.left_out:
            yield f'<p class="dim">{excerpt.left_out} more lines differ.</p>'
        yield "</details>"


def _row(row: Row) -> str:
    theirs, ours = row.at
    match row.kind:
        case "gap":
            return '<tr class="gap"><td colspan="4">the same on both sides</td></tr>'
        case "same":
            line = quoted(row.published)
            cells = [_cell(theirs, line), _cell(ours, line, "twin")]
        case "published":
            line = f"<del>{quoted(row.published)}</del>"
            cells = [_cell(theirs, line, "out whole"), _NOTHING]
        case "rebuilt":
            line = f"<ins>{quoted(row.rebuilt)}</ins>"
            cells = [_NOTHING, _cell(ours, line, "in whole")]
        case "changed":
            start, end = _odd_part(row.published, row.rebuilt)
            old = _marked(row.published, "del", start, end)
            new = _marked(row.rebuilt, "ins", start, end)
            cells = [_cell(theirs, old, "out"), _cell(ours, new, "in")]
        case _:
            assert_never(row.kind)
    return f"<tr>{''.join(cells)}</tr>"


_NOTHING: Final = '<td class="at none"></td><td class="none"></td>'


def _cell(number: int, line: str, name: str = "") -> str:
    twin = " twin" if name == "twin" else ""
    return (
        f'<td class="at{twin}">{number}</td><td class="{name}"><code>{line}</code></td>'
    )


def _odd_part(theirs: str, ours: str) -> tuple[int, int]:
    """Give how many characters are the same at the start and at the end."""
    start = shared(theirs, ours)
    end = shared(reversed(theirs), reversed(ours))
    return start, min(end, len(theirs) - start, len(ours) - start)


def _marked(line: str, mark: str, start: int, end: int) -> str:
    stop = len(line) - end
    before, odd, after = line[:start], line[start:stop], line[stop:]
    return f"{quoted(before)}<{mark}>{quoted(odd)}</{mark}>{quoted(after)}"


def _head(*names: str) -> str:
    cells = "".join(f'<th scope="col">{name}</th>' for name in names)
    return f"<thead><tr>{cells}</tr></thead>"


def _diffoscope(said: str) -> Iterator[str]:
    if not said:
        return
    lines = said[:_MOST_OF_DIFFOSCOPE].split("\n")
    yield "<h3>What diffoscope says</h3>"
    yield "<details><summary>All of it</summary><pre>"
    yield from map(quoted, lines)
    yield "</pre></details>"
